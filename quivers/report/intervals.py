"""A plate's elements side by side: the mean and the 90 % interval of each, under its name."""

from __future__ import annotations

import math

from quivers.element_names import shortened
from quivers.ide.posteriors import Posterior, element, significant
from quivers.report.chart import HALF, Chart, Scale, Series, padded

MOST_ELEMENTS = 1000
MOST_NAMED = 45  # with a name at each row; more are sorted, and every so many has one
ROW, LEAST_ROW, MOST_HEIGHT = 17.0, 2.0, 760.0
CHARACTERS = 26


def intervals(found: Posterior) -> Chart | None:
    """The chart of a plate's elements; None where their intervals are not known.

    Many elements are sorted by their means, so that hundreds can be read; beyond a thousand, as many are
    taken evenly from the sorted ones.
    """
    rows = [
        (number, mean, low, high)
        for number, (mean, low, high) in enumerate(zip(found.mean, found.q5, found.q95, strict=False))
        if mean is not None and low is not None and high is not None
    ]
    if not found.shape or not rows:
        return None
    note = "mean and 90 % interval"
    many = len(rows) > MOST_NAMED
    if many:
        rows.sort(key=lambda row: row[1])
        note += f", {len(rows):,} elements sorted by their means"
    if len(rows) > MOST_ELEMENTS:
        rows = [rows[len(rows) * place // MOST_ELEMENTS] for place in range(MOST_ELEMENTS)]
        note += f"; {MOST_ELEMENTS:,} of them, taken evenly"
    each = max(LEAST_ROW, min(ROW, MOST_HEIGHT / len(rows)))
    every = math.ceil(14.0 / each)
    heights = [float(len(rows) - 1 - place) for place in range(len(rows))]
    names = [element(found, row[0]) for row in rows]
    labels = [
        (height, shortened(name, CHARACTERS), name)
        for place, (height, name) in enumerate(zip(heights, names, strict=True))
        if place % every == 0
    ]
    means, lows, highs = ([row[column] for row in rows] for column in (1, 2, 3))
    low, high = padded([*lows, *highs])
    marks = Series(
        "mean and 90 % interval",
        "intervals",
        means,
        heights,
        "fine" if each < 8 else "c1",
        lows,
        highs,
        [
            f"{name}: mean {significant(mean)}, 90 % from {significant(left)} to {significant(right)}"
            for name, mean, left, right in zip(names, means, lows, highs, strict=True)
        ],
    )
    zero = [Series("zero", "down", [0.0], colour="rule", read=False)] if low < 0 < high else []
    highest, lowest = (pick(range(len(rows)), key=means.__getitem__) for pick in (max, min))
    return Chart(
        f"intervals-{found.name}",
        f"Elements of {found.name}",
        f"Means and 90 % intervals of {len(rows):,} elements; the smallest mean is"
        f" {significant(means[lowest])}, of {names[lowest]}, the greatest"
        f" {significant(means[highest])}, of {names[highest]}.",
        Scale(low, high, found.name),
        Scale(-0.7, len(rows) - 0.3, ticks=False),
        [*zero, marks],
        near="y",
        note=note,
        width=HALF,
        height=each * len(rows) + 48.0,
        rows=labels,
        legend=False,
    )
