"""What a calibration found, as a table of text: a line for the elements of a site that have one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Protocol

from quivers.terminal.width import safe

HEADER = ("", "elements", "verdict", "p", "beyond", "ranks")
BARS = " ▁▂▃▄▅▆▇█"
HISTOGRAM = 16
NAMED = 4  # elements that are listed of one verdict


class Finding(Protocol):
    """A verdict of `quivers.calibration`, as far as the table needs it."""

    @property
    def site(self) -> str: ...
    @property
    def element(self) -> tuple[int, ...]: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def p(self) -> float: ...
    @property
    def excess(self) -> float: ...
    @property
    def ranks(self) -> Iterable[int]: ...


def calibration_table(found: Iterable[Finding], greatest: int) -> str:
    """Aligned columns; `p` is the least of the elements', `beyond` how far ranks leave their band at worst.

    The last column has a histogram of the ranks, from 0 to `greatest`, whose bars are half full where ranks
    are uniform.
    """
    lines = [HEADER, *calibration_cells(found, greatest)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "  ".join(
            f"{cell:>{width}}" if column in (3, 4) else f"{cell:<{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def calibration_cells(found: Iterable[Finding], greatest: int) -> list[tuple[str, ...]]:
    """The table's lines under `HEADER`."""
    lines = list[tuple[str, ...]]()
    for site, group in groupby(found, key=lambda each: each.site):
        own = list(group)
        for kind in dict.fromkeys(each.kind for each in own):
            lines.append(_line(site, kind, [each for each in own if each.kind == kind], len(own), greatest))
    return lines


def _line(
    site: str, kind: str, own: Sequence[Finding], of: int, greatest: int
) -> tuple[str, str, str, str, str, str]:
    excess = max(each.excess for each in own)
    return (
        safe(site),
        _elements(own, of),
        kind,
        p_text(min(each.p for each in own)),
        f"{100 * excess:.1f} %" if excess else "",
        _histogram([rank for each in own for rank in each.ranks], greatest),
    )


def _elements(own: Sequence[Finding], of: int) -> str:
    if not own[0].element:
        return ""
    if len(own) == of:
        return "the one" if of == 1 else f"all {of}"
    names = [safe(each.name[len(each.site) :]).strip("[]") for each in own[:NAMED]]
    more = f" and {len(own) - NAMED} more" if len(own) > NAMED else ""
    return f"{'; '.join(names)}{more}"


def p_text(p: float) -> str:
    """A probability with two figures, and no more than there are."""
    if p < 1e-12:
        return "< 1e-12"
    return f"{p:.2g}" if p < 0.001 else f"{p:.3f}"


def _histogram(ranks: Sequence[int], greatest: int) -> str:
    bins = min(HISTOGRAM, greatest + 1)
    counts = [0] * bins
    for rank in ranks:
        counts[int(rank) * bins // (greatest + 1)] += 1
    expected = len(ranks) / bins
    full = len(BARS) - 1
    return "".join(BARS[min(full, round(count / expected * full / 2))] for count in counts)
