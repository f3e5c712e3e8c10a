"""Turns expressions into nodes of the density graph: axes align by name, functions come from their table.

The same translation serves what the user wrote, the definitions of built-in functions and the log densities
of families; a `Scope` says what a name means in each, and what a reduction without `over` runs over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from quivers.check import supports
from quivers.check.binders import joined_element
from quivers.errors import ProgramError
from quivers.families.function import Function, Kind
from quivers.families.functions import FUNCTIONS, PROBABILITIES
from quivers.families.support import BOOLEAN, NATURAL, REAL, Element, Interval, Member
from quivers.ir import simplify
from quivers.ir.graph import BINARY, CONDITIONS, INDEX, REDUCTIONS, UNARY, Builder, Node, object_of
from quivers.ir.matrices import in_order, iota, renamed_below, spread_over
from quivers.ir.matrix_functions import applied, contracted, numbered
from quivers.ir.scan import Step, captured, scanned
from quivers.ir.simplify import gather
from quivers.syntax import ast, parse
from quivers.syntax.problems import Diagnostic, Severity

NOT_EVALUATED = "QVR390"
"""A construct that the language has and the engine can't evaluate."""

OPERATORS = {
    "+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow", "==": "eq", "!=": "ne", "<": "lt", "<=": "le",
    ">": "gt", ">=": "ge", "and": "and", "or": "or",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Value:
    """A node, and the set its elements lie in. `event` are the axes of one draw, in a family's parameter."""

    node: int
    element: Element = REAL
    event: tuple[str, ...] = ()

    @property
    def interval(self) -> Interval:
        return self.element if isinstance(self.element, Interval) else NATURAL


@dataclass(frozen=True, slots=True)
class Scope:
    """What names mean, and where an expression stands.

    `over` are the axes of a reduction without `over=`, None for all that its argument has. `offset` places
    the declaration that spans are relative to. `guards` collects conditions under which the value is valid.
    `factors` has the factors of the objects that are products. `hidden` are the axes of the latents that are
    summed out around the expression, each of which is a single value to it.
    """

    builder: Builder
    names: Mapping[str, Value]
    objects: frozenset[str] = frozenset()
    offset: int = 0
    over: tuple[str, ...] | None = None
    guards: list[int] = field(default_factory=list)
    factors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    def axes(self, node: int) -> tuple[str, ...]:
        """The axes that a value has to the expression."""
        return tuple(axis for axis in self.builder.axes(node) if axis not in self.hidden)

    def refused(self, span: ast.Span, message: str) -> ProgramError:
        """The error that what stands at `span` can't be evaluated."""
        diagnostic = Diagnostic(NOT_EVALUATED, Severity.ERROR, span.shifted(self.offset), message)
        return ProgramError(message, (diagnostic,))


@cache
def parsed(text: str) -> ast.Expression:
    """The expression that a family's or a function's entry is written as."""
    return parse.expression(text)


def evaluate(scope: Scope, expression: ast.Expression) -> Value:
    """The value of an expression.

    Raises:
        ProgramError: with the place of a construct that no backend evaluates.
    """
    builder = scope.builder
    match expression:
        case ast.Number(value=value, is_integer=is_integer):
            return Value(builder.constant(value), supports.point(float(value), is_integer))
        case ast.Variable(name=name):
            found = scope.names.get(name)
            if found is None:
                raise scope.refused(expression.span, f"`{name}` has no value here.")
            return found
        case ast.Unary(operator=operator, operand=operand):
            return _unary(scope, operator, evaluate(scope, operand))
        case ast.Binary(operator="@", left=left, right=right):
            return _contraction(scope, expression.span, evaluate(scope, left), evaluate(scope, right))
        case ast.Binary(operator=operator, left=left, right=right):
            return _binary(scope, operator, evaluate(scope, left), evaluate(scope, right))
        case ast.If(condition=condition, consequence=consequence, alternative=alternative):
            yes, no = evaluate(scope, consequence), evaluate(scope, alternative)
            test = as_condition(builder, evaluate(scope, condition).node)
            parts = (test, as_number(builder, yes.node), as_number(builder, no.node))
            return Value(_elementwise(scope, "where", *parts), supports.hull(yes.interval, no.interval))
        case ast.Call():
            return _call(scope, expression)
        case ast.Index(value=value, indices=indices):
            return _index(
                scope,
                expression.span,
                evaluate(scope, value),
                [evaluate(scope, index) for index in indices],
            )
        case ast.Factor(binders=binders, body=body):
            return _factor(scope, binders, body)
        case ast.Scan():
            return _scan(scope, expression)
        case ast.Tuple():
            raise scope.refused(
                expression.span, "A tuple has no single value; write a step for each of its parts."
            )
        case ast.Hole():
            raise scope.refused(expression.span, "This could not be read.")


def as_condition(builder: Builder, node: int) -> int:
    """A node as true or false; a number is true unless it is 0."""
    if builder.nodes[node].op in CONDITIONS:
        return node
    return simplify.apply(builder, "ne", node, builder.constant(0.0))


def as_number(builder: Builder, node: int) -> int:
    """A node as a number; true is 1 and false 0."""
    if builder.nodes[node].op not in CONDITIONS:
        return node
    return simplify.apply(builder, "where", node, builder.constant(1.0), builder.constant(0.0))


def _unary(scope: Scope, operator: str, operand: Value) -> Value:
    builder = scope.builder
    if operator == "not":
        return Value(simplify.apply(builder, "not", as_condition(builder, operand.node)), BOOLEAN)
    number = as_number(builder, operand.node)
    if operator == "+":
        return replace(operand, node=number)
    return Value(simplify.apply(builder, "neg", number), supports.negate(operand.interval))


def _binary(scope: Scope, operator: str, left: Value, right: Value) -> Value:
    builder = scope.builder
    prepare = as_condition if operator in supports.LOGICAL else as_number
    parts = (prepare(builder, left.node), prepare(builder, right.node))
    node = _elementwise(scope, OPERATORS[operator], *parts)
    return Value(node, supports.combine(operator, left.interval, right.interval))


def _elementwise(scope: Scope, op: str, *args: int) -> int:
    """An elementwise operation, its axes in the order in which its arguments have them.

    What it is simplified to may have them in another, and what is done along the last axis would go wrong.
    """
    node = simplify.apply(scope.builder, op, *args)
    wanted = tuple(dict.fromkeys(axis for arg in args for axis in scope.axes(arg)))
    if scope.axes(node) == wanted:
        return node
    return in_order(
        scope.builder, node, (*(own for own in scope.builder.axes(node) if own in scope.hidden), *wanted)
    )


def _contraction(scope: Scope, span: ast.Span, left: Value, right: Value) -> Value:
    """The sum over the last axis of both; where those differ by a prime, one side follows the other."""
    node = contracted(scope.builder, left.node, right.node, scope.axes)
    if node is None:
        raise scope.refused(span, "`@` sums over the last axis of both its sides, and theirs differ.")
    return Value(node, supports.combine("@", left.interval, right.interval))


# --------------------------------------------------------------------- calls


def _call(scope: Scope, call: ast.Call) -> Value:
    function = FUNCTIONS.get(call.function.text) or PROBABILITIES.get(call.function.text)
    if function is None:
        raise scope.refused(call.span, f"`{call.function.text}` is no function.")
    if function.kind is Kind.OBJECT:
        return _object_function(scope, call)
    if function.name == "length" and _names_object(scope, call):
        return _length_of_object(scope, call)
    over: tuple[str, ...] | None = None
    given: dict[str, Value] = {}
    positional = iter(function.parameters)
    for argument in call.arguments:
        if argument.keyword is not None and argument.keyword.text == "over":
            over = _named_axes(scope, argument)
        else:
            name = next(positional) if argument.keyword is None else argument.keyword.text
            value = evaluate(scope, argument.value)
            given[name] = replace(value, node=as_number(scope.builder, value.node))
    required = len(function.parameters) - function.optional
    for name, default in zip(function.parameters[required:], function.defaults, strict=True):
        given.setdefault(name, Value(scope.builder.constant(default), supports.point(default)))
    arguments = [given[name] for name in function.parameters]
    element = function.support(
        tuple(
            supports.clip(argument.interval, domain)
            for argument, domain in zip(arguments, function.domains, strict=True)
        )
    )
    return Value(_applied(scope, call, function, arguments, over), element)


def _object_function(scope: Scope, call: ast.Call) -> Value:
    """`index(Object)`: 0, 1, 2, … along it; in a family's text, along the last axis of a value."""
    argument = call.arguments[0].value
    if isinstance(argument, ast.Variable) and argument.name not in scope.names:
        return Value(iota(scope.builder, argument.name), NATURAL)
    axes = scope.axes(evaluate(scope, argument).node)
    if scope.objects or not axes:
        raise scope.refused(call.span, f"`{call.function.text}` takes the name of an object.")
    return Value(iota(scope.builder, axes[-1]), NATURAL)


def _names_object(scope: Scope, call: ast.Call) -> bool:
    argument = call.arguments[0].value if call.arguments else None
    return isinstance(argument, ast.Variable) and (
        argument.name in scope.objects and argument.name not in scope.names
    )


def _length_of_object(scope: Scope, call: ast.Call) -> Value:
    """`length(Object)`: its number of elements."""
    argument = call.arguments[0].value
    assert isinstance(argument, ast.Variable), "asked for after `_names_object`"
    axes = single_objects(argument.name, scope.factors)
    return Value(simplify.scaled_by_size(scope.builder, scope.builder.constant(1.0), axes), NATURAL)


def _named_axes(scope: Scope, argument: ast.Argument) -> tuple[str, ...]:
    names = argument.value.elements if isinstance(argument.value, ast.Tuple) else (argument.value,)
    found: list[str] = []
    for name in names:
        if not isinstance(name, ast.Variable):
            raise scope.refused(argument.span, "`over=` takes the name of an object.")
        found.extend(single_objects(name.name, scope.factors))
    return tuple(found)


def single_objects(name: str, factors: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The finite sets that an object is the product of; itself when it is no product."""
    if name not in factors:
        return (name,)
    return tuple(part for factor in factors[name] for part in single_objects(factor, factors))


def _applied(
    scope: Scope,
    call: ast.Call,
    function: Function,
    arguments: Sequence[Value],
    over: tuple[str, ...] | None,
) -> int:
    """The node of a function's value."""
    builder = scope.builder
    numbers = [argument.node for argument in arguments]
    axes = _run_over(scope, function, arguments[0], over)
    if function.kind is Kind.ELEMENTWISE:
        op = function.op or (function.name if function.name in UNARY | BINARY else None)
        if op is not None:
            return _elementwise(scope, op, *numbers)
    if function.op in REDUCTIONS:
        return simplify.reduce(builder, function.op, numbers[0], axes)
    if function.definition is not None:
        inner = Scope(
            builder,
            dict(zip(function.parameters, arguments, strict=True)),
            offset=scope.offset,
            over=axes,
            hidden=scope.hidden,
        )
        return evaluate(inner, parsed(function.definition)).node
    if function.name == "length":
        count = simplify.scaled_by_size(builder, builder.constant(1.0), axes)
        left = [axis for axis in scope.axes(numbers[0]) if axis not in axes]
        # Within a definition the same number for each element is as good as one.
        return count if scope.over is not None else simplify.spread(builder, count, left)
    node = applied(builder, function.name, numbers, axes, scope.axes)
    if node is None:
        raise scope.refused(call.span, f"`{function.name}` can be checked but not run yet.")
    return node


def _run_over(
    scope: Scope, function: Function, argument: Value, over: tuple[str, ...] | None
) -> tuple[str, ...]:
    """The axes that a call works over: those named, else the scope's, else all or the last."""
    have = scope.axes(argument.node)
    if over is not None:
        return over
    if scope.over is not None:
        return scope.over
    if argument.event and function.kind is Kind.ALONG:
        return argument.event[-1:]
    if argument.event:
        return argument.event
    return have[-1:] if function.kind is Kind.ALONG else have


# ---------------------------------------------------------------- structure


def _index(scope: Scope, span: ast.Span, value: Value, indices: Sequence[Value]) -> Value:
    """`value[i, j]`: each index replaces the axis of the object that it is a member of."""
    builder, node = scope.builder, value.node
    axes = value.event or scope.axes(node)
    taken: set[str] = set()
    for position, index in enumerate(indices):
        axis = _axis_indexed(axes, position, index, taken)
        if axis is None:
            raise scope.refused(span, "The value has no axis that the index points into.")
        taken.add(axis)
        place = as_number(builder, index.node)
        if not (isinstance(index.element, Member) and object_of(axis) == index.element.object):
            place = _within(scope, place, axis)
        node = gather(builder, node, place, axis)
    return Value(node, value.element)


def _axis_indexed(axes: Sequence[str], position: int, index: Value, taken: set[str]) -> str | None:
    """The axis that an index runs into: by its object, or for a plain number by its position."""
    free = [axis for axis in axes if axis not in taken]
    here = [axes[position]] if position < len(axes) and axes[position] in free else []
    if isinstance(index.element, Member):
        owned = [axis for axis in (*here, *free) if object_of(axis) == index.element.object]
        if owned:
            return owned[0]
        if len(axes) > 1:
            return None
    available = here or free
    return available[0] if available else None


def _within(scope: Scope, place: int, axis: str) -> int:
    """An index that nothing keeps inside its axis, kept there; the guard says whether it was inside."""
    builder = scope.builder
    zero = builder.constant(0.0)
    last = simplify.apply(builder, "sub", builder.size(axis), builder.constant(1.0))
    above = simplify.apply(builder, "ge", place, zero)
    below = simplify.apply(builder, "le", place, last)
    scope.guards.append(simplify.apply(builder, "and", above, below))
    return simplify.apply(builder, "min", simplify.apply(builder, "max", place, zero), last)


def _factor(scope: Scope, binders: Sequence[ast.Binder], body: ast.Expression) -> Value:
    """`factor i : I in e`: in the body i is 0, 1, 2, … along an axis of its own, which e does not see."""
    builder, names, hidden = scope.builder, dict(scope.names), scope.hidden
    indices: list[str] = []
    for binder in binders:
        axis = binder.object.text + INDEX
        while axis in hidden:
            axis += INDEX
        hidden |= {axis}
        indices.append(axis)
        names[binder.name.text] = Value(iota(builder, axis), Member(binder.object.text))
    inner = evaluate(replace(scope, names=names, hidden=hidden), body)
    own = tuple(axis for axis in builder.axes(inner.node) if axis not in hidden)
    node = spread_over(builder, as_number(builder, inner.node), *indices)
    return Value(_as_numbered(scope, node, (*indices, *own)), inner.element)


def _as_numbered(scope: Scope, node: int, axes: tuple[str, ...]) -> int:
    """A value with its `axes` in this order, called as the checker calls them: `K`, then `K′`."""
    builder = scope.builder
    called = dict(zip(axes, numbered(axes), strict=True))
    node = renamed_below(builder, node, [called.get(axis, axis) for axis in builder.axes(node)])
    others = (axis for axis in builder.axes(node) if axis not in called.values())
    return in_order(builder, node, (*others, *called.values()))


def _scan(scope: Scope, expression: ast.Scan) -> Value:
    """`scan t : Time, s = s0 in e`: a step is worked out again until the state's axes and set hold still."""
    builder, axis = scope.builder, expression.binder.object.text
    start = evaluate(scope, expression.initial)
    initial = as_number(builder, start.node)
    axes, element = builder.axes(initial), start.element
    rounds = 0
    while True:
        inner = Builder(sizes=builder.sizes)
        outer: dict[int, int] = {}
        names = {
            name: replace(value, node=captured(builder, value.node, inner, outer))
            for name, value in scope.names.items()
        }
        place = inner.add(Node("outer", name=axis))
        names[expression.binder.name.text] = Value(place, Member(axis))
        names[expression.state.text] = Value(inner.add(Node("state", axes=axes)), element)
        found = evaluate(replace(scope, builder=inner, names=names, guards=[]), expression.body)
        value = as_number(inner, found.node)
        wider = tuple(dict.fromkeys((*axes, *inner.axes(value))))
        joined = joined_element(element, found.element, rounds)
        assert joined is not None, "the checker refuses a state that is a number first and an index then"
        if wider == axes and joined == element:
            break
        axes, element, rounds = wider, joined, rounds + 1
    states, run = scanned(builder, axis, initial, axes, Step(inner.nodes, value, outer), place)
    visible = (run, *(own for own in axes if own not in scope.hidden))
    return Value(_as_numbered(scope, states, visible), found.element)
