"""Definition: from a name to the place that binds it, and to the objects that its values run over."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from quivers.check.program import Checked, Occurrence, Role
from quivers.check.types import AnyType, Type
from quivers.families.support import Member
from quivers.families.table import FAMILIES
from quivers.ide.cursor import Cursor, cursor
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span

Binding = (
    ast.Sample
    | ast.Observe
    | ast.Let
    | ast.Marginalize
    | ast.Score
    | ast.Binder
    | ast.Scan
    | ast.Parameter
    | ast.Returned
    | ast.ObjectDeclaration
    | ast.DataDeclaration
    | ast.ProgramDeclaration
    | ast.DefineDeclaration
)


@record
class Symbol:
    """What the name at one place stands for. Places with one `definition` have one symbol.

    `here` covers the name at the place, `definition` the name where it is bound; an input that no `data`
    declares is bound where it is used first. `definition` is None for what the language itself brings. `role`
    is None for the label of a returned value.
    """

    name: str
    role: Role | None
    type: AnyType | None
    here: Span
    definition: Span | None


@record
class Target:
    """A place to go to: `name` covers a name where it is bound, `whole` the step or declaration around it."""

    name: Span
    whole: Span


def symbol_at(checked: Checked, offset: int) -> Symbol | None:
    """What the name at a byte offset stands for; None where no name stands, or one that nothing binds."""
    occurrence = checked.occurrence_at(offset)
    if occurrence is not None and occurrence.definition is not None:
        definition = occurrence.definition
        return Symbol(occurrence.name, occurrence.role, occurrence.type, occurrence.span, definition)
    if occurrence is not None and occurrence.role is not Role.PARAMETER:
        return Symbol(occurrence.name, occurrence.role, None, occurrence.span, None)
    place = cursor(checked, offset)
    return None if place is None else _keyword(checked, place) or _label(place)


def definition(checked: Checked, offset: int) -> tuple[Symbol, Target] | None:
    """The name at a byte offset, and the place that binds it."""
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.definition is None:
        return None
    return symbol, target(checked, symbol.definition)


def type_definition(checked: Checked, offset: int) -> tuple[Symbol, tuple[Target, ...]] | None:
    """The name at a byte offset, and the objects of its type: those that it runs over, and that it indexes.

    An object's are those that it is made of, or itself; a program's are those of its domain and codomain.
    """
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.definition is None:
        return None
    place = cursor(checked, symbol.definition.start)
    if place is None:
        return None
    names = _objects_of(checked, symbol, place)
    found = [span for name in dict.fromkeys(names) if (span := _object_place(checked, name, place))]
    return symbol, tuple(target(checked, span) for span in found)


def site(checked: Checked, program: str, name: str) -> Span | None:
    """Where a program binds a name of its results, such as `theta`, or `theta.z` of what `theta` draws from.

    It covers the name in the program that has the step, or the label of a value that this returns.
    """
    called = checked.programs.get(program)
    if called is None:
        return None
    for node in (*called.declaration.parameters, *named_steps(called.declaration.steps)):
        bound = name_of(node) if isinstance(node, Binding) else None
        if bound is not None and bound.text == name:
            return bound.span.shifted(called.offset)
    for call in called.calls:
        draw, dot, rest = name.partition(f"{call.draw}.")
        if dot and not draw:
            return site(checked, call.program, rest) or _returned(checked, call.program, rest)
    return None


def target(checked: Checked, name: Span) -> Target:
    """The place of a name that is bound at `name`, with what binds it."""
    place = cursor(checked, name.start)
    if place is None:
        return Target(name, name)
    offset = place.placed.offset
    for node in reversed(place.nodes):
        if isinstance(node, Binding):
            bound = name_of(node)
            if bound is not None and bound.span.shifted(offset) == name:
                return Target(name, node.span.shifted(offset))
    around = place.step or place.placed.declaration
    return Target(name, around.span.shifted(offset))


def bound_at(checked: Checked, name: Span) -> tuple[Occurrence, Span | None] | None:
    """The name that covers just `name`, with spans relative to its declaration, and where it is bound.

    As `symbol_at` it tells what a name is, for the many names of a long list at a fraction of the work.
    """
    declarations = checked.module.declarations
    number = declarations.at(name.start)
    if number < 0:
        return None
    offset, occurrences = declarations[number].offset, checked.within[number]
    index = bisect_left(occurrences, name.start - offset, key=lambda occurrence: occurrence.span.start)
    if index == len(occurrences) or occurrences[index].span.shifted(offset) != name:
        return None
    found = occurrences[index]
    if found.owner is not None:
        symbol = symbol_at(checked, name.start)
        return found, None if symbol is None else symbol.definition
    return found, None if found.definition is None else found.definition.shifted(offset)


def name_of(node: Binding) -> ast.Name | None:
    """The name that a node binds, or that an observe is about."""
    if isinstance(node, ast.Scan):
        return node.state
    return node.label if isinstance(node, ast.Returned) else node.name


def named_steps(steps: Sequence[ast.Step]) -> Iterator[ast.Step]:
    """All steps in order, a block's after its header."""
    for step in steps:
        yield step
        if isinstance(step, ast.Marginalize):
            yield from named_steps(step.body)


