"""Writes the draws of a run to its log while its chains make them, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from quivers.inference.step_size import STEP
from quivers.runs.log import Appender, Kind, packed

if TYPE_CHECKING:
    from quivers.inference.checkpoint import Begun
    from quivers.inference.one_chain import Chain

# Seconds between looks at the chains: a process that is killed loses no more of its draws.
EVERY = 0.25
SYNCED = 1.0  # seconds at least between calls that wait for the disk


class Recorder:
    """A run's log while the run is made.

    `begin` is what `run_compiled` and `MCMC.run` are to call as `record`. After `close`, `failure` says why
    not everything could be written, if so, and `kept` how many draws of each chain the log has. Draws that
    the log already has, `before` by chain, are not written again; `seconds` went by while they were made.
    """

    def __init__(self, log: Appender, before: Sequence[int] = (), seconds: float = 0.0) -> None:
        self.failure: OSError | None = None
        self.kept: list[int] = list(before)
        self._log = log
        self._resumed = bool(before)
        self._seconds = seconds
        self._began = 0.0
        self._chains: Sequence[Chain] = ()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, begun: Begun, chains: Sequence[Chain]) -> None:
        """Writes what is settled before the chains start, and from now on what they draw."""
        self._chains = chains
        self._began = time.monotonic()
        if not self._resumed:
            self.kept = [0] * len(chains)
            self._append(packed(Kind.BEGUN, {"engine": begun.engine}, _arrays(begun)))
        self._thread = threading.Thread(target=self._watch, name="recorder", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Writes what is left, when the chains have ended."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None
            self._write()
            self._synced()
        self._log.close()

    def _watch(self) -> None:
        synced = time.monotonic()
        while self.failure is None and not self._stop.wait(EVERY):
            self._write()
            if time.monotonic() - synced >= SYNCED:
                self._synced()
                synced = time.monotonic()

    def _write(self) -> None:
        for number, chain in enumerate(self._chains):
            first, kept = self.kept[number], chain.kept
            if kept == first or self.failure is not None:
                continue
            warmed = len(chain.actions)
            if first == 0:
                # Only now is the step size settled: the first transition after warm-up may still look for it.
                arrays = {"metric": chain.metric, "warmup": chain.statistics[:warmed]}
                step_size = float(chain.state[STEP])
                self._append(packed(Kind.WARMED, {"chain": number, "step_size": step_size}, arrays))
            draws = {
                "positions": chain.positions[first:kept],
                "statistics": chain.statistics[warmed + first * chain.thin : warmed + kept * chain.thin],
            }
            seconds = self._seconds + time.monotonic() - self._began
            self._append(
                packed(Kind.DRAWS, {"chain": number, "first": first, "last": kept, "seconds": seconds}, draws)
            )
            if self.failure is None:
                self.kept[number] = kept

    def _append(self, content: bytes) -> None:
        if self.failure is not None:
            return
        try:
            self._log.append(content)
        except OSError as error:
            self.failure = error

    def _synced(self) -> None:
        try:
            self._log.sync()
        except OSError as error:
            self.failure = self.failure or error


def _arrays(begun: Begun) -> dict[str, np.ndarray]:
    arrays = {"starts": begun.starts, **{f"share {name}": share for name, share in begun.shares.items()}}
    if begun.variances is not None:
        arrays["variances"] = begun.variances
    if begun.first is not None:
        arrays["first"] = begun.first
    return arrays
