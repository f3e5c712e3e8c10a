"""Diagnostics as a notebook shows them: each with its line, and the place underlined."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.width import safe

_COLOURS = {Severity.ERROR: "#d32f2f", Severity.WARNING: "#b26a00"}  # legible on white and on black


def problems_html(found: Iterable[Diagnostic], source: bytes) -> str:
    """A paragraph, the line and the hint of each; lines count from 1."""
    lines = LineIndex(source)
    return '<div class="qvr-problems">' + "".join(_one(each, source, lines) for each in found) + "</div>"


def _one(found: Diagnostic, source: bytes, lines: LineIndex) -> str:
    colour = _COLOURS.get(found.severity, "#1976d2")
    number = lines.position(found.span.start, Encoding.UTF8).line
    line = lines.line_span(number)
    start = found.span.start - line.start
    text = source[line.start : line.end]
    # Where nothing is there to underline, what comes next is: a place at a line's end has a blank.
    end = max(start + 1, min(found.span.end - line.start, len(text)))
    parts = (text[:start], text[start:end] or b" ", text[end:])
    before, under, after = (escape(safe(part.decode("utf-8", errors="replace"))) for part in parts)
    mark = f'<span style="text-decoration:underline wavy {colour}">{under}</span>'
    hint = f"<div>{escape(found.hint)}</div>" if found.hint else ""
    fixes = "".join(f"<div>Fix: {escape(fix.title)}</div>" for fix in found.fixes)
    return (
        f'<div><b style="color:{colour}">{found.severity.value}[{escape(found.code)}]</b>:'
        f" {escape(safe(found.message))}"
        f'<pre style="margin:2px 0">{number + 1:>4} | {before}{mark}{after}</pre>{hint}{fixes}</div>'
    )
