"""The posterior as a table of text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol

from quivers.element_names import shortened
from quivers.terminal.width import cell_width, safe

HEADER = ("", "mean", "sd", "5%", "50%", "95%", "ess_bulk", "ess_tail", "mcse", "r_hat")
LONGEST_SITE = 24  # elements of a site that are shown in full
SHOWN_OF_LONGER = 10
# The columns that a narrow terminal goes without, the first to go first.
LEFT_OUT = ("ess_tail", "mcse", "50%", "ess_bulk", "sd")


class Row(Protocol):
    """A row of `quivers.results.summarise`, as far as the table needs it."""

    @property
    def name(self) -> str: ...
    @property
    def site(self) -> str: ...
    @property
    def mean(self) -> float: ...
    @property
    def sd(self) -> float: ...
    @property
    def q5(self) -> float: ...
    @property
    def q50(self) -> float: ...
    @property
    def q95(self) -> float: ...
    @property
    def ess_bulk(self) -> float: ...
    @property
    def ess_tail(self) -> float: ...
    @property
    def mcse_mean(self) -> float: ...
    @property
    def r_hat(self) -> float: ...


def posterior_table(
    rows: Iterable[Row],
    longest: int = LONGEST_SITE,
    shown: int = SHOWN_OF_LONGER,
    width: int | None = None,
) -> str:
    """Aligned columns, one line a quantity. Each site has as many decimals as its sd can tell.

    Names of more than forty characters lose their middle here. Of a site with more than `longest` elements
    the first are `shown`. A table that is wider than `width` loses columns, which a last line names.
    """
    lines = posterior_cells(rows, longest, shown)
    left: list[str] = []
    while width is not None and _width(lines) > width and len(left) < len(LEFT_OUT):
        left.append(LEFT_OUT[len(left)])
        place = lines[0].index(left[-1])
        lines = [line[:place] + line[place + 1 :] if len(line) > 1 else line for line in lines]
    table = _aligned(lines)
    return f"{table}\n(a wider terminal shows {', '.join(left)} too)" if left else table


def _width(lines: Sequence[tuple[str, ...]]) -> int:
    return max(cell_width(line) for line in _aligned(lines).split("\n"))


def _aligned(lines: Sequence[tuple[str, ...]]) -> str:
    names = max((cell_width(line[0]) for line in lines if len(line) > 1), default=0)
    widths = [max(len(line[column]) for line in lines if len(line) > 1) for column in range(1, len(lines[0]))]
    return "\n".join(
        f"{line[0]}{' ' * (names - cell_width(line[0]))}  "
        + "  ".join(f"{cell:>{width}}" for cell, width in zip(line[1:], widths, strict=True))
        if len(line) > 1
        else line[0]
        for line in lines
    )


def posterior_cells(
    rows: Iterable[Row], longest: int = LONGEST_SITE, shown: int = SHOWN_OF_LONGER
) -> list[tuple[str, ...]]:
    """The table's cells, its header first; a line that says how many are left out has one cell alone."""
    lines: list[tuple[str, ...]] = [HEADER]
    for _, group in groupby(rows, key=lambda row: row.site):
        elements = list(group)
        decimals = _decimals(elements)
        cut = len(elements) > longest
        lines += [_cells(row, decimals) for row in (elements[:shown] if cut else elements)]
        if cut:
            rest = len(elements) - shown
            lines.append((f"… {rest} more of {elements[0].site}",))
    return lines


def _cells(row: Row, decimals: int) -> tuple[str, ...]:
    places = [_number(value, decimals) for value in (row.mean, row.sd, row.q5, row.q50, row.q95)]
    counts = [_number(value, 0) for value in (row.ess_bulk, row.ess_tail)]
    return (
        safe(shortened(row.name)),
        *places,
        *counts,
        _number(row.mcse_mean, decimals + 1),
        _number(row.r_hat, 3),
    )


def _decimals(rows: Sequence[Row]) -> int:
    """Enough for three significant figures of the site's typical sd."""
    spreads = sorted(row.sd for row in rows if math.isfinite(row.sd) and row.sd > 0)
    if not spreads:
        return 2
    return min(max(2 - math.floor(math.log10(spreads[len(spreads) // 2])), 0), 8)


def _number(value: float, decimals: int) -> str:
    if math.isnan(value):
        return "–"
    text = f"{value:.{decimals}f}" if abs(value) < 1e9 else f"{value:.3g}"
    return text.removeprefix("-") if not text.strip("-0.") else text
