"""Did the chains mix: traces, ranks over all chains, energies, and the pairs in which divergences show."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.ide.posteriors import significant
from quivers.report.chart import THIRD, Chart, Kind, Scale, Series, padded
from quivers.report.density import density, span
from quivers.report.evidence import Evidence
from quivers.results import SummaryRow

Array = NDArray[np.float64]

RANK_BINS = 20
MOST_SITES = 40
TRACE_POINTS = (100, 400)  # of a chain: the fewest, and the most where there are few sites
ALL_POINTS = 24_000
MOST_PAIRED = 4
MOST_DOTS = 600


def worst_elements(known: Evidence) -> dict[str, SummaryRow]:
    """Of each site the element with the fewest effective draws, the site with the fewest first."""
    worst: dict[str, SummaryRow] = {}
    for row in known.rows:
        best = worst.get(row.site)
        if not math.isnan(row.r_hat) and (best is None or effective(row) < effective(best)):
            worst[row.site] = row
    return worst


def effective(row: SummaryRow) -> float:
    """The smaller of bulk and tail ESS."""
    return min(row.ess_bulk, row.ess_tail)


def trace(row: SummaryRow, known: Evidence, sites: int) -> Chart:
    """The draws of one number in their order, a line for each chain; divergent ones are marked below."""
    draws = _of(row, known)
    chains, count = draws.shape
    fewest, most = TRACE_POINTS
    points = max(fewest, min(most, ALL_POINTS // (chains * sites)))
    every = max(1, math.ceil(count / points))
    shown = draws[:, ::every]
    at = (np.arange(shown.shape[1]) * every + 1).tolist()
    low, high = padded(np.ravel(shown).tolist(), 0.06)
    lines = [
        Series(f"chain {number + 1}", "line", at, values.tolist(), f"c{number % 6 + 1}")
        for number, values in enumerate(shown)
    ]
    marked = np.flatnonzero(known.diverged.any(axis=0))[:MOST_DOTS] + 1
    marks = []
    if len(marked):
        foot = low + 0.02 * (high - low)
        marks = [
            Series("divergent", "squares", marked.tolist(), [foot] * len(marked), "divergent", read=False)
        ]
    note = f"every {_ordinal(every)} draw" if every > 1 else ""
    return Chart(
        f"trace-{row.name}",
        f"Trace of {row.name}",
        f"{chains} chains of {count:,} draws, from {significant(float(draws.min()))} to"
        f" {significant(float(draws.max()))}; R-hat is {row.r_hat:.3f}.",
        Scale(1.0, float(count), "draw"),
        Scale(low, high, row.name),
        [*lines, *marks],
        note=note,
        look="trace",
    )


def ranks(row: SummaryRow, known: Evidence) -> Chart:
    """How each chain's draws rank among those of all chains (Vehtari et al. 2021, doi:10.1214/20-BA1221).

    Where chains agree, every chain has about as many draws in each of 20 bins of ranks.
    """
    draws = _of(row, known)
    count = draws.shape[1]
    order = np.argsort(np.argsort(draws.reshape(-1), kind="stable"), kind="stable").reshape(draws.shape)
    bins = min(RANK_BINS, count)
    edges = np.linspace(0, draws.size, bins + 1)
    counts = [np.histogram(each, edges)[0] for each in order]
    even = count / bins
    steps = [
        Series(f"chain {number + 1}", "step", edges.tolist(), each.tolist(), f"c{number % 6 + 1}")
        for number, each in enumerate(counts)
    ]
    most, least = max(int(each.max()) for each in counts), min(int(each.min()) for each in counts)
    return Chart(
        f"ranks-{row.name}",
        f"Ranks of {row.name}",
        f"Of {bins} bins of ranks each chain would have {even:g} draws in each; it has from {least} to"
        f" {most}.",
        Scale(0.0, float(draws.size), "rank among all draws"),
        Scale(0.0, max(most * 1.05, even * 2.0), "draws in a bin"),
        [Series("", "across", (), [even], "rule", read=False), *steps],
    )


def energy(known: Evidence) -> Chart | None:
    """The energies of the draws beside their changes from one to the next (Betancourt 2016); None for one."""
    levels = known.energy - known.energy.mean(axis=1, keepdims=True)
    changes = np.diff(known.energy, axis=1)
    levels, changes = levels[np.isfinite(levels)], changes[np.isfinite(changes)]
    if levels.size < 3 or changes.size < 3 or float(np.ptp(levels)) <= 0:
        return None
    ends = [span(levels), span(changes)] if float(np.ptp(changes)) > 0 else [span(levels)]
    low, high = min(end[0] for end in ends), max(end[1] for end in ends)
    curves = []
    for name, kind, values, colour in (
        ("energy, less its mean", "area", levels, "c1"),
        ("change from draw to draw", "line", changes, "c2"),
    ):
        xs, ys = density(values, low, high)
        curves.append(Series(name, "area" if kind == "area" else "line", xs.tolist(), ys.tolist(), colour))
    told = ", ".join([f"{value:.2f}" for value in known.e_bfmi])
    return Chart(
        "energy",
        "Energies",
        f"Densities of the energies and of their changes; E-BFMI by chain is {told}.",
        Scale(low, high, "energy"),
        Scale(0.0, 1.06 * max(max(curve.ys) for curve in curves), "", ticks=False),
        curves,
        note=f"E-BFMI by chain: {told}",
        height=210.0,
    )


def paired(known: Evidence) -> list[SummaryRow]:
    """The numbers to look at in pairs: those blamed for divergences, then those of the smallest ESS.

    At most two are of one site, so that a plate does not fill the page.
    """
    rows = [row for row in known.rows if row.site in known.latents and not math.isnan(row.r_hat)]
    rows.sort(key=lambda row: (row.name not in known.blamed, row.site not in known.blamed, effective(row)))
    chosen: list[SummaryRow] = []
    for row in rows:
        if sum(each.site == row.site for each in chosen) < 2:
            chosen.append(row)
        if len(chosen) == MOST_PAIRED:
            break
    return chosen


def pairs(known: Evidence) -> list[Chart]:
    """A scatter of each two of those numbers, with divergent draws marked; positive scales as logarithms."""
    return [_pair(one, other, known) for one, other in itertools.combinations(paired(known), 2)]


def _pair(one: SummaryRow, other: SummaryRow, known: Evidence) -> Chart:
    xs, ys = (_of(row, known).reshape(-1) for row in (one, other))
    diverged = known.diverged.reshape(-1)
    finite = np.isfinite(xs) & np.isfinite(ys)
    across, up = (_scale(row, values[finite], known) for row, values in ((one, xs), (other, ys)))
    groups: list[Series] = []
    kinds: tuple[tuple[str, NDArray[np.bool_], Kind, str], ...] = (
        ("draws", finite & ~diverged, "points", "c1"),
        ("divergent", finite & diverged, "squares", "divergent"),
    )
    for name, chosen, kind, colour in kinds:
        places = np.flatnonzero(chosen)
        places = places[:: max(1, math.ceil(len(places) / MOST_DOTS))]
        if len(places):
            groups.append(Series(name, kind, xs[places].tolist(), ys[places].tolist(), colour))
    with np.errstate(invalid="ignore", divide="ignore"):
        together = float(np.corrcoef(xs[finite], ys[finite])[0, 1])
    marked = int(diverged.sum())
    return Chart(
        f"pair-{one.name}-{other.name}",
        f"{other.name} against {one.name}",
        f"The correlation is {together:.2f}; {marked} of {len(xs):,} draws are divergent.",
        across,
        up,
        groups,
        near="xy",
        width=THIRD,
        height=270.0,
        legend=False,
    )


def _scale(row: SummaryRow, values: Array, known: Evidence) -> Scale:
    """The axis of a number; logarithmic for a positive latent whose draws differ by more than tenfold."""
    least = float(values.min())
    positive = known.supports.get(row.site, (-math.inf,))[0] >= 0 and least > 0
    if positive and np.quantile(values, 0.95) > 10 * np.quantile(values, 0.05):
        low, high = padded([math.log10(least), math.log10(float(values.max()))])
        return Scale(10**low, 10**high, f"{row.name}, log scale", log=True)
    low, high = padded(values.tolist())
    return Scale(low, high, row.name)


def _of(row: SummaryRow, known: Evidence) -> Array:
    """The draws of one number, (chain, draw)."""
    place: tuple[Any, ...] = (slice(None), slice(None), *row.index)
    return np.asarray(known.samples[row.site][place])


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def of_sites(known: Evidence) -> Sequence[tuple[SummaryRow, Chart, Chart]]:
    """The worst element of each site with its trace and its ranks, at most of 40 sites."""
    worst = list(worst_elements(known).values())
    if len(worst) > MOST_SITES:
        worst = sorted(worst, key=effective)[:MOST_SITES]
    return [(row, trace(row, known, len(worst)), ranks(row, known)) for row in worst]
