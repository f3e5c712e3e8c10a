"""How far a run is: a bar for each chain on a terminal, one plain line each quarter elsewhere."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import IO, Any, Protocol


class Report(Protocol):
    """What a chain says of itself; `done` of `total` counts warm-up and draws together, `chain` from 0."""

    @property
    def chain(self) -> int: ...
    @property
    def chains(self) -> int: ...
    @property
    def phase(self) -> str: ...
    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def divergences(self) -> int: ...


Reporter = Callable[[Report], None]


def progress(stream: IO[str], *, quiet: bool) -> AbstractContextManager[Reporter | None]:
    """A reporter that shows a run's progress on `stream`; None with `quiet`."""
    if quiet:
        return nullcontext()
    return _Bars(stream) if stream.isatty() and os.environ.get("TERM") != "dumb" else _Lines(stream)


class _Bars:
    """A bar for each chain: phase, share done, divergences, time left. Gone when the run is over."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

        self._bars = Progress(
            TextColumn("chain {task.fields[chain]}"),
            TextColumn("{task.fields[phase]:<8}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            TextColumn("divergences {task.fields[divergences]}"),
            TimeRemainingColumn(compact=True),
            console=Console(file=stream),
            transient=True,
            refresh_per_second=8,
        )
        self._tasks: dict[int, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _show(self, report: Report) -> None:
        fields: dict[str, Any] = {"phase": report.phase, "divergences": report.divergences}
        with self._lock:
            for chain in range(report.chains):
                if chain not in self._tasks:
                    self._tasks[chain] = self._bars.add_task(
                        "", total=report.total, chain=chain + 1, phase="waiting", divergences=0
                    )
            self._bars.update(self._tasks[report.chain], completed=report.done, **fields)


class _Lines:
    """A line when each quarter of all chains' work is done, for logs."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._reports: dict[int, Report] = {}
        self._quarters = 0
        self._started = time.monotonic()

    def __enter__(self) -> Reporter:
        return self._show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _show(self, report: Report) -> None:
        with self._lock:
            self._reports[report.chain] = report
            done = sum(each.done for each in self._reports.values())
            total = report.total * report.chains
            quarters = 4 * done // total if total else 4
            if quarters <= self._quarters:
                return
            self._quarters = quarters
            elapsed = time.monotonic() - self._started
            warming = sum(each.phase != "sampling" for each in self._reports.values())
            waiting = report.chains - len(self._reports)
            phase = (
                "sampling"
                if warming + waiting == 0
                else f"{warming + waiting} of {report.chains} chains in warm-up"
            )
            divergences = sum(each.divergences for each in self._reports.values())
            left = elapsed * (total - done) / done
            with contextlib.suppress(OSError):  # a log that can't be written must not end the run
                self._stream.write(
                    f"{25 * quarters:>3} % done in {elapsed:.1f} s, {phase}, divergences {divergences}, "
                    f"about {left:.1f} s left\n"
                )
                self._stream.flush()
