"""A chart as data, and its drawing: SVG that stands by itself, and the numbers that the page's script reads.

Without the script the drawing is all there is; with it the same drawing can be pointed at and zoomed. Colours
are classes of the page's style sheet, so that they follow light, dark and paper.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Any, Literal

from quivers.element_names import shortened
from quivers.ide.posteriors import significant
from quivers.records import record

Kind = Literal["line", "step", "area", "bars", "band", "points", "squares", "intervals", "across", "down"]
Dash = Literal["", "dashed", "dotted"]
Near = Literal["x", "y", "xy"]

THIRD, HALF, WHOLE = 340.0, 520.0, 1064.0  # widths of charts of which three, two or one stand in a row
LEFT, RIGHT, TOP, BOTTOM = 44.0, 18.0, 20.0, 34.0
CHARACTER = 6.3  # about the width of one in a label
COLOURS = 6
LEGEND_CHARACTERS, TITLE_CHARACTERS = 32, 60


@record
class Scale:
    """An axis from `low` to `high`; a logarithmic one holds positive numbers."""

    low: float
    high: float
    label: str = ""
    log: bool = False
    ticks: bool = True

    def share(self, value: float) -> float:
        """How far along the axis a value lies: 0 at its low end, 1 at its high one."""
        low, high = self.low, self.high
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, 1e-300))
        return (value - low) / (high - low)


@record
class Series:
    """Marks of one kind. `ys` are heights of the points at `xs`.

    Of "step" and "bars", `xs` are the ends of the bins, one more than `ys`. A "band" runs from `lows` to
    `highs` over `xs`; "intervals" run from `lows` to `highs` along x at the heights `ys`, with a dot at `xs`.
    "across" are lines at the heights `ys`, "down" lines at `xs`. `texts` say what each point is, where its
    numbers don't say it all. What is not `read` is drawn only. A `packed` line, of points at even distances,
    is read to a 4,094th of its range.
    """

    name: str
    kind: Kind
    xs: Sequence[float] = ()
    ys: Sequence[float] = ()
    colour: str = "c1"
    lows: Sequence[float] = ()
    highs: Sequence[float] = ()
    texts: Sequence[str] = ()
    read: bool = True
    in_legend: bool = True
    dash: Dash = ""
    packed: bool = False


@record
class Chart:
    """One chart. `told` says in words what it shows, to those who don't see it.

    `near` says what the mouse finds: the nearest x, with every series' value there; the nearest row; or the
    nearest point. `rows` are labels at heights of the y axis, in place of its numbers.
    """

    key: str
    title: str
    told: str
    x: Scale
    y: Scale
    series: Sequence[Series]
    near: Near = "x"
    note: str = ""
    width: float = HALF
    height: float = 190.0
    rows: Sequence[tuple[float, str, str]] = ()
    legend: bool = True
    look: str = ""


def figure(chart: Chart) -> str:
    """The chart with its caption and legend, as a `figure` of HTML."""
    size = "whole" if chart.width > HALF else "half" if chart.width > THIRD else "third"
    note = f" <span>{escape(chart.note)}</span>" if chart.note else ""
    numbers = json.dumps(_numbers(chart), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    numbers = numbers.replace("<", "\\u003c")
    return (
        f'<figure class="chart {size} {chart.look}"><figcaption><b>{_title(chart.title)}</b>{note}'
        f'</figcaption>\n<div class="plot">{svg(chart)}<script type="application/json">{numbers}</script>'
        f"</div>{_legend(chart)}</figure>"
    )


def _title(title: str) -> str:
    """A title, which is whole where the mouse rests on it if it is cut short."""
    shown = shortened(title, TITLE_CHARACTERS)
    return escape(title) if shown == title else f'<span title="{escape(title)}">{escape(shown)}</span>'


def svg(chart: Chart) -> str:
    """The drawing alone."""
    left, top, width, height = box(chart)
    clip = _clip(chart.key)
    rows = " rows" if chart.rows else ""
    marks = "".join([_marks(chart, each) for each in chart.series])
    label = escape(f"{chart.title}. {chart.told}", quote=True)
    return (
        f'<svg role="img" aria-label="{label}" viewBox="0 0 {chart.width:g} {chart.height:g}">'
        f'<clipPath id="{clip}"><rect x="{left:g}" y="{top - 4:g}" width="{width:g}"'
        f' height="{height + 8:g}"/></clipPath><g class="y axis{rows}">{_rows(chart) or _y_axis(chart)}</g>'
        f'<g class="x axis">{_x_axis(chart)}</g>'
        f'<g clip-path="url(#{clip})"><g class="marks">{marks}</g></g>{_labels(chart)}</svg>'
    )


def _clip(key: str) -> str:
    """An id of the chart's own; names of the data, of which its key is made, can hold anything."""
    kind = key.partition("-")[0]
    return f"clip-{kind}-{hashlib.blake2b(key.encode(errors='replace'), digest_size=6).hexdigest()}"


