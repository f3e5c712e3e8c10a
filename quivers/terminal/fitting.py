"""How far a fit is: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Protocol


class Report(Protocol):
    """What a fit says of itself: `done` of `total` steps, and the mean `elbo` of the last ones."""

    @property
    def done(self) -> int: ...
    @property
    def total(self) -> int: ...
    @property
    def elbo(self) -> float: ...


Reporter = Callable[[Report], None]


@contextmanager
def fitting(stream: IO[str]) -> Iterator[Reporter | None]:
    """A reporter that draws a bar on `stream`, gone when the fit is over; None where it is no terminal."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        yield None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from quivers.terminal.visible import visible_console

    bar = Progress(
        TextColumn("fitting"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:>6.0f}/{task.fields[steps]}"),
        TextColumn("ELBO {task.fields[elbo]}"),
        TimeRemainingColumn(compact=True),
        console=visible_console(stream),
        transient=True,
        refresh_per_second=8,
    )
    with bar:
        task = bar.add_task("", total=None, steps="–", elbo="–")
        yield lambda report: bar.update(
            task, completed=report.done, total=report.total, steps=report.total, elbo=f"{report.elbo:.2f}"
        )
