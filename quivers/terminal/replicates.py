"""How far a study of replicates is: a bar on a terminal, a plain line each tenth elsewhere."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

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
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("replicates"),
        BarColumn(bar_width=32),
        TextColumn("{task.completed:>4.0f}/{task.total:.0f}{task.fields[failed]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
        console=Console(file=stream),
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
    done = failed = tenths = 0
    started = time.monotonic()

    def counted(fitted: bool) -> None:
        nonlocal done, failed, tenths
        done, failed = done + 1, failed + (not fitted)
        if 10 * done // total <= tenths:
            return
        tenths = 10 * done // total
        elapsed = time.monotonic() - started
        lost = f", {failed} failed" if failed else ""
        with contextlib.suppress(OSError):  # a log that can't be written must not end the study
            stream.write(
                f"{done} of {total} replicates{lost} in {elapsed:.1f} s, about"
                f" {elapsed * (total - done) / done:.1f} s left\n"
            )
            stream.flush()

    return counted
