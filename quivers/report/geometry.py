"""How the sampler moved: its energies, and the pairs of numbers in which divergences show."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

from quivers.report.chart import THIRD, Chart, Kind, Scale, Series, padded
from quivers.report.density import density, span
from quivers.report.evidence import Evidence
from quivers.report.mixing import draws_of, effective
from quivers.results import SummaryRow

Array = NDArray[np.float64]

MOST_PAIRED = 4
MOST_DOTS = 600


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
    xs, ys = (draws_of(row, known).reshape(-1) for row in (one, other))
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
