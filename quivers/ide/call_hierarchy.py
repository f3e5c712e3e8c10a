"""Who depends on whom: what a variable's or a program's definition uses, and what uses it in turn.

A variable depends on the names in its step: on the right side, in the plate and in the options. A program
depends on the programs that it draws from and on what makes up its meaning: the values that it observes,
scores and returns, and the objects of its type.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from quivers.check.program import Checked, Occurrence, Role
from quivers.ide.cursor import cursor
from quivers.ide.definition import Symbol, Target, bound_at, name_of, named_steps, symbol_at, target
from quivers.ide.references import places
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span

_LOCAL = (Role.INDEX, Role.STATE)


@record
class Item:
    """A variable, an object or a program. `detail` is its type, an object's space, a program's signature."""

    name: str
    role: Role
    detail: str
    target: Target


@record
class Link:
    """What depends on an item, or what it depends on, and the places that say so."""

    item: Item
    places: tuple[Span, ...]


def item_at(checked: Checked, offset: int) -> Item | None:
    """The variable, object or program at a byte offset."""
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.definition is None or symbol.role is None:
        return None
    return _item(checked, symbol.definition)


def outgoing(checked: Checked, offset: int) -> tuple[Link, ...]:
    """What the definition of the name at a byte offset uses, in the order of first use."""
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.definition is None:
        return ()
    found: dict[Span, list[Span]] = {}
    for part in _definition_parts(checked, symbol):
        for occurrence in _names_in(checked, part):
            used = symbol_at(checked, occurrence.span.start)
            if used is None or used.definition is None or used.definition == symbol.definition:
                continue
            is_inside = part.start <= used.definition.start and used.definition.end <= part.end
            if occurrence.role in _LOCAL and is_inside:
                continue  # a binder of the step itself
            spans = found.setdefault(used.definition, [])
            if occurrence.span not in spans:
                spans.append(occurrence.span)
    return _links(checked, found)


def incoming(checked: Checked, offset: int) -> tuple[Link, ...]:
    """What uses the name at a byte offset in its definition, in the order of the file."""
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.definition is None or symbol.role is None:
        return ()
    found: dict[Span, list[Span]] = {}
    for reference in places(checked, symbol):
        if reference.binds and symbol.role in _LOCAL:
            continue
        for owner in _owners(checked, reference.span):
            if owner != symbol.definition:
                found.setdefault(owner, []).append(reference.span)
    return _links(checked, found)


def _links(checked: Checked, found: dict[Span, list[Span]]) -> tuple[Link, ...]:
    links = ((_item(checked, definition), spans) for definition, spans in found.items())
    return tuple(Link(item, tuple(spans)) for item, spans in links if item is not None)


def _item(checked: Checked, definition: Span) -> Item | None:
    found = bound_at(checked, definition)
    if found is None:
        return None
    occurrence, _ = found
    name, role = occurrence.name, occurrence.role
    detail = "" if occurrence.type is None else str(occurrence.type)
    if role is Role.PROGRAM and (program := checked.programs.get(name)) is not None:
        detail = program.signature
    elif role is Role.OBJECT and (declared := checked.objects.get(name)) is not None:
        detail = declared.space
    return Item(name, role, detail, target(checked, definition))


# ---------------------------------------------------------------------------- outgoing


def _definition_parts(checked: Checked, symbol: Symbol) -> Iterator[Span]:
    """The parts of the text that say what a name is."""
    assert symbol.definition is not None
    place = cursor(checked, symbol.definition.start)
    if place is None:
        return
    offset, declaration = place.placed.offset, place.placed.declaration
    bound = symbol.definition.shifted(-offset)
    if not isinstance(declaration, ast.Hole) and declaration.name.span == bound:
        yield from (span.shifted(offset) for span in _declaration_parts(declaration))
        return
    for node in place.nodes:
        if isinstance(node, ast.Binder | ast.Parameter | ast.Scan):
            name = name_of(node)
            if name is not None and name.span == bound:
                yield node.span.shifted(offset)
    if isinstance(declaration, ast.ProgramDeclaration):
        own = {reference.span.shifted(-offset) for reference in places(checked, symbol) if reference.writes}
        for step in named_steps(declaration.steps):
            if not isinstance(step, ast.Hole | ast.Return) and step.name.span in own:
                yield _without_block(step).shifted(offset)


def _without_block(step: ast.Sample | ast.Observe | ast.Let | ast.Score | ast.Marginalize) -> Span:
    """A step's span; of a `marginalize` the header, as the steps of its block speak for themselves."""
    if isinstance(step, ast.Marginalize) and step.body:
        return Span(step.span.start, step.body[0].span.start)
    return step.span


def _declaration_parts(
    declaration: ast.ObjectDeclaration
    | ast.DataDeclaration
    | ast.ProgramDeclaration
    | ast.DefineDeclaration
    | ast.ExportDeclaration,
) -> Iterator[Span]:
    if not isinstance(declaration, ast.ProgramDeclaration):
        yield declaration.span
        return
    yield declaration.domain.span
    yield declaration.codomain.span
    for step in named_steps(declaration.steps):
        yield from _parts_of_meaning(step)


def _parts_of_meaning(step: ast.Step) -> Iterator[Span]:
    """The parts of a step that are a part of its program's meaning."""
    if isinstance(step, ast.Return):
        yield step.span
    elif isinstance(step, ast.Observe | ast.Score):
        yield step.name.span
    elif isinstance(step, ast.Sample) and isinstance(step.draw, ast.Call):
        yield step.draw.function.span  # a program's name; a family's stands for no item


def _names_in(checked: Checked, part: Span) -> Iterator[Occurrence]:
    number = bisect_left(checked.occurrences, part.start, key=lambda occurrence: occurrence.span.start)
    while number < len(checked.occurrences):
        occurrence = checked.occurrences[number]
        if occurrence.span.end > part.end:
            return
        yield occurrence
        number += 1


# ---------------------------------------------------------------------------- incoming


def _owners(checked: Checked, span: Span) -> list[Span]:
    """The names, by the places that bind them, whose definition a place is a part of."""
    place = cursor(checked, span.start)
    if place is None or isinstance(place.placed.declaration, ast.Hole | ast.ExportDeclaration):
        return []
    offset, declaration = place.placed.offset, place.placed.declaration
    here = span.shifted(-offset)
    if here == declaration.name.span:
        return []
    binders = [node for node in place.nodes if isinstance(node, ast.Binder | ast.Parameter | ast.Scan)]
    names = [name.span for node in binders if (name := name_of(node)) is not None]
    step = place.step
    if step is None or isinstance(step, ast.Hole | ast.Return):
        if not any(isinstance(node, ast.Parameter) for node in binders):
            names.append(declaration.name.span)
    else:
        names.append(step.name.span)
        if here in _parts_of_meaning(step):
            names.append(declaration.name.span)
    found: dict[Span, None] = {}
    for bound in names:
        owner = bound_at(checked, bound.shifted(offset))
        if owner is not None and owner[1] is not None:
            found[owner[1]] = None
    return list(found)
