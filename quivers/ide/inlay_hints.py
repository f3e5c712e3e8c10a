"""What an editor may write between the words of a model: types, sizes, inputs, posteriors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum, auto

from quivers.check.program import Checked, Occurrence, Role
from quivers.check.types import Axis, Type
from quivers.families.support import REAL
from quivers.records import field, record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Edit


class Kind(Enum):
    """What a hint tells."""

    TYPE = auto()
    SIZE = auto()
    INPUTS = auto()
    POSTERIOR = auto()


@record
class Part:
    """A piece of a hint's text; an object's leads to where it is declared."""

    text: str
    declared: Span | None = None


@record
class Hint:
    """Text to show at a byte offset, with a blank before it where `blank`.

    `edit` writes it into the text, where the language lets one; `about` is a place that hover explains.
    """

    offset: int
    kind: Kind
    parts: tuple[Part, ...]
    blank: bool = True
    edit: Edit | None = None
    about: int | None = None

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(part.text for part in self.parts)


@record
class Wanted:
    """Which hints to give. `sizes` are those of objects, found in the data, and `posteriors` are by program
    and name; both may be empty."""

    types: bool = True
    inputs: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict)
    posteriors: Mapping[tuple[str, str], str] = field(default_factory=dict)


def inlay_hints(checked: Checked, document: Document, span: Span, wanted: Wanted) -> list[Hint]:
    """The hints in a span of the text, by where they stand. Only the declarations there are looked at."""
    placed = checked.module.declarations
    declared = frozenset(
        item.declaration.name.text for item in placed if isinstance(item.declaration, ast.DataDeclaration)
    )
    first = max(placed.at(span.start), 0)
    while first > 0 and placed[first - 1].offset == placed[first].offset:
        first -= 1
    found: list[Hint] = []
    for number in range(first, len(placed)):
        item = placed[number]
        if item.offset > span.end:
            break
        said = checked.within[number]
        if isinstance(item.declaration, ast.ObjectDeclaration):
            found += _size(item, wanted.sizes)
        elif isinstance(item.declaration, ast.ProgramDeclaration):
            found += _program(checked, document, item, said, wanted, declared)
    end = min(span.end, len(document.source))
    return sorted(
        (hint for hint in found if span.start <= hint.offset <= end),
        key=lambda hint: (hint.offset, hint.kind.value),
    )


# ------------------------------------------------------------------------------------------- sizes


def _size(item: ast.Placed, sizes: Mapping[str, int]) -> Iterator[Hint]:
    declaration = item.declaration
    assert isinstance(declaration, ast.ObjectDeclaration)
    space = declaration.space
    size = sizes.get(declaration.name.text)
    if size is None or not isinstance(space, ast.SpaceName):
        return
    if space.name.text == "FinSet" and not space.arguments and not space.options:
        at = item.offset + space.span.end
        edit = Edit(Span(at, at), f" {size}")
        yield Hint(
            at, Kind.SIZE, (Part(str(size)),), edit=edit, about=item.offset + declaration.name.span.start
        )


# ---------------------------------------------------------------------------------------- programs


def _program(
    checked: Checked,
    document: Document,
    item: ast.Placed,
    said: tuple[Occurrence, ...],
    wanted: Wanted,
    declared: frozenset[str],
) -> Iterator[Hint]:
    declaration, offset = item.declaration, item.offset
    assert isinstance(declaration, ast.ProgramDeclaration)
    program = checked.programs.get(declaration.name.text)
    is_first = program is not None and program.offset == offset
    if wanted.inputs and program is not None and is_first and program.inputs:
        parts: list[Part] = []
        for entry in program.inputs:
            if entry.name not in declared:
                parts.append(Part(f"{', ' if parts else 'inputs '}{entry.name} : "))
                parts += _type_parts(entry.type, checked)
        if parts:
            at = offset + declaration.header_span.end
            yield Hint(at, Kind.INPUTS, tuple(parts), about=offset + declaration.name.span.start)
    types = {
        occurrence.span.start: occurrence.type
        for occurrence in said
        if occurrence.binds and isinstance(occurrence.type, Type)
    }
    if wanted.types:
        for occurrence in said:
            if occurrence.role is Role.STATE and occurrence.binds and isinstance(occurrence.type, Type):
                yield _after_name(occurrence.span, offset, occurrence.type, checked)
        yield from _types(declaration.steps, offset, types, checked)
    if wanted.posteriors and program is not None and is_first:
        found = {name: text for (owner, name), text in wanted.posteriors.items() if owner == program.name}
        yield from _posteriors(declaration.steps, offset, document, found)


def _types(
    steps: tuple[ast.Step, ...], offset: int, types: Mapping[int, Type], checked: Checked
) -> Iterator[Hint]:
    for step in steps:
        if isinstance(step, ast.Marginalize):
            yield from _types(step.body, offset, types, checked)
        if not isinstance(step, ast.Sample | ast.Let | ast.Marginalize):
            continue
        type = types.get(step.name.span.start)
        if type is None:
            continue
        if isinstance(step, ast.Let) or not step.plate:
            yield _after_name(step.name.span, offset, type, checked)
        elif isinstance(step, ast.Sample) and type.element != REAL:
            at = offset + step.plate[-1].span.end
            parts = (Part("⊗ "), *_element_parts(type, checked))
            yield Hint(at, Kind.TYPE, parts, about=offset + step.name.span.start)


def _after_name(span: Span, offset: int, type: Type, checked: Checked) -> Hint:
    """The type behind a name that has none in the text; where one is missing, the language takes none."""
    parts = (Part(": "), *_type_parts(type, checked))
    return Hint(offset + span.end, Kind.TYPE, parts, blank=False, about=offset + span.start)


def _posteriors(
    steps: tuple[ast.Step, ...], offset: int, document: Document, posteriors: Mapping[str, str]
) -> Iterator[Hint]:
    lines = document.lines
    for step in steps:
        if isinstance(step, ast.Marginalize):
            yield from _posteriors(step.body, offset, document, posteriors)
        if isinstance(step, ast.Hole | ast.Return | ast.Observe):
            continue
        text = posteriors.get(step.name.text)
        if text:
            last = step.draw.span if isinstance(step, ast.Marginalize) else step.span
            end = lines.line_span(lines.line_at(offset + last.end)).end
            yield Hint(end, Kind.POSTERIOR, (Part(text),), about=offset + step.name.span.start)


# ------------------------------------------------------------------------------------------- types


def _type_parts(type: Type, checked: Checked) -> tuple[Part, ...]:
    """`School ⊗ Real⁺` with each object leading to its declaration."""
    parts: list[Part] = []
    for axis in type.axes:
        parts += (_axis_part(axis, checked), Part(" ⊗ "))
    return (*parts, *_element_parts(type, checked))


def _axis_part(axis: Axis, checked: Checked) -> Part:
    declared = checked.objects.get(axis.object)
    return Part(str(axis), declared.span if declared is not None else None)


def _element_parts(type: Type, checked: Checked) -> tuple[Part, ...]:
    text = str(type.element)
    declared = checked.objects.get(text)
    return (Part(text, declared.span if declared is not None else None),)
