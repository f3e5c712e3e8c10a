"""Does the model fit: data drawn from it beside the data, and each observation predicted from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from quivers.inference.psis import LARGEST_K
from quivers.report.chart import WHOLE, Chart, Scale, Series, padded
from quivers.report.density import density, span
from quivers.report.evidence import Evidence

Array = NDArray[np.float64]

REPLICATES = 40  # of the data, that are drawn as curves
MOST_COUNTED = 60  # different whole numbers, that a bar each can be read of
ALL_REPLICATES = 400
MOST_OBSERVATIONS = 2000


def predictions(known: Evidence) -> list[Chart]:
    """A chart for each observed site: densities, or counts of whole numbers."""
    if not isinstance(known.predicted, Mapping):
        return []
    found = []
    for name, values in known.observed.items():
        data = values.reshape(-1)
        there = np.isfinite(data)
        drawn = known.predicted[name].reshape(len(known.predicted[name]), -1)
        if drawn.shape[1] == len(data):
            drawn = drawn[:, there]
        data = data[there]
        drawn = drawn[:: max(1, len(drawn) // ALL_REPLICATES)]
        if data.size == 0 or not np.isfinite(drawn).any():
            continue
        whole = bool((data == np.floor(data)).all() and (drawn == np.floor(drawn)).all())
        if whole and _range(data, drawn) <= MOST_COUNTED:
            found.append(_counted(name, data, drawn))
        else:
            found.append(_overlaid(name, data, drawn))
    return found


def _range(data: Array, drawn: Array) -> float:
    return max(float(data.max()), float(np.quantile(drawn, 0.999))) - min(
        float(data.min()), float(drawn.min())
    )


def _counted(name: str, data: Array, drawn: Array) -> Chart:
    """Bars of how often each value was observed, with what the fitted program gives."""
    low = min(data.min(), drawn.min())
    high = max(data.max(), np.quantile(drawn, 0.999))
    values = np.arange(low, high + 1)
    edges = np.append(values - 0.5, high + 0.5)
    seen = np.histogram(data, edges)[0]
    given = np.array([np.histogram(each, edges)[0] for each in drawn])
    q5, q50, q95 = np.quantile(given, (0.05, 0.5, 0.95), axis=0)
    xs = values.tolist()
    return Chart(
        f"predicted-{name}",
        f"Counts of {name}",
        f"How often each value from {low:g} to {high:g} was observed, and how often the program gives it.",
        Scale(float(edges[0]), float(edges[-1]), name),
        Scale(0.0, 1.06 * float(max(seen.max(), q95.max())), "observations"),
        [
            Series("observed", "bars", edges.tolist(), seen.tolist(), "c1"),
            Series("predicted, 90 %", "band", xs, (), "c2", q5.tolist(), q95.tolist()),
            Series("predicted, median", "points", xs, q50.tolist(), "c2"),
        ],
        width=WHOLE,
        height=230.0,
    )


def _overlaid(name: str, data: Array, drawn: Array) -> Chart:
    """The density of the data over those of data sets drawn anew."""
    low, high = span(np.concatenate([data, drawn[np.isfinite(drawn)]]), 0.005)
    low, high = min(low, float(data.min())), max(high, float(data.max()))
    curves = []
    chosen = drawn[:: max(1, len(drawn) // REPLICATES)][:REPLICATES]
    if data.size > 2 and float(np.ptp(data)) > 0:
        for number, each in enumerate(chosen):
            xs, ys = density(each, low, high)
            label = "data drawn anew" if number == 0 else ""
            curves.append(Series(label, "line", xs.tolist(), ys.tolist(), "replicate", read=False))
        xs, ys = density(data, low, high)
        curves.append(Series("observed", "line", xs.tolist(), ys.tolist(), "observed"))
        told = f"The density of the data over those of {len(chosen)} data sets drawn from the fitted program."
    else:
        xs, ys = density(drawn.reshape(-1), low, high)
        curves = [
            Series("predicted", "area", xs.tolist(), ys.tolist(), "prior"),
            Series("observed", "down", data[:50].tolist(), (), "observed", read=False),
        ]
        told = f"What was observed, {data[0]:.4g}, in the density of what the fitted program predicts."
    tallest = max(max(curve.ys, default=0.0) for curve in curves)
    return Chart(
        f"predicted-{name}",
        f"Density of {name}",
        told,
        Scale(low, high, name),
        Scale(0.0, 1.06 * tallest, "", ticks=False),
        curves,
        width=WHOLE,
        height=230.0,
    )


def reliability(known: Evidence) -> Chart | None:
    """k̂ of each observation left out; None where that could not be done."""
    left_out = known.left_out
    if isinstance(left_out, str):
        return None
    shapes = left_out.pareto_k
    shown = np.arange(len(shapes))
    if len(shapes) > MOST_OBSERVATIONS:  # all that are high, and the others evenly
        high = np.flatnonzero(shapes > LARGEST_K)
        others = shown[:: math.ceil(len(shapes) / MOST_OBSERVATIONS)]
        shown = np.unique(np.concatenate([high, others]))
    low, high_end = padded([*np.clip(shapes[shown], -0.5, 1.5).tolist(), 0.0, LARGEST_K])
    groups = []
    for name, chosen, kind, colour in (
        (f"up to {LARGEST_K:g}", shown[shapes[shown] <= LARGEST_K], "points", "c1"),
        (f"above {LARGEST_K:g}", shown[shapes[shown] > LARGEST_K], "squares", "divergent"),
    ):
        if len(chosen) == 0:
            continue
        texts = [
            f"{left_out.names[at]}: k̂ {shapes[at]:.2f}, elpd {left_out.pointwise[at]:.2f}".replace("-", "−")
            for at in chosen
        ]
        ys = np.clip(shapes[chosen], -0.5, 1.5).tolist()
        xs = (chosen + 1.0).tolist()
        groups.append(Series(name, "points" if kind == "points" else "squares", xs, ys, colour, texts=texts))
    count = int((shapes > LARGEST_K).sum())
    return Chart(
        "left-out",
        "k̂ of each observation",
        f"{count} of {len(shapes):,} observations have a k̂ above {LARGEST_K:g}.",
        Scale(0.5 - 0.01 * len(shapes), len(shapes) * 1.01 + 0.5, "observation"),
        Scale(low, high_end, "k̂"),
        [Series("", "across", (), [LARGEST_K], "rule", read=False), *groups],
        near="xy",
        width=WHOLE,
        height=210.0,
    )
