"""`factor` and `scan`: the two expressions that bind names of their own, an index and a state."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from quivers.check.calls import axes_of_object
from quivers.check.names import bound_twice
from quivers.check.objects import numbered
from quivers.check.program import Role
from quivers.check.scope import UNKNOWN, Binding, Scope
from quivers.check.shapes import listing, wrong_value
from quivers.check.supports import hull
from quivers.check.types import AnyType, Axis, Type, Unknown, union
from quivers.families.support import Element, Interval, Member
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity

Typing = Callable[[ast.Expression, Scope], AnyType]

# A state's interval is widened from the third round on, and given up in the last but one.
_ROUNDS = 8
_WIDEN_AFTER = 2
_LOW_ENDS = (1.0, 0.0, -1.0, -math.inf)
_HIGH_ENDS = (-1.0, 0.0, 1.0, math.inf)

# Each scan goes through its body a few times, so the work grows by that factor with each one inside another.
MOST_SCANS = 3


def type_of_factor(expression: ast.Factor, scope: Scope, type_of: Typing) -> AnyType:
    """`factor i : I, j : J in e`: the axes I and J, and then those of e."""
    seen: dict[str, ast.Name] = {}
    for binder in expression.binders:
        if binder.name.text in seen:
            scope.report(bound_twice(binder.name, seen[binder.name.text].span))
        elif binder.name.text:
            seen[binder.name.text] = binder.name
    axes = [binder_axis(binder, scope) for binder in expression.binders]
    with indices_bound(expression.binders, axes, scope):
        body = type_of(expression.body, scope)
    if isinstance(body, Unknown) or any(axis is None for axis in axes):
        return UNKNOWN
    objects = [axis.object for axis in axes if axis is not None]
    return Type(numbered((*objects, *(axis.object for axis in body.axes))), body.element)


def type_of_scan(expression: ast.Scan, scope: Scope, type_of: Typing) -> AnyType:
    """`scan t : Time, s = s0 in e`: the axis Time, and then those of the state."""
    time = binder_axis(expression.binder, scope)
    initial = type_of(expression.initial, scope)
    if scope.scans >= MOST_SCANS:
        message = f"Scans can stand {MOST_SCANS} deep inside each other, and this one is deeper."
        return scope.report(wrong_value(_keyword(expression), message, "Give the inner ones names."))
    with scope.silent():
        state = stable_state(expression, time, initial, scope, type_of)
    kept = initial if isinstance(state, Unknown) else state
    with indices_bound((expression.binder,), (time,), scope), state_bound(expression, kept, scope):
        body = type_of(expression.body, scope)
    if isinstance(body, Unknown) or isinstance(initial, Unknown) or time is None:
        return UNKNOWN
    if time in body.axes:
        return scope.report(_runs_along(expression, time, body))
    if isinstance(state, Unknown):
        return scope.report(_changes(expression, initial, body))
    return Type(numbered((time.object, *(axis.object for axis in state.axes))), body.element)


def stable_state(
    expression: ast.Scan, time: Axis | None, initial: AnyType, scope: Scope, type_of: Typing
) -> AnyType:
    """The least type that the state has at the start and keeps; a number's interval is widened to reach it.

    Unknown when the start and the body are values of different kinds. Classic widening with thresholds
    (Cousot & Cousot, 1977).
    """
    state = initial
    for number in range(_ROUNDS):
        if isinstance(state, Unknown):
            return UNKNOWN
        with indices_bound((expression.binder,), (time,), scope), state_bound(expression, state, scope):
            body = type_of(expression.body, scope)
        if isinstance(body, Unknown):
            return state
        joined = _joined(state, body, number)
        if joined == state:
            return state
        state = joined
    return state


@contextmanager
def indices_bound(
    binders: tuple[ast.Binder, ...], axes: list[Axis | None] | tuple[Axis | None, ...], scope: Scope
) -> Iterator[None]:
    """Bind each index to a member of its object while a body is looked at."""
    bindings = []
    for binder, axis in zip(binders, axes, strict=True):
        type: AnyType = UNKNOWN if axis is None else Type((), Member(axis.object))
        name = binder.name
        bindings.append(Binding(name.text, Role.INDEX, type, name.span, data=True))
        if name.text:
            scope.mention(name.text, name.span, Role.INDEX, type, definition=name.span, binds=True)
    with scope.bound(*bindings):
        yield


@contextmanager
def state_bound(expression: ast.Scan, state: AnyType, scope: Scope) -> Iterator[None]:
    """Bind the state of a scan to a value of a type while its body is looked at."""
    name = expression.state
    if name.text:
        scope.mention(name.text, name.span, Role.STATE, state, definition=name.span, binds=True)
    scope.scans += 1
    try:
        with scope.bound(Binding(name.text, Role.STATE, state, name.span)):
            yield
    finally:
        scope.scans -= 1


def binder_axis(binder: ast.Binder, scope: Scope) -> Axis | None:
    """The axis that a binder runs along; None, and a report, when its object has not just one."""
    axes = axes_of_object(binder.object, scope)
    if axes is None or len(axes) == 1:
        return None if axes is None else axes[0]
    message = f"`{binder.object.text}` is {listing(axes)}, and an index runs along one object."
    each = ", ".join(f"{letter} : {axis.object}" for letter, axis in zip("ijkl", axes, strict=False))
    scope.report(wrong_value(binder.object.span, message, f"Bind an index for each: `{each}`."))
    return None


def _joined(state: Type, body: Type, number: int) -> AnyType:
    element = joined_element(state.element, body.element, number)
    return UNKNOWN if element is None else Type(union(state.axes, body.axes), element)


def joined_element(state: Element, body: Element, number: int) -> Element | None:
    """A set that holds a state before and after a step, wider with each round; None where there is none.

    Taken again and again, with the numbers of the rounds, it comes to rest.
    """
    if isinstance(state, Member) or isinstance(body, Member):
        return state if state == body else None
    joined = hull(state, body)
    if number >= _WIDEN_AFTER:
        joined = _widened(state, joined, give_up=number >= _ROUNDS - 2)
    return joined


def _widened(before: Interval, after: Interval, *, give_up: bool) -> Interval:
    low, low_open, high, high_open = after.low, after.low_open, after.high, after.high_open
    if low < before.low or (give_up and low_open != before.low_open):
        low = -math.inf if give_up else max(end for end in _LOW_ENDS if end <= low)
        low_open = after.low_open or low < after.low
    if high > before.high or (give_up and high_open != before.high_open):
        high = math.inf if give_up else min(end for end in _HIGH_ENDS if end >= high)
        high_open = after.high_open or high > after.high
    return Interval(low, high, low_open, high_open, after.integer)


def _keyword(expression: ast.Scan) -> ast.Span:
    return ast.Span(expression.span.start, expression.span.start + len("scan"))


def _runs_along(expression: ast.Scan, time: Axis, body: Type) -> Diagnostic:
    index = expression.binder.name.text or "t"
    return Diagnostic(
        "QVR317",
        Severity.ERROR,
        expression.body.span,
        f"Each state is one step along `{time}`, but this is `{body}`, which runs over `{time}` itself.",
        labels=(Label(expression.binder.span, f"`{index}` is the step along `{time}`"),),
        hint=f"Take the value at the step, as in `x[{index}]`.",
    )


def _changes(expression: ast.Scan, initial: Type, body: Type) -> Diagnostic:
    return Diagnostic(
        "QVR317",
        Severity.ERROR,
        expression.body.span,
        f"The state `{expression.state.text}` starts as `{initial}`, but a step makes it `{body}`.",
        labels=(Label(expression.initial.span, f"`{expression.state.text}` starts here"),),
        hint="A state is a value of one kind throughout: a number, or an index into one object.",
    )
