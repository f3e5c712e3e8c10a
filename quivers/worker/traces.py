"""Traces of single numbers, chain by chain: the draws of the last runs are kept for them, within a bound.

Kept are single precision and whole runs, the oldest of which go first. A run that is too large for the bound
alone is thinned to fit; one that would have fewer than twenty draws of a chain left is not kept.
"""

from __future__ import annotations

import collections
import math
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.worker.messages import GONE, NoDrawsError

MOST_BYTES = 64 * 2**20
# Of the worker's own limit, kept draws take no more than this.
LARGEST_SHARE = 1 / 16
MOST_RUNS = 32
FEWEST_DRAWS = 20
MOST_POINTS = 250
DIGITS = 5

TOO_LARGE = "This run has too many numbers for its draws to be kept: there is no trace of it."


@dataclass(frozen=True, slots=True)
class Kept:
    """A run's draws, each (chain, draw, *axes), of which every `every`-th is here, and which diverged."""

    samples: Mapping[str, NDArray[np.float32]]
    diverged: NDArray[np.bool_]
    every: int
    bytes: int


class Traces:
    """The draws of the last runs, by their keys; asked for from any thread. `limit` is the worker's own."""

    def __init__(self, limit: int | None = None) -> None:
        self._most = MOST_BYTES if limit is None else min(MOST_BYTES, int(limit * LARGEST_SHARE))
        self._runs: collections.OrderedDict[str, Kept | None] = collections.OrderedDict()
        self._lock = threading.Lock()

    @property
    def bytes(self) -> int:
        """What all the kept draws take."""
        return sum(kept.bytes for kept in self._runs.values() if kept is not None)

    def __contains__(self, key: str) -> bool:
        with self._lock:
            return key in self._runs

    def keep(self, key: str, samples: Mapping[str, NDArray[np.float64]], diverged: NDArray[np.bool_]) -> None:
        """Keep a run's draws, (chain, draw, *axes), and which of them diverged, (chain, draw)."""
        chains, draws = diverged.shape
        row = 4 * sum(math.prod(values.shape[2:]) for values in samples.values())
        every = max(1, math.ceil(row * chains * draws / max(1, self._most)))
        kept = None
        if draws // every >= min(draws, FEWEST_DRAWS):
            thinned = {name: values[:, ::every].astype(np.float32) for name, values in samples.items()}
            kept = Kept(thinned, diverged.copy(), every, sum(values.nbytes for values in thinned.values()))
        with self._lock:
            self._runs[key] = kept
            while len(self._runs) > 1 and (len(self._runs) > MOST_RUNS or self.bytes > self._most):
                self._runs.popitem(last=False)

    def trace(self, key: str, site: str, index: Sequence[int]) -> dict[str, Any]:
        """The trace of one number; raises NoDrawsError where its run is not kept or has no such number."""
        with self._lock:
            if key not in self._runs:
                raise NoDrawsError(GONE)
            kept = self._runs[key]
        if kept is None:
            raise NoDrawsError(TOO_LARGE)
        values = kept.samples.get(site)
        if values is None or not _has(values.shape[2:], index):
            raise NoDrawsError(f"The run has no {site} with these subscripts.")
        place: tuple[Any, ...] = (slice(None), slice(None), *index)
        drawn = np.asarray(values[place], dtype=np.float64)
        return trace(list(drawn), [np.flatnonzero(chain) for chain in kept.diverged], kept.every)


def trace(
    draws: Sequence[NDArray[np.float64]], diverged: Sequence[NDArray[np.intp]], every: int
) -> dict[str, Any]:
    """What is told of one number's draws, one array a chain, of which each is the `every`-th that was made.

    Points are thinned to 250 a chain, as are the numbers of the draws that diverged; histograms are of all.
    """
    length = max((len(chain) for chain in draws), default=0)
    step = max(1, -(-length // MOST_POINTS))
    return {
        "draws": length * every if every > 1 else length,
        "every": every * step,
        "chains": [[_short(value) for value in chain[::step].tolist()] for chain in draws],
        "divergences": [_few(each) for each in diverged],
        "divergent": [len(each) for each in diverged],
        "histogram": _histograms(draws),
    }


def _histograms(draws: Sequence[NDArray[np.float64]]) -> dict[str, Any] | None:
    """Counts of each chain, in the bins that all draws have together; null where there are none."""
    from quivers.results import BINS, histogram

    pooled = np.concatenate(list(draws)) if draws else np.zeros(0)
    found = histogram(pooled)
    if found is None:
        return None
    bounds = (found.low, found.high)
    counts = [np.histogram(chain[np.isfinite(chain)], BINS, bounds)[0].tolist() for chain in draws]
    return {"low": found.low, "high": found.high, "counts": counts}


def _few(numbers: NDArray[np.intp]) -> list[int]:
    if len(numbers) > MOST_POINTS:
        numbers = numbers[np.linspace(0, len(numbers) - 1, MOST_POINTS).astype(np.intp)]
    return [int(number) for number in numbers]


def _short(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def _has(shape: Sequence[int], index: Sequence[int]) -> bool:
    return len(index) == len(shape) and all(
        0 <= place < size for place, size in zip(index, shape, strict=True)
    )
