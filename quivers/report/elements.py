"""The elements of the sites to choose from: their draws in few characters, those that mixed worst first."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from quivers.element_names import shortened
from quivers.report.chart import padded
from quivers.report.evidence import Evidence
from quivers.report.mixing import band_of, draws_of, mixed, ranked
from quivers.report.packing import packed
from quivers.results import SummaryRow

BUDGET = 400_000  # characters of all draws that a page holds for choosing
EACH = 400  # about what a number takes beside its draws
FEWEST_POINTS = 60  # of a chain
LONGEST_NAME = 60


def offered(
    sites: Mapping[str, Sequence[SummaryRow]], known: Evidence, step: int
) -> tuple[dict[str, list[SummaryRow]], int]:
    """The elements of each site that can be chosen, the worst first, and the step between their draws.

    Draws are thinned so that all elements fit into the budget. Where they don't, each site has its share, and
    its elements with the most effective draws are left out.
    """
    chains, count = known.diverged.shape
    several = {name: list(rows) for name, rows in sites.items() if len(rows) > 1}
    wanted = sum(len(rows) for rows in several.values())
    if not wanted:
        return {}, step
    points = max(FEWEST_POINTS, (BUDGET // wanted - EACH) // (2 * chains))
    step = max(step, math.ceil(count / points))
    room = BUDGET // (2 * chains * math.ceil(count / step) + EACH)
    share = _share([len(rows) for rows in several.values()], room)
    return {name: rows[:share] for name, rows in several.items()}, step


def _share(sizes: Sequence[int], room: int) -> int:
    """The most elements of a site, such that all the sites have room; those that need less leave it."""
    left = sorted(sizes)
    for place, size in enumerate(left):
        share = room // (len(left) - place)
        if size > share:
            return max(2, share)
        room -= size
    return max(left)


def choice(name: str, rows: Sequence[SummaryRow], of: int, known: Evidence, step: int) -> str:
    """A list to choose an element of a site from, with the draws that the script then shows."""
    options = "".join(
        [
            f'<option value="{number}">{escape(shortened(row.name, LONGEST_NAME))} · {mixed(row)}</option>'
            for number, row in enumerate(rows)
        ]
    )
    left = "worst first" if of == len(rows) else f"the {len(rows):,} of {of:,} that mixed worst"
    told = json.dumps(_numbers(rows, known, step), separators=(",", ":"), ensure_ascii=False)
    told = told.replace("<", "\\u003c")
    return (
        f'<p class="choice"><label>Element of {escape(name)} <select autocomplete="off">{options}</select>'
        f'</label> <span>{left}</span></p><script type="application/json" class="drawn">{told}</script>'
    )


def _numbers(rows: Sequence[SummaryRow], known: Evidence, step: int) -> dict[str, Any]:
    """What the script shows: `every`-th draws of all chains, the ends of their axis, and ranks by chain."""
    entries = []
    for row in rows:
        shown = draws_of(row, known)[:, ::step]
        low, high = float(shown.min()), float(shown.max())
        entry = {
            "n": row.name,
            "t": mixed(row),
            "r": [float(f"{low:.6g}"), float(f"{high:.6g}")],
            "y": [float(f"{end:.6g}") for end in padded([low, high], 0.06)],
            "p": packed(np.ravel(shown), low, high),
        }
        if len(shown) > 1:
            entry |= {"c": ranked(row, known), "b": [round(end, 2) for end in band_of(row, known)]}
        entries.append(entry)
    return {"every": step, "chains": len(shown), "e": entries}
