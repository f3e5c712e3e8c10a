"""What the hierarchical-models chapter claims of its runs, and the exercises that it sets."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from quivers.dsl import Program, load
from quivers.inference import ELBO, MCMC, SVI, AutoMultivariateNormal, MCMCResult, NUTSKernel, Predictive

SCHOOLS = Path(__file__).resolve().parent.parent.parent / "examples" / "eight_schools"
# By quadrature over mu and tau, the effects integrated out.
MU, TAU, TAU_SD = 4.44, 3.29, 2.49


def program(form: str) -> Program:
    return load(SCHOOLS / f"{form}.qvr")


def data(form: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((SCHOOLS / f"{form}.data.json").read_text(encoding="utf-8"))
    return read


def run(form: str, target_accept: float, seed: int, **settings: Any) -> MCMCResult:
    kernel = NUTSKernel(target_accept=target_accept, max_tree_depth=10)
    mcmc = MCMC(kernel, num_warmup=1000, num_samples=1000, num_chains=4, seed=seed, **settings)
    return mcmc.run(program(form).morphism, torch.zeros(1, 1), data(form))


@pytest.fixture(scope="module")
def healthy() -> MCMCResult:
    return run("noncentred", 0.95, seed=1, init_strategy="prior")


def test_a_clean_run_of_the_noncentred_form_looks_as_the_chapter_says(healthy: MCMCResult) -> None:
    for site, r_hat in healthy.r_hat.items():
        assert float(r_hat.max()) < 1.01, site
    for site, ess in healthy.ess.items():
        assert float(ess.min()) > 1000, site
    assert healthy.total_divergences == 0
    assert healthy.check() == ()


@pytest.mark.parametrize(("site", "mean"), [("mu", MU), ("tau", TAU)])
def test_its_means_are_those_of_the_posterior(healthy: MCMCResult, site: str, mean: float) -> None:
    error = float(healthy.mcse[site])
    assert abs(float(healthy.samples[site].mean()) - mean) < 4.5 * error + 0.005


def test_a_lower_acceptance_lets_the_centred_form_diverge() -> None:
    """The second exercise: over the same seeds, 0.8 has divergences and 0.95 has fewer."""
    low = [run("centred", 0.8, seed).total_divergences for seed in range(3)]
    high = [run("centred", 0.95, seed).total_divergences for seed in range(3)]
    assert sum(low) > 20
    assert 0 < sum(high) < sum(low)


def test_the_language_automates_what_the_chapter_writes_out() -> None:
    """The centred file, sampled in the form that warm-up chooses: no divergences, and the same posterior."""
    results = [run("centred", 0.95, seed, reparameterize="auto") for seed in range(3)]
    assert [result.total_divergences for result in results] == [0, 0, 0]
    for site, mean in (("mu", MU), ("tau", TAU)):
        error = math.sqrt(sum(float(result.mcse[site]) ** 2 for result in results)) / 3
        found = sum(float(result.samples[site].mean()) for result in results) / 3
        assert abs(found - mean) < 4.5 * error + 0.005, site
    assert list(results[0].samples) == ["mu", "tau", "theta"]
    low = sum(run("centred", 0.8, seed, reparameterize="auto").total_divergences for seed in range(3))
    assert low < 0.1 * sum(run("centred", 0.8, seed).total_divergences for seed in range(3))


def test_a_full_rank_guide_takes_the_funnel_better_than_it_did_at_first() -> None:
    """The first exercise. One normal can't bend with the funnel, and its k̂ says so; its tau stays near the
    posterior's, neither at 0 nor beyond its scale."""
    torch.manual_seed(1)
    model = program("centred").morphism
    guide = AutoMultivariateNormal(model, observed_names={"y", "sigma_j"})
    optimizer = torch.optim.Adam([*model.parameters(), *guide.parameters()], lr=1e-2)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=16))
    svi.run(4000, torch.zeros(1, 1), data("centred"), tolerance=None)
    inputs = {"sigma_j": data("centred")["sigma_j"]}
    tau = Predictive(model, posterior=guide, num_samples=4000)(None, inputs)["tau"]
    assert abs(float(tau.mean()) - TAU) < TAU_SD
    assert svi.pareto_k() > 0.5


def test_varying_intercepts_and_slopes_with_a_correlation_between_them() -> None:
    """The third exercise, against the same model with its effects integrated out by hand."""
    folder = SCHOOLS.parent / "varying_slopes"
    lifted = load(folder / "varying_slopes.qvr")
    given = json.loads((folder / "varying_slopes.data.json").read_text(encoding="utf-8"))
    assert str(lifted.program.types["effect"]) == "Coefficient ⊗ School ⊗ Real"
    kernel = NUTSKernel(target_accept=0.9)
    result = MCMC(kernel, num_warmup=1000, num_samples=3000, num_chains=4, seed=1).run(
        lifted.morphism, None, given
    )
    assert result.total_divergences <= 4
    assert max(float(r_hat.nan_to_num(nan=1.0).max()) for r_hat in result.r_hat.values()) < 1.01
    # Given spreads, correlation and noise, the means are normal by generalised least squares.
    school = np.array(given["school"])
    names = sorted(set(given["school"]))
    x, y = np.array(given["x"]), np.array(given["y"])
    design = np.stack([np.ones_like(x), x], axis=-1)
    expected = []
    thinned = slice(None, None, 20)
    for spread, factor, sigma in zip(
        *(result.samples[name].flatten(0, 1)[thinned].numpy() for name in ("spread", "correlation", "sigma")),
        strict=True,
    ):
        covariance = (spread[:, None] * factor) @ (spread[:, None] * factor).T
        precision, shift = np.eye(2) / 4.0, np.zeros(2)
        for name in names:
            rows = design[school == name]
            marginal = rows @ covariance @ rows.T + sigma**2 * np.eye(len(rows))
            weighted = np.linalg.solve(marginal, rows)
            precision = precision + rows.T @ weighted
            shift = shift + weighted.T @ y[school == name]
        expected.append(np.linalg.solve(precision, shift))
    exact = np.array(expected)
    found = result.samples["mean"].flatten(0, 1).numpy()
    error = np.hypot(result.mcse["mean"].numpy(), exact.std(axis=0) / math.sqrt(len(exact)))
    assert (np.abs(found.mean(axis=0) - exact.mean(axis=0)) < 4.5 * error).all()
