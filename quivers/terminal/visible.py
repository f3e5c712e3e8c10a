"""A console for progress bars that leaves the terminal's cursor alone."""

from __future__ import annotations

from typing import IO

from rich.console import Console


class _Visible(Console):
    """Never hides the cursor: a process that is stopped or killed could not show it again."""

    def show_cursor(self, show: bool = True) -> bool:
        return False


def visible_console(stream: IO[str]) -> Console:
    """The console that draws on `stream`."""
    return _Visible(file=stream)
