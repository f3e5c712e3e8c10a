"""How far a run is: a bar for each chain on a terminal, elsewhere plain lines, and none for a short run."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Protocol

from quivers.terminal.pace import Pace, duration

if TYPE_CHECKING:
    from rich.progress import TaskID


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

MOST_BARS = 16  # chains that have a bar each; more would not fit a screen


def progress(stream: IO[str], *, quiet: bool) -> AbstractContextManager[Reporter | None]:
    """A reporter that shows a run's progress on `stream`; None with `quiet`."""
    if quiet:
        return nullcontext()
    return _Bars(stream) if stream.isatty() and os.environ.get("TERM") != "dumb" else _Lines(stream)


class _Bars:
    """A bar for each chain, or one for all of many: phase, share done, divergences, time left.

    They are gone when the run is over.
    """

    def __init__(self, stream: IO[str]) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        from quivers.terminal.visible import visible_console

        self._bars = Progress(
            TextColumn("{task.fields[name]}"),
            TextColumn("{task.fields[phase]:<8}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:>5.0f}/{task.total:.0f}"),
            TextColumn("divergences {task.fields[divergences]}"),
            TimeRemainingColumn(compact=True),
            console=visible_console(stream),
            transient=True,
            refresh_per_second=8,
        )
        self._tasks: dict[int, TaskID] = {}
        self._reports: dict[int, Report] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Reporter:
        self._bars.start()
        return self._show

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _show(self, report: Report) -> None:
        with self._lock:
            if report.chains > MOST_BARS:
                self._show_all(report)
                return
            for chain in range(report.chains):
                if chain not in self._tasks:
                    self._tasks[chain] = self._add(f"chain {chain + 1}", report.total)
            fields: dict[str, Any] = {"phase": report.phase, "divergences": report.divergences}
            self._bars.update(self._tasks[report.chain], completed=report.done, **fields)

    def _show_all(self, report: Report) -> None:
        if not self._tasks:
            self._tasks[0] = self._add(f"{report.chains} chains", report.total * report.chains)
        self._reports[report.chain] = report
        told = self._reports.values()
        sampling = sum(each.phase == "sampling" for each in told) == report.chains
        fields: dict[str, Any] = {
            "phase": "sampling" if sampling else "warm-up",
            "divergences": sum(each.divergences for each in told),
        }
        self._bars.update(self._tasks[0], completed=sum(each.done for each in told), **fields)

    def _add(self, name: str, total: int) -> TaskID:
        return self._bars.add_task("", total=total, name=name, phase="waiting", divergences=0)


class _Lines:
    """Lines for logs, as `Pace` has them."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._reports: dict[int, Report] = {}
        self._pace = Pace()

    def __enter__(self) -> Reporter:
        return self._show

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def _show(self, report: Report) -> None:
        with self._lock:
            self._reports[report.chain] = report
            if not self._pace.due():
                return
            done = sum(each.done for each in self._reports.values())
            total = report.total * report.chains
            elapsed = self._pace.elapsed
            warming = sum(each.phase != "sampling" for each in self._reports.values())
            waiting = report.chains - len(self._reports)
            phase = (
                "sampling"
                if warming + waiting == 0
                else f"{warming + waiting} of {report.chains} chains in warm-up"
            )
            divergences = sum(each.divergences for each in self._reports.values())
            left = f", about {duration(elapsed * (total - done) / done)} left" if done else ""
            with contextlib.suppress(OSError, ValueError):  # a log that can't be written must not end the run
                self._stream.write(
                    f"{100 * done // total if total else 100:>3} % done in {duration(elapsed)}, {phase},"
                    f" divergences {divergences}{left}\n"
                )
                self._stream.flush()
