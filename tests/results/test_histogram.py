"""Histograms of draws: of heavy tails, whole numbers, constants and what is not finite."""

import numpy as np

from quivers.results import BINS, histogram


def test_a_heavy_tail_does_not_hide_the_rest() -> None:
    found = histogram(np.random.default_rng(0).standard_cauchy(10_000))
    assert found is not None
    assert found.high < 200
    assert 0.98 * 10_000 <= sum(found.counts) <= 10_000


def test_whole_numbers_fall_into_bins_of_as_many_each() -> None:
    few = histogram(np.array([0.0, 0.0, 1.0, 3.0]))
    assert few is not None
    assert few.counts == (2, 1, 0, 1, *[0] * (BINS - 4))
    many = histogram(np.arange(10_000.0))
    assert many is not None
    assert (many.high - many.low) / BINS == np.floor((many.high - many.low) / BINS)
    inner = [count for count in many.counts if count][:-1]
    assert len(set(inner)) == 1


def test_a_constant_has_one_bin_and_what_is_not_finite_none() -> None:
    constant = histogram(np.full((4, 100, 2), 0.1))
    assert constant is not None
    assert sorted(constant.counts)[-1] == sum(constant.counts) == 800
    mixed = histogram(np.array([np.nan, np.inf, 0.1, 0.2]))
    assert mixed is not None
    assert mixed.low >= 0.1
    assert mixed.high <= 0.2
    assert histogram(np.array([np.nan, np.inf])) is None
    assert histogram(np.zeros((4, 10, 0))) is None
