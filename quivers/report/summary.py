"""The summary in figures, each column with a sentence on what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from quivers.element_names import shortened
from quivers.ide.posteriors import decimal

MOST_ROWS = 500
FEW, APART = 400, 1.01  # effective draws, and R̂, that are marked

COLUMNS = {
    "mean": ("mean", "The average of the draws: the posterior's mean, known to about its Monte Carlo error."),
    "mcse_mean": (
        "MCSE",
        "Monte Carlo standard error of the mean: how far another seed would move the mean.",
    ),
    "sd": ("sd", "Standard deviation of the draws: how far from the mean the quantity may well lie."),
    "q5": (
        "5 %",
        "The quantity lies below this with a probability of 5 %; with 95 % it encloses the 90 % interval.",
    ),
    "q50": ("50 %", "The median: the quantity is as likely above it as below."),
    "q95": ("95 %", "The quantity lies above this with a probability of 5 %."),
    "ess_bulk": (
        "bulk ESS",
        "How many independent draws the mean and median are worth; 400 or more make them reliable.",
    ),
    "ess_tail": (
        "tail ESS",
        "How many independent draws the 5 % and 95 % ends are worth; 400 or more make them reliable.",
    ),
    "r_hat": (
        "R̂",
        "How much wider the draws of all chains are than those of one; below 1.01 the chains agree.",
    ),
}


def summary(figures: Mapping[str, Mapping[str, Any]]) -> str:
    """The table, with a line above it that explains the column in hand."""
    heads = "".join(
        [
            f'<th scope="col"><button type="button" class="term" data-column="{column}"'
            f' aria-describedby="means-{column}">{escape(title)}</button></th>'
            for column, (title, _) in COLUMNS.items()
        ]
    )
    told = "".join(
        [
            f'<span id="means-{column}" class="means means-{column}"><b>{escape(title)}</b> '
            f"{escape(meaning)}</span>"
            for column, (title, meaning) in COLUMNS.items()
        ]
    )
    rows = []
    for name, row in _shown(figures).items():
        cells = "".join([_cell(column, row) for column in COLUMNS])
        rows.append(f"<tr>{_head(name)}{cells}</tr>")
    left = len(figures) - MOST_ROWS
    more = (
        f"<p>{left:,} more rows are left out; those with the fewest effective draws are here.</p>"
        if left > 0
        else ""
    )
    return (
        f'<div class="summary"><p class="meaning">{told}'
        '<span class="hint">Point at the head of a column, or tab to it, to read what it says.</span></p>'
        '<div class="wide" tabindex="0" role="region" aria-label="Summary in figures"><table class="figures">'
        f"<thead><tr><td></td>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>{more}</div>"
    )


def _shown(figures: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """All rows; of too many those that call most for care, and the first ones, in their order."""
    if len(figures) <= MOST_ROWS:
        return figures
    doubtful = [name for name, row in figures.items() if _least(row) < FEW or (row["r_hat"] or 0) >= APART]
    worst = sorted(doubtful, key=lambda name: _least(figures[name]))[: MOST_ROWS // 2]
    chosen = set(worst)
    chosen.update([name for name in figures if name not in chosen][: MOST_ROWS - len(worst)])
    return {name: row for name, row in figures.items() if name in chosen}


def _least(row: Mapping[str, Any]) -> float:
    """The smaller effective size; infinite where none is known."""
    return min((row[part] for part in ("ess_bulk", "ess_tail") if row[part] is not None), default=math.inf)


def glossary(terms: Mapping[str, str]) -> str:
    """Every column of the summary, and further terms, in words."""
    known = dict(COLUMNS.values()) | dict(terms)
    entries = [
        f"<div><dt>{escape(term)}</dt><dd>{escape(meaning)}</dd></div>" for term, meaning in known.items()
    ]
    return f'<dl class="glossary">{"".join(entries)}</dl>'


def _head(name: str) -> str:
    """The name at the head of a row; one that is cut short is whole where the mouse rests on it."""
    shown = shortened(name)
    whole = "" if shown == name else f' title="{escape(name, quote=True)}"'
    return f'<th scope="row"{whole}>{escape(shown)}</th>'


def _cell(column: str, row: Mapping[str, Any]) -> str:
    value = row[column]
    if value is None:
        return "<td>–</td>"
    if column == "r_hat":
        return _marked(f"{value:.3f}", value >= APART)
    if column.startswith("ess"):
        return _marked(f"{value:,.0f}", value < FEW)
    if column == "mcse_mean":
        return f"<td>{escape(decimal(value, _places(row) + 1))}</td>"
    return f"<td>{escape(decimal(value, _places(row)))}</td>"


def _marked(text: str, doubtful: bool) -> str:
    return f'<td class="doubtful">{text}</td>' if doubtful else f"<td>{text}</td>"


def _places(row: Mapping[str, Any]) -> int:
    """The decimal place at which the mean's Monte Carlo error begins."""
    error = row["mcse_mean"]
    return -math.floor(math.log10(error)) if error else 3
