"""References: every place in the file that stands for the same thing as the name under the cursor."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.program import Checked, Occurrence, Role
from quivers.ide.cursor import cursor
from quivers.ide.definition import Symbol, name_of, named_steps, symbol_at
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span

_NEVER_OBSERVED = (Role.OBJECT, Role.PROGRAM, Role.FAMILY, Role.FUNCTION, Role.EFFECT)


@record
class Reference:
    """A place of a name. `binds`: the name is declared or bound here; `writes`: that, or it is observed."""

    span: Span
    binds: bool
    writes: bool


def references(checked: Checked, offset: int) -> tuple[Reference, ...]:
    """The places in the file of what the name at a byte offset stands for, in order."""
    symbol = symbol_at(checked, offset)
    return () if symbol is None else places(checked, symbol)


def places(checked: Checked, symbol: Symbol) -> tuple[Reference, ...]:
    """The places in the file that have one symbol, in order."""
    if symbol.role is None:
        return (Reference(symbol.here, binds=True, writes=True),)
    found: dict[Span, Reference] = {}
    named: dict[int, set[Span]] = {}
    for number, occurrence in _candidates(checked, symbol):
        span = occurrence.span.shifted(checked.module.declarations[number].offset)
        if number not in named:
            named[number] = _step_names(checked, number, symbol.role)
        writes = occurrence.binds or span in named[number]
        found.setdefault(span, Reference(span, occurrence.binds, writes))
    return tuple(found[span] for span in sorted(found, key=lambda span: span.start))


def _candidates(checked: Checked, symbol: Symbol) -> Iterator[tuple[int, Occurrence]]:
    """The occurrences that have a symbol, each with the number of its declaration.

    Only names that are equal are looked at closely, as a long file has many.
    """
    name, role, definition = symbol.name, symbol.role, symbol.definition
    declarations = checked.module.declarations
    home = None if definition is None else cursor(checked, definition.start)
    owned = definition is not None and _owned(checked, symbol)
    everywhere = definition is None or owned or role is Role.PARAMETER
    for number, occurrences in enumerate(checked.within):
        item = declarations[number]
        is_home = home is not None and item is home.placed
        if not everywhere and not is_home:
            continue
        for occurrence in occurrences:
            if occurrence.name != name:
                continue
            if definition is None:
                same = occurrence.definition is None and occurrence.owner is None and occurrence.role is role
            elif occurrence.owner is not None:
                same = owned
            elif occurrence.definition is not None:
                same = is_home and occurrence.definition.shifted(item.offset) == definition
            else:
                same = role is Role.PARAMETER and _names_parameter(
                    checked, occurrence.span.shifted(item.offset), definition
                )
            if same:
                yield number, occurrence


def _owned(checked: Checked, symbol: Symbol) -> bool:
    """Whether a symbol is what its name means everywhere in the file: the first declaration of the name."""
    for item in checked.module.declarations:
        declaration = item.declaration
        if isinstance(declaration, ast.Hole | ast.ExportDeclaration):
            continue
        if declaration.name.text == symbol.name:
            return declaration.name.span.shifted(item.offset) == symbol.definition
    return False


def _names_parameter(checked: Checked, span: Span, definition: Span) -> bool:
    """Whether a keyword in a call is the parameter that a program binds at `definition`."""
    found = symbol_at(checked, span.start)
    return found is not None and found.here == span and found.definition == definition


def _step_names(checked: Checked, number: int, role: Role) -> set[Span]:
    """The names that the steps of a declaration bind or observe, where a name of that role can be one."""
    item = checked.module.declarations[number]
    if role in _NEVER_OBSERVED or not isinstance(item.declaration, ast.ProgramDeclaration):
        return set()
    spans = set()
    for step in named_steps(item.declaration.steps):
        if not isinstance(step, ast.Hole | ast.Return) and (name := name_of(step)) is not None:
            spans.add(name.span.shifted(item.offset))
    return spans
