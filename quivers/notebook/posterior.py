"""A run's posterior and a guide's fit as a notebook shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from quivers.notebook.rows import MOST_SHOWN, problems_list, table_html
from quivers.terminal.posterior import (
    LONGEST_SITE,
    SHOWN_OF_LONGER,
    Row,
    posterior_cells,
    posterior_table,
)
from quivers.terminal.width import safe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WIDTH, HEIGHT = 320, 60  # of the ELBO's curve, in pixels
_POINTS = 160


# What each column of the table says, for those who point at it.
_MEANINGS = {
    "mean": "posterior mean",
    "sd": "posterior standard deviation",
    "5%": "a twentieth of the draws lie below",
    "50%": "posterior median",
    "95%": "a twentieth of the draws lie above",
    "ess_bulk": "effective number of draws for the mean",
    "ess_tail": "effective number of draws for the 5 % and 95 % quantiles",
    "mcse": "Monte Carlo standard error of the mean",
    "r_hat": "rank-normalised split R-hat; above 1.01 the chains disagree",
}


def posterior_text(
    title: str, rows: Sequence[Row], problems: Sequence[str], left_out: Mapping[str, int]
) -> str:
    """The title, the table, and a line for each site that it leaves out and for each problem."""
    told = [f"warning: {each}" for each in problems] or ["no problem found"]
    return "\n".join([title, "", summary_text(rows), *_left_out(left_out), "", *told])


def posterior_html(
    title: str, rows: Sequence[Row], problems: Sequence[str], left_out: Mapping[str, int]
) -> str:
    """The same in HTML; names are those that the data give."""
    notes = "".join(f"<p>{escape(each)}</p>" for each in _left_out(left_out))
    return f'<div class="qvr-posterior">{summary_html(rows, title)}{notes}{problems_list(problems)}</div>'


def _left_out(sites: Mapping[str, int]) -> list[str]:
    return [f'{name} : {count:,} numbers, worked out by result["{name}"]' for name, count in sites.items()]


def summary_text(rows: Sequence[Row]) -> str:
    """The table alone, cut to about a screen, with what is left out."""
    if not rows:
        return "no rows"
    kept, left = _kept(rows)
    return "\n".join([posterior_table(kept, *_limits(rows)), *left])


def summary_html(rows: Sequence[Row], caption: str = "") -> str:
    """The same as a table in HTML."""
    kept, left = _kept(rows)
    header, *lines = posterior_cells(kept, *_limits(rows))
    return table_html(header, [*lines, *((each,) for each in left)], caption, _MEANINGS)


def _limits(rows: Sequence[Row]) -> tuple[int, int]:
    """Of sites with how many elements how many are shown, so that all sites fit a screen where they can."""
    return (LONGEST_SITE, SHOWN_OF_LONGER) if len(rows) <= MOST_SHOWN else (8, 5)


def _kept(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """The rows of as many sites as a screen has, and a line about the others."""
    longest, shown = _limits(rows)
    sizes = Counter(row.site for row in rows)
    lines = 0
    kept: set[str] = set()
    for site, size in sizes.items():
        lines += shown + 1 if size > longest else size
        if kept and lines > MOST_SHOWN:
            break
        kept.add(site)
    left = [site for site in sizes if site not in kept]
    named = ", ".join(safe(site) for site in left[:5]) + (", …" if len(left) > 5 else "")
    more = f"… {len(left)} more {'site' if len(left) == 1 else 'sites'}: {named}"
    return [row for row in rows if row.site in kept], [more] if left else []


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
