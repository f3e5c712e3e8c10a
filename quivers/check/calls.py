"""The type of a call of a built-in function, from the types of its arguments."""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.arguments import Bound
from quivers.check.bounds import domain_problem
from quivers.check.names import undeclared_object
from quivers.check.objects import ObjectSignature, numbered, resolve_object
from quivers.check.scope import UNKNOWN, Scope
from quivers.check.shapes import missing_axis, no_index_set, wrong_value
from quivers.check.supports import clip
from quivers.check.types import AnyType, Axis, Type, union
from quivers.check.values import contracted, number_of
from quivers.families.function import Function, Kind
from quivers.families.support import Interval
from quivers.syntax import ast


def type_of_function(
    call: ast.Call, function: Function, bound: Bound, types: Mapping[str, AnyType], scope: Scope
) -> AnyType:
    """The type of `function(…)`, given the type of each argument."""
    over = over_axes(call, scope) if function.takes_over else ()
    found = [(name, bound.values[name], types[name]) for name in function.parameters if name in types]
    intervals: list[Interval] = []
    for name, node, type in found:
        interval = number_of(node, type, scope)
        if interval is None:
            continue
        domain = function.domains[function.parameters.index(name)]
        text = node.name if isinstance(node, ast.Variable) else None
        problem = domain_problem(function.name, interval, domain, node.span, text)
        if problem is not None:
            scope.report(problem)
        intervals.append(clip(interval, domain))
    if not bound.complete or over is None or len(intervals) < len(found):
        return UNKNOWN
    left_out = len(function.parameters) - len(found)
    intervals += [Interval(value, value) for value in function.defaults[len(function.defaults) - left_out :]]
    known = [type for _, _, type in found if isinstance(type, Type)]
    axes = _axes(call, function, known, over, scope)
    return UNKNOWN if axes is None else Type(axes, function.support(tuple(intervals)))


def _axes(
    call: ast.Call, function: Function, types: list[Type], over: tuple[Axis, ...], scope: Scope
) -> tuple[Axis, ...] | None:
    first = types[0].axes
    kind = function.kind
    if kind is Kind.ELEMENTWISE:
        return union(*(type.axes for type in types))
    if kind in (Kind.REDUCTION, Kind.ALONG):
        for axis in over:
            if axis not in first:
                scope.report(missing_axis(_over_span(call), axis, types[0]))
                return None
        if kind is Kind.REDUCTION:
            return tuple(axis for axis in first if axis not in over) if over else ()
        if not first:
            scope.report(
                wrong_value(call.function.span, f"`{function.name}` works along an axis; this has none.")
            )
            return None
        return union(*(type.axes for type in types))
    if kind is Kind.CONTRACTION:
        return contracted(call, types[0], types[1], scope)
    if kind is Kind.OUTER:
        return numbered(tuple(axis.object for type in types for axis in type.axes))
    if kind is Kind.DIAGONAL and first:
        return numbered(tuple(axis.object for axis in (*first, first[-1])))
    pair = matrix_axes(first)
    if kind is Kind.DIAGONAL or pair is None:
        needs = "a vector" if kind is Kind.DIAGONAL else "a square matrix"
        scope.report(wrong_value(call.function.span, f"`{function.name}` takes {needs}, not `{types[0]}`."))
        return None
    plates = tuple(axis for axis in first if axis not in pair)
    if kind is Kind.SOLVE:
        return _solved(call, plates, pair[0], types[1], scope)
    return plates + {Kind.MATRIX: pair, Kind.ROWS: pair[:1], Kind.DETERMINANT: ()}[kind]


def matrix_axes(axes: tuple[Axis, ...]) -> tuple[Axis, Axis] | None:
    """The rows' and the columns' axis of a square matrix: the last one, and that before over its object."""
    rows = [axis for axis in axes[:-1] if axis.object == axes[-1].object]
    return (rows[-1], axes[-1]) if rows else None


def _solved(
    call: ast.Call, plates: tuple[Axis, ...], row: Axis, vector: Type, scope: Scope
) -> tuple[Axis, ...] | None:
    """The axes of `solve_triangular(L, b)`: those of b, whose last one is over L's object."""
    if vector.axes and vector.axes[-1].object == row.object:
        return union(plates, vector.axes)
    message = f"The second value must end in the matrix's axis `{row}`, but it is `{vector}`."
    scope.report(wrong_value(call.arguments[-1].value.span, message))
    return None


def _over_span(call: ast.Call) -> ast.Span:
    for argument in call.arguments:
        if argument.keyword is not None and argument.keyword.text == "over":
            return argument.value.span
    return call.function.span


def over_axes(call: ast.Call, scope: Scope) -> tuple[Axis, ...] | None:
    """The axes named by `over=Object` or `over=(A, B)`: none without it, None when one is unknown."""
    for argument in call.arguments:
        if argument.keyword is not None and argument.keyword.text == "over":
            value = argument.value
            named = value.elements if isinstance(value, ast.Tuple) else (value,)
            parts = [object_axes(node, scope) for node in named]
            if any(part is None for part in parts):
                return None
            return tuple(axis for part in parts if part is not None for axis in part)
    return ()


def object_axes(node: ast.Expression, scope: Scope) -> tuple[Axis, ...] | None:
    """The axes of an object named where a value could stand, such as `over=School`; None when it is none."""
    if not isinstance(node, ast.Variable):
        if not isinstance(node, ast.Hole):
            scope.report(wrong_value(node.span, "Name an object here."))
        return None
    return axes_of_object(ast.Name(node.name, node.span), scope)


def axes_of_object(name: ast.Name, scope: Scope) -> tuple[Axis, ...] | None:
    """The axes that a declared object stands for in a plate; None, and a report, when there are none."""
    signature = scope.names.find(name.text)
    if not isinstance(signature, ObjectSignature):
        if not name.text:
            pass
        elif signature is None:
            scope.report(undeclared_object(name, scope.names.all(ObjectSignature), scope.declare_at))
        elif scope.names.object(name.text) is None:
            scope.report(wrong_value(name.span, f"`{name.text}` is no object."))
        scope.incomplete = True
        return None
    scope.mention_object(name.text, name.span)
    resolved = resolve_object(name.text, scope.names)
    if resolved is None:
        scope.incomplete = True
        return None
    if resolved.element is not None or not resolved.axes:
        scope.report(no_index_set(name))
        return None
    return resolved.axes
