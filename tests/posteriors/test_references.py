"""Our posteriors are those that other software found; those of the examples hold what made their data."""

import importlib.util
import json
import warnings

import numpy as np
import pytest
from references import (
    COLLECTION,
    EXAMPLES,
    FAIL,
    REFERENCES,
    SD_RATIO,
    WARN,
    Reference,
    alarms,
    compared,
    of_collection,
    rows,
    sampled,
    scalar,
)

BY_NAME = {reference.name: reference for reference in REFERENCES}
SIMULATED = {
    **{reference.path.stem: reference for reference in REFERENCES if "eight" not in reference.name},
    **{name: Reference("", f"{name}/{name}", {}) for name in ("hierarchical_logistic", "two_groups")},
}


@pytest.fixture(scope="session")
def simulate():
    spec = importlib.util.spec_from_file_location("simulate", EXAMPLES / "simulate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.skipif(not COLLECTION.is_dir(), reason="the collection of reference posteriors is not here")
@pytest.mark.parametrize("name", BY_NAME)
def test_a_program_finds_the_reference_posterior(name: str) -> None:
    reference = BY_NAME[name]
    run = sampled(reference, of_collection(reference)[0])
    assert not alarms(run, reference.names)
    for row in rows(reference, run):
        assert row.worst < FAIL, row
        assert SD_RATIO[0] < row.sd_ratio < SD_RATIO[1], row
        if row.worst > WARN:
            warnings.warn(f"{name}: {row}", stacklevel=1)


@pytest.mark.parametrize("name", SIMULATED)
def test_an_example_recovers_the_parameters_that_made_its_data(simulate, name: str) -> None:
    reference: Reference = SIMULATED[name]
    truth, _ = simulate.simulated(name)
    data = json.loads((EXAMPLES / name / f"{name}.data.json").read_text(encoding="utf-8"))
    run = sampled(reference, data)
    assert not alarms(run, {site: site for site in truth})
    for site, value in truth.items():
        low, high = np.quantile(run.samples[site], (0.002, 0.998), axis=(0, 1))
        assert np.all((low < value) & (value < high)), f"{site}: {value} outside [{low}, {high}]"


@pytest.mark.parametrize(
    "name",
    sorted(path.parent.name for path in EXAMPLES.glob("*/[!.]*.qvr") if "eight" not in path.parent.name),
)
def test_the_data_of_an_example_are_those_that_its_script_makes(simulate, name: str) -> None:
    kept = (EXAMPLES / name / f"{name}.data.json").read_text(encoding="utf-8")
    assert kept == simulate.text(simulate.simulated(name)[1])


KNOWN = {"mean": 0.0, "sd": 1.0, "mcse": 0.01, "q05": -1.6448536, "q95": 1.6448536}


def test_draws_of_the_reference_itself_agree_with_it() -> None:
    worst = [
        compared(np.random.default_rng(seed).normal(size=(4, 1000)), "x", KNOWN).worst for seed in range(20)
    ]
    assert max(worst) < WARN


@pytest.mark.parametrize(
    ("shift", "scale", "what"), [(0.15, 1.0, "mean"), (0.0, 1.09, "second moment"), (0.0, 0.9, "q95")]
)
def test_draws_that_are_a_little_off_do_not(shift: float, scale: float, what: str) -> None:
    draws = shift + scale * np.random.default_rng(1).normal(size=(4, 4000))
    assert abs(compared(draws, "x", KNOWN).z[what]) > FAIL


def test_every_scalar_of_a_program_is_named(simulate) -> None:
    reference = SIMULATED["blr"]
    run = sampled(reference, dict(simulate.simulated("blr")[1]))
    np.testing.assert_array_equal(scalar(run, "beta[2]"), run.samples["beta"][..., 1])
