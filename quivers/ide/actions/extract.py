"""Extract `let`: the selected expression gets a name, in a step just above the one that it stands in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from quivers.check.arguments import bind_family
from quivers.check.objects import Names
from quivers.check.program import Occurrence
from quivers.check.rewrites.centring import fresh_name
from quivers.check.rewrites.lines import first_line, indentation, line_ending
from quivers.check.scope import Scope
from quivers.check.spelling import looks_misspelt
from quivers.families.table import FAMILIES
from quivers.ide.actions.expressions import (
    EXPRESSIONS,
    bound_around,
    bracketed_span,
    breaks_outside_brackets,
    free_variables,
    same_value,
)
from quivers.ide.actions.proof import proven
from quivers.ide.actions.selection import (
    STEPS,
    Change,
    Obstacle,
    Selection,
    Within,
    block_of,
    path_to,
    shifted,
    taken_names,
    within,
)
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Edit

_NAMES = {"+": "total", "-": "difference", "*": "product", "@": "product", "/": "ratio"}
_SPACE = b" \t\r\n\f\v"


@record
class _Extraction:
    """The selected expression, which ends `path`, and the step that its `let` goes above."""

    found: Within
    step: ast.Step
    node: ast.Expression
    path: tuple[object, ...]


def extract_title(selection: Selection) -> str | Obstacle | None:
    """The title of extracting the selected expression alone; None where nothing is selected."""
    extraction = _extraction(selection)
    if not isinstance(extraction, _Extraction):
        return extraction
    return f"Extract into `let {_name(selection, extraction)}`"


def extract(selection: Selection) -> Change | Obstacle | None:
    """Extract the selected expression alone."""
    extraction = _extraction(selection)
    if not isinstance(extraction, _Extraction):
        return extraction
    return _change(selection, extraction, [extraction.path])


def extract_all_title(selection: Selection) -> str | Obstacle | None:
    """The title of extracting an expression and its equals further down; None where it has none."""
    extraction = _extraction(selection)
    if not isinstance(extraction, _Extraction):
        return extraction
    count = len(_equals(extraction))
    if count < 2:
        return None
    return f"Extract all {count} occurrences into `let {_name(selection, extraction)}`"


def extract_all(selection: Selection) -> Change | Obstacle | None:
    """Extract the selected expression and every equal one from the step on."""
    extraction = _extraction(selection)
    if not isinstance(extraction, _Extraction):
        return extraction
    places = _equals(extraction)
    return _change(selection, extraction, places) if len(places) > 1 else None


# ------------------------------------------------------------------ what is selected


def _extraction(selection: Selection) -> _Extraction | Obstacle | None:
    if selection.span.start == selection.span.end:
        return None
    found = within(selection)
    if found is None:
        return None
    chosen = _trimmed(found.text, found.span)
    if chosen.start >= chosen.end:
        return None
    path = path_to(found.declaration, chosen)
    step = next((node for node in reversed(path) if isinstance(node, STEPS)), None)
    if step is None:
        return None
    while len(path) > 1 and isinstance(path[-1], ast.Argument) and path[-1].keyword is None:
        path = (*path, path[-1].value)
    node = path[-1]
    if not isinstance(node, EXPRESSIONS) or node.span != chosen:
        return Obstacle("The selection is no whole expression.")
    refusal = _refusal(node, step, path)
    return refusal or _Extraction(found, step, node, path)


def _refusal(node: ast.Expression, step: ast.Step, path: tuple[object, ...]) -> Obstacle | None:
    if ast.has_hole(node):
        return Obstacle("A part of the selection can't be read.")
    if isinstance(node, ast.Variable):
        return Obstacle(f"`{node.name}` is a name already.")
    if node is getattr(step, "draw", None):
        return Obstacle("A distribution is no value; what it is given can be extracted.")
    if isinstance(step, ast.Let) and node is step.value:
        return Obstacle(f"This value has a name already, `{step.name.text}`.")
    bound = bound_around(path)
    for variable in free_variables(node):
        if variable.name in bound:
            inside = f"`{variable.name}` has a value only inside its `{bound[variable.name]}`"
            return Obstacle(f"{inside}, so this can't leave it.")
    return None


def _trimmed(text: bytes, span: Span) -> Span:
    """A selection without the white space and the brackets around what it holds."""
    start, end = span.start, span.end
    while start < end:
        if text[start] in _SPACE:
            start += 1
        elif text[end - 1] in _SPACE:
            end -= 1
        elif text[start : start + 1] == b"(" and _closing(text, start, end) == end - 1:
            start, end = start + 1, end - 1
        else:
            break
    return Span(start, end)


def _closing(text: bytes, start: int, end: int) -> int:
    """Where the bracket closes that opens at `start`; -1 where it does not before `end`."""
    depth = 0
    for place in range(start, end):
        sign = text[place : place + 1]
        if sign in (b"(", b"["):
            depth += 1
        elif sign in (b")", b"]"):
            depth -= 1
            if depth == 0:
                return place
    return -1


# ------------------------------------------------------------------- its equals


def _equals(extraction: _Extraction) -> list[tuple[object, ...]]:
    """The paths of the expression and of every equal one in its step and the steps after it, in order."""
    found, node = extraction.found, extraction.node
    meanings = {occurrence.span.start: occurrence for occurrence in found.occurrences}
    block = block_of(extraction.step, found.declaration.steps)
    first = next(number for number, step in enumerate(block) if step is extraction.step)
    root = extraction.path[: extraction.path.index(extraction.step)]
    return [path for step in block[first:] for path in _matching((*root, step), node, meanings)]


def _matching(
    path: tuple[object, ...], wanted: ast.Expression, meanings: dict[int, Occurrence]
) -> Iterator[tuple[object, ...]]:
    node = path[-1]
    if type(node) is type(wanted) and same_value(node, wanted, meanings):
        yield path
        return
    for child in ast.children(node):
        yield from _matching((*path, child), wanted, meanings)


# -------------------------------------------------------------------- the change


def _change(
    selection: Selection, extraction: _Extraction, places: Sequence[tuple[object, ...]]
) -> Change | Obstacle:
    found, node, step = extraction.found, extraction.node, extraction.step
    text = found.text
    name = _name(selection, extraction)
    value = text[node.span.start : node.span.end]
    written = f"({value.decode()})" if breaks_outside_brackets(value) else value.decode()
    at = first_line(text, step)
    before = f"{indentation(text, step)}let "
    edits = [Edit(Span(at, at), f"{before}{name} = {written}{line_ending(text)}")]
    edits += [_replaced(text, path, name) for path in places]
    named = (len(before), *(edit.text.index(name) for edit in edits[1:]))
    made = Change(shifted(edits, found.program.offset), name, named)
    # What is extracted from a value that nothing needs is needed by nothing either.
    return proven(selection, made, but=("QVR708",))


def _replaced(text: bytes, path: tuple[object, ...], name: str) -> Edit:
    """The name in the place of an expression and its brackets, apart from the words beside it."""
    span = bracketed_span(text, path)
    before = text[span.start - 1 : span.start]
    after = text[span.end : span.end + 1]
    left = " " if before.isalnum() or before >= b"\x80" else ""
    right = " " if after.isalnum() or after >= b"\x80" else ""
    return Edit(span, f"{left}{name}{right}")


def _name(selection: Selection, extraction: _Extraction) -> str:
    """A name that is free: the parameter's that the expression is given for, or what its operator makes."""
    found = extraction.found
    inputs = [entry.name for entry in found.program.inputs]
    taken = taken_names(selection, found)
    return fresh_name(
        _wanted(extraction),
        lambda name: name in taken or any(looks_misspelt(other, (name,)) is not None for other in inputs),
    )


def _wanted(extraction: _Extraction) -> str:
    node, parent, draw = extraction.node, extraction.path[-2], getattr(extraction.step, "draw", None)
    if isinstance(parent, ast.Argument) and isinstance(draw, ast.Call) and parent in draw.arguments:
        family = FAMILIES.get(draw.function.text)
        if family is not None:
            silent = Scope(Names({}), "", {}, {})
            for parameter, value in bind_family(draw, family, silent).values.items():
                if value is node:
                    return parameter
    return _NAMES.get(node.operator, "value") if isinstance(node, ast.Binary) else "value"
