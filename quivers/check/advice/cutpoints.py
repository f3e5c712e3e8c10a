"""QVR714: cutpoints that nothing keeps in increasing order."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.mixture import ordering
from quivers.check.advice.sites import Sites, family_of
from quivers.check.rewrites.centring import argument_values
from quivers.families.support import Space
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity


def unordered_cutpoints(sites: Sites) -> Iterator[Diagnostic]:
    """Parameters that must increase, drawn number by number."""
    told: set[str] = set()
    for step in sites.steps:
        family = family_of(step)
        if family is None or not isinstance(step, ast.Sample | ast.Observe):
            continue
        must_increase = {
            parameter.name
            for form in family.forms
            for parameter in form.parameters
            if parameter.space is Space.ORDERED
        }
        for parameter, node in argument_values(step.draw, family) if must_increase else ():
            drawn = _drawn_without_order(node, sites) if parameter in must_increase else None
            if drawn is None or drawn.name.text in told:
                continue
            told.add(drawn.name.text)
            yield Diagnostic(
                "QVR714",
                Severity.WARNING,
                drawn.name.span,
                f"`{parameter}` of `{family.name}` must increase, but nothing keeps `{drawn.name.text}` in "
                "order: out of order, some answers have probability zero.",
                labels=(Label(node.span, f"the {parameter} of `{step.name.text}`"),),
                fixes=(ordering(drawn),),
                hint=f"Draw `{drawn.name.text}` in increasing order.",
            )


def _drawn_without_order(node: ast.Expression, sites: Sites) -> ast.Sample | None:
    """The draw that an argument is, or is read from by an index, where its numbers are independent."""
    while isinstance(node, ast.Index):
        node = node.value
    step = sites.binders.get(node.name) if isinstance(node, ast.Variable) else None
    if not isinstance(step, ast.Sample):
        return None
    family = family_of(step)
    ordered = any(option.name.text == "ordered" for option in step.options)
    return None if family is None or family.event_rank or ordered else step
