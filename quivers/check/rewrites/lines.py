"""The lines that a step stands on, and what it takes to remove, copy or indent them as a whole.

All offsets are relative to the declaration, and `text` is the declaration's text up to the end of its
last line.
"""

from __future__ import annotations

import re

from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import documentation_above, line_start
from quivers.syntax.problems import Edit, Fix

_LINE_END = re.compile(rb"\r\n|\n|\r")
_ARROW = re.compile(rb"( *)(<-|\xe2\x86\x90)")


def line_ending(text: bytes) -> str:
    """How lines end in this text."""
    found = _LINE_END.search(text)
    return found[0].decode() if found else "\n"


def line_end(text: bytes, offset: int) -> Span:
    """The line ending of the line of `offset`; empty at the end of a text that has none."""
    found = _LINE_END.search(text, offset)
    return Span(found.start(), found.end()) if found else Span(len(text), len(text))


def first_line(text: bytes, step: ast.Step) -> int:
    """Where the first line of a step starts, its documentation included."""
    return documentation_above(text, step.span.start)[1]


def indentation(text: bytes, step: ast.Step) -> str:
    """The white space before a step."""
    return text[line_start(text, step.span.start) : step.span.start].decode()


def spelt(text: bytes, span: Span) -> str:
    """What is written there."""
    return text[span.start : span.end].decode()


def without(text: bytes, step: ast.Step) -> Edit:
    """Remove a step with its documentation, its trailing comment and its lines."""
    start, ending = first_line(text, step), line_end(text, step.span.end)
    if ending.start == ending.end and start > 0:
        # The last line of a declaration takes the line break before it along.
        start -= 2 if text[start - 2 : start] == b"\r\n" else 1
    return Edit(Span(start, ending.end), "")


def indented(text: bytes, step: ast.Step, by: str) -> list[Edit]:
    """Move the lines of a step, its documentation included, to the right."""
    edits: list[Edit] = []
    start, end = first_line(text, step), line_end(text, step.span.end).start
    while start < end:
        ending = line_end(text, start)
        if text[start : ending.start].strip():
            edits.append(Edit(Span(start, start), by))
        start = ending.end
    return edits


def applied(text: bytes, fix: Fix) -> bytes:
    """The text as a fix leaves it."""
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        text = text[: edit.span.start] + edit.text.encode() + text[edit.span.end :]
    return text


def renamed_draw(text: bytes, step: ast.Sample, name: str, arguments: dict[Span, str]) -> str:
    """The text of a draw under another name, with other arguments in the places of some.

    Spaces that line up the arrow give way to a longer name.
    """
    named = step.name.span
    before = step.plate[-1].span.end if step.plate else named.end
    arrow = _ARROW.search(text, before)
    assert arrow is not None and not isinstance(step.draw, ast.Hole), "a draw has its arrow"  # noqa: PT018
    longer = len(name) - len(step.name.text)
    spaces = max(1, len(arrow[1]) - max(0, longer)) if arrow[1] else 0
    pieces = {named: name, Span(*arrow.span(1)): " " * spaces, **arguments}
    result, at = "", step.span.start
    for span in sorted(pieces, key=lambda span: span.start):
        result += spelt(text, Span(at, span.start)) + pieces[span]
        at = span.end
    return result + spelt(text, Span(at, step.span.end))
