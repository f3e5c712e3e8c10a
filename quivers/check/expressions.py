"""The type of an expression: its axes by union of names, its element by interval arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from quivers.check.arguments import Bound, bind_function
from quivers.check.binders import type_of_factor, type_of_scan
from quivers.check.calls import object_axes, type_of_function
from quivers.check.names import unknown_function, wrong_kind
from quivers.check.objects import DefineSignature, ObjectSignature, ProgramSignature
from quivers.check.program import Role
from quivers.check.scope import UNKNOWN, Scope
from quivers.check.shapes import bad_index, listing, undetermined, wrong_value
from quivers.check.supports import LOGICAL, bounds_text, combine, hull, negate, point
from quivers.check.types import AnyType, Axis, Type, Unknown, union
from quivers.check.values import axis_indexed, contracted, number_of, truth_of
from quivers.families.function import Function, Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import BOOLEAN, REAL, Interval, Member
from quivers.families.table import FAMILIES
from quivers.records import replace
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Edit, Fix


def type_of(expression: ast.Expression, scope: Scope) -> AnyType:
    """The type of an expression; `Unknown` where something under it is wrong, and reported."""
    rule = _RULES.get(type(expression))
    return UNKNOWN if rule is None else rule(expression, scope)


def _number(expression: ast.Number, scope: Scope) -> AnyType:
    value = expression.value
    return Type((), point(value, expression.is_integer) if abs(value) < 1e300 else REAL)


def _variable(expression: ast.Variable, scope: Scope) -> AnyType:
    return scope.use(expression.name, expression.span)


def _unary(expression: ast.Unary, scope: Scope) -> AnyType:
    operand = type_of(expression.operand, scope)
    if expression.operator == "not":
        truth = truth_of(expression.operand, operand, scope)
        return Type(operand.axes, BOOLEAN) if truth and isinstance(operand, Type) else UNKNOWN
    element = number_of(expression.operand, operand, scope)
    if element is None or isinstance(operand, Unknown):
        return UNKNOWN
    return Type(operand.axes, negate(element) if expression.operator == "-" else element)


def _binary(expression: ast.Binary, scope: Scope) -> AnyType:
    operator = expression.operator
    left, right = type_of(expression.left, scope), type_of(expression.right, scope)
    if operator in LOGICAL:
        truths = [
            truth_of(expression.left, left, scope),
            truth_of(expression.right, right, scope),
        ]
        if isinstance(left, Unknown) or isinstance(right, Unknown) or not all(truths):
            return UNKNOWN
        return Type(union(left.axes, right.axes), BOOLEAN)
    if operator in ("==", "!=") and isinstance(left, Type) and isinstance(right, Type):
        return _equality(expression, left, right, scope)
    x, y = number_of(expression.left, left, scope), number_of(expression.right, right, scope)
    if x is None or y is None or isinstance(left, Unknown) or isinstance(right, Unknown):
        return UNKNOWN
    if operator == "@":
        axes = contracted(expression, left, right, scope)
        return UNKNOWN if axes is None else Type(axes, combine("@", x, y))
    return Type(union(left.axes, right.axes), combine(operator, x, y))


def _equality(expression: ast.Binary, left: Type, right: Type, scope: Scope) -> AnyType:
    """Indices may be compared with indices into the same object, and with whole numbers."""
    a, b = left.element, right.element
    for index, other in ((a, b), (b, a)):
        if not isinstance(index, Member):
            continue
        if other != index and not (isinstance(other, Interval) and other.integer):
            scope.report(
                wrong_value(
                    expression.operator_span,
                    f"An index into `{index.object}` can't be compared with a value that is `{other}`.",
                )
            )
            return UNKNOWN
    return Type(union(left.axes, right.axes), BOOLEAN)


def _call(expression: ast.Call, scope: Scope) -> AnyType:
    name = expression.function
    function = FUNCTIONS.get(name.text)
    if function is None:
        for argument in expression.arguments:
            type_of(argument.value, scope)
        return _no_function(name, scope)
    scope.mention(name.text, name.span, Role.FUNCTION)
    bound = bind_function(expression, function, scope)
    if function.kind is Kind.OBJECT or _counts_object(function, bound, scope):
        return _of_object(function, bound, scope)
    types = {parameter: type_of(node, scope) for parameter, node in bound.values.items()}
    return type_of_function(expression, function, bound, types, scope)


def _no_function(name: ast.Name, scope: Scope) -> AnyType:
    if name.text in FAMILIES:
        scope.mention(name.text, name.span, Role.FAMILY)
        return scope.report(
            wrong_kind(
                name.span,
                f"`{name.text}` is a distribution; its draws have names.",
                f"Write `sample x <- {name.text}(…)`, and use `x` here.",
            )
        )
    if isinstance(scope.names.find(name.text), ProgramSignature | DefineSignature):
        scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
        return scope.report(
            wrong_kind(
                name.span, f"`{name.text}` is a program; draw from it with `sample`, and use the draw."
            )
        )
    return scope.report(unknown_function(name, FUNCTIONS)) if name.text else UNKNOWN


def _counts_object(function: Function, bound: Bound, scope: Scope) -> bool:
    """Whether this is `length(School)`."""
    node = bound.values.get("x")
    return (
        function.name == "length"
        and isinstance(node, ast.Variable)
        and node.name not in scope.bindings
        and isinstance(scope.names.find(node.name), ObjectSignature)
    )


def _of_object(function: Function, bound: Bound, scope: Scope) -> AnyType:
    """The type of `index(School)` and of `length(School)`."""
    axes = None
    for node in bound.values.values():
        axes = object_axes(node, scope)
    if axes is None or not bound.complete:
        return UNKNOWN
    if function.kind is Kind.OBJECT and len(axes) > 1:
        node = next(iter(bound.values.values()))
        message = f"`{function.name}` counts along one object, and this is {listing(axes)}."
        return scope.report(wrong_value(node.span, message, "Count along one of them."))
    return Type(axes if function.kind is Kind.OBJECT else (), function.support((REAL,)))


def _if(expression: ast.If, scope: Scope) -> AnyType:
    condition = type_of(expression.condition, scope)
    truth_of(expression.condition, condition, scope)
    yes, no = type_of(expression.consequence, scope), type_of(expression.alternative, scope)
    if isinstance(condition, Unknown) or isinstance(yes, Unknown) or isinstance(no, Unknown):
        return UNKNOWN
    axes = union(condition.axes, yes.axes, no.axes)
    if isinstance(yes.element, Member) and yes.element == no.element:
        return Type(axes, yes.element)
    a = number_of(expression.consequence, yes, scope)
    b = number_of(expression.alternative, no, scope)
    return UNKNOWN if a is None or b is None else Type(axes, hull(a, b))


def _index(expression: ast.Index, scope: Scope) -> AnyType:
    """`a[i, j]`: the axis that each index runs into is replaced by the index's own axes."""
    value = type_of(expression.value, scope)
    indices = [type_of(index, scope) for index in expression.indices]
    if isinstance(value, Unknown):
        return UNKNOWN
    if not value.axes:
        return _index_of_scalar(expression, value, scope)
    replaced: dict[Axis, tuple[Axis, ...]] = {}
    for position, (node, index) in enumerate(zip(expression.indices, indices, strict=True)):
        if isinstance(index, Unknown):
            return UNKNOWN
        axis = axis_indexed(value.axes, position, index, replaced)
        if axis is None:
            return scope.report(_wrong_index(node, value, index, len(expression.indices)))
        element = index.element
        if isinstance(element, Interval) and scope.speaking:
            if not element.integer:
                message = f"An index must be a whole number, but this is {bounds_text(element)}."
                return scope.report(_with_lag(expression, node, scope, bad_index(node.span, message)))
            if element.high < 0:
                return scope.report(bad_index(node.span, "An index can't be negative; the first is 0."))
        replaced[axis] = index.axes
    return Type(union(*(replaced.get(axis, (axis,)) for axis in value.axes)), value.element)


