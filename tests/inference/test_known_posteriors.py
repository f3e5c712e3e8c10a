"""Posteriors that are known in closed form come out, within 4.5 Monte Carlo standard errors."""

import numpy as np
import pytest
from programs import run_source
from scipy.special import gammaln
from scipy.stats import beta, binom, gamma, norm

from quivers.inference import HMCKernel, NUTSKernel, convergence
from quivers.inference.chains import run_chains
from quivers.inference.trajectory import ACCEPTANCE, DIVERGENT, ENERGY


def assert_converged(result):
    """What a run must have before its figures count."""
    assert result.check() == ()
    assert result.statistics[..., DIVERGENT].mean() <= 0.001
    assert convergence.e_bfmi(result.statistics[..., ENERGY]).min() >= 0.3


def assert_gate(draws):
    """The same, of chains on the unconstrained space."""
    assert convergence.r_hat(draws.positions).max() < 1.01
    assert convergence.ess_bulk(draws.positions).min() >= 400
    assert convergence.ess_tail(draws.positions).min() >= 400
    assert convergence.e_bfmi(draws.statistics[..., ENERGY]).min() >= 0.3
    assert draws.statistics[..., DIVERGENT].mean() <= 0.001


def assert_means(draws, wanted, errors=4.5):
    found = (draws.mean(axis=(0, 1)) - wanted) / convergence.mcse_mean(draws)
    assert np.abs(found).max() < errors, found


def assert_moments_and_tails(draws, distribution):
    """Mean, second moment, and the probability below the 5 % and the 95 % quantile."""
    assert_means(draws, distribution.mean())
    assert_means(draws**2, distribution.var() + distribution.mean() ** 2)
    for probability in (0.05, 0.95):
        assert_means((draws <= distribution.ppf(probability)).astype(float), probability)


ONE = """
object Row : FinSet

program p : Row -> Row
    sample value <- {prior}
    observe y : Row <- {likelihood}
    let each = factor r : Row in value
    return each
"""
NORMAL_Y = [1.2, -0.4, 3.1, 2.2]
TRIALS_Y = [7, 3, 9, 4, 6]
COUNTS_Y = [3, 0, 2, 4, 1]
CONJUGATE = {
    "normal": ("Normal(0.0, 2.0)", "Normal(value, 1.5)", NORMAL_Y,
               norm(sum(NORMAL_Y) / 1.5**2 / (1 / 4 + 4 / 1.5**2), (1 / 4 + 4 / 1.5**2) ** -0.5)),
    "beta-binomial": ("Beta(2.0, 3.0)", "Binomial(10, value)", TRIALS_Y,
                      beta(2 + sum(TRIALS_Y), 3 + 50 - sum(TRIALS_Y))),
    "gamma-Poisson": ("Gamma(2.0, 0.5)", "Poisson(value)", COUNTS_Y,
                      gamma(2 + sum(COUNTS_Y), scale=1 / (0.5 + 5))),
}  # fmt: skip


@pytest.mark.parametrize(("prior", "likelihood", "y", "posterior"), CONJUGATE.values(), ids=CONJUGATE)
def test_conjugate_posteriors(prior, likelihood, y, posterior):
    result = run_source(ONE.format(prior=prior, likelihood=likelihood), {"y": y})
    assert_converged(result)
    assert_moments_and_tails(result.samples["value"], posterior)


REGRESSION = """
object Row : FinSet

program regression : Row -> Row
    sample alpha <- Flat()
    sample b <- Flat()
    sample sigma <- HalfFlat()
    observe y : Row <- Normal(alpha + b * x, sigma)
    let each = factor r : Row in alpha
    return each
"""


def test_a_regression_with_flat_priors_is_least_squares():
    rng = np.random.default_rng(8)
    x = rng.normal(size=40)
    y = 1.0 - 2.0 * x + 0.7 * rng.normal(size=40)
    design = np.column_stack([np.ones(40), x])
    estimate, (residual,), *_ = np.linalg.lstsq(design, y, rcond=None)
    freedom = 40 - 1 - 1 - 1
    covariance = residual / (freedom - 2) * np.linalg.inv(design.T @ design)
    result = run_source(REGRESSION, {"x": x, "y": y})
    assert_converged(result)
    draws = np.stack([result.samples["alpha"], result.samples["b"]], axis=-1)
    assert_means(draws, estimate)
    assert_means((draws - estimate) ** 2, np.diag(covariance))
    assert_means(np.prod(draws - estimate, axis=-1), covariance[0, 1])
    sigma = np.sqrt(residual / 2) * np.exp(gammaln((freedom - 1) / 2) - gammaln(freedom / 2))
    assert_means(result.samples["sigma"], sigma)


