"""Simulation-based calibration: right posteriors are uniform, wrong ones are caught, and runs repeat."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from quivers.backends.kernel import compile as compiling
from quivers.backends.kernel import kernel as kernels
from quivers.calibration import LOG_LIKELIHOOD, Study, UnsuitableError, calibrate, replicate
from quivers.calibration.simulation import BLOCK, Simulated
from quivers.calibration.study import Prepared
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
    made = []
    monkeypatch.setattr(
        kernels, "compile_source", lambda *given: made.append(given) or compiling.compile_source(*given)
    )
    found = calibrate(Study(CONJUGATE, {}, warmup=50, thin=1, extensions=0), 5, threads=2)
    assert found.replicates == 5
    assert found.engine_reason is None
    assert len(made) == 1


def test_simulated_data_are_drawn_at_the_truth() -> None:
    simulation = Prepared(conjugate(exact)).simulation
    pairs = [simulation.at(number) for number in range(400)]
    assert all(isinstance(each, Simulated) for each in pairs)
    truth = np.array([each.truth["mu"] for each in pairs])
    y = np.array([each.inputs["y"] for each in pairs])
    assert truth.mean() == pytest.approx(1.0, abs=4.5 * 2.0 / 20.0)
    assert (y - truth[:, None]).std() == pytest.approx(3.0, abs=4.5 * 3.0 / np.sqrt(2 * y.size))


def test_no_two_replicates_have_the_same_data_within_a_block_or_across() -> None:
    simulation = Prepared(conjugate(exact)).simulation
    truths = {float(simulation.at(number).truth["mu"]) for number in range(3 * BLOCK)}
    assert len(truths) == 3 * BLOCK


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
    with pytest.raises(UnsuitableError, match="improper") as refusal:
        replicate(Study(source, {}), 0)
    assert (refusal.value.code, refusal.value.site) == ("QVR901", "mu")


def test_no_replicates_are_refused() -> None:
    with pytest.raises(QvrError, match="at least one replicate"):
        calibrate(conjugate(exact), 0)


def test_eight_schools_is_calibrated() -> None:
    source = (EXAMPLES / "eight_schools" / "noncentred.qvr").read_bytes()
    data = json.loads((EXAMPLES / "eight_schools" / "noncentred.data.json").read_text())
    found = calibrate(Study(source, data, seed=1), 200, threads=2)
    assert len(list(found.quantities())) == 11
    assert not found.failures(0.999)


def test_the_kernels_ranks_are_the_same_with_one_thread_and_with_two() -> None:
    study = Study(CONJUGATE, {}, seed=3)
    alone, together = calibrate(study, 24, threads=1), calibrate(study, 24, threads=2)
    for name, ranks in alone.ranks.items():
        np.testing.assert_array_equal(together.ranks[name], ranks)
    np.testing.assert_array_equal(together.ess, alone.ess)


def test_torch_ranks_as_the_kernel_does(monkeypatch) -> None:
    # The same points at the same seeds: the density differs by rounding alone, which moves few ranks.
    study = Study(CONJUGATE, {}, seed=3, warmup=100, thin=2, extensions=0)
    by_kernel = calibrate(study, 3)
    monkeypatch.setattr(kernels, "LARGEST", 0)
    by_torch = calibrate(study, 3)
    assert "more than the 0" in by_torch.engine_reason
    assert np.abs(by_torch.ranks["mu"] - by_kernel.ranks["mu"]).max() <= 2


def test_a_replicate_whose_data_can_not_be_is_counted_with_its_reason() -> None:
    source = CONJUGATE.replace(b"program", b"data y : Item * Real [low=0.0]\n\nprogram", 1)
    found = calibrate(Study(source, {}, warmup=50, thin=1, extensions=0), 8)
    assert found.failed
    assert {each.problem.split(":")[0] for each in found.failed} == {"The simulated data do not fit"}
    assert found.replicates + len(found.failed) == 8
    assert len(found.ranks.get("mu", ())) == found.replicates


def test_a_replicate_with_draws_that_are_not_finite_is_counted() -> None:
    def broken(program, data, study, draws, seed):
        return {"mu": np.where(np.arange(draws) == 3, np.inf, exact(program, data, study, draws, seed)["mu"])}

    found = calibrate(conjugate(broken), 2)
    assert [each.problem for each in found.failed] == ["Some draws of mu are not finite."] * 2
    assert found.ranks == {}


def test_divergences_are_counted() -> None:
    source = (EXAMPLES / "eight_schools" / "centred.qvr").read_bytes()
    data = json.loads((EXAMPLES / "eight_schools" / "centred.data.json").read_text())
    found = calibrate(Study(source, data, warmup=100, thin=1, extensions=0), 6)
    assert sum(each.divergences for each in found.fitted) > 0


def test_a_study_that_is_cancelled_has_what_was_done(monkeypatch) -> None:
    cancel = threading.Event()
    done = []

    def tell(each) -> None:
        done.append(each.number)
        if len(done) == 3:
            cancel.set()

    found = calibrate(Study(CONJUGATE, {}), 10_000, progress=tell, threads=2, cancel=cancel)
    assert 3 <= len(found.made) < 10_000
    assert found.asked == 10_000
    assert sorted(done) == [each.number for each in found.made]


def test_a_program_is_found_by_its_name() -> None:
    source = CONJUGATE + b"\nprogram other : Item -> Item\n    sample nu <- Normal(0.0, 1.0)\n"
    source += b"    observe y : Item <- Normal(nu, 1.0)\n    return y\n"
    assert "mu" in Prepared(Study(source, {}, program="conjugate")).axes
    assert "nu" in Prepared(Study(source, {})).axes
    with pytest.raises(QvrError, match="no program `third`"):
        Prepared(Study(source, {}, program="third"))


UNSUITABLE = {
    "a discrete latent": (
        "    sample z <- Bernoulli(0.5)\n    observe y : Item <- Normal(z, 1.0)",
        "QVR702",
        "z",
    ),
    "no observe": ("    sample y : Item <- Normal(0.0, 1.0)", "QVR706", None),
    "no latent": ("    observe y : Item <- Normal(0.0, 1.0)", "QVR706", None),
    "a score": (
        "    sample a <- Normal(0.0, 1.0)\n    score pull = -a\n    observe y : Item <- Normal(a, 1.0)",
        "QVR901",
        "pull",
    ),
    "a series on its past": (
        "    sample a <- Normal(0.0, 1.0)\n    observe y : Item <- Normal(a * sum(y), 1.0)",
        "QVR901",
        "y",
    ),
}


@pytest.mark.parametrize("steps", UNSUITABLE)
def test_a_program_that_can_not_be_calibrated_is_refused_at_its_site(steps: str) -> None:
    body, code, site = UNSUITABLE[steps]
    source = f"object Item : FinSet 5\n\nprogram p : Item -> Item\n{body}\n    return y\n"
    with pytest.raises(UnsuitableError) as refusal:
        Prepared(Study(source.encode(), {}))
    assert (refusal.value.code, refusal.value.site) == (code, site)
    assert str(refusal.value).endswith(".")
