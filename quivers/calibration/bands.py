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


@cache
def simultaneous_band(replicates: int, ranks: int, probability: float) -> Band:
    """The narrowest band of equal pointwise probabilities that holds with at least `probability`.

    The count below i is Binomial(replicates, i / ranks), and given it the next one is that plus a binomial
    part of the rest, so the probability of staying inside is a product of matrices.

    Raises:
        ValueError: there are no replicates, fewer than two ranks, or the probability is not in (0, 1).
    """
    if replicates < 1 or ranks < 2 or not 0.0 < probability < 1.0:
        raise ValueError("a band takes replicates, at least two ranks, and a probability between 0 and 1")
    factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, replicates + 1.0)))])
    below = np.stack(
        [np.cumsum(_binomial(factorial, replicates, place / ranks)) for place in range(1, ranks)]
    )
    # A tail of 0 holds everything; halve between it and one that is certainly too large.
    tail, narrow = 0.0, 1.0 - probability
    best = _between(below, tail)
    for _ in range(_HALVINGS):
        middle = 0.5 * (tail + narrow)
        bounds = _between(below, middle)
        if _coverage(factorial, replicates, ranks, *bounds) >= probability:
            tail, best = middle, bounds
        else:
            narrow = middle
    return Band(replicates, ranks, *best, _coverage(factorial, replicates, ranks, *best))


def _binomial(factorial: Array, trials: int, share: float) -> Array:
    """Probabilities of 0, …, `trials` successes, by the logs of factorials."""
    if share >= 1.0:
        return np.concatenate([np.zeros(trials), [1.0]])
    number = np.arange(trials + 1)
    chosen = factorial[trials] - factorial[number] - factorial[trials - number]
    return np.asarray(np.exp(chosen + number * np.log(share) + (trials - number) * np.log1p(-share)))


def _between(below: Array, tail: float) -> tuple[Counts, Counts]:
    """For each place the least and the greatest count outside of which lies at most `tail` on either side."""
    low = np.array([np.searchsorted(row, tail, side="right") for row in below])
    high = np.array([np.searchsorted(row, 1.0 - tail, side="left") for row in below])
    return low.astype(np.int64), np.minimum(high, below.shape[1] - 1).astype(np.int64)


def _coverage(factorial: Array, replicates: int, ranks: int, low: Counts, high: Counts) -> float:
    """The probability that uniform ranks keep all their counts within the bounds."""
    inside = np.array([1.0])
    counts = np.array([0])
    for place in range(ranks - 1):
        share = 1.0 / (ranks - place)
        reached = np.arange(low[place], high[place] + 1)
        steps = reached[None, :] - counts[:, None]
        left = (replicates - counts)[:, None]
        possible = (steps >= 0) & (steps <= left)
        taken = np.where(possible, steps, 0)
        log_step = (
            factorial[left] - factorial[taken] - factorial[left - taken]
            + taken * np.log(share) + (left - taken) * np.log1p(-share)
        )  # fmt: skip
        inside = inside @ np.where(possible, np.exp(log_step), 0.0)
        counts = reached
    return float(inside.sum())
