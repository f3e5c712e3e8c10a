"""Demands that what is observed lie between ends that the data and sizes give, such as a binomial's total."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quivers.families.family import Family
from quivers.ir.expressions import Value
from quivers.ir.graph import Requirement
from quivers.ir.simplify import apply, depends_on
from quivers.ir.truncate import Bounds

if TYPE_CHECKING:
    from quivers.ir.build import Building

OUTSIDE_SUPPORT = "QVR608"


def demand(
    site: Building,
    name: str,
    family: Family,
    value: Value,
    ends: tuple[int | None, int | None],
    bounds: Bounds,
    plates: tuple[str, ...],
) -> None:
    """Demand that `value` is no less than the family's low end and no more than its high one.

    `ends` are the nodes of those ends, and `bounds` those of `[low=…, high=…]`. An end that a latent moves is
    no demand, nor is one that differs along a latent that is summed out: some of its values may do.
    """
    builder = site.builder
    known = [
        *((end, "ge", _end(family, lower=True)) for end in ends[:1]),
        *((end, "le", _end(family, lower=False)) for end in ends[1:]),
        (None if bounds.low is None else bounds.low.node, "ge", "at least the `low` of its draw"),
        (None if bounds.high is None else bounds.high.node, "le", "at most the `high` of its draw"),
    ]
    for end, comparison, rule in known:
        if end is None:
            continue
        held = apply(builder, comparison, value.node, end)
        axes = builder.axes(held)
        if not set(axes) <= set(plates) or depends_on(builder.nodes, frozenset({"site"}))[held]:
            continue
        message = f"`{name}` must be {rule}: {{place}} is {{value}}{{more}}.{{counting}}"
        counts = comparison == "le" and family.high == "length(cutpoints)"
        found = Requirement(held, OUTSIDE_SUPPORT, message, name, value=value.node, end=end, counts=counts)
        if found not in site.requirements:  # a block may go over its steps more than once
            site.requirements.append(found)


def _end(family: Family, *, lower: bool) -> str:
    """What an end of a family's support asks for, in words that follow "must be"."""
    if family.high == "length(cutpoints)":
        return f"a whole number from 0 to {{end}}, the number of cutpoints of its `{family.name}`"
    side, end = ("at least", family.low) if lower else ("at most", family.high)
    return f"{side} the `{end}` of its `{family.name}`, here {{end}}"
