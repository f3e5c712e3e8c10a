"""The page of a run: the program with posteriors beside its lines, what went wrong, figures and drawings."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from html import escape
from typing import Any

from quivers.check.analysis import check_source
from quivers.check.program import CheckedProgram
from quivers.element_names import shortened
from quivers.ide.definition import named_steps
from quivers.ide.posteriors import Posterior, decimal, posterior, text
from quivers.report.drawings import MOST_INTERVALS, histogram, intervals
from quivers.report.style import STYLE
from quivers.syntax import ast
from quivers.syntax.lines import LineIndex

MOST_ROWS = 500
POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_TOKEN = re.compile(
    r"(?P<comment>#.*)|(?P<keyword>\b(?:object|data|program|let|define|export|sample|observe|marginalize|score"
    r"|return|scan|factor|in|if|then|else)\b)|(?P<figure>(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)


def page(
    source: bytes,
    program: str,
    result: Mapping[str, Any],
    *,
    file: str,
    data: str | None,
    finished: float,
    stale: bool,
) -> str:
    """The whole page as HTML. `source` is the text that ran, `result` what the worker answered.

    `finished` is the time of the answer in seconds since 1970; `data` says where the data are from, if any.
    """
    sites = {name: posterior(name, entry, result["labels"]) for name, entry in result["sites"].items()}
    title = f"{program} · {file}"
    parts = [
        f"<h1>{escape(program)}</h1>",
        _facts(result, file, data, finished),
        '<p class="stale">The model or its data have changed since this run.</p>' if stale else "",
        _troubles(result),
        "<h2>The program</h2>",
        _source(source, program, sites),
        "<h2>The posterior</h2>",
        "".join([_site(found) for found in sites.values()]),
        "<h2>In figures</h2>",
        _table(result["summary"]),
    ]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join([part for part in parts if part])
        + "\n</main>\n</body>\n</html>\n"
    )


def _facts(result: Mapping[str, Any], file: str, data: str | None, finished: float) -> str:
    r_hats = [row["r_hat"] for row in result["summary"].values() if row["r_hat"] is not None]
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(finished))
    facts = [
        ("Model", file),
        ("Data", data or "none"),
        ("Finished", when),
        ("Draws", f"{result['chains']} × {result['draws']:,}, after a warm-up of {result['warmup']:,}"),
        ("Seed", str(result["seed"])),
        ("Worst R̂", f"{max(r_hats):.3f}" if r_hats else "–"),
        ("Divergences", f"{result['divergences']:,}"),
        ("Engine", result["engine"]),
        ("Time", f"{result['seconds']['total']:.1f} s"),
    ]
    cells = "".join([f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in facts])
    return f'<dl class="facts">{cells}</dl>'


def _troubles(result: Mapping[str, Any]) -> str:
    sentences = [trouble["message"] for trouble in result["troubles"]]
    if not sentences:
        return '<p class="sound">The run shows no sign of trouble.</p>'
    return f'<ul class="troubles">{"".join([f"<li>{escape(each)}</li>" for each in sentences])}</ul>'


# -------------------------------------------------------------------- the source


def _source(source: bytes, name: str, sites: Mapping[str, Posterior]) -> str:
    """The lines of the program, each with the posteriors of the names that it binds."""
    lines = LineIndex(source)
    program = check_source(source).programs.get(name)
    beside = {} if program is None else _by_line(program, lines, sites)
    last = lines.line_count - 1
    rows = []
    for number in range(last + 1):
        span = lines.line_span(number)
        written = source[span.start : span.end].decode(errors="replace")
        if number == last and not written:
            continue
        told = " · ".join([text(found) for found in beside.get(number, ())])
        rows.append(
            f'<tr><td class="number">{number + 1}</td><td><code>{_coloured(written)}</code></td>'
            f'<td class="beside">{escape(told)}</td></tr>'
        )
    return f'<div class="wide"><table class="source">{"".join(rows)}</table></div>'


def _by_line(
    program: CheckedProgram, lines: LineIndex, sites: Mapping[str, Posterior]
) -> dict[int, list[Posterior]]:
    beside: dict[int, list[Posterior]] = {}
    for step in named_steps(program.declaration.steps):
        if isinstance(step, ast.Sample | ast.Let) and step.name.text in sites:
            line = lines.line_at(program.offset + step.name.span.start)
            beside.setdefault(line, []).append(sites[step.name.text])
    return beside


def _coloured(line: str) -> str:
    """A line of QVR in which words of the language, numbers and comments have classes."""
    told, end = [], 0
    for match in _TOKEN.finditer(line):
        told.append(escape(line[end : match.start()]))
        told.append(f'<span class="{match.lastgroup}">{escape(match[0])}</span>')
        end = match.end()
    return "".join([*told, escape(line[end:])])


# -------------------------------------------------------------------- the posterior


def _site(found: Posterior) -> str:
    over = " ⊗ ".join(found.axes)
    heading = escape(found.name) + (f' <span class="axes">over {escape(over)}</span>' if over else "")
    drawn = histogram(found.histogram, found.name) if found.histogram is not None else ""
    elements = intervals(found)
    size = len(found.mean)
    note = f"<p>The first {MOST_INTERVALS} of {size:,}.</p>" if elements and size > MOST_INTERVALS else ""
    said = escape(text(found))
    return f'<section><h3>{heading}</h3><p class="said">{said}</p>{drawn}{elements}{note}</section>'


COLUMNS = (
    *(("mean", "mean"), ("sd", "sd"), ("q5", "5 %"), ("q50", "50 %"), ("q95", "95 %")),
    *(("ess_bulk", "bulk ESS"), ("ess_tail", "tail ESS"), ("r_hat", "R̂")),
)


def _table(summary: Mapping[str, Mapping[str, Any]]) -> str:
    heads = "".join([f"<th>{escape(title)}</th>" for _, title in COLUMNS])
    rows = []
    for name, row in list(summary.items())[:MOST_ROWS]:
        cells = "".join([f"<td>{escape(_cell(column, row))}</td>" for column, _ in COLUMNS])
        rows.append(f"<tr>{_head(name)}{cells}</tr>")
    left = len(summary) - MOST_ROWS
    more = f"<p>{left:,} more rows are left out.</p>" if left > 0 else ""
    body = "".join(rows)
    return f'<div class="wide"><table class="figures"><tr><th></th>{heads}</tr>{body}</table></div>{more}'


def _head(name: str) -> str:
    """The name at the head of a row; one that is cut short is whole where the mouse rests on it."""
    shown = shortened(name)
    whole = "" if shown == name else f' title="{escape(name, quote=True)}"'
    return f"<th{whole}>{escape(shown)}</th>"


def _cell(column: str, row: Mapping[str, Any]) -> str:
    value = row[column]
    if value is None:
        return "–"
    if column == "r_hat":
        return f"{value:.3f}"
    if column.startswith("ess"):
        return f"{value:,.0f}"
    return decimal(value, _places(row))


def _places(row: Mapping[str, Any]) -> int:
    """The decimal place at which the mean's Monte Carlo error begins."""
    from math import floor, log10

    error = row["mcse_mean"]
    return -floor(log10(error)) if error else 3