FUNNEL = """
object Row : FinSet 9

program funnel : Row -> Row
    sample v <- Normal(0.0, 3.0)
    sample z : Row <- Normal(0.0, 1.0)
    let x = z * exp(v / 2.0)
    return x
"""


def test_the_funnel_non_centred():
    result = run_source(FUNNEL, {})
    v = result.samples["v"]
    assert_converged(result)
    assert_means(v, 0.0)
    assert_means(v**2, 9.0)
    below = int((v < -6.0).sum())
    wanted = binom(v.size, norm.cdf(-2.0))
    # The draws are worth more or less than independent ones.
    size = max(1.0, v.size / convergence.ess_mean((v < -6.0).astype(float)))
    assert abs(below - wanted.mean()) < 5 * wanted.std() * np.sqrt(size)


def banana_density(q, gradient, data):
    # x ~ Normal(0, 1), y ~ Normal(x², ½)
    off = (q[1] - q[0] * q[0]) * 4.0
    gradient[0] = -q[0] + 2.0 * q[0] * off
    gradient[1] = -off
    return -0.5 * q[0] * q[0] - 0.125 * off * off


def two_modes_density(q, gradient, data):
    # Two normals of sd 1, 20 apart.
    near, far = -0.5 * (q[0] - 10.0) ** 2, -0.5 * (q[0] + 10.0) ** 2
    top = max(near, far)
    total = np.exp(near - top) + np.exp(far - top)
    share = np.exp(near - top) / total
    gradient[0] = -share * (q[0] - 10.0) - (1.0 - share) * (q[0] + 10.0)
    return top + np.log(total)


def test_a_banana(compile_density):
    starts = np.random.default_rng(1).uniform(-2, 2, size=(4, 2))
    draws = run_chains(
        compile_density(banana_density), starts, NUTSKernel(target_accept=0.95), num_warmup=1000,
        num_samples=6000, seed=2,
    )  # fmt: skip
    assert_gate(draws)
    x, y = draws.positions[..., 0], draws.positions[..., 1]
    assert_means(x, 0.0)
    assert_means(x**2, 1.0)
    assert_means(y, 1.0)
    assert_means((y - x**2) ** 2, 0.25)


def test_two_modes_far_apart_are_told(compile_density):
    starts = np.array([[-9.0], [9.0], [-11.0], [11.0]])
    draws = run_chains(
        compile_density(two_modes_density), starts, NUTSKernel(), num_warmup=500, num_samples=500, seed=1
    )
    assert convergence.r_hat(draws.positions)[0] > 1.1


@pytest.mark.parametrize(
    "kernel",
    [
        NUTSKernel(),
        NUTSKernel(adapt_from="draws"),
        NUTSKernel(mass_matrix="dense"),
        NUTSKernel(mass_matrix="low_rank"),
    ],
    ids=["gradients", "draws", "dense", "low rank"],
)
def test_a_correlated_normal_of_fifty_dimensions(gaussian, kernel):
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(50, 50))
    covariance = factor @ factor.T / 50 + 0.1 * np.eye(50)
    data = np.concatenate([[50], np.linalg.inv(covariance).ravel()])
    starts = rng.uniform(-2, 2, size=(4, 50))
    draws = run_chains(gaussian, starts, kernel, num_warmup=1000, num_samples=1000, seed=3, data=data)
    assert_gate(draws)
    assert_means(draws.positions, 0.0, errors=4.0)
    assert_means(draws.positions**2, np.diag(covariance), errors=4.0)
    assert draws.statistics[..., ACCEPTANCE].mean() == pytest.approx(0.9, abs=0.05)


def test_static_trajectories_of_a_set_number_of_steps(gaussian):
    covariance = np.array([[1.0, 0.5], [0.5, 2.0]])
    data = np.concatenate([[2], np.linalg.inv(covariance).ravel()])
    starts = np.random.default_rng(1).uniform(-2, 2, size=(4, 2))
    kernel = HMCKernel(step_size=0.45, num_steps=3, mass_matrix="identity")
    draws = run_chains(gaussian, starts, kernel, num_warmup=100, num_samples=4000, seed=1, data=data)
    assert_gate(draws)
    assert (draws.statistics[..., 3] == 3).all()
    assert (draws.statistics[..., 5] == 0.45).all()
    assert_means(draws.positions, 0.0)
    assert_means(draws.positions**2, np.diag(covariance))
    assert_means(draws.positions[..., 0] * draws.positions[..., 1], 0.5)
