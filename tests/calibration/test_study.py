"""Simulation-based calibration: right posteriors are uniform, wrong ones are caught, and runs repeat."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from quivers.backends.kernel.kernel import kernel
from quivers.calibration import LOG_LIKELIHOOD, Study, calibrate, replicate
from quivers.calibration.study import simulated
from quivers.data import bind
from quivers.dsl import loads
from quivers.errors import QvrError

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

CONJUGATE = b"""
object Item : FinSet 5

program conjugate : Item -> Item
    sample mu <- Normal(1.0, 2.0)
    observe y : Item <- Normal(mu, 3.0)
    let twice = 2.0 * mu + 0.0 * y
    return twice
"""


def exact(program, data, study, draws, seed, *, shift=0.0, scale=1.0):
    """The conjugate posterior's own draws, moved by `shift` and widened by `scale` posterior deviations."""
    precision = 1.0 / 4.0 + 5.0 / 9.0
    mean = (1.0 / 4.0 + np.sum(data["y"]) / 9.0) / precision
    normals = np.random.default_rng(seed).normal(size=draws)
    return {"mu": mean + (shift + scale * normals) / np.sqrt(precision)}


def too_narrow(program, data, study, draws, seed):
    return exact(program, data, study, draws, seed, scale=0.75)


def too_high(program, data, study, draws, seed):
    return exact(program, data, study, draws, seed, shift=0.4)


def the_prior(program, data, study, draws, seed):
    return {"mu": np.random.default_rng(seed).normal(1.0, 2.0, size=draws)}


def conjugate(sampler, seed: int = 5) -> Study:
    return Study(CONJUGATE, {}, seed=seed, thin=1, sampler=sampler)


def test_the_right_posterior_is_uniform() -> None:
    found = calibrate(conjugate(exact), 150)
    assert not found.failures(0.999)
    assert [name for name, _ in found.quantities()] == ["mu", LOG_LIKELIHOOD]


@pytest.mark.parametrize("sampler", [too_narrow, too_high])
def test_a_wrong_posterior_is_caught(sampler) -> None:
    assert "mu" in calibrate(conjugate(sampler), 150).failures(0.999)


def test_the_prior_for_a_posterior_is_seen_by_the_likelihood_alone() -> None:
    assert list(calibrate(conjugate(the_prior), 150).failures(0.999)) == [LOG_LIKELIHOOD]


def test_ranks_do_not_depend_on_who_runs_the_replicates() -> None:
    study = conjugate(exact)
    alone = calibrate(study, 12)
    for workers in (1, 3):
        with ThreadPoolExecutor(workers) as executor:
            together = calibrate(study, 12, executor)
        for name, ranks in alone.ranks.items():
            np.testing.assert_array_equal(together.ranks[name], ranks)


def test_a_replicate_depends_on_seed_and_number_alone() -> None:
    study = conjugate(exact)
    fifth = replicate(study, 5)
    assert fifth.ranks["mu"] == calibrate(study, 6).ranks["mu"][5]
    others = [replicate(conjugate(exact, seed), 5).ranks["mu"].item() for seed in range(4)]
    assert len(set(others)) > 1


def test_one_kernel_serves_all_replicates(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("QVR_CACHE_DIR", str(tmp_path))
    program = loads((EXAMPLES / "eight_schools" / "noncentred.qvr").read_bytes())
    given = json.loads((EXAMPLES / "eight_schools" / "noncentred.data.json").read_text())
    compiled = []
    for seed in range(3):
        bound = bind(program.checked, program.program, simulated(program, given, seed)[1])
        compiled.append(kernel(program.morphism.density, bound.values, bound.sizes).compiled)
    assert compiled == [True, False, False]


def test_simulated_data_are_drawn_at_the_truth() -> None:
    program = loads(CONJUGATE)
    pairs = [simulated(program, {}, seed) for seed in range(400)]
    truth = np.array([latents["mu"] for latents, _ in pairs])
    y = np.array([data["y"] for _, data in pairs])
    assert truth.mean() == pytest.approx(1.0, abs=4.5 * 2.0 / 20.0)
    assert (y - truth[:, None]).std() == pytest.approx(3.0, abs=0.2)


def test_a_posterior_whose_draws_depend_on_one_another_is_drawn_at_greater_length() -> None:
    asked = []

    def sticky(program, data, study, draws, seed):
        asked.append(draws)
        found = exact(program, data, study, draws, seed)
        return {"mu": np.repeat(found["mu"][: draws // 4 + 1], 4)[:draws]}

    found = replicate(Study(CONJUGATE, {}, thin=1, sampler=sticky), 0)
    assert asked[:2] == [99, 198]
    assert found.ess >= 99
    assert 0 <= found.ranks["mu"] <= 99


def test_an_improper_prior_is_refused() -> None:
    source = b"""
object Item : FinSet 5

program improper : Item -> Item
    sample mu <- Flat()
    observe y : Item <- Normal(mu, 3.0)
    let twice = 2.0 * mu + 0.0 * y
    return twice
"""
    with pytest.raises(QvrError, match="improper"):
        replicate(Study(source, {}), 0)


def test_no_replicates_are_refused() -> None:
    with pytest.raises(QvrError, match="at least one replicate"):
        calibrate(conjugate(exact), 0)


def test_eight_schools_is_calibrated() -> None:
    source = (EXAMPLES / "eight_schools" / "noncentred.qvr").read_bytes()
    data = json.loads((EXAMPLES / "eight_schools" / "noncentred.data.json").read_text())
    found = calibrate(Study(source, data, seed=1), 200)
    assert len(list(found.quantities())) == 11
    assert not found.failures(0.999)
