"""How far a line that was just begun is to be indented."""

from __future__ import annotations

import re

from quivers.check.program import Checked
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.format_breaking import INDENTATION
from quivers.syntax.layout import Start, column_after, line_start, lines
from quivers.syntax.problems import Edit
from quivers.syntax.reading import DECLARATION_KEYWORDS

_BLANKS = re.compile(rb"[ \t]*+")
_BRACKET_OR_COMMENT = re.compile(rb"[()\[\]]|#[^\r\n]*+")
_DECLARATION = re.compile(rb"(?:" + "|".join(DECLARATION_KEYWORDS).encode() + rb")(?![\w\x80-\xff])")


def indentation(checked: Checked, document: Document, offset: int) -> Edit | None:
    """The edit that indents the line of `offset`, which Enter has just begun; None where all is well.

    Under a blank line it stays as the author has it, since that is how one leaves a block.
    """
    source = document.source
    line = document.lines.line_span(document.lines.line_at(offset))
    if line.start == 0:
        return None
    blanks = _BLANKS.match(source, line.start, line.end)
    assert blanks is not None, "it matches no blanks too"
    above = document.lines.line_span(document.lines.line_at(line.start) - 1)
    before = source[above.start : above.end]
    if not before.strip():
        return None
    columns = _wanted(checked, source, line.start, source[blanks.end() : line.end])
    if columns and before.lstrip().startswith(b"#"):
        columns = _column(source, above.start)  # an author's comments stay in their own column
    wanted = b" " * columns
    if blanks[0] == wanted:
        return None
    return Edit(Span(line.start, blanks.end()), wanted.decode())


def _wanted(checked: Checked, source: bytes, start: int, rest: bytes) -> int:
    """How many columns; `rest` is what stands on the line already."""
    if _DECLARATION.match(rest):
        return 0
    placed = checked.module.declarations
    number = placed.at(start - 1)
    if number < 0:
        return 0
    text = source[line_start(source, placed[number].offset) : start]
    statements = lines(text)
    if not statements:
        return 0
    last = statements[-1]
    bracket = _open_bracket(text, last.span.start)
    if bracket is not None:
        if rest[:1] in (b")", b"]"):
            return _column(text, line_start(text, bracket))
        return _column(text, line_start(text, bracket)) + INDENTATION
    if last.keyword in ("program", "marginalize"):
        return last.column + INDENTATION
    if last.start is Start.DECLARATION and last.depth == 0:
        return 0
    return last.column


def _open_bracket(text: bytes, start: int) -> int | None:
    """Where the innermost bracket is that the statement at `start` leaves open."""
    opened: list[int] = []
    for match in _BRACKET_OR_COMMENT.finditer(text, start):
        if match[0] in (b"(", b"["):
            opened.append(match.start())
        elif match[0] in (b")", b"]") and opened:
            opened.pop()
    return opened[-1] if opened else None


def _column(text: bytes, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return column_after(blanks[0]) if blanks is not None else 0
