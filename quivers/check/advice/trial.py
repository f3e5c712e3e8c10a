"""A fix tried out: whether the program that it leaves has the types that the program had."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from quivers.check.advice.sites import Sites
from quivers.check.program import Role
from quivers.check.rewrites.lines import applied
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.lower import lower
from quivers.syntax.problems import Fix


def reads_inferred_input(span: Span, sites: Sites) -> bool:
    """Whether an input whose type is inferred from its uses is read within a span, or by a `let` used there.

    Moving such a use may change what is inferred.
    """
    made = sites.ancestors(sites.read_in(span))
    spans = [span, *(step.span for name in made if isinstance(step := sites.binders[name], ast.Let))]
    return any(
        use.role is Role.INPUT and any(part.start <= use.span.start < part.end for part in spans)
        for use in sites.scope.occurrences
    )


def keeps_types(fix: Fix, sites: Sites, but: Collection[str] = ()) -> bool:
    """Whether the program that the fix leaves has no new problems, and every name `but` some its type."""
    from quivers.check.programs import check_program  # advice is part of what comes after it

    lowered = lower(Document(applied(sites.text, fix)))
    placed = lowered.module.declarations
    if lowered.diagnostics or len(placed) != 1:
        return False
    declaration = placed[0].declaration
    if not isinstance(declaration, ast.ProgramDeclaration):
        return False
    facts, scope = check_program(declaration, sites.scope.names)
    if Counter(problem.code for problem in scope.problems) - sites.codes:
        return False
    types = {use.name: use.type for use in scope.occurrences if use.binds} | dict(facts.types)
    return all(str(types.get(name)) == str(type) for name, type in sites.types.items() if name not in but)