def _with_lag(whole: ast.Index, node: ast.Expression, scope: Scope, found: Diagnostic) -> Diagnostic:
    """`y[t - 1]` as a loop would have it, where nothing binds `t`: a series' earlier value is `lag(y)`."""
    if not (isinstance(node, ast.Binary) and node.operator == "-" and isinstance(node.right, ast.Number)):
        return found
    if not (isinstance(whole.value, ast.Variable) and isinstance(node.left, ast.Variable)):
        return found
    binding = scope.bindings.get(node.left.name)
    if len(whole.indices) != 1 or binding is None or binding.role is not Role.INPUT:
        return found
    places = f"{node.right.value:g}"
    call = f"lag({whole.value.name})" if places == "1" else f"lag({whole.value.name}, {places})"
    earlier = "1 place" if places == "1" else f"{places} places"
    hint = f"There are no loops: `{call}` is the value {earlier} earlier along its axis."
    return replace(found, hint=hint, fixes=(Fix(f"Write `{call}`", (Edit(whole.span, call),)),))


def _wrong_index(node: ast.Expression, value: Type, index: Type, count: int) -> Diagnostic:
    if isinstance(index.element, Member):
        subject = f"`{node.name}`" if isinstance(node, ast.Variable) else "This"
        return bad_index(
            node.span,
            f"{subject} is an index into `{index.element.object}`, but the value is `{value}`.",
        )
    return bad_index(node.span, f"There are {count} indices, but the value is `{value}`.")


def _index_of_scalar(expression: ast.Index, value: Type, scope: Scope) -> AnyType:
    node = expression.value
    if isinstance(node, ast.Variable):
        binding = scope.bindings.get(node.name)
        if binding is not None and binding.role is Role.INPUT:
            return scope.report(undetermined(node.name, node.span, "County * Real"))
        return scope.report(bad_index(node.span, f"`{node.name}` is one value, `{value}`; it has no axis."))
    return scope.report(bad_index(node.span, f"This is one value, `{value}`; it has no axis to index."))


def _tuple(expression: ast.Tuple, scope: Scope) -> AnyType:
    for element in expression.elements:
        type_of(element, scope)
    return scope.report(wrong_value(expression.span, "Only `return` takes several values at once."))


def _factor(expression: ast.Factor, scope: Scope) -> AnyType:
    return type_of_factor(expression, scope, type_of)


def _scan(expression: ast.Scan, scope: Scope) -> AnyType:
    return type_of_scan(expression, scope, type_of)


_RULES: Mapping[type, Callable[[Any, Scope], AnyType]] = {
    ast.Number: _number,
    ast.Variable: _variable,
    ast.Call: _call,
    ast.Unary: _unary,
    ast.Binary: _binary,
    ast.If: _if,
    ast.Index: _index,
    ast.Tuple: _tuple,
    ast.Factor: _factor,
    ast.Scan: _scan,
}
