"""The log density of a value under a family, as nodes: from the family's text to a guarded sum."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from quivers.families.family import Family, Form
from quivers.families.support import Interval, Member
from quivers.ir import membership, simplify
from quivers.ir.expressions import Scope, Value, as_condition, as_number, evaluate, parsed
from quivers.ir.graph import Builder
from quivers.syntax import ast


@dataclass(frozen=True, slots=True)
class FamilyDensity:
    """The log density of a value under a family, as nodes.

    `node` is right where `guard` holds (None: everywhere); `low` and `high` are the ends of the support
    that depend on parameters.
    """

    node: int
    guard: int | None
    low: int | None
    high: int | None


def log_density(
    builder: Builder, family: Family, form: Form, parameters: Mapping[str, Value], value: Value
) -> FamilyDensity:
    """The log density of `value` under a family; −inf where a parameter lies outside its own support.

    The axes of one draw, and of one value of a parameter, are their `event`; all others are plates, which the
    family's text does not see.
    """
    given = [*parameters.values(), value]
    own = {axis for each in given for axis in each.event}
    plates = {axis for each in given for axis in builder.axes(each.node)} - own
    scope = Scope(builder, {**parameters, "x": value}, hidden=frozenset(plates))
    density = as_number(builder, evaluate(scope, parsed(form.log_density)).node)
    valid: list[int] = []
    for parameter in form.parameters:
        argument = parameters[parameter.name]
        valid += _inside(builder, argument, parameter.support)
        if parameter.space is not None and parameter.event_rank == 2:
            valid += membership.has_root(builder, parameter.space, argument.event, argument.node)
    if family.space is None:
        inside = [*scope.guards, *_inside(builder, value, family.support)]
    else:
        inside = [*scope.guards, *membership.inside(builder, family.space, value.event, value.node)]
    low, high = _end(scope, family.low), _end(scope, family.high)
    if low is not None:
        inside.append(simplify.apply(builder, "ge", value.node, low))
    if high is not None:
        inside.append(simplify.apply(builder, "le", value.node, high))
    if low is not None and high is not None:
        valid.append(simplify.apply(builder, "le", low, high))
    return FamilyDensity(
        guarded(builder, density, all_of(builder, valid)), all_of(builder, inside), low, high
    )


def _end(scope: Scope, text: str | None) -> int | None:
    """The node of an end of the support; None where there is no such end, or where it is infinite."""
    if text is None:
        return None
    node = evaluate(scope, parsed(text)).node
    value = scope.builder.nodes[node].value
    return None if value is not None and math.isinf(value) else node


def guarded(builder: Builder, density: int, condition: int | None) -> int:
    """A log density, −inf where the condition does not hold."""
    if condition is None:
        return density
    return simplify.apply(builder, "where", condition, density, builder.constant(-math.inf))


def all_of(builder: Builder, conditions: Sequence[int]) -> int | None:
    """Whether all conditions hold; None where they do for certain."""
    open_ones = [condition for condition in conditions if not _certain(builder, condition)]
    if not open_ones:
        return None
    result = open_ones[0]
    for condition in open_ones[1:]:
        result = simplify.apply(builder, "and", result, condition)
    return result


def _certain(builder: Builder, condition: int) -> bool:
    """Whether a comparison of two constants holds."""
    node = builder.nodes[condition]
    left, right = ([builder.nodes[arg].value for arg in node.args] + [None, None])[:2]
    if left is None or right is None:
        return False
    compare = {"lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq}
    return node.op in compare and bool(compare[node.op](left, right))


def _inside(builder: Builder, value: Value, support: Interval) -> list[int]:
    """Conditions under which a value lies in a support; none where its type says that it always does."""
    if isinstance(value.element, Member):
        return []  # an index: whole, and no less than 0
    element, conditions = value.element, []
    if element.within(support):
        return []
    if support.low > element.low or (support.low_open and element.low == support.low):
        comparison = "gt" if support.low_open else "ge"
        conditions.append(simplify.apply(builder, comparison, value.node, builder.constant(support.low)))
    if support.high < element.high:
        comparison = "lt" if support.high_open else "le"
        conditions.append(simplify.apply(builder, comparison, value.node, builder.constant(support.high)))
    if support.integer and not element.integer:
        whole = simplify.apply(builder, "floor", value.node)
        conditions.append(simplify.apply(builder, "eq", value.node, whole))
    return [_everywhere(builder, condition, value.event) for condition in conditions]


def _everywhere(builder: Builder, condition: int, axes: tuple[str, ...]) -> int:
    """Whether a condition holds all along `axes`."""
    if not axes:
        return condition
    least = simplify.reduce(builder, "amin", as_number(builder, condition), axes)
    return as_condition(builder, least)


def form_of(family: Family, keywords: frozenset[str]) -> int | None:
    """The first form of a family that has all the keywords given, by its place; None if none has."""
    for place, form in enumerate(family.forms):
        if keywords <= {parameter.name for parameter in form.parameters}:
            return place
    return None


def called_form(family: Family, call: ast.Call) -> tuple[int, Form]:
    """The form of a family that a call's keywords choose, and its place."""
    keywords = frozenset(argument.keyword.text for argument in call.arguments if argument.keyword is not None)
    place = form_of(family, keywords)
    assert place is not None, "the checker refuses keywords that no form has"
    return place, family.forms[place]