def box(chart: Chart) -> tuple[float, float, float, float]:
    """Where the marks lie: left, top, width, height."""
    if chart.rows:
        longest = max(len(name) for _, name, _ in chart.rows)
        left = min(0.4 * chart.width, CHARACTER * longest + 12.0)
    else:
        left = LEFT if chart.y.ticks else 8.0
    top = TOP if chart.y.label else 8.0
    return left, top, chart.width - left - RIGHT, chart.height - top - BOTTOM


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two ends, at most about so many."""
    if not high > low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(each * power for each in (1.0, 2.0, 5.0, 10.0) if (high - low) / (each * power) <= most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def ticks_of(scale: Scale, most: int) -> list[float]:
    """The numbers that an axis shows; of a logarithmic one, powers of ten, with parts where there are few."""
    if not scale.log:
        return ticks(scale.low, scale.high, most)
    low, high = math.floor(math.log10(scale.low)), math.ceil(math.log10(scale.high))
    parts = (1, 2, 5) if math.log10(scale.high / scale.low) <= 3 else (1,)
    found = [part * 10.0**power for power in range(low, high + 1) for part in parts]
    return [value for value in found if scale.low <= value <= scale.high]


def padded(values: Iterable[float], share: float = 0.04) -> tuple[float, float]:
    """The least and the greatest finite number, and a little more on both sides."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return 0.0, 1.0
    low, high = min(known), max(known)
    more = share * (high - low) or max(abs(low), 1.0) * 0.5
    return low - more, high + more


# ------------------------------------------------------------------------- axes


def _x_axis(chart: Chart) -> str:
    left, top, width, height = box(chart)
    foot = top + height
    parts = [f'<path class="base" d="M{left:g} {foot:g}h{width:g}"/>']
    if chart.x.ticks:
        for value in ticks_of(chart.x, max(4, int(width / 60))):
            x = left + width * chart.x.share(value)
            parts.append(
                f'<path d="M{x:.1f} {foot:g}v4"/><text x="{x:.1f}" y="{foot + 16:g}">{_tick(value)}</text>'
            )
    return "".join(parts)


def _y_axis(chart: Chart) -> str:
    left, top, width, height = box(chart)
    if not chart.y.ticks:
        return ""
    parts = []
    for value in ticks_of(chart.y, max(2, int(height / 32))):
        y = top + height * (1 - chart.y.share(value))
        parts.append(
            f'<path class="grid" d="M{left:g} {y:.1f}h{width:g}"/>'
            f'<text x="{left - 6:g}" y="{y + 3.5:.1f}">{_tick(value)}</text>'
        )
    return "".join(parts)


def _rows(chart: Chart) -> str:
    left, top, _, height = box(chart)
    parts = []
    for at, name, whole in chart.rows:
        y = top + height * (1 - chart.y.share(at))
        title = f"<title>{escape(whole)}</title>" if whole != name else ""
        parts.append(f'<text x="{left - 8:g}" y="{y + 3.8:.1f}">{escape(name)}{title}</text>')
    return "".join(parts)


def _labels(chart: Chart) -> str:
    left, top, width, height = box(chart)
    found = ""
    if chart.x.label:
        y = top + height + 30
        found += f'<text class="label ending" x="{left + width:g}" y="{y:g}">{_axis_label(chart.x)}</text>'
    if chart.y.label:
        found += f'<text class="label" x="0" y="11">{_axis_label(chart.y)}</text>'
    return found


def _axis_label(scale: Scale) -> str:
    return escape(shortened(scale.label, LEGEND_CHARACTERS))


def _tick(value: float) -> str:
    return significant(value, 4) if abs(value) < 10_000 else significant(value, 6)


# ------------------------------------------------------------------------- marks


def _marks(chart: Chart, series: Series) -> str:
    left, top, width, height = box(chart)

    def x(value: float) -> str:
        return _short(left + width * chart.x.share(value))

    def y(value: float) -> str:
        return _short(top + height * (1 - chart.y.share(value)))

    drawn = {
        "line": lambda: _line(series, x, y),
        "area": lambda: _area(series, x, y, chart.y.low),
        "band": lambda: _band(series, x, y),
        "step": lambda: _step(series, x, y),
        "bars": lambda: _bars(series, x, y, chart.y.low),
        "points": lambda: _dots(series, x, y),
        "squares": lambda: _dots(series, x, y),
        "intervals": lambda: _intervals(series, x, y),
        "across": lambda: "".join([f"M{left:g} {y(each)}h{width:g}" for each in series.ys]),
        "down": lambda: "".join([f"M{x(each)} {top:g}v{height:g}" for each in series.xs]),
    }[series.kind]()
    dots = _dots(series, x, y) if series.kind == "intervals" else ""
    more = f'<path class="points {series.colour}" d="{dots}"/>' if dots else ""
    return f'<path class="{_look(series)}" d="{drawn}"/>{more}' if drawn else ""


