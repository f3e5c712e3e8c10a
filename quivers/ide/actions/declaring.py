"""Declare what the checker has inferred: an input with `data`, and a program's effects in its header."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quivers.check.effects import PURE
from quivers.check.objects import numbered
from quivers.check.program import Effect, Input, Role
from quivers.check.rewrites.lines import line_end, line_ending
from quivers.check.types import Type
from quivers.families.support import Interval, Member
from quivers.ide.actions.proof import proven
from quivers.ide.actions.selection import Change, Obstacle, Selection, Within, shifted, within
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import documentation_above
from quivers.syntax.problems import Edit

# ------------------------------------------------------------------------ inputs


def declare_input_title(selection: Selection) -> str | Obstacle | None:
    """The title of declaring the input under the cursor; None where there is none."""
    found = _input(selection)
    if found is None:
        return None
    line = declaration_of(*found, selection.document.source)
    return line if isinstance(line, Obstacle) else f"Declare `{line}`"


def declare_input(selection: Selection) -> Change | Obstacle | None:
    """Declare the input under the cursor with its inferred type, below the objects."""
    found = _input(selection)
    return None if found is None else _declared(selection, found[0], (found[1],))


def declare_all_title(selection: Selection) -> str | Obstacle | None:
    """The title of declaring all inputs of a program; None but on its header and its inputs."""
    found = within(selection)
    entries = () if found is None else _undeclared(selection, found)
    if len(entries) < 2 or found is None or not (found.on_header or _input(selection)):
        return None
    return f"Declare all {len(entries)} inputs of `{found.program.name}`"


def declare_all(selection: Selection) -> Change | Obstacle | None:
    """Declare all inputs of a program."""
    found = within(selection)
    entries = () if found is None else _undeclared(selection, found)
    return None if found is None or len(entries) < 2 else _declared(selection, found, entries)


def declaration_of(found: Within, entry: Input, source: bytes) -> str | Obstacle:
    """`data name : type` for an input; its signs are those that the file has."""
    spelt = _spelt(entry.type, source)
    if spelt is None or not isinstance(entry.type, Type):
        return Obstacle(f"No `data` declaration can say that `{entry.name}` is `{entry.type}`.")
    local = {parameter.name.text for parameter in found.declaration.parameters}
    objects = {axis.object for axis in entry.type.axes}
    if isinstance(entry.type.element, Member):
        objects.add(entry.type.element.object)
    if objects & local:
        name = min(objects & local)
        return Obstacle(f"`{entry.name}` runs over `{name}`, which is a parameter of `{found.program.name}`.")
    return f"data {entry.name} : {spelt}"


def _input(selection: Selection) -> tuple[Within, Input] | None:
    found = within(selection)
    occurrence = None if found is None else found.occurrence()
    if found is None or occurrence is None or occurrence.role not in (Role.INPUT, Role.OBSERVED):
        return None
    entry = next((each for each in found.program.inputs if each.name == occurrence.name), None)
    return None if entry is None else (found, entry)


def _undeclared(selection: Selection, found: Within) -> tuple[Input, ...]:
    """The program's own inputs that no `data` declares."""
    own = {each.name for each in found.occurrences if each.role in (Role.INPUT, Role.OBSERVED)}
    return tuple(entry for entry in found.program.inputs if entry.name in own)


def _declared(selection: Selection, found: Within, entries: Sequence[Input]) -> Change | Obstacle:
    source = selection.document.source
    lines = []
    for entry in entries:
        line = declaration_of(found, entry, source)
        if isinstance(line, Obstacle):
            return line
        lines.append(line)
    return proven(selection, Change((_inserted(selection, lines),)))


def _inserted(selection: Selection, lines: Sequence[str]) -> Edit:
    """The lines below the objects and inputs that the file begins with, else above its first program."""
    source = selection.document.source
    ending = line_ending(source)
    last: ast.Placed | None = None
    for item in selection.checked.module.declarations:
        if not isinstance(item.declaration, ast.ObjectDeclaration | ast.DataDeclaration):
            if last is None:
                at = documentation_above(source, item.offset)[1]
                return Edit(Span(at, at), "".join(f"{line}{ending}" for line in lines) + ending)
            break
        last = item
    assert last is not None, "the selection is in a program, which is a declaration"
    # A line ending of its own before the lines, so that the last line of a file needs none.
    at = line_end(source, last.offset + last.declaration.span.end).start
    return Edit(Span(at, at), "".join(f"{ending}{line}" for line in lines))


def _spelt(type: object, source: bytes) -> str | None:
    """A type as a `data` declaration writes it; None where it can't."""
    if not isinstance(type, Type):
        return None
    objects = tuple(axis.object for axis in type.axes)
    if numbered(objects) != type.axes:
        return None
    times = " ⊗ " if "⊗".encode() in source else " * "
    arrow = "→" if "→".encode() in source else "->"
    if isinstance(type.element, Member):
        return f"{times.join(objects)} {arrow} {type.element.object}" if objects else None
    space = _space(type.element)
    return None if space is None else times.join((*objects, space))


def _space(element: Interval) -> str | None:
    """`Real [low=0]`; None for an interval that holds one number at most."""
    if element.low >= element.high:
        return None
    name, low, high = "Real", element.low, element.high
    if element.integer:
        name = "Nat" if low >= 0 else "Int"
        if (low, high) == (0, 1):
            return "Bool"
        low = -math.inf if low == 0 else low
    bounds = [
        f"{word}={_number(value)}" for word, value in (("low", low), ("high", high)) if math.isfinite(value)
    ]
    return f"{name} [{', '.join(bounds)}]" if bounds else name


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


# ----------------------------------------------------------------------- effects


def effects_title(selection: Selection) -> str | Obstacle | None:
    """The title of writing a program's effects in its header; None elsewhere, and where they stand there."""
    found = within(selection)
    edit = None if found is None else _effects(found)
    if found is None or edit is None:
        return None
    written = any(option.name.text == "effects" for option in found.declaration.options)
    return f"{'Update to' if written else 'Add'} `[{_listed(found)}]`"


def effects(selection: Selection) -> Change | Obstacle | None:
    """Write a program's inferred effects in its header."""
    found = within(selection)
    edit = None if found is None else _effects(found)
    if found is None or edit is None:
        return None
    return proven(selection, Change(shifted((edit,), found.program.offset)))


def _effects(found: Within) -> Edit | None:
    declaration = found.declaration
    if not found.on_header or ast.has_hole(declaration):
        return None
    for option in declaration.options:
        if option.name.text == "effects":
            written = {value.name for value in option.values if isinstance(value, ast.Variable)}
            return None if written == set(_names(found)) else Edit(option.span, _listed(found))
    end = declaration.header_span.end
    return Edit(Span(end, end), f" [{_listed(found)}]")


def _names(found: Within) -> list[str]:
    return [effect.value for effect in Effect if effect in found.program.effects] or [PURE]


def _listed(found: Within) -> str:
    return f"effects=[{', '.join(_names(found))}]"
