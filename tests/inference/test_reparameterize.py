"""Sampling in the form that warm-up chooses: fewer divergences, the same posterior, the user's names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from test_eight_schools_posterior import EFFECTS, ERRORS, posterior_means

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import MCMC, MCMCResult, NUTSKernel
from quivers.inference.centring_rule import least_dependent
from quivers.inference.convergence import mcse_mean
from quivers.inference.reparameterize import asked_for

SCHOOLS = """
object School : FinSet 8

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(mu, tau)
    observe y : School <- Normal(theta, sigma)
    return theta

export schools
"""
DATA = {"y": EFFECTS, "sigma": ERRORS}

COUNTIES = """
object County : FinSet
object House : FinSet

data county : House -> County

program radon : House -> County
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(2.0)
    sample sigma <- HalfNormal(2.0)
    sample alpha : County <- Normal(mu, tau)
    observe y : House <- Normal(alpha[county], sigma)
    return alpha

export radon
"""


def run(
    asked: Any, seed: int, target: float = 0.8, source: str = SCHOOLS, data: Any = DATA, **more: Any
) -> MCMCResult:
    settings = {"num_warmup": 1000, "num_samples": 1000, "num_chains": 4, **more}
    sampler = MCMC(NUTSKernel(target_accept=target), seed=seed, reparameterize=asked, **settings)
    return sampler.run(loads(source).morphism, None, data)


def houses(counts: np.ndarray, seed: int) -> dict[str, list[float]]:
    generator = np.random.default_rng(seed)
    county = np.repeat(np.arange(len(counts)), counts)
    y = generator.normal(1.4, 1.0, len(counts))[county] + generator.normal(0.0, 0.75, len(county))
    return {"county": county.tolist(), "y": y.tolist()}


def of_schools(result: MCMCResult) -> np.ndarray:
    mu, tau, theta = (result.samples[name].numpy() for name in ("mu", "tau", "theta"))
    return np.concatenate([mu[..., None], tau[..., None], (tau**2)[..., None], theta], axis=-1)


def test_auto_takes_the_divergences_from_centred_schools_and_gives_their_posterior() -> None:
    expected = posterior_means()
    written = [run(None, seed) for seed in (1, 2, 3)]
    chosen = [run("auto", seed) for seed in (1, 2, 3)]
    assert min(result.total_divergences for result in written) >= 10
    assert sum(result.total_divergences for result in chosen) <= 6
    for result in chosen:
        assert float(result.ess["tau"]) > 1500
        assert result.latents == ("mu", "tau", "theta")
        assert result.samples["theta"].shape == (4, 1000, 8)
        assert max(float(value.max()) for value in result.r_hat.values()) < 1.01
        values = of_schools(result)
        error = np.array([mcse_mean(values[..., place]) for place in range(values.shape[-1])])
        np.testing.assert_array_less(np.abs(values.mean(axis=(0, 1)) - expected), 4.5 * error)


def test_the_centred_form_diverges_less_at_a_higher_acceptance() -> None:
    low = sum(run(None, seed, 0.8).total_divergences for seed in (1, 2, 3))
    high = sum(run(None, seed, 0.95).total_divergences for seed in (1, 2, 3))
    assert low > 3 * high


@pytest.mark.parametrize("asked", ["noncentred", {"theta": 0.3}, {"theta": [0.0, 0.2] * 4}])
def test_every_form_has_the_same_posterior(asked: Any) -> None:
    result = run(asked, seed=4, target=0.99)
    values, expected = of_schools(result), posterior_means()
    error = np.array([mcse_mean(values[..., place]) for place in range(values.shape[-1])])
    np.testing.assert_array_less(np.abs(values.mean(axis=(0, 1)) - expected), 4.5 * error)


def test_strong_groups_are_centred_and_weak_ones_in_the_same_plate_are_not() -> None:
    data = houses(np.r_[np.full(10, 1), np.full(10, 80)], seed=0)
    chosen = run("auto", 1, source=COUNTIES, data=data)
    centred = chosen.reparameterized["alpha"].centred
    assert centred is not None
    assert np.median(centred[:10]) < 0.5 < np.median(centred[10:])
    assert centred[:10].mean() + 0.3 < centred[10:].mean()
    apart = run("noncentred", 1, source=COUNTIES, data=data)

    def rate(result: MCMCResult) -> float:
        least = min(float(value.min()) for value in result.ess.values())
        return least / float(result.statistics["leapfrogs"].sum())

    assert rate(chosen) > 5 * rate(apart)
    assert rate(chosen) > 0.8 * rate(run("centred", 1, source=COUNTIES, data=data))


def test_the_choice_depends_on_the_seed_alone_and_a_continuation_keeps_it() -> None:
    several = run("auto", 5, num_samples=60)
    alone = run("auto", 5, num_samples=60, threads=1)
    assert torch.equal(several.samples["theta"], alone.samples["theta"])
    longer = run("auto", 5, num_samples=100)
    resumed = MCMC(NUTSKernel(), seed=9).resume(several, 40)
    assert torch.equal(longer.samples["theta"], resumed.samples["theta"])
    assert resumed.reparameterized == several.reparameterized
    assert several.warmup_statistics["leapfrogs"].shape == (4, 1000)


def test_torch_samples_the_chosen_form_too() -> None:
    told: list[Any] = []
    sampler = MCMC(
        NUTSKernel(), num_warmup=200, num_samples=20, num_chains=1, seed=1, engine="torch",
        reparameterize="auto",
    )  # fmt: skip
    by_torch = sampler.run(loads(SCHOOLS).morphism, None, DATA, progress=told.append)
    assert by_torch.engine == "torch"
    assert by_torch.reparameterized["theta"].reason == "chosen in warm-up"
    assert {(part.total, part.chains) for part in told} == {(220, 1)}
    done = [part.done for part in told]
    assert done == sorted(done)
    assert done[-1] == 220


def test_the_result_says_what_was_moved_and_why_the_rest_was_not() -> None:
    forms = run({"theta": 0.25}, 1, num_warmup=20, num_samples=5).reparameterized
    assert list(forms) == ["mu", "tau", "theta"]
    assert forms["tau"].centred is None
    assert forms["tau"].reason == "HalfNormal is no family of a location and a scale"
    assert forms["theta"].centred is not None
    assert (forms["theta"].centred == 0.25).all()
    assert run(None, 1, num_warmup=20, num_samples=5).reparameterized == {}
    short = run("auto", 1, num_warmup=20, num_samples=5).reparameterized["theta"]
    assert (short.centred, short.reason) == (
        None, "a warm-up of fewer than 200 draws is too short to choose by",
    )  # fmt: skip


def test_divergences_of_a_centred_latent_name_the_other_form() -> None:
    (sentence,) = (text for text in run(None, 2).check() if "diverged" in text)
    assert sentence.endswith("or let warm-up choose the form of `theta` (reparameterize: auto).")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("never", "reparameterize is .auto., .centred., .noncentred., or a number"),
        (0.3, "reparameterize is .auto., .centred., .noncentred., or a number"),
        ({"tau": 0.3}, "`tau` can't be reparameterised: HalfNormal is no family"),
        ({"eta": 0.3}, "names `eta`, which the program does not sample; it can move `theta`"),
        ({"theta": 1.5}, "λ of `theta` must lie between 0, non-centred, and 1, centred; it is 1.5"),
        ({"theta": [0.1, 0.2]}, r"must be one number or have the shape \(8,\), it has the shape \(2,\)"),
        ({"theta": "half"}, "must be a number or an array of them, it is 'half'"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(asked: Any, sentence: str) -> None:
    with pytest.raises(QvrError, match=sentence):
        run(asked, 1, num_warmup=20, num_samples=5)


def test_a_command_line_names_latents_with_numbers() -> None:
    assert asked_for("auto") == "auto"
    assert asked_for("theta=0.3, a.z=1") == {"theta": 0.3, "a.z": 1.0}
    for text in ("theta", "theta=", "theta=x", "=0.3", ""):
        with pytest.raises(QvrError, match="reparameterize is"):
            asked_for(text)


def test_the_rule_finds_the_share_of_a_normal_model_in_closed_form() -> None:
    generator = np.random.default_rng(6)
    loc = generator.normal(0.0, 2.0, (20_000, 1))
    weight, noise = 0.7, np.sqrt(0.3)  # of data whose precision is 7/3 of the prior's
    y = weight * 1.5 + (1 - weight) * loc + noise * generator.normal(size=(20_000, 1))
    share, centred = least_dependent(y, loc, np.ones_like(y), loc_moves=True, scale_moves=False)
    assert share[0] == pytest.approx(weight, abs=4.5 * noise / (2.0 * np.sqrt(20_000)))
    assert centred[0] == 1.0