# ------------------------------------------------- names that the checker has no binding for


def _keyword(checked: Checked, place: Cursor) -> Symbol | None:
    """The parameter of a program that a keyword of a draw from it names: `scale` in `pooled(scale=2.5)`."""
    step, call = place.step, place.call
    if not isinstance(step, ast.Sample) or call is None or step.draw is not call:
        return None
    for argument in call.arguments:
        keyword = argument.keyword
        if keyword is None or not keyword.span.covers(place.here) or call.function.text in FAMILIES:
            continue
        found = parameter_place(checked, call.function.text, keyword.text)
        bound = None if found is None else checked.occurrence_at(found.start)
        if bound is not None:
            here = keyword.span.shifted(place.placed.offset)
            return Symbol(keyword.text, bound.role, bound.type, here, found)
    return None


def parameter_place(checked: Checked, program: str, name: str) -> Span | None:
    """Where a program's header has a parameter; for a composition's, where the composed program has it."""
    seen: set[str] = set()
    while program not in seen and (called := checked.programs.get(program)) is not None:
        seen.add(program)
        found = next((each for each in called.declaration.parameters if each.name.text == name), None)
        if found is None:
            return None
        place = cursor(checked, called.offset)
        if place is None or not isinstance(place.placed.declaration, ast.DefineDeclaration):
            return found.name.span.shifted(called.offset)
        # The parameters of what a composition stands for are placed at the composed programs' names.
        parts = ast.walk(place.placed.declaration.composition)
        program = next(
            (part.text for part in parts if isinstance(part, ast.Name) and part.span == found.name.span), ""
        )
    return None


def _label(place: Cursor) -> Symbol | None:
    for node in place.nodes:
        label = node.label if isinstance(node, ast.Returned) else None
        if label is not None and label.text and label.span.covers(place.here):
            span = label.span.shifted(place.placed.offset)
            return Symbol(label.text, None, None, span, span)
    return None


def _returned(checked: Checked, program: str, label: str) -> Span | None:
    called = checked.programs[program]
    for node in ast.walk(called.declaration):
        if isinstance(node, ast.Returned) and node.label is not None and node.label.text == label:
            return node.label.span.shifted(called.offset)
    return None


# ----------------------------------------------------------------------------- objects


def _objects_of(checked: Checked, symbol: Symbol, place: Cursor) -> list[str]:
    if isinstance(symbol.type, Type):
        element = symbol.type.element
        names = [axis.object for axis in symbol.type.axes]
        return [*names, element.object] if isinstance(element, Member) else names
    declaration = place.placed.declaration
    if symbol.role is Role.PROGRAM and (program := checked.programs.get(symbol.name)) is not None:
        return [*program.domain, *program.codomain]
    if symbol.role is Role.OBJECT and isinstance(declaration, ast.ObjectDeclaration):
        made_of = [
            part.name.text if isinstance(part, ast.SpaceName) else part.name
            for part in ast.walk(declaration.space)
            if isinstance(part, ast.SpaceName | ast.Variable)
        ]
        return [name for name in made_of if name in checked.objects] or [symbol.name]
    # An object that is a parameter is its own type.
    return [symbol.name] if symbol.role is Role.PARAMETER and symbol.type is None else []


def _object_place(checked: Checked, name: str, place: Cursor) -> Span | None:
    """Where an object is declared, or in the program at `place` is a parameter."""
    declaration = place.placed.declaration
    if isinstance(declaration, ast.ProgramDeclaration):
        for parameter in declaration.parameters:
            if parameter.name.text == name:
                return parameter.name.span.shifted(place.placed.offset)
    declared = checked.objects.get(name)
    return None if declared is None else declared.span
