"""A run's posterior and a guide's fit as a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import TYPE_CHECKING

from quivers.terminal.posterior import Row, posterior_cells, posterior_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 60  # of the ELBO's curve, in pixels
_POINTS = 160
_CELL = "text-align:right;padding:1px 8px;font-variant-numeric:tabular-nums"


def posterior_text(title: str, rows: Iterable[Row], problems: Sequence[str]) -> str:
    """The title, the table and a line for each problem."""
    told = [f"warning: {each}" for each in problems] or ["no problem found"]
    return "\n".join([title, "", posterior_table(rows), "", *told])


def posterior_html(title: str, rows: Iterable[Row], problems: Sequence[str]) -> str:
    """The same in HTML; names are those that the data give."""
    header, *lines = posterior_cells(rows)
    head = "".join(f'<th scope="col" style="{_CELL}">{escape(cell)}</th>' for cell in header)
    body = "".join(
        f'<tr><th scope="row" style="text-align:left">{escape(line[0])}</th>'
        + "".join(f'<td style="{_CELL}">{escape(cell)}</td>' for cell in line[1:])
        + "</tr>"
        if len(line) > 1
        else f'<tr><td colspan="{len(header)}" style="text-align:left">{escape(line[0])}</td></tr>'
        for line in lines
    )
    return (
        f'<div class="qvr-posterior"><p>{escape(title)}</p><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{problems_list(problems)}</div>"
    )


def problems_list(problems: Sequence[str]) -> str:
    """A list of sentences; a sentence that there are none."""
    if not problems:
        return "<p>no problem found</p>"
    return "<ul>" + "".join(f"<li><b>warning</b>: {escape(each)}</li>" for each in problems) + "</ul>"


def curve(trace: NDArray[np.float64]) -> str:
    """The last nine tenths of an ELBO trace (step) as a line, which a steep start would flatten; SVG."""
    import numpy as np

    kept = trace[len(trace) // 10 :]
    kept = kept[np.linspace(0, len(kept) - 1, min(_POINTS, len(kept))).astype(int)] if len(kept) else kept
    kept = kept[np.isfinite(kept)]
    if len(kept) < 2:
        return ""
    low, high = float(kept.min()), float(kept.max())
    across = np.linspace(0.0, WIDTH, len(kept))
    up = HEIGHT * (1.0 - (kept - low) / ((high - low) or 1.0))
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, up, strict=True))
    return (
        f'<svg role="img" aria-label="ELBO from {low:.4g} to {high:.4g}" width="{WIDTH}" height="{HEIGHT}"'
        f' viewBox="0 0 {WIDTH} {HEIGHT}"><polyline fill="none" stroke="currentColor"'
        f' points="{points}"/></svg>'
    )


def elbo_text(trace: NDArray[np.float64], *, converged: bool, cancelled: bool) -> str:
    """How far an ELBO has come, in a line."""
    if not len(trace):
        return "no step was taken"
    last = trace[-max(1, len(trace) // 4) :]
    end = "was cancelled" if cancelled else "has levelled off" if converged else "has not levelled off"
    return f"ELBO {last.mean():.4g} (mean of the last {len(last)} of {len(trace)} steps), which {end}"
