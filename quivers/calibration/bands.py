"""The band in which the counts of uniform ranks stay as a whole, exactly.

After Säilynoja, Bürkner and Vehtari 2022, "Graphical test for discrete uniformity and its applications in
goodness-of-fit evaluation and multiple sample comparison", doi:10.1007/s11222-022-10090-6: pointwise
intervals, all of one probability, which is chosen so that the whole walk stays inside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

_HALVINGS = 40


@dataclass(frozen=True, eq=False)
class Band:
    """Bounds for the number of ranks below 1, 2, …, `ranks` − 1, each (place,).

    `replicates` ranks that are uniform on 0, …, `ranks` − 1 keep within all of them with the probability
    `coverage`, the least possible that is no less than was asked for.
    """

    replicates: int
    ranks: int
    low: Counts
    high: Counts
    coverage: float

    def holds(self, ranks: ArrayLike) -> bool:
        """Whether the counts of these ranks stay inside."""
        below = counts_below(ranks, self.ranks)
        return bool(np.all((self.low <= below) & (below <= self.high)))

    def excess(self, ranks: ArrayLike) -> float:
        """How far the counts leave the band at worst, as a share of the replicates; 0 inside."""
        below = counts_below(ranks, self.ranks)
        return float(np.max(np.maximum(self.low - below, below - self.high), initial=0)) / self.replicates


def counts_below(ranks: ArrayLike, count: int) -> Counts:
    """How many ranks are below 1, 2, …, `count` − 1, (place,).

    Raises:
        ValueError: a rank is not a whole number from 0 to `count` − 1.
    """
    values = np.asarray(ranks)
    if values.size and not (np.all(values == np.floor(values)) and 0 <= values.min() <= values.max() < count):
        raise ValueError(f"ranks must be whole numbers from 0 to {count - 1}")
    return np.cumsum(np.bincount(values.astype(np.int64), minlength=count))[:-1]


def p_value(ranks: ArrayLike, count: int) -> float:
    """How often as many uniform ranks on 0, …, `count` − 1 have a count as unlikely as these have at worst.

    The statistic is the least tail probability of all places on either side; its distribution is exact.
    """
    below = counts_below(ranks, count)
    replicates = len(np.asarray(ranks))
    at_most = _at_most(replicates, count)
    places = np.arange(count - 1)
    at_least = 1.0 - np.where(below > 0, at_most[places, below - 1], 0.0)
    least = float(min(at_most[places, below].min(), at_least.min()))
    # Rounding must not take a count that is exactly as unlikely for a likelier one.
    bounds = _between(at_most, least * (1.0 + 1e-9))
    return float(min(max(1.0 - _coverage(replicates, count, *bounds), 0.0), 1.0))


@cache
def simultaneous_band(replicates: int, ranks: int, probability: float) -> Band:
    """The narrowest band of equal pointwise probabilities that holds with at least `probability`.

    The count below i is Binomial(replicates, i / ranks), and the counts are those of a Poisson process at its
    integers, given that it ends at `replicates`; so the probability of staying inside is a chain of sums.

    Raises:
        ValueError: there are no replicates, fewer than two ranks, or the probability is not in (0, 1).
    """
    if replicates < 1 or ranks < 2 or not 0.0 < probability < 1.0:
        raise ValueError("a band takes replicates, at least two ranks, and a probability between 0 and 1")
    at_most = _at_most(replicates, ranks)
    # A tail of 0 holds everything; halve between it and one that is certainly too large.
    tail, narrow = 0.0, 1.0 - probability
    best = _between(at_most, tail)
    for _ in range(_HALVINGS):
        middle = 0.5 * (tail + narrow)
        bounds = _between(at_most, middle)
        if _coverage(replicates, ranks, *bounds) >= probability:
            tail, best = middle, bounds
        else:
            narrow = middle
    return Band(replicates, ranks, *best, _coverage(replicates, ranks, *best))


@cache
def _at_most(replicates: int, ranks: int) -> Array:
    """The probabilities of no more than 0, 1, …, `replicates` ranks below each place, (place, count)."""
    number = np.arange(replicates + 1)
    factorial = _log_factorials(replicates)
    chosen = factorial[-1] - factorial - factorial[::-1]
    share = (np.arange(1, ranks) / ranks)[:, None]
    rows = np.exp(chosen + number * np.log(share) + (replicates - number) * np.log1p(-share))
    return np.asarray(np.minimum(np.cumsum(rows, axis=1), 1.0))


def _log_factorials(greatest: int) -> Array:
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, greatest + 1.0)))])


def _between(at_most: Array, tail: float) -> tuple[Counts, Counts]:
    """For each place the least and the greatest count outside of which lies at most `tail` on either side."""
    low = np.array([np.searchsorted(row, tail, side="right") for row in at_most])
    high = np.array([np.searchsorted(row, 1.0 - tail, side="left") for row in at_most])
    return low.astype(np.int64), np.minimum(high, at_most.shape[1] - 1).astype(np.int64)


def _coverage(replicates: int, ranks: int, low: Counts, high: Counts) -> float:
    """The probability that uniform ranks keep all their counts within the bounds."""
    if np.any(low > high):
        return 0.0
    mean = replicates / ranks
    numbers = np.arange(replicates + 1)
    step = np.exp(numbers * np.log(mean) - mean - _log_factorials(replicates))
    end = np.exp(replicates * np.log(replicates) - replicates - _log_factorials(replicates)[-1])
    inside, first = np.array([1.0]), 0
    for least, most in zip([*low, replicates], [*high, replicates], strict=True):
        reached = np.convolve(inside, step[: most - first + 1])  # counts from `first` on
        inside, first = reached[least - first : most - first + 1], int(least)
        if not inside.size:
            return 0.0
    return float(inside.sum() / end)
