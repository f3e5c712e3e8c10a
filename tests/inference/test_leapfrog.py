"""The integrator is reversible and of second order; momenta and estimates fit the mass matrix."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from quivers.inference import leapfrog as integrator
from quivers.inference.compiled import Table, Words, python_function
from quivers.inference.leapfrog import leapfrog
from quivers.inference.low_rank import update_low_rank
from quivers.inference.machine_code import machine_function
from quivers.inference.mass_matrix import (
    DENSE,
    DIAGONAL,
    FISHER,
    FOREGROUND,
    IDENTITY,
    LOW_RANK,
    MATRIX,
    SCALE,
    add_draw,
    draw_momentum,
    identity_metric,
    switch_moments,
    update_metric,
)
from quivers.inference.random import open_stream, stream

KINDS = [IDENTITY, DIAGONAL, DENSE, FISHER, LOW_RANK]


def some_steps(
    density: int, data: int, kind: int, metric: Table, memory: Table, step: float, count: int
) -> float:
    log_density = 0.0
    for _ in range(count):
        log_density = leapfrog(density, data, kind, metric, memory, 0, step)
    return log_density


def some_draws(kind: int, metric: Table, rows: Table, count: int) -> None:
    for i in range(count):
        add_draw(kind, metric, rows, 2 * i, 2 * i + 1, FOREGROUND, i + 1.0)
    update_metric(kind, metric, float(count))
    switch_moments(kind, metric)


def some_momenta(kind: int, metric: Table, generator: Words, out: Table, count: int) -> None:
    for i in range(count):
        open_stream(generator, i, 0)
        draw_momentum(kind, metric, generator, out, i)


steps = functools.cache(lambda: machine_function(some_steps))
draws = functools.cache(lambda: machine_function(some_draws))
momenta_of = functools.cache(lambda: machine_function(some_momenta))


def learn_metric(kind, metric, positions, gradients):
    rows = np.stack([positions, gradients], axis=1).reshape(-1, positions.shape[1])
    draws()(kind, metric, rows, len(positions))


def metric_of(kind):
    metric = identity_metric(kind, 3)
    if kind != IDENTITY:
        positions = np.random.default_rng(1).normal(size=(50, 3)) @ np.array(
            [[1.0, 0, 0], [0.8, 0.5, 0], [0, 0.3, 2]]
        )
        gradients = -positions @ np.linalg.inv(np.cov(positions.T))
        if kind == LOW_RANK:
            update_low_rank(metric, positions, gradients)
            assert metric[MATRIX, 0] == 2
        else:
            learn_metric(kind, metric, positions, gradients)
    return metric


def inverse_mass(kind, metric):
    """M⁻¹ written out, (n, n)."""
    if kind == DENSE:
        return metric[MATRIX : MATRIX + 3]
    diagonal = np.diag(metric[SCALE])
    if kind != LOW_RANK:
        return diagonal
    rank = int(metric[MATRIX, 0])
    scale = np.sqrt(diagonal)
    directions, scaled = metric[MATRIX + 1 :][:rank], metric[MATRIX + 4 :][:rank]
    return scale @ (np.eye(3) + directions.T @ scaled) @ scale


def start(density, kind, metric):
    memory = np.zeros((integrator.POINT_ROWS, 3))
    rng = np.random.default_rng(0)
    memory[integrator.POSITION] = rng.normal(size=3)
    memory[integrator.MOMENTUM] = rng.normal(size=3)
    evaluate = python_function(density.address)
    return memory, evaluate(memory[integrator.POSITION], memory[integrator.GRADIENT], np.zeros(0))


@pytest.mark.parametrize("kind", KINDS)
def test_the_leapfrog_retraces_its_steps(quartic, kind):
    metric = metric_of(kind)
    memory, _ = start(quartic, kind, metric)
    before = memory.copy()
    steps()(quartic.address, 0, kind, metric, memory, 0.05, 100)
    assert np.abs(memory[integrator.POSITION] - before[integrator.POSITION]).max() > 0.1
    steps()(quartic.address, 0, kind, metric, memory, -0.05, 100)
    for row in (integrator.POSITION, integrator.MOMENTUM, integrator.GRADIENT):
        np.testing.assert_allclose(memory[row], before[row], rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_half_the_step_makes_a_quarter_of_the_energy_error(quartic, kind):
    metric = metric_of(kind)

    def largest_error(step, count):
        memory, log_density = start(quartic, kind, metric)
        mass = inverse_mass(kind, metric)
        momentum = memory[integrator.MOMENTUM]
        energy = 0.5 * momentum @ mass @ momentum - log_density
        worst = 0.0
        for _ in range(count):
            log_density = steps()(quartic.address, 0, kind, metric, memory, step, 1)
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
        learn_metric(DIAGONAL, diagonal, positions, positions)
        learn_metric(DENSE, dense, positions, positions)
    np.testing.assert_allclose(diagonal[SCALE], np.diag(shrunk), rtol=1e-12)
    np.testing.assert_allclose(dense[MATRIX : MATRIX + 3], shrunk, rtol=1e-12)
    factor = dense[MATRIX + 3 : MATRIX + 6]
    np.testing.assert_allclose(factor @ factor.T, shrunk, rtol=1e-12)


def test_from_gradients_three_points_give_an_independent_normal_its_variances():
    variance = np.array([1e-6, 1.0, 1e6])
    positions = np.random.default_rng(3).normal(size=(3, 3)) * np.sqrt(variance)
    metric = identity_metric(FISHER, 3)
    learn_metric(FISHER, metric, positions[:2], -positions[:2] / variance)
    assert (metric[SCALE] == 1).all()  # two points, of which one may be the other unmoved, are too few
    learn_metric(FISHER, metric, positions, -positions / variance)
    np.testing.assert_allclose(metric[SCALE], variance, rtol=1e-12)


def test_a_scale_that_is_no_number_leaves_the_one_before():
    metric = identity_metric(FISHER, 3)
    positions = np.array([[1.0, 2.0, 0.0], [1.0, 3.0, 1.0], [1.0, 4.0, 5.0]])
    learn_metric(FISHER, metric, positions, np.array([[0.0, 1.0, 2.0]] * 3))
    np.testing.assert_array_equal(metric[SCALE], [1, 1, 1])
    update_low_rank(low := identity_metric(LOW_RANK, 3), positions, np.full((3, 3), np.nan))
    np.testing.assert_array_equal(low[SCALE], [1, 1, 1])
    assert low[MATRIX, 0] == 0


def test_a_low_rank_matrix_is_the_covariance_of_a_normal_with_few_strong_directions():
    """Fewer draws than coordinates: the strong direction lies in their span, the rest is the diagonal's."""
    rng = np.random.default_rng(4)
    n = 60
    direction = rng.normal(size=n)
    direction /= np.linalg.norm(direction)
    covariance = np.eye(n) + 400 * np.outer(direction, direction)
    draws = rng.multivariate_normal(np.zeros(n), covariance, size=40)
    metric = identity_metric(LOW_RANK, n)
    update_low_rank(metric, draws, -draws @ np.linalg.inv(covariance))
    rank = int(metric[MATRIX, 0])
    assert 1 <= rank <= n
    basis = metric[MATRIX + 1 : MATRIX + 1 + rank]
    np.testing.assert_allclose(basis @ basis.T, np.eye(rank), atol=1e-10)
    scale = np.diag(np.sqrt(metric[SCALE]))
    scaled = metric[MATRIX + 1 + n : MATRIX + 1 + n + rank]
    inverse = scale @ (np.eye(n) + basis.T @ scaled) @ scale
    assert 401 / 2 < direction @ inverse @ direction < 401 * 2

    def condition(matrix):
        values = np.linalg.eigvals(np.linalg.solve(matrix, covariance)).real
        return values.max() / values.min()

    # The diagonal alone can't see the direction.
    assert condition(inverse) < condition(np.diag(np.diag(covariance))) / 5


@pytest.mark.parametrize("kind", KINDS)
def test_momenta_have_the_mass_matrix_as_covariance(kind):
    metric = metric_of(kind)
    momenta = np.zeros((40_000, 3))
    momenta_of()(kind, metric, stream(5, 0), momenta, len(momenta))
    mass = np.linalg.inv(inverse_mass(kind, metric))
    deviation = np.sqrt(np.diag(mass))
    correlated = (np.cov(momenta.T) - mass) / np.outer(deviation, deviation)
    assert np.abs(correlated).max() < 4.5 * np.sqrt(2 / len(momenta))
