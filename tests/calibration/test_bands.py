"""The simultaneous band: its coverage is exact, and ranks that are not uniform leave it."""

import numpy as np
import pytest

from quivers.calibration.bands import counts_below, simultaneous_band


def uniform_ranks(seed: int, replicates: int, ranks: int, times: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, ranks, size=(times, replicates))


@pytest.mark.parametrize(
    ("replicates", "ranks", "probability"), [(50, 20, 0.9), (200, 100, 0.95), (7, 4, 0.5)]
)
def test_uniform_ranks_stay_inside_as_often_as_the_band_says(
    replicates: int, ranks: int, probability: float
) -> None:
    band = simultaneous_band(replicates, ranks, probability)
    times = 4000
    inside = np.mean([band.holds(row) for row in uniform_ranks(1, replicates, ranks, times)])
    error = np.sqrt(band.coverage * (1 - band.coverage) / times)
    assert band.coverage >= probability
    assert abs(inside - band.coverage) < 4.5 * error


def test_the_coverage_is_that_of_an_enumeration() -> None:
    band = simultaneous_band(4, 3, 0.6)
    every = np.stack(np.meshgrid(*[range(3)] * 4)).reshape(4, -1).T
    assert np.mean([band.holds(row) for row in every]) == pytest.approx(band.coverage, abs=1e-12)


def test_a_band_of_less_probability_is_no_wider() -> None:
    wide, narrow = simultaneous_band(200, 100, 0.999), simultaneous_band(200, 100, 0.8)
    assert np.all(wide.low <= narrow.low)
    assert np.all(narrow.high <= wide.high)
    assert narrow.coverage < wide.coverage


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((1.3, 1.0), id="truths too low"),
        pytest.param((0.6, 0.6), id="posterior too wide"),
        pytest.param((2.0, 2.0), id="posterior too narrow"),
    ],
)
def test_ranks_of_a_wrong_posterior_leave_the_band(shape: tuple[float, float]) -> None:
    # Ranks among draws of a posterior that is wrong have the density that a beta distribution has.
    generator = np.random.default_rng(3)
    a, b = (1.0 / value for value in shape)
    ranks = np.minimum(np.floor(100 * generator.beta(a, b, size=500)), 99)
    band = simultaneous_band(500, 100, 0.999)
    assert not band.holds(ranks)
    assert band.excess(ranks) > 0.0


def test_counts_are_of_the_ranks_below_each_place() -> None:
    np.testing.assert_array_equal(counts_below([0, 0, 2, 3], 4), [2, 2, 3])


@pytest.mark.parametrize("ranks", [[4], [-1], [0.5]])
def test_what_is_no_rank_is_refused(ranks: list[float]) -> None:
    with pytest.raises(ValueError, match="from 0 to 3"):
        counts_below(ranks, 4)


@pytest.mark.parametrize(("replicates", "ranks", "probability"), [(0, 10, 0.9), (5, 1, 0.9), (5, 10, 1.0)])
def test_a_band_of_nothing_is_refused(replicates: int, ranks: int, probability: float) -> None:
    with pytest.raises(ValueError, match="a band takes"):
        simultaneous_band(replicates, ranks, probability)
