"""Eight schools, non-centred, against its posterior by quadrature; the centred form raises divergences."""

import numpy as np
import pytest

from quivers.inference import convergence
from quivers.inference.chains import run_chains
from quivers.inference.kernels import NUTSKernel
from quivers.inference.trajectory import DIVERGENT

EFFECTS = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERRORS = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def noncentred_density(q, gradient, data):
    mu, tau = q[0], np.exp(q[1])
    total = -0.5 * mu * mu / 25 - 0.5 * tau * tau / 25 + q[1]
    slope_mu = -mu / 25
    slope_tau = 1.0 - tau * tau / 25
    for i in range(8):
        eta = q[2 + i]
        residual = (EFFECTS[i] - mu - tau * eta) / ERRORS[i]
        pull = residual / ERRORS[i]
        total -= 0.5 * eta * eta + 0.5 * residual * residual
        slope_mu += pull
        slope_tau += pull * tau * eta
        gradient[2 + i] = -eta + pull * tau
    gradient[0] = slope_mu
    gradient[1] = slope_tau
    return total


def centred_density(q, gradient, data):
    mu, tau = q[0], np.exp(q[1])
    total = -0.5 * mu * mu / 25 - 0.5 * tau * tau / 25 + q[1]
    slope_mu = -mu / 25
    slope_tau = 1.0 - tau * tau / 25
    for i in range(8):
        z = (q[2 + i] - mu) / tau
        residual = (EFFECTS[i] - q[2 + i]) / ERRORS[i]
        total -= 0.5 * z * z + q[1] + 0.5 * residual * residual
        slope_mu += z / tau
        slope_tau += z * z - 1.0
        gradient[2 + i] = -z / tau + residual / ERRORS[i]
    gradient[0] = slope_mu
    gradient[1] = slope_tau
    return total


def posterior_means():
    """Means of mu, tau, tau² and theta, (11,), with theta integrated out and a grid over the other two."""
    mu = np.linspace(-30, 40, 1401)[:, None]
    tau = (np.arange(3000) + 0.5)[None, :] * 0.012
    log_density = -0.5 * mu**2 / 25 - 0.5 * tau**2 / 25
    for effect, error in zip(EFFECTS, ERRORS, strict=True):
        variance = tau**2 + error**2
        log_density = log_density - 0.5 * np.log(variance) - 0.5 * (effect - mu) ** 2 / variance
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    theta = [
        (weights * (mu + (effect - mu) / (1 + error**2 / tau**2))).sum()
        for effect, error in zip(EFFECTS, ERRORS, strict=True)
    ]
    return np.array([(weights * mu).sum(), (weights * tau).sum(), (weights * tau**2).sum(), *theta])


@pytest.fixture(scope="session")
def noncentred(compile_density):
    return compile_density(noncentred_density)


@pytest.fixture(scope="session")
def centred(compile_density):
    return compile_density(centred_density)


def test_the_quadrature_agrees_with_the_long_run_values():
    mu, tau, square, *theta = posterior_means()
    np.testing.assert_allclose([mu, tau, theta[0]], [4.44, 3.29, 5.94], atol=0.005)
    assert np.sqrt(square - tau**2) == pytest.approx(2.49, abs=0.005)


@pytest.mark.parametrize("mass_matrix", ["diagonal", "dense", "identity"])
def test_the_noncentred_form_finds_the_posterior(noncentred, mass_matrix):
    starts = np.random.default_rng(1).uniform(-2, 2, size=(4, 10))
    kernel = NUTSKernel(target_accept=0.95, mass_matrix=mass_matrix)
    draws = run_chains(noncentred, starts, kernel, num_warmup=1000, num_samples=4000, seed=1)
    mu, tau = draws.positions[..., :1], np.exp(draws.positions[..., 1:2])
    theta = mu + tau * draws.positions[..., 2:]
    quantities = np.concatenate([mu, tau, tau**2, theta], axis=-1)
    assert convergence.r_hat(quantities).max() < 1.01
    assert not draws.statistics[..., DIVERGENT].any()
    errors = (quantities.mean(axis=(0, 1)) - posterior_means()) / convergence.mcse_mean(quantities)
    assert np.abs(errors).max() < 4.5, errors


def test_the_centred_form_diverges(centred):
    starts = np.random.default_rng(1).uniform(-1, 1, size=(4, 10))
    draws = run_chains(centred, starts, NUTSKernel(), num_warmup=1000, num_samples=1000, seed=1)
    assert draws.statistics[..., DIVERGENT].sum() >= 10
