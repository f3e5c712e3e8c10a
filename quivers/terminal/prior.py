"""What a prior says of each site, as a table of text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from quivers.element_names import AxisLabels, axis_labels, element_name, index_of, labels
from quivers.terminal.width import safe

HEADER = ("", "", "mean", "sd", "5%", "50%", "95%")
FIGURES = ("mean", "sd", "q5", "q50", "q95")
LONGEST_SITE = 24  # elements of a site that are shown in full
SHOWN_OF_LONGER = 5  # at its start, and at its end, where a forecast lies


def prior_table(sites: Mapping[str, Mapping[str, Any]], levels: Mapping[str, Any] | None = None) -> str:
    """Aligned columns, a line for each number: the entries of `sites` as `--json` has them.

    Below an observed site whose data are given stands a line with theirs, over all elements.
    """
    named = labels(levels or {})
    lines: list[tuple[str, ...]] = [HEADER]
    for site, entry in sites.items():
        lines += _lines(site, entry, axis_labels(entry["axes"], entry["shape"], named))
    whole = [line for line in lines if len(line) > 1]
    widths = [max(len(line[column]) for line in whole) for column in range(len(HEADER))]
    return "\n".join(
        line[0]
        if len(line) == 1
        else "  ".join(
            f"{cell:<{width}}" if column < 2 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _lines(site: str, entry: Mapping[str, Any], own: AxisLabels) -> list[tuple[str, ...]]:
    size = math.prod(entry["shape"])
    first = SHOWN_OF_LONGER if size > LONGEST_SITE else size
    last = range(max(first, size - SHOWN_OF_LONGER), size)
    lines: list[tuple[str, ...]] = []
    for place in (*range(first), *last):
        if last and place == last[0]:
            lines.append((f"… {last[0] - first} more of {safe(site)}",))
        name = element_name(site, index_of(place, entry["shape"]), own)
        lines.append((safe(name), entry["role"], *(_number(entry[figure][place]) for figure in FIGURES)))
    if "observed" in entry:
        lines.append((safe(site), "data", *(_number(entry["observed"][figure]) for figure in FIGURES)))
    return lines


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"
