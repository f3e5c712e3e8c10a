"""What a run says of its model: ArviZ groups, leave-one-out, predictive checks, sensitivity to the prior."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import arviz as untyped_arviz
import numpy as np
import pytest
import torch
from scipy import stats

from quivers.dsl import load, loads
from quivers.errors import QvrError
from quivers.inference import MCMC, MCMCResult, NUTSKernel
from quivers.inference.criticism import psis_loo
from quivers.inference.criticism.pointwise import pointwise_log_likelihood
from quivers.inference.criticism.power_scaling import distance, sensitivity
from quivers.inference.criticism.predictive_check import posterior_predictive_check, prior_predictive_check
from quivers.inference.prior_predictive import prior_predictive

# ArviZ has no types.
arviz: Any = untyped_arviz

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

MEAN = """
object Row : FinSet
program mean : Row -> Real
    sample mu <- Normal(0.0, 2.0)
    observe y : Row <- Normal(mu, 1.0)
    return mu
"""
Y = np.array([0.3, 1.9, -0.4, 2.2, 1.1, 0.7])

TWO_SITES = """
object Town : FinSet
object Row : FinSet
data kept : Row -> Bool
program two : Row -> Town
    sample mu <- Normal(0.0, 1.0)
    sample effect : Town <- Normal(mu, 0.5)
    observe y : Row <- Normal(effect[town], 1.0) [where=kept]
    let log_z = log(z)
    observe log_z : Town <- Normal(effect, w)
    return effect
"""
TOWNS: dict[str, Any] = {
    "town": ["Rho", "Pi", "Rho", "Sigma", "Pi"],
    "y": [0.1, math.nan, 0.4, -0.3, 1.0],
    "kept": [True, False, True, True, True],
    "z": [1.0, 2.0, 0.5],
    "w": [1.0, 0.7, 0.8],
}


def run(source: str, data: dict[str, Any], draws: int = 1000, **settings: Any) -> MCMCResult:
    mcmc = MCMC(NUTSKernel(), num_warmup=300, num_samples=draws, num_chains=4, seed=3, **settings)
    return mcmc.run(loads(source).morphism, None, data)


@pytest.fixture(scope="module")
def mean() -> MCMCResult:
    return run(MEAN, {"y": Y})


@pytest.fixture(scope="module")
def towns() -> MCMCResult:
    return run(TWO_SITES, TOWNS, draws=200)


def test_every_group_has_the_objects_as_dimensions_and_the_data_s_names_as_coordinates(
    towns: MCMCResult,
) -> None:
    data = towns.to_arviz(prior=50)
    assert set(data.groups()) == {
        "posterior", "posterior_predictive", "log_likelihood", "sample_stats", "prior", "prior_predictive",
        "observed_data", "constant_data",
    }  # fmt: skip
    assert data.posterior["effect"].dims == ("chain", "draw", "Town")
    assert list(data.posterior["Town"].values) == ["Pi", "Rho", "Sigma"]
    np.testing.assert_array_equal(data.posterior["effect"], towns.samples["effect"])
    assert data.log_likelihood["y"].dims == ("chain", "draw", "Row")
    assert data.posterior_predictive["log_z"].shape == (4, 200, 3)
    assert data.prior["effect"].shape == (1, 50, 3)
    assert data.prior_predictive["y"].shape == (1, 50, 5)
    np.testing.assert_allclose(data.observed_data["log_z"], np.log(TOWNS["z"]))
    np.testing.assert_array_equal(data.constant_data["town"], [1, 0, 1, 2, 0])
    assert int(data.sample_stats["diverging"].sum()) == towns.total_divergences
    np.testing.assert_array_equal(data.sample_stats["n_steps"], towns.statistics["leapfrogs"])
    assert data.posterior.attrs["seed"] == "3"


def test_the_groups_survive_a_file(towns: MCMCResult, tmp_path: Path) -> None:
    written = towns.to_arviz(prior=20)
    written.to_netcdf(str(tmp_path / "run.nc"))
    read = arviz.from_netcdf(str(tmp_path / "run.nc"))
    assert read.groups() == written.groups()
    np.testing.assert_array_equal(read.posterior["effect"], written.posterior["effect"])
    assert list(read.posterior["Town"].values) == ["Pi", "Rho", "Sigma"]


def test_a_second_axis_over_one_object_is_a_dimension_of_its_own() -> None:
    source = """
