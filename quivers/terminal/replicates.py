"""How far a study of replicates is: a bar on a terminal, elsewhere plain lines, and none for a short one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from quivers.terminal.pace import Pace, duration

Counted = Callable[[bool], None]
"""Counts one more replicate; the argument says whether it could be fitted."""


@contextmanager
def replicates(stream: IO[str], total: int, *, quiet: bool) -> Iterator[Counted]:
    """Shows on `stream` how many of `total` are done, how many failed, and the time left."""
    if quiet:
        yield lambda _: None
    elif stream.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(stream, total) as counted:
            yield counted
    else:
        yield _lines(stream, total)


@contextmanager
def _bar(stream: IO[str], total: int) -> Iterator[Counted]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from quivers.terminal.visible import visible_console

    bar = Progress(
        TextColumn("replicates"),
        BarColumn(bar_width=32),
        TextColumn("{task.completed:>4.0f}/{task.total:.0f}{task.fields[failed]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=visible_console(stream),
        transient=True,
        refresh_per_second=8,
    )
    failed = 0
    task = bar.add_task("", total=total, failed="")

    def counted(fitted: bool) -> None:
        nonlocal failed
        failed += not fitted
        bar.update(task, advance=1, failed=f", {failed} failed" if failed else "")

    with bar:
        yield counted


def _lines(stream: IO[str], total: int) -> Counted:
    done = failed = 0
    pace = Pace()

    def counted(fitted: bool) -> None:
        nonlocal done, failed
        done, failed = done + 1, failed + (not fitted)
        if not pace.due():
            return
        elapsed = pace.elapsed
        lost = f", {failed} failed" if failed else ""
        with contextlib.suppress(OSError, ValueError):  # a log that can't be written must not end the study
            stream.write(
                f"{done} of {total} replicates{lost} in {duration(elapsed)}, about"
                f" {duration(elapsed * (total - done) / done)} left\n"
            )
            stream.flush()

    return counted
