"""The page's drawings as inline SVG: the shape of a site's draws, and the intervals of a plate's elements.

Colours are those of the page's style sheet, so that they follow its light and dark schemes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from quivers.element_names import shortened
from quivers.ide.posteriors import Histogram, Posterior, element, significant

WIDTH, HEIGHT = 320.0, 96.0
FOOT = 16.0
ROW = 15.0
LABELS = 120.0
MOST_CHARACTERS = 18
MOST_INTERVALS = 40


def histogram(drawn: Histogram, name: str) -> str:
    """A histogram with its ends written under it."""
    most = max(drawn.counts, default=0)
    if most <= 0:
        return ""
    wide = WIDTH / len(drawn.counts)
    bars = []
    for place, count in enumerate(drawn.counts):
        tall = (HEIGHT - FOOT) * count / most
        top = HEIGHT - FOOT - tall
        bars.append(
            f'<rect x="{place * wide:.1f}" y="{top:.1f}" width="{wide - 1:.1f}" height="{tall:.1f}"/>'
        )
    ends = (
        f'<text x="0" y="{HEIGHT - 3}">{escape(significant(drawn.low))}</text>'
        f'<text x="{WIDTH}" y="{HEIGHT - 3}" text-anchor="end">{escape(significant(drawn.high))}</text>'
    )
    label = escape(f"Histogram of the draws of {name}, from {drawn.low:.3g} to {drawn.high:.3g}", quote=True)
    return (
        f'<svg class="histogram" role="img" aria-label="{label}" viewBox="0 0 {WIDTH:g} {HEIGHT:g}">'
        f"{''.join(bars)}{ends}</svg>"
    )


def intervals(found: Posterior) -> str:
    """The mean and the 90 % interval of each element of a plate; empty where they are not known."""
    size = min(math.prod(found.shape), MOST_INTERVALS)
    rows = [
        (number, low, mean, high)
        for number, (low, mean, high) in enumerate(
            zip(found.q5[:size], found.mean[:size], found.q95[:size], strict=False)
        )
        if low is not None and mean is not None and high is not None
    ]
    if not found.shape or not rows:
        return ""
    least, greatest = min(row[1] for row in rows), max(row[3] for row in rows)
    across = (greatest - least) or 1.0
    tall = ROW * len(rows) + FOOT

    def x(value: float) -> float:
        return LABELS + (WIDTH - LABELS - 6) * (value - least) / across

    lines = []
    if least < 0 < greatest:
        lines.append(f'<line class="zero" x1="{x(0):.1f}" y1="0" x2="{x(0):.1f}" y2="{tall - FOOT:.1f}"/>')
    for place, (number, low, mean, high) in enumerate(rows):
        y = ROW * (place + 0.5)
        whole = element(found, number)
        name = f"{escape(shortened(whole, MOST_CHARACTERS))}<title>{escape(whole)}</title>"
        lines.append(
            f'<text x="0" y="{y + 4:.1f}">{name}</text>'
            f'<line x1="{x(low):.1f}" y1="{y:.1f}" x2="{x(high):.1f}" y2="{y:.1f}"/>'
            f'<circle cx="{x(mean):.1f}" cy="{y:.1f}" r="3"/>'
        )
    ends = _ends(least, greatest, tall)
    label = escape(f"Means and 90 % intervals of {found.name}", quote=True)
    return (
        f'<svg class="intervals" role="img" aria-label="{label}" viewBox="0 0 {WIDTH:g} {tall:g}">'
        f"{''.join(lines)}{ends}</svg>"
    )


def _ends(low: float, high: float, tall: float) -> str:
    texts: Sequence[tuple[float, str, float]] = ((LABELS, "start", low), (WIDTH, "end", high))
    return "".join(
        [
            f'<text x="{x:g}" y="{tall - 3:.1f}" text-anchor="{anchor}">{escape(significant(value))}</text>'
            for x, anchor, value in texts
        ]
    )
