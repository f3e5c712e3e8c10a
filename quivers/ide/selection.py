"""What a growing selection takes in: word, expression, argument, call, step, block, program, file."""

from __future__ import annotations

import re

from quivers.check.program import Checked
from quivers.ide.cursor import cursor
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.layout import WORD_BYTE, documentation_above

_WORD = re.compile(
    rb"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?(?!"
    + WORD_BYTE
    + rb")|(?:"
    + WORD_BYTE
    + rb")++"
)
_CLOSING = re.compile(rb"[\s,]*+\]")
_COMMENT = re.compile(rb"#[^\r\n]*+")


def selection(checked: Checked, document: Document, offset: int) -> tuple[Span, ...]:
    """The selections at a byte offset, each inside the next, the whole file last."""
    source = document.source
    offset = min(max(offset, 0), len(source))
    line = document.lines.line_span(document.lines.line_at(offset))
    found = _in_line(source, offset, line)
    around = cursor(checked, offset)
    if around is not None:
        start = around.placed.offset
        for node, outer in zip(reversed(around.nodes), [*reversed(around.nodes[:-1]), None], strict=True):
            found += [span.shifted(start) for span in _of_node(node)]
            found += _between(node, outer, source, start)
        declaration = around.placed.declaration.span.shifted(start)
        _, above = documentation_above(source, declaration.start)
        found.append(Span(min(above, declaration.start), declaration.end))
    found.append(Span(0, len(source)))
    return _nested(found, Span(offset, offset))


def _in_line(source: bytes, offset: int, line: Span) -> list[Span]:
    """The word at the place, and in a comment the comment's text and the comment."""
    found: list[Span] = []
    for match in _WORD.finditer(source, line.start, line.end):
        if match.start() <= offset <= match.end():
            found = [Span(match.start(), match.end())]  # at the seam of two, the right one
    comment = _COMMENT.search(source, line.start, line.end)
    if comment is not None and comment.start() <= offset:
        text = comment[0].lstrip(b"#").lstrip(b" \t")
        found += [Span(comment.end() - len(text), comment.end()), Span(comment.start(), comment.end())]
    return found


def _of_node(node: object) -> list[Span]:
    """The node, and what an author sees as a part of it that has no node: all arguments of a call."""
    span = getattr(node, "span", None)
    if not isinstance(span, Span):
        return []
    if isinstance(node, ast.Call) and node.arguments:
        inside = Span(node.arguments[0].span.start, node.arguments[-1].span.end)
        return [node.function.span, inside, span]
    if isinstance(node, ast.Marginalize | ast.ProgramDeclaration):
        steps = node.body if isinstance(node, ast.Marginalize) else node.steps
        block = [Span(steps[0].span.start, max(step.span.end for step in steps))] if steps else []
        header = [node.header_span] if isinstance(node, ast.ProgramDeclaration) else []
        return [*header, *block, span]
    return [span]


def _between(node: object, outer: object | None, source: bytes, start: int) -> list[Span]:
    """What stands between a node and the step around it: a draw's call with its options, a whole plate.

    `start` is where their declaration does.
    """
    found: list[Span] = []
    if isinstance(outer, ast.Sample | ast.Observe | ast.Marginalize):
        if outer.plate and node in outer.plate:
            found.append(Span(outer.plate[0].span.start, outer.plate[-1].span.end).shifted(start))
        if outer.options:
            last = outer.options[-1].span.end + start
            bracket = _CLOSING.match(source, last)
            found.append(Span(outer.draw.span.start + start, last if bracket is None else bracket.end()))
    return found


def _nested(spans: list[Span], inner: Span) -> tuple[Span, ...]:
    """The spans that grow, each around all before it."""
    found: list[Span] = []
    for span in spans:
        last = found[-1] if found else inner
        is_around = span.start <= last.start and last.end <= span.end
        if is_around and (not found or span != last) and span.end > span.start:
            found.append(span)
    return tuple(found)