object Term : FinSet 3
program p : Term -> Term
    sample L : Term * Term <- LKJCholesky(2.0)
    sample z : Term <- Normal(0.0, 1.0)
    let x = L @ z
    observe y : Term <- Normal(x, 1.0)
    return x
"""
    posterior = run(source, {"y": [0.0, 1.0, 2.0]}, draws=50).to_arviz(prior=0, predictive=False).posterior
    assert posterior["L"].dims == ("chain", "draw", "Term", "Term′")
    assert list(posterior["Term′"].values) == [1, 2, 3]


def test_the_log_likelihood_is_the_density_of_each_observation(mean: MCMCResult) -> None:
    (found,) = pointwise_log_likelihood(mean)
    mu = mean.samples["mu"].numpy()
    np.testing.assert_allclose(found.values, stats.norm.logpdf(Y, mu[..., None], 1.0), rtol=1e-12)
    assert found.counted.all()


def test_leaving_one_out_agrees_with_the_exact_predictive_densities(mean: MCMCResult) -> None:
    exact = []
    for left_out in range(len(Y)):
        others = np.delete(Y, left_out)
        precision = 0.25 + len(others)
        exact.append(
            stats.norm.logpdf(Y[left_out], others.sum() / precision, math.sqrt(1.0 + 1.0 / precision))
        )
    found = mean.loo()
    # The standard error of log of a mean of importance ratios, by the delta method.
    ratios = np.exp(-pointwise_log_likelihood(mean)[0].values).reshape(-1, len(Y))
    effective = mean.ess["mu"].item()
    error = ratios.std(axis=0) / ratios.mean(axis=0) / math.sqrt(effective)
    assert (np.abs(found.loo_i.values - exact) < 4.5 * error).all()
    assert list(found.loo_i["observation"].values[:2]) == ["y[1]", "y[2]"]
    assert (found.pareto_k < 0.7).all()
    assert found.elpd_loo == pytest.approx(sum(exact), abs=4.5 * error.sum())
    assert mean.waic().elpd_waic == pytest.approx(sum(exact), abs=0.05)


def test_leaving_a_school_out_agrees_with_arviz_s_own_run_of_the_model() -> None:
    program = load(EXAMPLES / "eight_schools" / "half_cauchy.qvr")
    data = {"sigma": [15, 10, 16, 11, 9, 11, 10, 18], "y": [28, 8, -3, 7, -1, 1, 18, 12]}
    kernel = NUTSKernel(target_accept=0.95)
    ours = MCMC(kernel, num_warmup=1000, num_samples=1000, num_chains=4, seed=1).run(
        program.morphism, None, data
    )
    reference = arviz.load_arviz_data("non_centered_eight")
    with pytest.warns(UserWarning, match="Pareto"):
        theirs = arviz.loo(reference, pointwise=True)
    found = ours.loo()

    def errors(data: Any, log_likelihood: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Each observation's standard error, by the spread of the chains' own estimates."""
        by_chain = [arviz.psislw(-chain.T)[0] for chain in log_likelihood]
        estimates = [
            np.log(np.exp(weights + chain.T).sum(axis=1) / np.exp(weights).sum(axis=1))
            for weights, chain in zip(by_chain, log_likelihood, strict=True)
        ]
        return np.asarray(np.std(estimates, axis=0, ddof=1) / math.sqrt(len(estimates)))

    ours_error = errors(ours, pointwise_log_likelihood(ours)[0].values)
    theirs_error = errors(reference, reference.log_likelihood["obs"].values)
    # Four chains give an error of three degrees of freedom: 9 of it are as rare as 4 of a known one.
    error = np.hypot(ours_error, theirs_error)
    assert (np.abs(found.loo_i.values - theirs.loo_i.values) < 9 * error + 1e-3).all()
    total = math.sqrt(float((error**2).sum()))
    assert abs(found.elpd_loo - theirs.elpd_loo) < 6 * total


