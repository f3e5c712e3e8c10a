"""The fix that removes a step which nothing needs, where that leaves everything else as it was."""

from __future__ import annotations

from quivers.check.advice.sites import Sites
from quivers.check.program import Role
from quivers.check.rewrites.lines import without
from quivers.syntax import ast
from quivers.syntax.problems import Fix


def deleting(step: ast.Sample | ast.Let, sites: Sites) -> tuple[Fix, ...]:
    """Remove the step. No fix where another step reads its name, or where something else would be unused.

    That is an effect that no other step has, the last step of a block, or an object or declared
    input that the program names nowhere else.
    """
    name = step.name.text
    block = next(steps for steps in _blocks(sites.declaration.steps) if step in steps)
    if name in sites.used or len(block) == 1 or _only_one_that_samples(step, sites):
        return ()
    declared = (Role.OBJECT, Role.DATA)
    within: set[str] = set()
    outside: set[str] = set()
    for occurrence in sites.scope.occurrences:
        if occurrence.role in declared:
            inside = step.span.start <= occurrence.span.start < step.span.end
            (within if inside else outside).add(occurrence.name)
    if within - outside:
        return ()
    return (Fix(f"Remove `{name}`", (without(sites.text, step),)),)


def _only_one_that_samples(step: ast.Step, sites: Sites) -> bool:
    return isinstance(step, ast.Sample) and not any(
        isinstance(other, ast.Sample) and other is not step for other in sites.steps
    )


def _blocks(steps: tuple[ast.Step, ...]) -> list[tuple[ast.Step, ...]]:
    found = [steps]
    for step in steps:
        if isinstance(step, ast.Marginalize):
            found += _blocks(step.body)
    return found
