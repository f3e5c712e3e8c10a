"""Two runs side by side as a notebook shows them: shifts, what one alone has, and which predicts better."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Protocol

from quivers.notebook.rows import aligned, table_html, warnings_html
from quivers.terminal.comparison import (
    NOTHING_IN_COMMON,
    LeaveOneOut,
    Shift,
    loo_line,
    loo_warnings,
    only_lines,
    shift_cells,
)


class Compared(Protocol):
    """What is shown of `quivers.runs.comparison.Comparison`."""

    @property
    def shifts(self) -> Sequence[Shift]: ...
    @property
    def only_a(self) -> Sequence[str]: ...
    @property
    def only_b(self) -> Sequence[str]: ...
    @property
    def loo(self) -> LeaveOneOut | None: ...
    @property
    def no_loo(self) -> str | None: ...


_MEANINGS = {
    "shift": "mean B - mean A, in units of the root mean square of both sds",
    "± mcse": "Monte Carlo standard error of the shift",
}


def comparison_text(found: Compared) -> str:
    """The table of shifts, then a line for all else."""
    told = [NOTHING_IN_COMMON]
    if found.shifts:
        lines, below = shift_cells(found.shifts)
        told = [*(line.rstrip() for line in aligned(lines)), *below]
    told += only_lines(found.only_a, found.only_b)
    told += ["", loo_line(found.loo, found.no_loo)]
    return "\n".join([*told, *(f"warning: {each}" for each in loo_warnings(found.loo))])


def comparison_html(found: Compared) -> str:
    """The same in HTML."""
    table, below = "", [NOTHING_IN_COMMON]
    if found.shifts:
        (header, *lines), below = shift_cells(found.shifts)
        table = table_html(header, lines, "", _MEANINGS)
    told = [*below, *only_lines(found.only_a, found.only_b), loo_line(found.loo, found.no_loo)]
    said = "".join(f"<p>{escape(each)}</p>" for each in told)
    return f'<div class="qvr-comparison">{table}{said}{warnings_html(loo_warnings(found.loo))}</div>'
