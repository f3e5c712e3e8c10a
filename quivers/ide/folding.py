"""What can be folded away: programs, `marginalize` blocks, comments, and brackets over several lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto

from quivers.check.program import Checked
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document


class Kind(Enum):
    """What is folded; the most important first, for editors that take only so many."""

    PROGRAM = auto()
    BLOCK = auto()
    REGION = auto()
    COMMENT = auto()
    BRACKETS = auto()


@record
class Fold:
    """What is hidden when the fold is closed; the line on which `span` starts stays to be seen.

    Where `keeps_last_line`, so does the last one, which has a closing bracket.
    """

    kind: Kind
    span: Span
    keeps_last_line: bool = False


_COMMENT_LINE = re.compile(rb"(?:\A|(?<=[\r\n]))[ \t\f\v]*+(\#[^\r\n]*+)")
_REGION = re.compile(rb"#+[ \t]*(end)?region\b", re.IGNORECASE)
_BRACKET_OR_COMMENT = re.compile(rb"[()\[\]]|#[^\r\n]*+")
_LINE_END = re.compile(rb"[\r\n]")


def folds(checked: Checked, document: Document) -> list[Fold]:
    """All folds of a file that span at least two lines, by where they start."""
    source, lines = document.source, document.lines
    found = list(_comments(document))
    for placed in checked.module.declarations:
        found += _declaration(placed, source)
    length = len(source)
    return sorted(
        (
            fold
            for fold in found
            if fold.span.end <= length and lines.line_at(fold.span.start) < lines.line_at(fold.span.end)
        ),
        key=lambda fold: (fold.span.start, -fold.span.end),
    )


def _declaration(placed: ast.Placed, source: bytes) -> Iterator[Fold]:
    declaration, offset = placed.declaration, placed.offset
    end = offset + declaration.span.end
    if not isinstance(declaration, ast.ProgramDeclaration):
        yield from _brackets(source, placed.offset + declaration.span.start, end)
        return
    header = declaration.header_span.shifted(offset)
    yield from _brackets(source, header.start, header.end)
    if declaration.steps:
        yield Fold(Kind.PROGRAM, Span(header.end, max(end, header.end)))
        yield from _steps(declaration.steps, offset, source)


def _steps(steps: tuple[ast.Step, ...], offset: int, source: bytes) -> Iterator[Fold]:
    for step in steps:
        start, end = step.span.start + offset, step.span.end + offset
        if isinstance(step, ast.Marginalize) and step.body:
            header_end = offset + max(
                step.name.span.end, step.draw.span.end, *(option.span.end for option in step.options), 0
            )
            header_end = _after_bracket(source, header_end, offset + step.body[0].span.start)
            yield Fold(Kind.BLOCK, Span(header_end, end))
            yield from _steps(step.body, offset, source)
            end = header_end
        yield from _brackets(source, start, end)


def _after_bracket(source: bytes, start: int, end: int) -> int:
    """The end of the line of `start`, or of a later one that a header's options end on."""
    closing = source.rfind(b"]", start, end)
    start = max(start, closing + 1)
    line_end = _LINE_END.search(source, start, end)
    return line_end.start() if line_end is not None else start


def _brackets(source: bytes, start: int, end: int) -> Iterator[Fold]:
    if _LINE_END.search(source, start, end) is None:
        return
    opened: list[int] = []
    for match in _BRACKET_OR_COMMENT.finditer(source, start, end):
        if match[0] in (b"(", b"["):
            opened.append(match.end())
        elif match[0] in (b")", b"]") and opened:
            inside = Span(opened.pop(), match.start())
            yield Fold(Kind.BRACKETS, inside, keeps_last_line=True)


def _comments(document: Document) -> Iterator[Fold]:
    """Runs of comments that have lines of their own, and what stands between `# region` and `# endregion`."""
    source, lines = document.source, document.lines
    if b"#" not in source:
        return
    regions: list[Span] = []
    run: list[Span] = []
    last_line, documents = -2, False
    for match in _COMMENT_LINE.finditer(source):
        span = Span(match.start(1), match.end(1))
        line = lines.line_at(span.start)
        region = _REGION.match(match[1])
        is_documentation = match[1].startswith(b"##")
        if line != last_line + 1 or is_documentation != documents or region:
            yield from _run(run)
            run = []
        last_line, documents = line, is_documentation
        if region is None:
            run.append(span)
        elif region[1] is None:
            regions.append(span)
        elif regions:
            yield Fold(Kind.REGION, Span(regions.pop().end, span.end))
    yield from _run(run)


def _run(run: list[Span]) -> Iterator[Fold]:
    if len(run) > 1:
        yield Fold(Kind.COMMENT, Span(run[0].end, run[-1].end))
