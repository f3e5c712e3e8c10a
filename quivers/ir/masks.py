"""`[where=kept]` on an observation: the rows left out add nothing, whatever stands in their place.

A value inside the support is put there, so that neither the density nor its slope sees what the data have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from quivers.families.family import Family
from quivers.ir.expressions import Scope, Value, as_condition, evaluate, parsed
from quivers.ir.graph import Requirement
from quivers.ir.simplify import apply, depends_on
from quivers.ir.truncate import Bounds, interior
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.ir.build import Building

NOT_FINITE = "QVR607"


def condition(site: Building, step: ast.Observe) -> int | None:
    """Which rows count; None where all do."""
    for option in step.options:
        if option.name.text == "where":
            return as_condition(site.builder, site.value(option.values[0]).node)
    return None


def filled_in(
    site: Building,
    step: ast.Observe,
    family: Family,
    parameters: Mapping[str, Value],
    value: Value,
    bounds: Bounds,
    kept: int,
) -> Value:
    """What is observed where it counts, and elsewhere a value that could have been.

    Raises:
        ProgramError: the family draws matrices, of which none is known to fit.
    """
    builder = site.builder
    if family.event_rank > 1:
        raise site.refused(step.name.span, f"`[where]` can't leave out matrices drawn from `{family.name}`.")
    scope = Scope(builder, parameters)
    ends: list[int | None] = []
    for lower in (True, False):
        text = family.low if lower else family.high
        constant = family.support.low if lower else family.support.high
        bound = bounds.low if lower else bounds.high
        nodes = [builder.constant(constant)] if abs(constant) != float("inf") else []
        nodes += [] if text is None else [evaluate(scope, parsed(text)).node]
        nodes += [] if bound is None else [bound.node]
        end: int | None = None
        for node in nodes:
            end = node if end is None else apply(builder, "max" if lower else "min", end, node)
        ends.append(end)
    inside = interior(builder, ends[0], ends[1], family.support)
    _demand(site, step, value, kept)
    return Value(apply(builder, "where", kept, value.node, inside), value.element, value.event)


def _demand(site: Building, step: ast.Observe, value: Value, kept: int) -> None:
    """Demand of the data that nothing is missing where it counts."""
    builder = site.builder
    node = builder.nodes[value.node]
    if node.op != "input":
        return
    there = builder.apply("eq", value.node, value.node)
    if not depends_on(builder.nodes, frozenset({"site"}))[kept]:
        there = apply(builder, "or", apply(builder, "not", kept), there)
    message = f"`{node.name}` is missing at {{place}}, where its `[where=…]` holds."
    site.requirements.append(Requirement(there, NOT_FINITE, message, node.name))
