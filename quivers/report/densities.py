"""The posterior of each site as densities, with its prior behind them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from quivers.ide.posteriors import Posterior, element, significant
from quivers.report.chart import Chart, Scale, Series, told_apart
from quivers.report.density import density, span
from quivers.report.evidence import Evidence

Array = NDArray[np.float64]

MOST_CURVES = 12  # elements with a curve each; of more, all draws make one
MOST_NUMBERS = 400_000  # of all elements; of more, draws are taken evenly
WIDEST = 6.0  # times the posterior's width, which the chart shows of a wide prior


def densities(found: Posterior, known: Evidence) -> Chart | None:
    """The density of a site, or of each element of a plate, over its prior's; None without finite draws."""
    draws = known.samples[found.name]
    table = draws.reshape(draws.shape[0] * draws.shape[1], -1)
    table = table[:: max(1, table.size // MOST_NUMBERS)]
    table = table[np.isfinite(table).all(axis=1)]
    if table.size == 0 or float(table.max()) <= float(table.min()):
        return None
    prior = known.prior.get(found.name) if isinstance(known.prior, Mapping) else None
    before = None if prior is None else prior[np.isfinite(prior)]
    support = known.supports.get(found.name, (-math.inf, math.inf))
    low, high = _ends(table, before, support)
    curves: list[Series] = []
    note = ""
    if before is not None and before.size:
        xs, ys = density(before, low, high, support)
        curves.append(Series("prior", "area", xs.tolist(), ys.tolist(), "prior"))
    elif before is None:
        note = "the prior can't be drawn from"
    size = table.shape[1]
    if not found.shape:
        curves += _with_interval(found, table[:, 0], low, high, support)
    elif size <= MOST_CURVES:
        for number, column in enumerate(table.T):
            xs, ys = density(column, low, high, support)
            colour, dash = told_apart(number)
            name = element(found, number)
            curves.append(Series(name, "line", xs.tolist(), ys.tolist(), colour, dash=dash))
    else:
        xs, ys = density(table.reshape(-1), low, high, support)
        curves.append(Series("posterior", "line", xs.tolist(), ys.tolist(), "c1"))
        note = f"all {size:,} elements together" + (f"; {note}" if note else "")
    tallest = max(max(curve.ys) for curve in curves)
    against = " against its prior" if before is not None else ""
    return Chart(
        f"density-{found.name}",
        f"Density of {found.name}",
        f"The posterior density{against}, from {significant(low)} to {significant(high)}.",
        Scale(low, high, found.name),
        Scale(0.0, tallest * 1.06, "", ticks=False),
        curves,
        note=note,
        height=210.0,
    )


def _with_interval(
    found: Posterior, draws: Array, low: float, high: float, support: tuple[float, float]
) -> Sequence[Series]:
    """The curve of a number, with its 90 % interval filled."""
    xs, ys = density(draws, low, high, support)
    first, last = np.quantile(draws, (0.05, 0.95))
    inside = (xs >= first) & (xs <= last)
    filled = Series("90 % interval", "area", xs[inside].tolist(), ys[inside].tolist(), "c1", read=False)
    return [filled, Series("posterior", "line", xs.tolist(), ys.tolist(), "c1")]


def _ends(table: Array, prior: Array | None, support: tuple[float, float]) -> tuple[float, float]:
    """Where the posterior lies, and as much of the prior as leaves the posterior room.

    An end of the support that is near is shown.
    """
    low, high = span(table.reshape(-1))
    if prior is not None and prior.size:
        wide = (WIDEST - 1) / 2 * (high - low)
        first, last = span(prior, 0.01)
        low, high = min(low, max(first, low - wide)), max(high, min(last, high + wide))
    near = 0.1 * (high - low)
    return (
        support[0] if low - near < support[0] else low,
        support[1] if high + near > support[1] else high,
    )
