"""Inline `let`: its value takes the place of its name in every use, and its line goes."""

from __future__ import annotations

from collections.abc import Sequence

from quivers.check.program import Occurrence
from quivers.check.rewrites.lines import without
from quivers.check.steps import binders
from quivers.ide.actions.expressions import bound_around, free_variables, placed_value
from quivers.ide.actions.proof import proven
from quivers.ide.actions.selection import (
    Change,
    Obstacle,
    Selection,
    Within,
    blocks,
    path_to,
    shifted,
    within,
)
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.problems import Edit


@record
class _Inlining:
    """A `let` with the paths to its uses, each a variable at the end of its path."""

    found: Within
    let: ast.Let
    uses: tuple[tuple[object, ...], ...]


def inline_title(selection: Selection) -> str | Obstacle | None:
    """The title of inlining the `let` whose name is under the cursor; None where there is none."""
    inlining = _inlining(selection)
    if not isinstance(inlining, _Inlining):
        return inlining
    count = len(inlining.uses)
    return f"Inline `{inlining.let.name.text}`" + (f" into its {count} uses" if count > 1 else "")


def inline(selection: Selection) -> Change | Obstacle | None:
    """Inline the `let` whose name is under the cursor."""
    inlining = _inlining(selection)
    if not isinstance(inlining, _Inlining):
        return inlining
    found, let = inlining.found, inlining.let
    edits = [without(found.text, let)]
    for path in inlining.uses:
        use = path[-1]
        assert isinstance(use, ast.Variable), "only variables are uses"
        edits.append(Edit(use.span, placed_value(found.text, let.value, path)))
    made = Change(shifted(edits, found.program.offset))
    # Advice that comes with the value was due before, and a name stood in its way.
    return proven(selection, made, gone=(let.name.text,), but=("QVR7",))


def _inlining(selection: Selection) -> _Inlining | Obstacle | None:
    found = within(selection)
    occurrence = None if found is None else found.occurrence()
    if found is None or occurrence is None or occurrence.owner is not None:
        return None
    let = next(
        (
            step
            for block in blocks(found.declaration.steps)
            for step in block
            if isinstance(step, ast.Let) and step.name.span == occurrence.definition
        ),
        None,
    )
    if let is None:
        return None
    name = let.name.text
    if ast.has_hole(let.value):
        return Obstacle(f"A part of the value of `{name}` can't be read.")
    uses = _uses(let, found.occurrences)
    if not _all_known(name, found):
        return Obstacle(f"`{name}` is used where something is wrong; mend that first.")
    if not uses:
        return Obstacle(f"Nothing uses `{name}`.")
    paths = [path_to(found.declaration, use.span) for use in uses]
    for path in paths:
        refusal = _refusal(let, path)
        if refusal is not None:
            return refusal
    return _Inlining(found, let, tuple(paths))


def _uses(let: ast.Let, occurrences: Sequence[Occurrence]) -> list[Occurrence]:
    return [
        each
        for each in occurrences
        if each.definition == let.name.span and each.owner is None and each.span != let.name.span
    ]


def _all_known(name: str, found: Within) -> bool:
    """Whether the check came by every place where a name stands; it leaves out what makes no sense."""
    seen = {each.span for each in found.occurrences if each.name == name}
    return all(
        variable.span in seen
        for step in found.declaration.steps
        for variable in free_variables(step)
        if variable.name == name
    )


def _refusal(let: ast.Let, path: tuple[object, ...]) -> Obstacle | None:
    name, use = let.name.text, path[-1]
    if not isinstance(use, ast.Variable):
        step = next((node for node in path if isinstance(node, ast.Observe)), None)
        if step is not None:
            return Obstacle(f"`{name}` is observed, so it needs its name.")
        return Obstacle(f"`{name}` is used where only a name can stand.")
    bound = bound_around(path)
    for node in path:
        if isinstance(node, ast.Marginalize) and not node.span.covers(let.span.start):
            bound.update((each.text, "marginalize") for each in (node.name, *binders(node.body)))
    for variable in free_variables(let.value):
        if variable.name in bound:
            word = bound[variable.name]
            return Obstacle(f"`{variable.name}` means something else inside the `{word}` that uses `{name}`.")
    return None
