"""A posterior beside its line and in a hover: short text for one site, and a table of its elements.

A scalar reads `3.31 ± 2.49 ▁▂▅█▇▃▂▁ R̂ 1.00`: mean, standard deviation, and the shape of the draws from the
smallest to the greatest. A plate reads `8 × 4.1 … 6.2 ▅▃▁▂▃▂█▄ R̂ 1.00`: how many elements, the smallest and
the greatest of their means, and the means themselves in the order of the elements; of more than sixteen
elements, neighbours share a bar. Means are rounded where their Monte Carlo error begins.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from quivers.element_names import AxisLabels, axis_labels, element_name, index_of, shortened
from quivers.records import record

BARS = "▁▂▃▄▅▆▇█"
SHAPE_BARS = 8
MOST_BARS = 16
MOST_ROWS = 12
_MARKUP = re.compile(r"[\\`*_{}\[\]()<>#|!~&$]")

Numbers = tuple[float | None, ...]


@record
class Histogram:
    """How many draws lie in each of equal bins from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


@record
class Posterior:
    """What is known of one site. Numbers are flat, the last axis running fastest; None is no number.

    `axes` has the objects that it runs over and `shape` their sizes. `r_hat` is the worst and `ess` the
    smallest of all elements. `q5` and `q95` are empty while a run is under way; `done` is then the share of
    its draws that are made, else None. `stale` says that the model or the data have changed since. `labels`
    has what the elements of each axis are called, where the data name them, and `run` tells of the run that
    it is from, for a hover.
    """

    name: str
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    mean: Numbers
    sd: Numbers
    q5: Numbers = ()
    q95: Numbers = ()
    r_hat: float | None = None
    ess: float | None = None
    histogram: Histogram | None = None
    stale: bool = False
    done: float | None = None
    labels: AxisLabels = ()
    run: str = ""


def posterior(
    name: str,
    entry: Mapping[str, Any],
    labels: Mapping[str, Sequence[str]] | None = None,
    *,
    stale: bool = False,
    done: float | None = None,
) -> Posterior:
    """The posterior that a worker's message says of a site, be it final or partial.

    `labels` has what the elements of each object are called.
    """
    drawn = entry.get("histogram")
    axes, shape = tuple(entry.get("axes", ())), tuple(entry["shape"])
    return Posterior(
        name,
        axes,
        shape,
        tuple(entry["mean"]),
        tuple(entry["sd"]),
        tuple(entry.get("q5", ())),
        tuple(entry.get("q95", ())),
        entry.get("r_hat"),
        entry.get("ess"),
        None if drawn is None else Histogram(drawn["low"], drawn["high"], tuple(drawn["counts"])),
        stale,
        done,
        axis_labels(axes, shape, labels) if labels else (),
    )


# ------------------------------------------------------------------- one line


def text(found: Posterior) -> str:
    """The posterior in one line, for the end of the site's own."""
    parts = [_figures(found)]
    if bars := (shape_bars(found.histogram) if not found.shape else means_bars(found.mean)):
        parts.append(bars)
    if found.r_hat is not None:
        parts.append(f"R̂ {found.r_hat:.2f}")
    line = " ".join(parts)
    if found.done is not None:
        line += f" · {int(100 * found.done)} %"
    return f"{line} · stale" if found.stale else line


def _figures(found: Posterior) -> str:
    if not found.shape:
        return mean_and_sd(_at(found.mean, 0), _at(found.sd, 0), found.ess)
    size = math.prod(found.shape)
    places = max((_places(sd, found.ess) for sd in found.sd if sd is not None), default=2)
    known = [value for value in found.mean if value is not None]
    if not known:
        return f"{size} × no numbers"
    low, high = decimal(min(known), places), decimal(max(known), places)
    return f"{size} × {low}" if low == high else f"{size} × {low} … {high}"


def _at(values: Sequence[float | None], index: int) -> float | None:
    return values[index] if index < len(values) else None


def mean_and_sd(mean: float | None, sd: float | None, ess: float | None) -> str:
    """`3.31 ± 2.49`, both to the place where the mean's Monte Carlo error begins."""
    if mean is None:
        return "no number"
    if not sd:
        return significant(mean)
    places = _places(sd, ess)
    return f"{decimal(mean, places)} ± {decimal(sd, places)}"


def _places(sd: float, ess: float | None) -> int:
    """The decimal place of the mean's Monte Carlo error; that of a tenth of the sd where it is not known."""
    error = sd / math.sqrt(ess) if ess is not None and ess > 1 else sd / 10
    if not error > 0 or not math.isfinite(error):
        return 2
    return -math.floor(math.log10(error))


