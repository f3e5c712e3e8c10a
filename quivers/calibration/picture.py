"""The picture of a calibration, as SVG: each site's ECDFs of ranks, less the uniform one, in their band.

After Säilynoja, Bürkner and Vehtari 2022, figure 1: the difference shows what the ECDF itself hides.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from quivers.calibration.bands import Band, counts_below
from quivers.calibration.verdicts import Verdict

WIDTH, HEIGHT = 260, 170  # of a panel, with its margins
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 40, 30
COLUMNS = 3
MOST_LINES = 60  # of a panel, those that leave the band first

_STYLE = """
svg{background:#fff;font:11px system-ui,sans-serif}
text{fill:#333}.title{font-weight:600;font-size:12px}.verdict{fill:#666}.wrong{fill:#b3261e}
.band{fill:#d7e8e6}.middle{stroke:#999;stroke-width:.6}
polyline{fill:none;stroke:#1b7f79;stroke-width:1;opacity:.75}polyline.wrong{fill:none;stroke:#b3261e;opacity:1}
@media (prefers-color-scheme:dark){svg{background:#1e1e1e}text{fill:#ddd}
.verdict{fill:#aaa}.wrong{fill:#ff8a80}
.band{fill:#24413f}.middle{stroke:#777}polyline{stroke:#6fc7c0}polyline.wrong{stroke:#ff8a80}}
"""


def picture(found: Sequence[Verdict], band: Band) -> str:
    """An SVG file's text: a panel for each site, its elements as lines, those outside the band in red."""
    panels = [(site, list(own)) for site, own in groupby(found, key=lambda each: each.site)]
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    body = [
        _panel(site, own, band, WIDTH * (place % columns), HEIGHT * (place // columns))
        for place, (site, own) in enumerate(panels)
    ]
    wrong = sum(1 for each in found if not each.is_calibrated)
    said = f"{len(found)} quantities, {wrong} of them outside the band" if wrong else "all inside the band"
    width, height = WIDTH * columns, HEIGHT * rows
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
            f' height="{height}" role="img" aria-label="ECDF of ranks less uniform: {escape(said)}">',
            f"<style>{_STYLE}</style>",
            *body,
            "</svg>\n",
        ]
    )


def _panel(site: str, own: Sequence[Verdict], band: Band, x: int, y: int) -> str:
    share = np.arange(1, band.ranks) / band.ranks
    low = band.low / band.replicates - share
    high = band.high / band.replicates - share
    shown = sorted(own, key=lambda each: -each.excess)[:MOST_LINES]
    lines = [counts_below(each.ranks, band.ranks) / band.replicates - share for each in shown]
    reach = max(0.01, float(np.max(np.abs([low, high, *lines]))))

    def points(heights: NDArray[np.float64], places: NDArray[np.float64] = share) -> str:
        across = LEFT + places * (WIDTH - LEFT - RIGHT)
        down = TOP + (1.0 - heights / reach) / 2.0 * (HEIGHT - TOP - BOTTOM)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(across, down, strict=True))

    ends = np.array([0.0, 1.0])
    outline = f"{points(high)} {points(low[::-1], share[::-1])}"
    kinds = dict.fromkeys(each.kind for each in own if not each.is_calibrated)
    verdict = ", ".join(kinds) or "calibrated"
    more = f" ({len(shown)} of {len(own)} shown)" if len(shown) < len(own) else ""
    parts = [
        f'<g transform="translate({x} {y})">',
        f'<text class="title" x="{LEFT}" y="16">{escape(site)}</text>',
        f'<text class="{"wrong" if kinds else "verdict"}" x="{LEFT}" y="31">{escape(verdict + more)}</text>',
        f'<polygon class="band" points="{outline}"/>',
        f'<polyline class="middle" points="{points(np.zeros(2), ends)}"/>',
        *(
            f"<polyline{'' if each.is_calibrated else ' class=' + chr(34) + 'wrong' + chr(34)}"
            f' points="{points(line)}"><title>{escape(each.name)}</title></polyline>'
            for each, line in reversed(list(zip(shown, lines, strict=True)))
        ),
        *(
            f'<text x="{LEFT - 6}" y="{TOP + at * (HEIGHT - TOP - BOTTOM) + 4:.0f}" text-anchor="end">'
            f"{value:+.2f}</text>"
            for value, at in ((reach, 0.0), (-reach, 1.0))
        ),
        f'<text x="{LEFT - 6}" y="{(TOP + HEIGHT - BOTTOM) / 2 + 4:.0f}" text-anchor="end">0</text>',
        *(
            f'<text x="{LEFT + at * (WIDTH - LEFT - RIGHT):.0f}" y="{HEIGHT - BOTTOM + 16}"'
            f' text-anchor="middle">{label}</text>'
            for at, label in ((0.0, "0"), (0.5, "rank of the truth, as a share"), (1.0, "1"))
        ),
        "</g>",
    ]
    return "\n".join(parts)