def test_rows_left_out_by_where_are_not_observations_to_leave_out(towns: MCMCResult) -> None:
    names = list(towns.loo().loo_i["observation"].values)
    assert names == ["y[1]", "y[3]", "y[4]", "y[5]", "log_z[Pi]", "log_z[Rho]", "log_z[Sigma]"]
    assert towns.loo("log_z").n_data_points == 3
    assert towns.loo("y").elpd_loo + towns.loo("log_z").elpd_loo == pytest.approx(
        towns.loo().elpd_loo, abs=0.02
    )


def test_a_site_that_is_not_observed_can_t_be_left_out(towns: MCMCResult) -> None:
    with pytest.raises(QvrError, match="observes no mu; it observes y, log_z"):
        towns.loo("mu")


def test_a_program_that_observes_nothing_has_nothing_to_criticise() -> None:
    result = run("program p : Real -> Real\n    sample x <- Normal(0.0, 1.0)\n    return x\n", {}, draws=50)
    with pytest.raises(QvrError, match="observes nothing"):
        result.loo()
    with pytest.raises(QvrError, match="observes nothing"):
        result.predictive_check()
    with pytest.raises(QvrError, match="observes nothing"):
        result.power_scaling()
    assert set(result.to_arviz().groups()) == {"posterior", "sample_stats", "prior"}


def test_an_improper_prior_leaves_its_groups_out_and_says_why() -> None:
    source = MEAN.replace("Normal(0.0, 2.0)", "Flat()")
    result = run(source, {"y": Y}, draws=50)
    with pytest.warns(UserWarning, match="improper prior Flat"):
        data = result.to_arviz()
    assert "prior" not in data.groups()
    assert "posterior_predictive" in data.groups()


def test_statistics_of_the_data_stand_beside_those_of_the_predictions(mean: MCMCResult) -> None:
    rows = {row.statistic: row for row in mean.predictive_check()}
    # T = mean: y_rep's mean given the data is N(m, 1/6 + v), with the posterior N(m, v).
    precision = 0.25 + len(Y)
    m, v = Y.sum() / precision, 1.0 / precision
    expected = stats.norm.sf(Y.mean(), m, math.sqrt(1.0 / len(Y) + v))
    assert rows["mean"].observed == pytest.approx(Y.mean())
    assert abs(rows["mean"].p - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 500)
    # sd: 6·s²/1 is chi-squared of 5 degrees, whatever mu.
    expected = stats.chi2.sf(len(Y) * Y.var(), len(Y) - 1)
    assert abs(rows["sd"].p - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 1000)


def test_a_model_that_can_t_give_such_data_is_found() -> None:
    result = run(MEAN, {"y": np.array([-8.0, 9.0, -7.5, 8.5, -9.5, 7.0])}, draws=250)
    row = next(row for row in result.predictive_check() if row.statistic == "sd")
    assert row.p == 0.0


def test_checks_leave_missing_rows_out_of_both_sides(towns: MCMCResult) -> None:
    rows = posterior_predictive_check(towns, {"count": len})
    assert [(row.site, row.observed, row.mean) for row in rows] == [("y", 4, 4), ("log_z", 3, 3)]


def test_a_statistic_that_fails_is_named(mean: MCMCResult) -> None:
    with pytest.raises(QvrError, match="The statistic odd of y fails: "):
        mean.predictive_check({"odd": lambda values: values["no"]})  # type: ignore[call-overload]
    with pytest.raises(QvrError, match="The statistic nan of y is nan"):
        mean.predictive_check({"nan": lambda values: math.nan})


def test_prior_predictions_are_compared_in_the_same_way() -> None:
    draws = prior_predictive(loads(MEAN).morphism, {"y": Y}, draws=2000, seed=1)
    row = next(row for row in prior_predictive_check(draws) if row.statistic == "mean")
    expected = stats.norm.sf(Y.mean(), 0.0, math.sqrt(4.0 + 1.0 / len(Y)))
    assert abs(row.p - expected) < 4.5 * math.sqrt(expected * (1 - expected) / 1000)


