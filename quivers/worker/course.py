"""A run's course as the server is told of it: each chain's pace, and what the draws say so far."""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from quivers.json_output import histogram_entry, labels_entry
from quivers.worker.messages import NoDrawsError

if TYPE_CHECKING:
    from quivers.inference import ChainProgress
    from quivers.inference.mcmc import Underway

Clock = Callable[[], float]

# Seconds over which a chain's pace is taken, so that the estimate follows as warm-up finds its step size.
WINDOW = 3.0
SECONDS_BETWEEN_PARTIALS = 0.5
# A partial summary may take this share of the run's time, and reads no more numbers than these.
LARGEST_SHARE = 0.01
MOST_NUMBERS = 10_000


class Course:
    """One run's pace and partial summaries; `thin` and `warmup` are those of its settings.

    `clock` tells the time, `effort` the seconds that this thread has computed for.
    """

    def __init__(
        self, warmup: int, thin: int, clock: Clock = time.monotonic, effort: Clock = time.thread_time
    ) -> None:
        self._warmup = warmup
        self._thin = thin
        self._clock = clock
        self._effort = effort
        self._seen: dict[int, collections.deque[tuple[float, int]]] = {}
        self._underway: Underway | None = None
        self._axes: Mapping[str, Sequence[str]] = {}
        self._labels: dict[str, list[str]] = {}
        self._began = self._next_partial = clock()
        self._before_partial: float | None = None

    def begin(self, underway: Underway) -> None:
        """The chains start now; what came before, such as compiling, says nothing of their pace."""
        self._underway = underway
        self._began = self._clock()
        self._next_partial = self._began + SECONDS_BETWEEN_PARTIALS

    @property
    def steps(self) -> int | None:
        """Leapfrog steps so far; None before the chains start."""
        return None if self._underway is None else self._underway.leapfrogs

    def progress(self, report: ChainProgress) -> dict[str, Any]:
        """What is told of a chain: its report, its draws per second, and the seconds that it has left."""
        now = self._clock()
        seen = self._seen.setdefault(report.chain, collections.deque([(self._began, 0)]))
        seen.append((now, report.done))
        while len(seen) > 2 and seen[1][0] <= now - WINDOW:
            seen.popleft()
        (since, before), (_, done) = seen[0], seen[-1]
        pace = (done - before) / (now - since) if now > since and done > before else None
        drawing = self._pace_of_drawing(seen)
        left = report.total - report.done
        seconds = 0.0 if left == 0 else None if pace is None else left / pace
        return {
            "chain": report.chain,
            "chains": report.chains,
            "phase": report.phase,
            "done": report.done,
            "total": report.total,
            "divergences": report.divergences,
            "draws_per_second": None if drawing is None else drawing / self._thin,
            "seconds_left": seconds,
        }

    def partial(self) -> dict[str, Any] | None:
        """What the draws say so far, where it is time to say so again and there are any."""
        if self._underway is None or self._clock() < self._next_partial:
            return None
        done, total = self._underway.kept
        if done < 2 or done == total:
            return None
        # What the first one prepares is used again at the end of the run, so it is no cost of its own.
        self._before_partial = None if self._before_partial is None else self._effort()
        if not self._axes:
            self._axes = self._underway.axes
            self._labels = labels_entry(self._axes.values(), self._underway.levels)
        sites = {
            name: {"axes": list(self._axes[name]), **_figures(values)}
            for name, values in self._underway.samples(MOST_NUMBERS).items()
        }
        return {"done": done, "total": total, "labels": self._labels, "sites": sites}

    def trace(self, site: str, index: Sequence[int]) -> dict[str, Any] | None:
        """One number's draws so far, as `quivers.worker.traces.trace` tells them; None before there are any.

        Raises NoDrawsError where the run has no such number.
        """
        from quivers.worker.traces import MOST_POINTS, trace

        if self._underway is None:
            return None
        try:
            draws, diverged, every = self._underway.draws_of(site, index, MOST_POINTS)
        except LookupError:
            raise NoDrawsError(f"The run has no {site} with these subscripts.") from None
        return trace(draws, diverged, every)

    def sent(self) -> None:
        """A partial summary has gone out: the next one waits until this one's cost is a small share."""
        after = self._effort()
        cost = 0.0 if self._before_partial is None else after - self._before_partial
        self._before_partial = after
        self._next_partial = self._clock() + max(SECONDS_BETWEEN_PARTIALS, cost / LARGEST_SHARE)

    def _pace_of_drawing(self, seen: collections.deque[tuple[float, int]]) -> float | None:
        """Transitions per second after warm-up, over the window."""
        drawing = [(at, done) for at, done in seen if done >= self._warmup]
        if len(drawing) < 2 or drawing[-1][0] <= drawing[0][0]:
            return None
        (since, before), (now, done) = drawing[0], drawing[-1]
        return (done - before) / (now - since)


def _figures(values: Any) -> dict[str, Any]:
    """Shape, mean, sd and histogram of one site's draws, (draw, *axes)."""
    from quivers.results import histogram

    table = values.reshape(len(values), -1)
    return {
        "shape": list(values.shape[1:]),
        "mean": table.mean(axis=0).tolist(),
        "sd": table.std(axis=0, ddof=1).tolist() if len(table) > 1 else [None] * table.shape[1],
        "histogram": histogram_entry(histogram(values)),
    }
