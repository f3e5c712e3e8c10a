"""The outline of a file: its objects, inputs and programs, and the steps of each, blocks inside blocks."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto

from quivers.check.objects import space_text
from quivers.check.program import Checked, Occurrence
from quivers.check.types import Type
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span


class Kind(Enum):
    """What an entry of the outline is."""

    OBJECT = auto()
    DATA = auto()
    PROGRAM = auto()
    LATENT = auto()
    OBSERVE = auto()
    LET = auto()
    SCORE = auto()


@record
class Symbol:
    """One entry. `span` covers all of it and `name_span`, inside that, its name; `detail` is its type."""

    name: str
    kind: Kind
    detail: str | None
    span: Span
    name_span: Span
    children: tuple[Symbol, ...] = ()


def outline(module: ast.Module, checked: Checked | None = None) -> tuple[Symbol, ...]:
    """The entries of a file in its order; without `checked`, with no more detail than the text tells."""
    found: list[Symbol] = []
    for number, placed in enumerate(module.declarations):
        said = checked.within[number] if checked is not None else ()
        symbol = _declaration(placed, said, checked)
        if symbol is not None:
            found.append(symbol)
    return tuple(found)


def flat(symbols: tuple[Symbol, ...], container: str | None = None) -> Iterator[tuple[Symbol, str | None]]:
    """Every entry with the name of the one it is in, parents first."""
    for symbol in symbols:
        yield symbol, container
        yield from flat(symbol.children, symbol.name)


def matches(query: str, name: str) -> bool:
    """Whether the letters of `query` stand in `name` in that order, be they capitals or not."""
    letters = iter(name.casefold())
    return all(letter in letters for letter in query.casefold() if not letter.isspace())


def closeness(query: str, name: str) -> tuple[int, int]:
    """How far `name` is from what is asked for; the least first: the name itself, its start, a part of it."""
    wanted, found = query.casefold(), name.casefold()
    if found == wanted:
        return 0, len(name)
    if found.startswith(wanted):
        return 1, len(name)
    return (2 if wanted in found else 3), len(name)


# ------------------------------------------------------------------------------------- declarations


def _declaration(placed: ast.Placed, said: tuple[Occurrence, ...], checked: Checked | None) -> Symbol | None:
    declaration, offset = placed.declaration, placed.offset
    children: tuple[Symbol, ...] = ()
    detail: str | None
    match declaration:
        case ast.ObjectDeclaration():
            kind, detail = Kind.OBJECT, space_text(declaration.space)
        case ast.DataDeclaration():
            kind, detail = Kind.DATA, space_text(declaration.space)
        case ast.DefineDeclaration():
            kind, detail = Kind.PROGRAM, _signature(declaration.name.text, offset, checked)
        case ast.ProgramDeclaration():
            kind, detail = Kind.PROGRAM, _signature(declaration.name.text, offset, checked)
            types = {
                occurrence.span.start: str(occurrence.type)
                for occurrence in said
                if isinstance(occurrence.type, Type)
            }
            children = _steps(declaration.steps, offset, types)
        case _:  # an `export` names what stands elsewhere
            return None
    if not declaration.name.text:  # editors refuse an outline with a nameless entry
        return None
    return _symbol(declaration.name, kind, detail, declaration.span, offset, children)


def _signature(name: str, offset: int, checked: Checked | None) -> str | None:
    program = checked.programs.get(name) if checked is not None else None
    return program.signature if program is not None and program.offset == offset else None


_STEPS: dict[type, Kind] = {
    ast.Sample: Kind.LATENT,
    ast.Marginalize: Kind.LATENT,
    ast.Observe: Kind.OBSERVE,
    ast.Let: Kind.LET,
    ast.Score: Kind.SCORE,
}


def _steps(steps: tuple[ast.Step, ...], offset: int, types: dict[int, str]) -> tuple[Symbol, ...]:
    found: list[Symbol] = []
    for step in steps:
        if isinstance(step, ast.Hole | ast.Return) or not step.name.text:
            continue
        body = _steps(step.body, offset, types) if isinstance(step, ast.Marginalize) else ()
        detail = types.get(step.name.span.start)
        found.append(_symbol(step.name, _STEPS[type(step)], detail, step.span, offset, body))
    return tuple(found)


def _symbol(
    name: ast.Name, kind: Kind, detail: str | None, span: Span, offset: int, children: tuple[Symbol, ...]
) -> Symbol:
    end = max([span.end, *(child.span.end - offset for child in children)])
    start = min(max(name.span.start, span.start), end)
    name_span = Span(start, min(max(name.span.end, start), end))
    return Symbol(
        name.text,
        kind,
        detail or None,
        Span(span.start + offset, end + offset),
        name_span.shifted(offset),
        children,
    )