def _look(series: Series) -> str:
    return f"{series.kind} {series.colour} {series.dash}".rstrip()


def told_apart(number: int) -> tuple[str, Dash]:
    """The colour and the dashes of the `number`-th of several lines; eighteen differ."""
    dash: tuple[Dash, ...] = ("", "dashed", "dotted")
    return f"c{number % COLOURS + 1}", dash[number // COLOURS % len(dash)]


def _line(series: Series, x: Any, y: Any) -> str:
    parts, pen = [], "M"
    for across, up in zip(series.xs, series.ys, strict=True):
        if not math.isfinite(up):
            pen = "M"
            continue
        parts.append(f"{pen}{x(across)} {y(up)}")
        pen = "L"
    return "".join(parts)


def _area(series: Series, x: Any, y: Any, foot: float) -> str:
    if not series.xs:
        return ""
    return f"{_line(series, x, y)}L{x(series.xs[-1])} {y(foot)}L{x(series.xs[0])} {y(foot)}Z"


def _band(series: Series, x: Any, y: Any) -> str:
    there = [f"{x(a)} {y(b)}" for a, b in zip(series.xs, series.highs, strict=True)]
    back = [f"{x(a)} {y(b)}" for a, b in zip(series.xs, series.lows, strict=True)][::-1]
    return f"M{'L'.join(there + back)}Z" if there else ""


def _step(series: Series, x: Any, y: Any) -> str:
    if not series.ys:
        return ""
    parts = [f"M{x(series.xs[0])} {y(series.ys[0])}"]
    parts += [f"V{y(up)}H{x(end)}" for up, end in zip(series.ys, series.xs[1:], strict=True)]
    return "".join(parts)


def _bars(series: Series, x: Any, y: Any, foot: float) -> str:
    bottom = y(foot)
    return "".join(
        [
            f"M{x(start)} {bottom}V{y(up)}H{x(end)}V{bottom}Z"
            for (start, end), up in zip(pairwise(series.xs), series.ys, strict=True)
            if up > foot
        ]
    )


def _dots(series: Series, x: Any, y: Any) -> str:
    """Lines of no length, whose round or square ends are the dots, so that zooming doesn't stretch them."""
    return "".join(
        [
            f"M{x(across)} {y(up)}h0"
            for across, up in zip(series.xs, series.ys, strict=True)
            if math.isfinite(across) and math.isfinite(up)
        ]
    )


def _intervals(series: Series, x: Any, y: Any) -> str:
    rows = zip(series.lows, series.highs, series.ys, strict=True)
    return "".join(
        [
            f"M{x(low)} {y(up)}H{x(high)}"
            for low, high, up in rows
            if math.isfinite(low) and math.isfinite(high)
        ]
    )


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _legend(chart: Chart) -> str:
    shown = [each for each in chart.series if each.name and each.in_legend]
    if not chart.legend or len(shown) < 2:
        return ""
    items = [
        f'<li><i class="{_look(each)}"></i>{escape(shortened(each.name, LEGEND_CHARACTERS))}</li>'
        for each in shown
    ]
    return f'<ul class="legend">{"".join(items)}</ul>'


# ------------------------------------------------------------------------- numbers


def _numbers(chart: Chart) -> dict[str, Any]:
    """What the script needs: where the marks lie, the scales, and the numbers to read off."""
    series = []
    before: Sequence[float] | None = None
    for each in chart.series:
        if not each.read or not (each.ys or each.xs):
            continue
        entry: dict[str, Any] = {"n": each.name}
        if each.packed:
            from quivers.report.packing import packed  # NumPy, which the server's pages do without

            low, high = min(each.ys), max(each.ys)
            entry |= {"p": packed(each.ys, low, high), "r": [_number(low), _number(high)]}
        else:
            entry["y"] = [_number(value) for value in each.ys]
        xs = each.xs
        if each.kind in ("bars", "step"):
            xs = [(start + end) / 2 for start, end in pairwise(each.xs)]
        if before is None or list(xs) != list(before):
            entry["x"] = [_number(value) for value in xs]
        before = xs
        if each.texts:
            entry["t"] = list(each.texts)
        if each.kind == "band":
            entry["y"] = [_number(value) for value in each.lows]
            entry["h"] = [_number(value) for value in each.highs]
        series.append(entry)
    return {
        "box": [_number(value) for value in box(chart)],
        "x": [
            _number(chart.x.low),
            _number(chart.x.high),
            int(chart.x.log),
            chart.x.label,
            int(chart.x.ticks),
        ],
        "y": [
            _number(chart.y.low),
            _number(chart.y.high),
            int(chart.y.log),
            chart.y.label,
            int(chart.y.ticks),
        ],
        "near": chart.near,
        "s": series,
    }


def _number(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.5g}")
    return int(short) if short == int(short) and abs(short) < 1e15 else short
