"""Did the chains mix: each site's trace, and its ranks over all chains, of the element that mixed worst."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.ide.posteriors import significant
from quivers.report.chart import Chart, Kind, Scale, Series, padded, told_apart
from quivers.report.evidence import Evidence
from quivers.report.rank_band import rank_band
from quivers.results import SummaryRow

Array = NDArray[np.float64]

RANK_BINS = 20
MOST_SITES = 40
TRACE_POINTS = (100, 250)  # of a chain: the fewest, and the most where there are few sites
ALL_POINTS = 20_000
MOST_MARKED = 600


def by_site(known: Evidence) -> dict[str, list[SummaryRow]]:
    """The elements that vary of each site, those with the fewest effective draws first, and so the sites."""
    found: dict[str, list[SummaryRow]] = {}
    for row in sorted(known.rows, key=effective):
        if not math.isnan(row.r_hat) or _varies(row, known):
            found.setdefault(row.site, []).append(row)
    return found


def effective(row: SummaryRow) -> float:
    """The smaller of bulk and tail ESS; 0 where they are not known."""
    least = min(row.ess_bulk, row.ess_tail)
    return 0.0 if math.isnan(least) else least


def draws_of(row: SummaryRow, known: Evidence) -> Array:
    """The draws of one number, (chain, draw)."""
    place: tuple[Any, ...] = (slice(None), slice(None), *row.index)
    return np.asarray(known.samples[row.site][place])


def every(known: Evidence, sites: int) -> int:
    """Which draw of a chain is shown in a trace: each, each second, …"""
    chains, count = map(int, known.diverged.shape)
    fewest, most = TRACE_POINTS
    return max(1, math.ceil(count / max(fewest, min(most, ALL_POINTS // max(1, chains * sites)))))


def trace(row: SummaryRow, known: Evidence, step: int) -> Chart:
    """The draws of one number in their order, a line for each chain; divergent ones are marked below."""
    draws = draws_of(row, known)
    chains, count = draws.shape
    shown = draws[:, ::step]
    at = (np.arange(shown.shape[1]) * step + 1).tolist()
    low, high = padded(np.ravel(shown).tolist(), 0.06)
    lines = [
        _of_chain(number, "line", at, values.tolist(), packed=True) for number, values in enumerate(shown)
    ]
    marked = np.flatnonzero(known.diverged.any(axis=0))[:MOST_MARKED] + 1
    marks = []
    if len(marked):
        foot = low + 0.02 * (high - low)
        marks = [
            Series("divergent", "squares", marked.tolist(), [foot] * len(marked), "divergent", read=False)
        ]
    return Chart(
        f"trace-{row.name}",
        f"Trace of {row.name}",
        f"{chains} chain{'s' if chains > 1 else ''} of {count:,} draws, from"
        f" {significant(float(draws.min()))} to {significant(float(draws.max()))}; {mixed(row)}.",
        Scale(1.0, float(max(count, 2)), "draw"),
        Scale(low, high, row.name),
        [*lines, *marks],
        note=f"every {_ordinal(step)} draw" if step > 1 else "",
        look="trace",
    )


def mixed(row: SummaryRow) -> str:
    """How well a number mixed, in figures."""
    r_hat = "–" if math.isnan(row.r_hat) else f"{row.r_hat:.3f}"
    size = f"{effective(row):,.0f}" if effective(row) else "–"
    return f"R̂ {r_hat}, ESS {size}"


def ranked(row: SummaryRow, known: Evidence) -> list[list[int]]:
    """How many draws of each chain lie in each bin of the ranks among all draws, (chain, bin)."""
    draws = draws_of(row, known)
    bins = min(RANK_BINS, draws.shape[1])
    lots = np.random.default_rng(draws.size).random(draws.size)  # equal draws are ranked by lot
    order = np.empty(draws.size, dtype=np.int64)
    order[np.lexsort((lots, draws.reshape(-1)))] = np.arange(draws.size)
    places = (order * bins // draws.size).reshape(draws.shape)
    return [np.bincount(each, minlength=bins).tolist() for each in places]


def band_of(row: SummaryRow, known: Evidence) -> tuple[float, float]:
    """Between which counts all the bins stay in 95 of 100 runs whose chains agree."""
    chains, count = known.diverged.shape
    return rank_band(chains, count, min(RANK_BINS, count), row.ess_bulk)


def ranks(row: SummaryRow, known: Evidence) -> Chart | None:
    """How each chain's draws rank among those of all chains (Vehtari et al. 2021, doi:10.1214/20-BA1221).

    Where chains agree, every chain has about as many draws in each of 20 bins of ranks, and all bins of all
    chains stay within the band in 95 of 100 runs. None for a single chain, whose ranks say nothing.
    """
    chains, count = known.diverged.shape
    counts = ranked(row, known)
    if chains < 2:
        return None
    bins = len(counts[0])
    size = float(chains * count)
    edges = np.linspace(0, size, bins + 1)
    even = count / bins
    low, high = band_of(row, known)
    steps = [_of_chain(number, "step", edges.tolist(), each) for number, each in enumerate(counts)]
    most, least = max(map(max, counts)), min(map(min, counts))
    outside = sum(not low <= number <= high for each in counts for number in each)
    verdict = "all lie within the band" if not outside else f"{outside} lie outside the band"
    return Chart(
        f"ranks-{row.name}",
        f"Ranks of {row.name}",
        f"Of {bins} bins of ranks each chain would have {even:g} draws in each; it has from {least} to"
        f" {most}. Chains that agree stay between {low:.0f} and {high:.0f} in 95 of 100 runs; {verdict}.",
        Scale(0.0, size, "rank among all draws"),
        Scale(0.0, max(most, high, even * 2.0) * 1.05, "draws in a bin"),
        [
            Series("95 % band", "band", [0.0, size], (), "prior", [low, low], [high, high], read=False),
            Series("", "across", (), [even], "rule", read=False),
            *steps,
        ],
        look="ranks",
    )


def _of_chain(
    number: int, kind: Kind, xs: Sequence[float], ys: Sequence[float], *, packed: bool = False
) -> Series:
    colour, dash = told_apart(number)
    return Series(f"chain {number + 1}", kind, xs, ys, colour, dash=dash, packed=packed)


def _varies(row: SummaryRow, known: Evidence) -> bool:
    draws = draws_of(row, known)
    return draws.shape[1] > 1 and bool(np.isfinite(draws).all()) and float(np.ptp(draws)) > 0


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
