"""The checks of the sampler can fail: each passes on its source, and fails where one line is changed."""

from dataclasses import replace

import numpy as np
import pytest
from programs import run_source
from python_sampler import compiled_draws, python_draws, python_sampler

from quivers.backends.kernel import kernel
from quivers.inference import convergence
from quivers.inference.machine_code import compiled_chain
from quivers.inference.mass_matrix import FISHER, FOREGROUND, IDENTITY, SCALE, identity_metric
from quivers.inference.random import stream
from quivers.inference.trajectory import LEAPFROGS, MOVING, STATISTICS, workspace
from quivers.ir.constrain import constrain
from quivers.ir.graph import Node

SEAMS = (
    "min(whole_first, whole_last, left_first, left_last, right_first, right_last)",
    "min(whole_first, whole_last)",
)
WEIGHTS = ("weights[top, LOG_WEIGHT] = -error", "weights[top, LOG_WEIGHT] = 0.0")
METRIC = ("if kind == FISHER:\n        if count >= 3.0:", "if kind == FISHER:\n        if count >= 1e9:")


@pytest.fixture(scope="module")
def faithful():
    return python_sampler()


def normal(q, gradient):
    """Standard normal in each coordinate."""
    total = 0.0
    for i in range(len(q)):
        gradient[i] = -q[i]
        total += 0.5 * q[i] * -q[i]
    return total


# ------------------------------------------------------------------- the checks


def check_second_moment(sampler):
    """At a step of 1.5 the unweighted points of trajectories spread 1.5 times too far."""
    positions, _ = python_draws(sampler, normal, np.array([0.3]), step=1.5, count=1500, seed=1)
    squares = positions[None] ** 2
    assert abs(squares.mean() - 1.0) < 4.5 * convergence.mcse_mean(squares)[0]


def check_ends_of_trees(sampler):
    """A sub-tree is given up at the leaf that completes the first part that turns by the definition."""
    rng = np.random.default_rng(2)
    depth = 5
    for _ in range(60):
        step, start, momentum = rng.uniform(0.1, 1.9), rng.normal(size=3), rng.normal(size=3)
        assert leaves_grown(sampler, step, start, momentum, depth) == first_turn(step, start, momentum, depth)


def check_scales(sampler):
    """From draws and gradients, the inverse mass of an independent normal is its variances."""
    variance = np.array([1e-6, 1.0, 1e6])
    metric = identity_metric(FISHER, 3)
    for count, position in enumerate(np.random.default_rng(3).normal(size=(5, 3)) * np.sqrt(variance)):
        rows = np.stack([position, -position / variance])
        sampler.mass_matrix.add_draw(FISHER, metric, rows, 0, 1, FOREGROUND, count + 1.0)
    sampler.mass_matrix.update_metric(FISHER, metric, 5.0)
    np.testing.assert_allclose(metric[SCALE], variance, rtol=1e-12)


def leaves_grown(sampler, step, start, momentum, depth):
    """Leapfrog steps that the sampler takes for a sub-tree of a standard normal."""
    memory, weights = workspace(len(start), depth)
    memory[MOVING : MOVING + 4] = start, momentum, momentum, -start
    statistics = np.zeros((1, len(STATISTICS)))
    sampler.trajectory.grow(
        lambda q, gradient, _: normal(q, gradient), None, IDENTITY, identity_metric(IDENTITY, len(start)),
        memory, weights, step, depth, 0.5 * (start @ start + momentum @ momentum), stream(1, 0), statistics,
        0, np.zeros(1, dtype=np.int64),
    )  # fmt: skip
    return statistics[0, LEAPFROGS]


def first_turn(step, q, p, depth):
    """The same by the definition, on all points at once."""
    momenta = []
    for _ in range(2**depth):
        half = p - 0.5 * step * q
        q = q + step * half
        p = half - 0.5 * step * q
        momenta.append(p)
    momenta = np.array(momenta)
    for leaf in range(1, 2**depth + 1):
        size = 2
        while leaf % size == 0:
            part = momenta[leaf - size : leaf]
            left, right = part[: size // 2], part[size // 2 :]
            stretches = [part, np.concatenate([left, right[:1]]), np.concatenate([left[-1:], right])]
            if any(end @ stretch.sum(axis=0) <= 0 for stretch in stretches for end in stretch[[0, -1]]):
                return leaf
            size *= 2
    return 2**depth


CHECKS = {
    "unweighted tree": (check_second_moment, {"trajectory": WEIGHTS}),
    "no checks across seams": (check_ends_of_trees, {"trajectory": SEAMS}),
    "frozen metric": (check_scales, {"mass_matrix": METRIC}),
}


@pytest.mark.parametrize(("check", "change"), CHECKS.values(), ids=CHECKS)
def test_a_check_passes_on_the_sampler_and_fails_on_a_changed_one(faithful, check, change):
    check(faithful)
    with pytest.raises(AssertionError):
        check(python_sampler(**change))


def test_the_compiled_sampler_does_what_its_source_says(faithful, gaussian):
    """What is found out about the source holds for the machine code."""
    options = {"step": 0.9, "count": 100, "seed": 5}
    start = np.array([0.5, -1.0, 2.0])
    data = np.concatenate([[3], np.eye(3).ravel()])
    positions, statistics = python_draws(faithful, normal, start, **options)
    compiled, recorded = compiled_draws(compiled_chain(), gaussian.address, data, start, **options)
    np.testing.assert_array_equal(statistics[:, LEAPFROGS], recorded[:, LEAPFROGS])
    np.testing.assert_allclose(positions, compiled, rtol=0, atol=1e-9)


CONJUGATE = """
object Row : FinSet

program counts : Row -> Row
    sample rate <- Gamma(2.0, 0.5)
    observe y : Row <- Poisson(rate)
    let each = factor r : Row in rate
    return each
"""


def test_a_jacobian_of_the_wrong_sign_gives_another_posterior(monkeypatch):
    y = [3, 0, 2, 4, 1]

    def check_conjugate():
        rates = run_source(CONJUGATE, {"y": y}).samples["rate"]
        error = (rates.mean() - (2.0 + sum(y)) / (0.5 + len(y))) / convergence.mcse_mean(rates)
        assert abs(error) < 4.5

    check_conjugate()
    monkeypatch.setattr(kernel, "constrain", lambda density: flipped(constrain(density)))
    with pytest.raises(AssertionError):
        check_conjugate()


def flipped(density):
    """The density with the sign of each log Jacobian turned."""
    nodes, terms = list(density.nodes), []
    for term in density.terms:
        if term.kind == "jacobian":
            nodes.append(Node("neg", (term.node,), nodes[term.node].axes))
            term = replace(term, node=len(nodes) - 1)
        terms.append(term)
    return replace(density, nodes=tuple(nodes), terms=tuple(terms))
