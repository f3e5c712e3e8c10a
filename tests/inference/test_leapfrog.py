"""The integrator is reversible and of second order; momenta and estimates fit the mass matrix."""

import numba
import numpy as np
import pytest
from numba.core import types

from quivers.inference import leapfrog as integrator
from quivers.inference import mass_matrix
from quivers.inference.compiled import DENSITY_TYPE, Address, python_function
from quivers.inference.mass_matrix import DENSE, DIAGONAL, IDENTITY, MATRIX, SCALE, identity_metric
from quivers.inference.random import open_stream, stream

TABLE = types.float64[:, ::1]


@numba.njit(
    types.float64(DENSITY_TYPE, types.float64[::1], types.int64, TABLE, TABLE, types.float64, types.int64)
)
def steps(density, data, kind, metric, memory, step, count):
    log_density = 0.0
    for _ in range(count):
        log_density = integrator.leapfrog(density, data, kind, metric, memory, 0, step)
    return log_density


@numba.njit
def learn_metric(kind, metric, positions):
    row = np.zeros((1, positions.shape[1]))
    for i in range(positions.shape[0]):
        row[0] = positions[i]
        mass_matrix.add_draw(kind, metric, row, 0, i + 1)
    mass_matrix.update_metric(kind, metric, positions.shape[0])


@numba.njit
def draw_momenta(kind, metric, generator, out):
    row = np.zeros((1, out.shape[1]))
    for i in range(out.shape[0]):
        open_stream(generator, i, 0)
        mass_matrix.draw_momentum(kind, metric, generator, row, 0)
        out[i] = row[0]


def metric_of(kind):
    metric = identity_metric(kind, 3)
    if kind != IDENTITY:
        positions = np.random.default_rng(1).normal(size=(50, 3)) @ np.array(
            [[1.0, 0, 0], [0.8, 0.5, 0], [0, 0.3, 2]]
        )
        learn_metric(kind, metric, positions)
    return metric


def inverse_mass(kind, metric):
    return metric[MATRIX : MATRIX + 3] if kind == DENSE else np.diag(metric[SCALE])


def start(density, kind, metric):
    memory = np.zeros((integrator.POINT_ROWS, 3))
    rng = np.random.default_rng(0)
    memory[integrator.POSITION] = rng.normal(size=3)
    memory[integrator.MOMENTUM] = rng.normal(size=3)
    evaluate = python_function(density.address)
    return memory, evaluate(memory[integrator.POSITION], memory[integrator.GRADIENT], np.zeros(0))


@pytest.mark.parametrize("kind", [IDENTITY, DIAGONAL, DENSE])
def test_the_leapfrog_retraces_its_steps(quartic, kind):
    metric = metric_of(kind)
    memory, _ = start(quartic, kind, metric)
    before = memory.copy()
    steps(Address(quartic.address), np.zeros(0), kind, metric, memory, 0.05, 100)
    assert np.abs(memory[integrator.POSITION] - before[integrator.POSITION]).max() > 0.1
    steps(Address(quartic.address), np.zeros(0), kind, metric, memory, -0.05, 100)
    for row in (integrator.POSITION, integrator.MOMENTUM, integrator.GRADIENT):
        np.testing.assert_allclose(memory[row], before[row], rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", [IDENTITY, DIAGONAL, DENSE])
def test_half_the_step_makes_a_quarter_of_the_energy_error(quartic, kind):
    metric = metric_of(kind)

    def largest_error(step, count):
        memory, log_density = start(quartic, kind, metric)
        mass = inverse_mass(kind, metric)
        momentum = memory[integrator.MOMENTUM]
        energy = 0.5 * momentum @ mass @ momentum - log_density
        worst = 0.0
        for _ in range(count):
            log_density = steps(Address(quartic.address), np.zeros(0), kind, metric, memory, step, 1)
            momentum = memory[integrator.MOMENTUM]
            worst = max(worst, abs(0.5 * momentum @ mass @ momentum - log_density - energy))
        return worst

    assert 3.5 < largest_error(0.02, 200) / largest_error(0.01, 400) < 4.5


def test_the_estimate_is_the_shrunk_covariance_of_the_draws():
    positions = np.random.default_rng(2).normal(size=(40, 3)) @ np.array([[1.0, 0, 0], [2, 3, 0], [0, 1, 10]])
    covariance = np.cov(positions.T)
    shrunk = covariance * 40 / 45 + 1e-3 * 5 / 45 * np.eye(3)
    diagonal, dense = identity_metric(DIAGONAL, 3), identity_metric(DENSE, 3)
    for _ in range(2):  # the second time shows that the first draws are forgotten
        learn_metric(DIAGONAL, diagonal, positions)
        learn_metric(DENSE, dense, positions)
    np.testing.assert_allclose(diagonal[SCALE], np.diag(shrunk), rtol=1e-12)
    np.testing.assert_allclose(dense[MATRIX : MATRIX + 3], shrunk, rtol=1e-12)
    factor = dense[MATRIX + 3 : MATRIX + 6]
    np.testing.assert_allclose(factor @ factor.T, shrunk, rtol=1e-12)


@pytest.mark.parametrize("kind", [IDENTITY, DIAGONAL, DENSE])
def test_momenta_have_the_mass_matrix_as_covariance(kind):
    metric = metric_of(kind)
    momenta = np.zeros((40_000, 3))
    draw_momenta(kind, metric, stream(5, 0), momenta)
    mass = np.linalg.inv(inverse_mass(kind, metric))
    deviation = np.sqrt(np.diag(mass))
    correlated = (np.cov(momenta.T) - mass) / np.outer(deviation, deviation)
    assert np.abs(correlated).max() < 4.5 * np.sqrt(2 / len(momenta))
