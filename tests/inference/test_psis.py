"""k̂ of importance weights: ArviZ's to rounding, right on tails of known shape, and defined at the edges."""

import math

import arviz
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.errors import QvrError
from quivers.inference.psis import pareto_k, smoothed, smoothed_rows

TAILS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "heavy": lambda rng, size: rng.standard_t(2, size=size),
    "exponential": lambda rng, size: rng.exponential(size=size),
    "bounded": lambda rng, size: -rng.exponential(size=size),
}


@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")  # in ArviZ
def test_it_is_arvizs(tail):
    rng = np.random.default_rng(0)
    for scale in (1e-3, 0.1, 1.0, 3.0, 30.0, 1000.0):
        for size in (25, 30, 100, 1000, 4000):
            log_weights = scale * TAILS[tail](rng, size)
            theirs = float(arviz.psislw(log_weights.copy())[1])
            assert pareto_k(log_weights) == pytest.approx(theirs, abs=1e-8), (scale, size)


@pytest.mark.parametrize("shape", [-0.5, 0.2, 0.5, 0.9, 1.5])
def test_it_finds_the_shape_of_a_pareto_tail(shape):
    # The quantiles themselves in place of draws, so that what is left is the estimator's own bias.
    upper = (np.arange(100_000) + 0.5) / 100_000
    weights = 1.0 + np.expm1(-shape * np.log1p(-upper)) / shape
    assert pareto_k(np.log(weights)) == pytest.approx(shape, abs=0.05)


@settings(deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    size=st.integers(25, 500),
    scale=st.floats(0.01, 10.0),
    shift=st.floats(-1e3, 1e3),
)
def test_neither_order_nor_normalisation_matters(seed, size, scale, shift):
    log_weights = scale * np.random.default_rng(seed).normal(size=size)
    k = pareto_k(log_weights)
    assert pareto_k(log_weights[::-1] + shift) == pytest.approx(k, abs=1e-6)


def test_weights_that_are_all_equal_have_no_tail():
    assert pareto_k(np.full(100, -3.0)) == -math.inf
    assert pareto_k(np.random.default_rng(0).normal(size=100) * 1e-12 - 1000.0) == -math.inf


def test_a_few_weights_that_are_all_that_matter_are_the_worst_tail():
    few = np.full(1000, -1000.0)
    few[:3] = 0.0
    assert pareto_k(few) == math.inf
    assert pareto_k(np.full(100, -np.inf)) == math.inf
    assert pareto_k(np.r_[np.zeros(99), np.inf]) == math.inf


def test_what_is_not_a_number_weighs_nothing():
    log_weights = np.random.default_rng(0).normal(size=200)
    impossible, undefined = log_weights.copy(), log_weights.copy()
    impossible[:20], undefined[:20] = -np.inf, np.nan
    assert pareto_k(undefined) == pareto_k(impossible) != pareto_k(log_weights)


@pytest.mark.parametrize("length", [5, 36, 100, 121])
def test_a_tail_of_equal_weights_is_bounded(length):
    # With 100 of them one point of the grid is exactly 0, where the tail is exponential.
    assert -20 < pareto_k(np.r_[np.full(4000, -1.0), np.zeros(length)]) < 0.3


def test_too_few_weights_are_told_in_a_sentence():
    with pytest.raises(QvrError, match=r"needs at least 25 weights along one axis.*shape \(24,\)"):
        pareto_k(np.zeros(24))
    with pytest.raises(QvrError, match=r"shape \(30, 2\)"):
        pareto_k(np.zeros((30, 2)))


def test_many_rows_at_once_are_smoothed_as_each_by_itself():
    rng = np.random.default_rng(12)
    draws = 120
    rows = np.array(
        [
            rng.normal(size=draws),
            5.0 * rng.standard_t(2, size=draws),
            np.round(rng.normal(size=draws)),  # ties at the cutoff
            np.zeros(draws),
            np.r_[np.zeros(draws - 3), 100.0, 200.0, 300.0],
            np.full(draws, -np.inf),
            np.where(rng.random(draws) < 0.2, np.nan, rng.normal(size=draws)),
            np.r_[np.zeros(draws - 1), np.inf],
        ]
    )
    weights, shapes = smoothed_rows(rows)
    for row, found, shape in zip(rows, weights, shapes, strict=True):
        alone, k = smoothed(row)
        np.testing.assert_array_equal(found, alone)
        assert shape == k == pareto_k(row)
