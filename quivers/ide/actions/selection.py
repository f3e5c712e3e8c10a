"""What an editor has selected, and what a refactoring makes of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from quivers.check.analysis import Analysis
from quivers.check.program import Checked, CheckedProgram, Occurrence
from quivers.check.rewrites.lines import line_end
from quivers.ide.cursor import cursor
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Edit


@record
class Selection:
    """The bytes selected in a checked file, no more than a cursor where `span` is empty.

    `analysis` is the one that `checked` comes from; a change is tried out on a copy of it.
    """

    checked: Checked
    document: Document
    span: Span
    analysis: Analysis


@record
class Change:
    """Edits of a file, with absolute spans.

    Where they bring in the name `fresh`, which the user may want to change, `places` says for each edit
    where it stands in the edit's text, in characters.
    """

    edits: tuple[Edit, ...]
    fresh: str | None = None
    places: tuple[int, ...] = ()


@record
class Obstacle:
    """Why a refactoring can't be done, in a sentence."""

    sentence: str


@record
class Within:
    """The program that a selection is in, and its syntax around the selection.

    Spans are relative to the program, that of the selection in `span` too; `text` is the program's text to
    the end of its last line. `path` has the nodes around the selection, the program first.
    """

    program: CheckedProgram
    declaration: ast.ProgramDeclaration
    occurrences: Sequence[Occurrence]
    text: bytes
    span: Span
    path: tuple[object, ...]

    @property
    def step(self) -> ast.Step | None:
        """The innermost step around the selection."""
        return next((node for node in reversed(self.path) if isinstance(node, STEPS)), None)

    @property
    def on_header(self) -> bool:
        """Whether the selection is in the program's header."""
        return self.span.end <= self.declaration.header_span.end

    def occurrence(self) -> Occurrence | None:
        """The name that the selection is in."""
        after = bisect_right(self.occurrences, self.span.start, key=lambda occurrence: occurrence.span.start)
        found = self.occurrences[after - 1] if after else None
        return found if found is not None and found.span.end >= self.span.end else None


STEPS = (ast.Sample, ast.Observe, ast.Let, ast.Marginalize, ast.Score, ast.Return)


def within(selection: Selection) -> Within | None:
    """The program around a selection; None outside of programs and in one declared twice."""
    span, checked = selection.span, selection.checked
    found = cursor(checked, span.start)
    if found is None or found.program is None:
        return None
    offset, declaration = found.placed.offset, found.placed.declaration
    if not isinstance(declaration, ast.ProgramDeclaration):
        return None
    number = checked.module.declarations.at(offset)
    while checked.module.declarations[number] is not found.placed:
        number -= 1
    source = selection.document.source
    text = source[offset : line_end(source, offset + declaration.span.end).start]
    here = span.shifted(-offset)
    if here.end > len(text):
        return None
    path = path_to(declaration, here)
    return Within(found.program, declaration, checked.within[number], text, here, path)


def path_to(node: object, span: Span) -> tuple[object, ...]:
    """`node` and those under it that have all of `span` in them, the innermost last."""
    path = [node]
    while (inner := _child(path[-1], span)) is not None:
        path.append(inner)
    return tuple(path)


def _child(node: object, span: Span) -> object | None:
    found = None
    for child in ast.children(node):
        place = getattr(child, "span", None)
        if isinstance(place, Span) and place.start <= span.start and span.end <= place.end:
            found = child  # at the seam of two, the right one
    return found


def blocks(steps: Sequence[ast.Step]) -> Iterator[Sequence[ast.Step]]:
    """A program's steps, and those of each of its `marginalize` blocks."""
    yield steps
    for step in steps:
        if isinstance(step, ast.Marginalize):
            yield from blocks(step.body)


def block_of(step: ast.Step, steps: Sequence[ast.Step]) -> Sequence[ast.Step]:
    """The block that a step of a program stands in."""
    return next(block for block in blocks(steps) if any(each is step for each in block))


def taken_names(selection: Selection, found: Within) -> frozenset[str]:
    """Every name that means something in a program already, or is declared in the file."""
    declared = (item.declaration for item in selection.checked.module.declarations)
    names = {each.name.text for each in declared if not isinstance(each, ast.Hole)}
    return frozenset(names | {occurrence.name for occurrence in found.occurrences})


def shifted(edits: Sequence[Edit], by: int) -> tuple[Edit, ...]:
    """Edits of a program as edits of the file that it starts in at `by`."""
    return tuple(Edit(edit.span.shifted(by), edit.text) for edit in edits)
