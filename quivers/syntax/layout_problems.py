"""What is wrong with a declaration's layout: tabs, indentation, missing blocks, lines that stand outside."""

from __future__ import annotations

from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import Line, Start, line_start
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity
from quivers.syntax.reading import DECLARATION_KEYWORDS

_STEP_INDENTATION = 4

_BRACKETS = {
    b"(": ("QVR102", "This `(` is never closed, and no declaration starts with it."),
    b"[": ("QVR102", "This `[` is never closed, and no declaration starts with it."),
    b")": ("QVR103", "This `)` closes nothing."),
    b"]": ("QVR103", "This `]` closes nothing."),
}


def layout_problems(text: bytes, layout: list[Line], damaged: frozenset[int]) -> list[Diagnostic]:
    """The problems of the lines of one declaration; those in `damaged` have been reported already."""
    found = _tabs(text, layout)
    headers: list[Line] = []  # the header of each open block
    firsts: list[Line] = []  # and its first line
    for index, line in enumerate(layout):
        is_opened = index + 1 < len(layout) and layout[index + 1].opens
        if line.keyword in ("program", "marginalize") and not is_opened and index not in damaged:
            found.append(_missing_block(line))
        if line.opens:
            headers, firsts = headers[: line.depth - 1], firsts[: line.depth - 1]
            headers.append(layout[index - 1])
            firsts.append(line)
        if line.depth == 0 or index in damaged or _hangs_on_damaged(layout, index, damaged):
            continue
        header, first = headers[line.depth - 1], firsts[line.depth - 1]
        if line.opens and line.column <= header.column:
            found.append(_unindented(layout, index))
        elif line.column != first.column:
            found.append(_misaligned(layout, index, first))
    return found


def _hangs_on_damaged(layout: list[Line], index: int, damaged: frozenset[int]) -> bool:
    """Whether the line is indented under one that could not be read and may be a header."""
    column = layout[index].column
    for above in range(index - 1, -1, -1):
        if layout[above].column < column:
            return above in damaged and layout[above].depth > 0
    return False


def indented_declaration(source: bytes, start: int) -> list[Diagnostic]:
    """The problem of a declaration, at `start`, with white space before it on its line."""
    indentation = Span(line_start(source, start), start)
    if indentation.start == 0 and source[:start] == b"\xef\xbb\xbf":  # a byte order mark
        return []
    fix = Fix("Remove the indentation", (Edit(indentation, ""),))
    message = "A declaration starts at the beginning of its line."
    return [_error("QVR115", indentation, message, fix)]


def misplaced(text: bytes, layout: list[Line], index: int) -> tuple[ast.Hole, Diagnostic, int]:
    """The problem of a line that stands in no program, with the index of the line after all it covers."""
    line = layout[index]
    following = index + 1
    if line.start is Start.STEP:
        while following < len(layout) and layout[following].start is Start.STEP:
            following += 1
    else:
        while following < len(layout) and layout[following].column > line.column:
            following += 1
    hole = ast.Hole(Span(line.span.start, layout[following - 1].span.end))
    if line.start is Start.STEP:
        message = "A step stands only inside a program, indented under its `program` line."
        return hole, _error("QVR107", line.span, message), following
    written = text[line.span.start : line.span.end]
    if written[:1] in _BRACKETS:
        span = Span(line.span.start, line.span.start + 1)
        code, message = _BRACKETS[written[:1]]
        return hole, _error(code, span, message), following
    span, near = misspelt_keyword(text, line)
    word = text[span.start : span.end].decode(errors="replace")
    if near is not None:
        return hole, not_the_keyword(text, span, near), following
    choices = "`object`, `data`, `program`, `define` or `export`"
    return hole, _error("QVR101", span, f"Expected a declaration ({choices}), found `{word}`."), following


def misspelt_keyword(text: bytes, line: Line) -> tuple[Span, str | None]:
    """Where a line's first word stands, and the declaration's keyword that it is nearly."""
    first = text[line.span.start : line.span.end].split()[0]
    from difflib import get_close_matches  # few files have such a line

    near = get_close_matches(first.decode(errors="replace"), DECLARATION_KEYWORDS, 1, 0.7)
    return Span(line.span.start, line.span.start + len(first)), near[0] if near else None


def not_the_keyword(text: bytes, span: Span, near: str) -> Diagnostic:
    """A word that starts no declaration and is nearly the keyword of one."""
    word = text[span.start : span.end].decode(errors="replace")
    fix = Fix(f"Write `{near}`", (Edit(span, near),))
    return _error("QVR101", span, f"`{word}` starts no declaration; did you mean `{near}`?", fix)


def _tabs(text: bytes, layout: list[Line]) -> list[Diagnostic]:
    if b"\t" not in text:
        return []
    edits = [
        Edit(line.indentation, " " * line.column)
        for line in layout
        if b"\t" in text[line.indentation.start : line.indentation.end]
    ]
    if not edits:
        return []
    fix = Fix("Replace the tabs by spaces", tuple(edits))
    message = "Lines are indented with spaces; this one has a tab."
    return [_error("QVR104", edits[0].span, message, fix)]


def _missing_block(line: Line) -> Diagnostic:
    under = "The steps of this program" if line.keyword == "program" else "The steps that this sums over"
    message = f"{under} are missing: they stand indented on the lines below."
    return _error("QVR106", line.span, message)


def _unindented(layout: list[Line], index: int) -> Diagnostic:
    message = "The steps of a program stand indented under its header."
    fix = Fix("Indent the steps", _moved(layout, index, _STEP_INDENTATION, layout[index].depth))
    return _error("QVR105", layout[index].span, message, fix)


def _misaligned(layout: list[Line], index: int, first: Line) -> Diagnostic:
    line = layout[index]
    more = "more" if line.column > first.column else "less"
    message = (
        f"This line is indented {more} than its block: "
        f"by {line.column} columns, and the block by {first.column}."
    )
    moved = _moved(layout, index, first.column - line.column, line.depth + 1)
    fix = Fix("Align the line with its block", moved)
    span = line.indentation if line.indentation.end > line.indentation.start else line.span
    return _error("QVR105", span, message, fix)


def _moved(layout: list[Line], index: int, by: int, depth: int) -> tuple[Edit, ...]:
    """The edits that move a line, with the lines after it in at least `depth` blocks, by some columns."""
    end = index + 1
    while end < len(layout) and layout[end].depth >= depth:
        end += 1
    return tuple(Edit(line.indentation, " " * max(line.column + by, 0)) for line in layout[index:end])


def _error(code: str, span: Span, message: str, *fixes: Fix) -> Diagnostic:
    return Diagnostic(code, Severity.ERROR, span, message, fixes=fixes)
