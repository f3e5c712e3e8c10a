"""What a place in a file is in: the declaration, the step, and the syntax nodes around it."""

from __future__ import annotations

from quivers.check.program import Checked, CheckedProgram
from quivers.records import record
from quivers.syntax import ast


@record
class Cursor:
    """The surroundings of a byte offset in a file.

    `offset` is absolute and `here` the same place relative to the declaration, as the spans of `nodes` are.
    `nodes` are the syntax nodes that touch the place, the declaration first and the innermost last; a place
    at the seam of two nodes touches the right one alone. `program` is the checked program of the declaration.
    """

    offset: int
    here: int
    placed: ast.Placed
    nodes: tuple[object, ...]
    program: CheckedProgram | None

    @property
    def step(self) -> ast.Step | None:
        """The innermost step around the place, None outside of a program's steps."""
        steps = (ast.Sample, ast.Observe, ast.Let, ast.Marginalize, ast.Score, ast.Return)
        return next((node for node in reversed(self.nodes) if isinstance(node, steps)), None)

    @property
    def call(self) -> ast.Call | None:
        """The innermost call around the place."""
        return next((node for node in reversed(self.nodes) if isinstance(node, ast.Call)), None)


def cursor(checked: Checked, offset: int) -> Cursor | None:
    """What the byte at `offset` is in; None where no declaration begins at or before it.

    The text between two declarations, comments and empty lines, belongs to the one above.
    """
    placed = checked.module.declarations
    number = placed.at(offset)
    if number < 0:
        return None
    # What stands in a program's text and is no step of it is placed where the program is, with its own span.
    while (
        number > 0
        and placed[number - 1].offset == placed[number].offset
        and offset - placed[number].offset < placed[number].declaration.span.start
    ):
        number -= 1
    item = placed[number]
    here = offset - item.offset
    declaration = item.declaration
    nodes: list[object] = [declaration]
    while (inner := _touched(nodes[-1], here)) is not None:
        nodes.append(inner)
    name = None if isinstance(declaration, ast.Hole) else declaration.name.text
    program = checked.programs.get(name or "")
    if program is not None and program.offset != item.offset:
        program = None  # declared twice: the name means the first
    return Cursor(offset, here, item, tuple(nodes), program)


def _touched(node: object, here: int) -> object | None:
    """The child of `node` that touches the place; of two that do, the one that begins there."""
    found = None
    for child in ast.children(node):
        span = getattr(child, "span", None)
        if isinstance(span, ast.Span) and span.covers(here):
            found = child
    return found
