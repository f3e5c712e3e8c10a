"""Diagnostics as a notebook shows them: each with its line, the place underlined, and what its code means."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any, Self

from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import render
from quivers.terminal.width import safe

ERROR = "#d32f2f"  # legible on white and on black, as are the others
_COLOURS = {Severity.ERROR: ERROR, Severity.WARNING: "#b26a00"}


class Diagnostics(tuple[Diagnostic, ...]):
    """What is wrong with a text, `source`, in its order; a notebook or a terminal shows it line by line.

    `file` is the name that the text goes by.
    """

    source: bytes
    file: str

    def __new__(cls, found: Iterable[Diagnostic], source: bytes, file: str) -> Self:
        made = super().__new__(cls, found)
        made.source, made.file = source, file
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return Diagnostics, (tuple(self), self.source, self.file)

    def __repr__(self) -> str:
        return render(self, self.source, self.file, colour=False) if self else "no problem found"

    def _repr_html_(self) -> str:
        return problems_html(self, self.source) if self else "<p>no problem found</p>"


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
        f'<pre style="margin:2px 0">{number + 1:>4} | {before}{mark}{after}</pre>'
        f"{hint}{fixes}{_explanation(found.code)}</div>"
    )


def _explanation(code: str) -> str:
    """The page of a code, folded; nothing where a code has none."""
    from quivers.explanations import page

    try:
        text = page(code)
    except KeyError:
        return ""
    told = f'<pre style="white-space:pre-wrap">{escape(text)}</pre>'
    return f"<details><summary>What {escape(code)} means</summary>{told}</details>"