def test_the_distance_is_the_integral_that_defines_it() -> None:
    # Draws are a fine grid of N(0, 1); the weights turn it into N(1, 1).
    grid = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    weights = np.exp(grid)
    found = distance(grid[:, None], weights / weights.sum())[0]
    x = np.linspace(-9, 9, 400_001)
    p, q = stats.norm.cdf(x), stats.norm.cdf(x, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.where(p > 0, p * np.log2(2 * p / (p + q)), 0) + np.where(
            q > 0, q * np.log2(2 * q / (p + q)), 0
        )
    within = (x >= grid[0]) & (x <= grid[-1])
    exact = math.sqrt(inside[within].sum() / (p + q)[within].sum())
    assert found == pytest.approx(exact, rel=2e-3)
    assert distance(grid[:, None], np.full(len(grid), 1 / len(grid)))[0] == pytest.approx(0.0, abs=1e-7)
    assert distance(grid[:, None] * 1e6, weights / weights.sum())[0] == pytest.approx(found)


def test_sensitivity_is_that_of_the_posterior_with_its_prior_raised_to_a_power(mean: MCMCResult) -> None:
    draws = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    precision = 0.25 + len(Y)
    mu = Y.sum() / precision + draws / math.sqrt(precision)
    prior = stats.norm.logpdf(mu, 0.0, 2.0)
    likelihood = stats.norm.logpdf(Y[:, None], mu).sum(axis=0)
    exact_prior = sensitivity(mu[:, None], prior)[0]
    exact_likelihood = sensitivity(mu[:, None], likelihood)[0]
    (row,) = mean.power_scaling()
    # Over 4000 draws a slope of this size has a standard error of some per cent of it.
    assert row.prior == pytest.approx(exact_prior, rel=0.2)
    assert row.likelihood == pytest.approx(exact_likelihood, rel=0.2)
    assert row.diagnosis == ""


def test_a_prior_far_from_the_data_conflicts_with_them() -> None:
    result = run(MEAN.replace("Normal(0.0, 2.0)", "Normal(-9.0, 1.0)"), {"y": Y})
    (row,) = result.power_scaling()
    assert row.diagnosis == "prior-data conflict"


def test_the_priors_to_scale_may_be_chosen(towns: MCMCResult) -> None:
    by_default, chosen = towns.power_scaling(), towns.power_scaling(["mu"])
    assert by_default == chosen, "effect hangs on mu, so that mu alone has a prior"
    assert towns.power_scaling(["effect"]) != chosen
    with pytest.raises(QvrError, match="priors has y, which the program does not sample"):
        towns.power_scaling(["y"])


def test_predictions_hang_on_the_seed_alone(mean: MCMCResult) -> None:
    torch.manual_seed(1)
    first = mean.to_arviz(prior=5).posterior_predictive["y"].values
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, mean.to_arviz(prior=5).posterior_predictive["y"].values)
    assert (first != mean.to_arviz(prior=5, seed=9).posterior_predictive["y"].values).any()


def test_leave_one_out_of_many_observations_weighs_fewer_draws(
    mean: MCMCResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = psis_loo.psis_loo(mean)
    monkeypatch.setattr(psis_loo, "MOST_WEIGHED", 2)
    thinned = psis_loo.psis_loo(mean)
    (site,) = pointwise_log_likelihood(mean, 2)
    chains, draws = site.values.shape[:2]
    assert 500 <= chains * draws < mean.divergences.numel() / 2
    np.testing.assert_array_equal(
        site.values, pointwise_log_likelihood(mean)[0].values[:, :: mean.kept // draws]
    )
    # An observation's part has the error sd/√S of the mean of its log likelihoods, to first order; all are at
    # most moved together, and p_loo is the sum of the variances.
    error = math.sqrt(len(whole.pointwise) * whole.effective / (chains * draws))
    assert 0 < abs(thinned.elpd - whole.elpd) < 4 * error
