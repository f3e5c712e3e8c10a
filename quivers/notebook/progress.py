"""A run's progress in a notebook: a bar for each chain, shown where the cell's output stands."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from quivers.terminal.progress import Report

WAIT = 0.5  # seconds before bars are shown: most runs are over by then


class Bars:
    """The chains' last reports, as HTML and as text."""

    def __init__(self) -> None:
        self._reports: dict[int, Report] = {}
        self._began = time.monotonic()
        self.ended = False

    def add(self, report: Report) -> None:
        self._reports[report.chain] = report

    def __repr__(self) -> str:
        if self.ended or not self._reports:
            return ""
        done, total = self._share()
        return f"{100 * done // max(1, total)} % of {self._chains} chains done"

    def _repr_html_(self) -> str:
        if self.ended or not self._reports:
            return ""
        lines = "".join(
            f'<tr><th scope="row" style="text-align:left">chain {number + 1}</th>'
            f"<td>{report.phase if report else 'waiting'}</td>"
            f'<td><progress aria-label="chain {number + 1}" value="{report.done if report else 0}"'
            f' max="{report.total if report else 1}"></progress></td>'
            f"<td>{f'{report.done}/{report.total}' if report else ''}</td>"
            f"<td>{f'divergences {report.divergences}' if report else ''}</td></tr>"
            for number in range(self._chains)
            for report in [self._reports.get(number)]
        )
        return f'<div class="qvr-progress"><table><tbody>{lines}</tbody></table>{self._left()}</div>'

    @property
    def _chains(self) -> int:
        return next(iter(self._reports.values())).chains

    def _share(self) -> tuple[int, int]:
        reports = self._reports.values()
        return sum(each.done for each in reports), next(iter(reports)).total * self._chains

    def _left(self) -> str:
        done, total = self._share()
        elapsed = time.monotonic() - self._began
        return f"<p>about {elapsed * (total - done) / done:.0f} s left</p>" if done else ""


def display_of() -> Callable[..., Any] | None:
    """The `display` of the notebook that this is run in; None where it is none."""
    interactive = sys.modules.get("IPython")
    shell = interactive.get_ipython() if interactive is not None else None
    if shell is None or not hasattr(shell, "kernel") or interactive is None:
        return None
    found: Callable[..., Any] = interactive.display.display
    return found


@contextmanager
def progress_display(display: Callable[..., Any], wait: float = WAIT) -> Iterator[Callable[[Report], None]]:
    """A reporter whose bars stand in the cell's output while the run goes, and leave nothing behind."""
    bars, lock = Bars(), threading.Lock()
    began = time.monotonic()
    handle: Any = None

    def show(report: Report) -> None:
        nonlocal handle
        with lock:
            bars.add(report)
            if handle is not None:
                handle.update(bars)
            elif time.monotonic() - began >= wait:
                handle = display(bars, display_id=True)

    try:
        yield show
    finally:
        bars.ended = True
        if handle is not None:
            handle.update(bars)
