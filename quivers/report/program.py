"""The program on the page: its lines with posteriors beside them, and its plate diagram."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape

from quivers.check.program import Checked, CheckedProgram
from quivers.ide.definition import named_steps
from quivers.ide.posteriors import Posterior, text
from quivers.plate.reading import diagram
from quivers.plate.svg import svg
from quivers.syntax import ast
from quivers.syntax.lines import LineIndex

_TOKEN = re.compile(
    r"(?P<comment>#.*)|(?P<keyword>\b(?:object|data|program|let|define|export|sample|observe|marginalize|score"
    r"|return|scan|factor|in|if|then|else)\b)|(?P<figure>(?<![\w.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
)


def source(text_of_file: bytes, program: CheckedProgram | None, sites: Mapping[str, Posterior]) -> str:
    """The lines of the program, each with the posteriors of the names that it binds."""
    lines = LineIndex(text_of_file)
    beside = {} if program is None else _by_line(program, lines, sites)
    last = lines.line_count - 1
    rows = []
    for number in range(last + 1):
        span = lines.line_span(number)
        written = text_of_file[span.start : span.end].decode(errors="replace")
        if number == last and not written:
            continue
        told = " · ".join([text(found) for found in beside.get(number, ())])
        rows.append(
            f'<tr><td class="number">{number + 1}</td><td><code>{_coloured(written)}</code></td>'
            f'<td class="beside">{escape(told)}</td></tr>'
        )
    return (
        '<div class="wide" tabindex="0" role="region" aria-label="The program, with posteriors">'
        f'<table class="source" role="presentation">{"".join(rows)}</table></div>'
    )


def plate(text_of_file: bytes, checked: Checked, program: CheckedProgram) -> str:
    """The plate diagram of a program without errors."""
    drawn = svg(diagram(checked, program, text_of_file)).replace(' xmlns="http://www.w3.org/2000/svg"', "", 1)
    return (
        f'<div class="wide plate-diagram" tabindex="0" role="region" aria-label="Plate diagram">{drawn}</div>'
    )


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
