"""`[low=…, high=…]` on a draw: the part of the family's support that is left, and whether there is one."""

from __future__ import annotations

import math
from collections.abc import Sequence

from quivers.check.expressions import type_of
from quivers.check.names import bad_option
from quivers.check.scope import Scope
from quivers.check.shapes import outside_plate
from quivers.check.supports import bounds_text
from quivers.check.types import Axis, Type
from quivers.check.values import number_of
from quivers.families.family import Family
from quivers.families.support import Element, Interval
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity

BOUNDS = frozenset({"low", "high"})
TruncatedStep = ast.Sample | ast.Observe | ast.Marginalize


def truncated(
    step: TruncatedStep, family: Family, element: Element, plates: tuple[Axis, ...] | None, scope: Scope
) -> Element:
    """Where a draw of `step` lies, which without bounds lies in `element`.

    A bound is any number with no more axes than the plates; it may depend on latents.
    """
    given = [option for option in step.options if option.name.text in BOUNDS]
    if not given:
        return element
    seen: dict[str, tuple[ast.Option, Interval]] = {}
    for option in given:
        bound = _bound(option, step, plates, scope)
        if option.name.text in seen:
            scope.report(bad_option(option.name, "is given twice", option.span))
        elif bound is not None:
            seen[option.name.text] = option, bound
    if family.event_rank or not isinstance(element, Interval):
        what = "an index" if not family.event_rank else "a vector" if family.event_rank == 1 else "a matrix"
        message = f"bounds numbers, but a draw from `{family.name}` is {what}"
        scope.report(bad_option(given[0].name, message, given[0].span))
        return element
    low = seen["low"][1] if "low" in seen else None
    high = seen["high"][1] if "high" in seen else None
    for option, bound in seen.values():
        is_low = option.name.text == "low"
        if (bound.low >= element.high) if is_low else (bound.high <= element.low):
            if bound.low == bound.high == (element.high if is_low else element.low) and element.integer:
                continue
            scope.report(_nothing_left(option, family, element))
            return element
    if low is not None and high is not None and low.low >= high.high:
        integer_point = element.integer and low.low == high.high
        if not integer_point:
            scope.report(_crossed(seen["high"][0], seen["low"][0]))
            return element
    return _cut(element, low, high)


def _cut(element: Interval, low: Interval | None, high: Interval | None) -> Interval:
    least, least_open = element.low, element.low_open
    if low is not None and low.low > least:
        least, least_open = low.low, False
    most, most_open = element.high, element.high_open
    if high is not None and high.high < most:
        most, most_open = high.high, False
    if element.integer:
        least = math.ceil(least) if math.isfinite(least) else least
        most = math.floor(most) if math.isfinite(most) else most
    return Interval(least, most, least_open, most_open, element.integer)


def _bound(
    option: ast.Option, step: TruncatedStep, plates: tuple[Axis, ...] | None, scope: Scope
) -> Interval | None:
    if len(option.values) != 1 or option.is_list:
        message = f"takes one number, as in `[{option.name.text}=0]`"
        scope.report(bad_option(option.name, message, option.span))
        return None
    node = option.values[0]
    found = type_of(node, scope)
    interval = number_of(node, found, scope)
    if interval is None or not isinstance(found, Type):
        return None
    extra = [] if plates is None else [axis for axis in found.axes if axis not in plates]
    if extra and plates is not None:
        what = f"`{node.name}`" if isinstance(node, ast.Variable) else "This"
        labels: tuple[Label, ...] = ()
        if not isinstance(step, ast.Marginalize):
            scope.report(outside_plate(step.name, plates, extra, what=what, span=node.span, labels=labels))
        return None
    return interval


def bound_nodes(options: Sequence[ast.Option]) -> list[ast.Expression]:
    """The expressions that bound a draw."""
    return [value for option in options if option.name.text in BOUNDS for value in option.values]


def _nothing_left(option: ast.Option, family: Family, element: Interval) -> Diagnostic:
    return Diagnostic(
        "QVR405",
        Severity.ERROR,
        option.span,
        f"A draw from `{family.name}` is {bounds_text(element)}, so this bound leaves no value.",
    )


def _crossed(option: ast.Option, low: ast.Option) -> Diagnostic:
    return Diagnostic(
        "QVR405",
        Severity.ERROR,
        option.span,
        "The upper bound is never above the lower one, so no value is left.",
        labels=(Label(low.span, "the lower bound"),),
    )