def decimal(value: float | None, places: int) -> str:
    """A number to a decimal place, with a real minus sign; very large and small ones with a power of ten."""
    if value is None:
        return "–"
    places = min(places, 12)
    rounded = round(value, places)
    if abs(rounded) >= 1e7 or (rounded and abs(rounded) < 1e-4):
        digits = max(0, min(8, places + math.floor(math.log10(abs(rounded)))))
        mantissa, _, power = f"{value:.{digits}e}".partition("e")
        return _minus(f"{mantissa}e{int(power)}")
    return _minus(f"{rounded + 0.0:.{max(0, places)}f}")


def significant(value: float | None, digits: int = 3) -> str:
    """A number to three significant digits."""
    return "–" if value is None else _minus(f"{value:.{digits}g}")


def _minus(number: str) -> str:
    if number.startswith("-") and not number.strip("-0."):
        number = number[1:]
    return number.replace("-", "−")


# ----------------------------------------------------------------------- bars


def shape_bars(histogram: Histogram | None, bars: int = SHAPE_BARS) -> str:
    """The shape of a histogram in a few bars, from its lowest value to its highest."""
    if histogram is None or not histogram.counts:
        return ""
    counts = _gathered(histogram.counts, bars, sum)
    most = max(counts)
    return "" if most <= 0 else "".join([_bar(count / most) for count in counts])


def means_bars(means: Sequence[float | None]) -> str:
    """The means of a plate's elements in order, lowest bar for the smallest; neighbours share a bar."""
    known = [value for value in means if value is not None]
    if len(known) < 2 or len(known) < len(means):
        return ""
    values = _gathered(known, MOST_BARS, lambda each: sum(each) / len(each))
    low, high = min(values), max(values)
    if not high > low:
        return ""
    return "".join([_bar((value - low) / (high - low)) for value in values])


def _gathered(values: Sequence[float], most: int, together: Any) -> list[float]:
    """At most so many values: neighbours are taken together, in parts as equal as can be."""
    parts = min(most, len(values))
    ends = [len(values) * part // parts for part in range(parts + 1)]
    return [together(values[start:end]) for start, end in pairwise(ends)]


def _bar(share: float) -> str:
    return BARS[min(len(BARS) - 1, max(0, round(share * (len(BARS) - 1))))]


# ---------------------------------------------------------------------- hover


def paragraphs(found: Posterior) -> tuple[str, ...]:
    """The posterior as paragraphs of Markdown: what it is, and a table with a row for each element."""
    return (_heading(found), "\n".join(_table(found)))


def _heading(found: Posterior) -> str:
    words = ["**Posterior**"]
    if found.done is not None:
        words.append(f"so far, {int(100 * found.done)} % drawn")
    if found.r_hat is not None:
        words.append(f"R̂ {found.r_hat:.2f}")
    if found.ess is not None:
        words.append(f"effective draws {found.ess:.0f}")
    if found.run:
        words.append(found.run)
    if found.stale:
        words.append("stale: the model or its data have changed since")
    bars = shape_bars(found.histogram, 12)
    return " · ".join(words) + (f"\n\n`{bars}`" if bars else "")


def _table(found: Posterior) -> list[str]:
    quantiles = bool(found.q5 and found.q95)
    titles = ["", "mean", "sd", *(["5 %", "95 %"] if quantiles else [])]
    if not found.shape:
        titles[0] = found.name
    lines = [_row(titles), _row(["---", *["---:"] * (len(titles) - 1)])]
    size = math.prod(found.shape)
    shown = range(size) if size <= MOST_ROWS else range(MOST_ROWS)
    for number in shown:
        mean, sd = _at(found.mean, number), _at(found.sd, number)
        places = _places(sd, found.ess) if sd else None
        figures = [mean, sd, *([_at(found.q5, number), _at(found.q95, number)] if quantiles else [])]
        told = [significant(each) if places is None else decimal(each, places) for each in figures]
        lines.append(_row([_cell(found, number) if found.shape else "", *told]))
    if size > MOST_ROWS:
        lines.append(_row(["…", f"{size - MOST_ROWS} more", *[""] * (len(titles) - 2)]))
    return lines


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(found: Posterior, number: int) -> str:
    """An element's name in a table of Markdown, where no level's name can be markup."""
    name = shortened(element(found, number))
    head, bracket, subscripts = name.partition("[")
    return head + bracket + _MARKUP.sub(r"\\\g<0>", subscripts.removesuffix("]")) + "]"


def element(found: Posterior, number: int) -> str:
    """The element at a flat place, as in the results: `theta[Choate]`, `theta[3]`, `beta[2,1]`."""
    return element_name(found.name, index_of(number, found.shape), found.labels)
