"""What the uses of a name ask of it, gathered backwards through the steps: how inputs get their types.

Each use says which axes the value may have at most, and where its elements must lie. An input's
type has the axes that all its uses allow, and the elements that all of them together require.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from quivers.check.arguments import bind_family, bind_function
from quivers.check.binders import MOST_SCANS, binder_axis, indices_bound, stable_state, state_bound
from quivers.check.calls import over_axes
from quivers.check.draws import over_option, plate_axes, shape_of
from quivers.check.expressions import type_of
from quivers.check.instances import bind_program
from quivers.check.marginal import header_axes, needed_maps
from quivers.check.objects import numbered
from quivers.check.scope import UNKNOWN, Block, Scope
from quivers.check.summary import Summary, substituted
from quivers.check.supports import LOGICAL, demanded, meet, negate
from quivers.check.truncation import bound_nodes
from quivers.check.types import Axis, Type, union
from quivers.check.values import axis_indexed
from quivers.families.function import Function, Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import BOOLEAN, REAL, Element, Interval, Member
from quivers.families.table import FAMILIES
from quivers.records import field, record
from quivers.syntax import ast

Axes = tuple[Axis, ...]


@record
class Demand:
    """One use. `axes` are those it allows, None for any; `element` None asks nothing of the elements.

    An `exact` use, which is an `observe`, has just these axes.
    """

    axes: Axes | None
    element: Element | None
    span: ast.Span
    exact: bool = False


@record(frozen=False)
class Demands:
    """The uses of every name in a program.

    `tentative` is set when an answer rested on types that may still change. `summed` has the axes that
    a contraction or a reduction around the expression in hand sums over, `blocks` are those around the step.
    """

    scope: Scope
    of: dict[str, list[Demand]] = field(default_factory=dict)
    tentative: bool = False
    summed: Axes = ()
    blocks: list[Block] = field(default_factory=list)

    def note(self, name: str, demand: Demand) -> None:
        self.of.setdefault(name, []).append(demand)

    @contextmanager
    def local(self, names: Iterable[str]) -> Iterator[None]:
        """Keep the uses of names that a block or an expression binds for itself apart from all others."""
        names = tuple(names)
        outside = {name: self.of.pop(name) for name in names if name in self.of}
        yield
        for name in names:
            self.of.pop(name, None)
        self.of.update(outside)

    def type_of(self, expression: ast.Expression) -> Type | None:
        self.tentative = True
        found = type_of(expression, self.scope)
        return found if isinstance(found, Type) else None


def gather(steps: Sequence[ast.Step], codomain: Axes | None, scope: Scope) -> Demands:
    """The demands of all steps, last step first, so that a `let`'s uses are known when its value is asked."""
    demands = Demands(scope)
    _ask_steps(steps, codomain, demands)
    return demands


def _ask_steps(steps: Sequence[ast.Step], codomain: Axes | None, demands: Demands) -> None:
    for step in reversed(steps):
        if isinstance(step, ast.Sample | ast.Observe):
            _ask_draw(step, demands)
        elif isinstance(step, ast.Let):
            uses = demands.of.get(step.name.text, [])
            ask(step.value, allowed_axes(uses), required_element(uses), demands)
        elif isinstance(step, ast.Score):
            ask(step.value, None, REAL, demands)
        elif isinstance(step, ast.Return):
            for returned in step.values:
                ask(returned.value, codomain, None, demands)
        elif isinstance(step, ast.Marginalize):
            _ask_block(step, demands)


def _ask_block(step: ast.Marginalize, demands: Demands) -> None:
    """A block's steps, with the names that they bind, and then what its header asks."""
    block = demands.scope.finished.get(step.span)
    if block is None:
        return
    with demands.scope.bound(*block.bound.values()), demands.local(block.bound):
        demands.blocks.append(block)
        _ask_steps(step.body, None, demands)
        demands.blocks.pop()
    _ask_header(step, demands)


def _ask_header(step: ast.Marginalize, demands: Demands) -> None:
    scope, draw = demands.scope, step.draw
    axis, besides = header_axes(step, scope)
    for node in bound_nodes(step.options):
        ask(node, besides, REAL, demands)
    if isinstance(draw, ast.Hole):
        return
    family = FAMILIES.get(draw.function.text)
    if family is None:
        for argument in draw.arguments:
            ask(argument.value, besides, REAL, demands)
        return
    for parameter, node in bind_family(draw, family, scope).parameters:
        allowed = besides
        if besides is not None and parameter.event_rank:
            found = demands.type_of(node) if axis is None else None
            own = (axis,) if axis is not None else () if found is None else found.axes
            allowed = union(tuple(each for each in besides if each not in own), own)
        ask(node, allowed, parameter.support, demands)


def allowed_axes(uses: Iterable[Demand]) -> Axes | None:
    """The axes that all uses allow; an exact use decides. None when every use allows any."""
    allowed: Axes | None = None
    for use in uses:
        if use.exact:
            return use.axes
        if use.axes is not None:
            allowed = (
                use.axes if allowed is None else tuple(axis for axis in allowed if axis in set(use.axes))
            )
    return allowed


def required_element(uses: Iterable[Demand]) -> Element | None:
    """What all uses together require of the elements; None for nothing, or when they contradict."""
    required: Element | None = None
    for use in uses:
        if use.element is not None:
            required = use.element if required is None else meet(required, use.element)
            if required is None:
                return None
    return required


def contradiction_of(uses: Iterable[Demand]) -> tuple[Demand, Demand] | None:
    """The first two uses, in the order of the text, whose elements can't both hold."""
    required: Element | None = None
    earlier: list[Demand] = []
    for use in sorted(uses, key=lambda use: use.span.start):
        if use.element is None:
            continue
        met = use.element if required is None else meet(required, use.element)
        if met is None:
            for other in earlier:
                if other.element is not None and meet(other.element, use.element) is None:
                    return other, use
            return earlier[-1], use
        required = met
        earlier.append(use)
    return None


def _ask_draw(step: ast.Sample | ast.Observe, demands: Demands) -> None:
    scope = demands.scope
    plate = plate_axes(step.plate, scope)
    over = over_option(step.options, scope)
    draw = step.draw
    family = None if isinstance(draw, ast.Hole) else FAMILIES.get(draw.function.text)
    shape = None if plate is None or over is None or family is None else shape_of(family, plate, over)
    plates = None if shape is None else shape.plates
    for option in step.options:
        if option.name.text == "where":
            for value in option.values:
                ask(value, plate, BOOLEAN, demands)
        elif option.name.text == "via":
            _ask_maps(option, plates, demands)
    for node in bound_nodes(step.options):
        ask(node, plates, REAL, demands)
    if family is None or isinstance(draw, ast.Hole):
        if not isinstance(draw, ast.Hole):
            _ask_arguments(draw, plate, demands)
        if isinstance(step, ast.Observe):
            demands.note(step.name.text, Demand(plate, None, step.name.span, exact=plate is not None))
        return
    for parameter, node in bind_family(draw, family, scope).parameters:
        allowed = None if shape is None else shape.of_parameter(parameter)
        if shape is not None and parameter.event_rank and not shape.events:
            found = demands.type_of(node)
            allowed = None if found is None else union(shape.plates, found.axes)
        ask(node, allowed, parameter.support, demands)
    if isinstance(step, ast.Observe):
        drawn = scope.drawn.get(step.name.text)
        element = drawn.element if isinstance(drawn, Type) else family.support
        axes = None if shape is None else shape.axes
        demands.note(step.name.text, Demand(axes, element, step.name.span, exact=axes is not None))


def _ask_maps(option: ast.Option, plates: Axes | None, demands: Demands) -> None:
    """A map by `[via=group]` goes into the axis, in the order of the blocks, that it is needed for."""
    needed = () if plates is None else needed_maps(demands.blocks, plates)
    for position, node in enumerate(option.values):
        found = demands.type_of(node)
        element = found.element if found is not None else None
        if not isinstance(element, Member):
            element = Member(needed[position].object) if position < len(needed) else None
        ask(node, plates, element, demands)


def _ask_arguments(draw: ast.Call, plate: Axes | None, demands: Demands) -> None:
    """The arguments of a draw from a program, or from something unknown."""
    scope = demands.scope
    summary = scope.names.summary(draw.function.text) if scope.names.find(draw.function.text) else None
    if not isinstance(summary, Summary):
        for argument in draw.arguments:
            ask(argument.value, plate, REAL, demands)
        return
    bound = bind_program(draw, summary, scope)
    for parameter in summary.parameters:
        node = bound.values.get(parameter.name)
        wanted = None if parameter.type is None else substituted(parameter.type, bound.objects)
        if node is not None and isinstance(wanted, Type):
            ask(node, wanted.axes, wanted.element, demands)


def ask(node: ast.Expression, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    """Ask of an expression that it have at most these axes and these elements, and so of the names in it."""
    if isinstance(node, ast.Variable):
        demands.note(node.name, Demand(axes, element, node.span))
    elif isinstance(node, ast.Call):
        _ask_call(node, axes, element, demands)
    elif isinstance(node, ast.Binary):
        _ask_binary(node, axes, element, demands)
    elif isinstance(node, ast.Unary):
        if node.operator == "not":
            ask(node.operand, axes, BOOLEAN, demands)
        else:
            number = element if isinstance(element, Interval) else REAL
            ask(node.operand, axes, negate(number) if node.operator == "-" else number, demands)
    elif isinstance(node, ast.If):
        ask(node.condition, axes, BOOLEAN, demands)
        ask(node.consequence, axes, element, demands)
        ask(node.alternative, axes, element, demands)
    elif isinstance(node, ast.Index):
        _ask_index(node, axes, element, demands)
    elif isinstance(node, ast.Tuple):
        for part in node.elements:
            ask(part, axes, None, demands)
    elif isinstance(node, ast.Factor):
        _ask_factor(node, axes, element, demands)
    elif isinstance(node, ast.Scan):
        _ask_scan(node, axes, element, demands)


def _ask_factor(node: ast.Factor, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    scope = demands.scope
    found = [binder_axis(binder, scope) for binder in node.binders]
    own = numbered(tuple(axis.object for axis in found if axis is not None))
    inner = None if axes is None else tuple(axis for axis in axes if axis not in own)
    names = [binder.name.text for binder in node.binders]
    with indices_bound(node.binders, found, scope), demands.local(names):
        ask(node.body, inner, element, demands)


def _ask_scan(node: ast.Scan, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    """A scan's start is no part of its value, so nothing is asked of where its elements lie."""
    scope = demands.scope
    if scope.scans >= MOST_SCANS:
        return
    time = binder_axis(node.binder, scope)
    inner = None if axes is None else tuple(axis for axis in axes if axis != time)
    ask(node.initial, inner, None, demands)
    initial = demands.type_of(node.initial)
    state = stable_state(node, time, initial or UNKNOWN, scope, type_of)
    names = (node.binder.name.text, node.state.text)
    with (
        indices_bound((node.binder,), (time,), scope),
        state_bound(node, state, scope),
        demands.local(names),
    ):
        ask(node.body, inner, element, demands)


def _ask_binary(node: ast.Binary, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    operator = node.operator
    if operator == "@":
        _ask_contraction(node.left, node.right, axes, demands)
        return
    if operator in LOGICAL:
        ask(node.left, axes, BOOLEAN, demands)
        ask(node.right, axes, BOOLEAN, demands)
        return
    if operator in ("==", "!="):
        for one, other in ((node.left, node.right), (node.right, node.left)):
            found = demands.type_of(other) if isinstance(one, ast.Variable) else None
            index = found.element if found is not None and isinstance(found.element, Member) else None
            ask(one, axes, index, demands)
        return
    asks_sign = isinstance(element, Interval) and element != REAL and operator in "+-*/"
    for one, other, is_left in ((node.left, node.right, True), (node.right, node.left, False)):
        wanted: Element = REAL
        if asks_sign and isinstance(element, Interval) and not isinstance(one, ast.Number):
            found = demands.type_of(other)
            if found is not None and isinstance(found.element, Interval):
                wanted = demanded(operator, element, found.element, is_left)
        ask(one, axes, wanted, demands)


def _ask_contraction(
    left: ast.Expression, right: ast.Expression, axes: Axes | None, demands: Demands
) -> None:
    """Each side may have the axis that the other side ends in; the left one the result's axes as well."""
    x, y = demands.type_of(left), demands.type_of(right)
    for side, other in ((left, y), (right, x)):
        last = other.axes[-1:] if other is not None else ()
        # A matrix stands on the left: a name on the right is a vector along the shared axis.
        around = () if side is right and isinstance(side, ast.Variable) else axes
        _ask_inside(side, _extended(around, last) if last else None, last, REAL, demands)


def _ask_inside(
    node: ast.Expression, axes: Axes | None, summed: Axes, element: Element, demands: Demands
) -> None:
    """Ask of an expression over some of whose axes a sum is taken."""
    outside = demands.summed
    demands.summed = outside + summed
    ask(node, axes, element, demands)
    demands.summed = outside


def _extended(axes: Axes | None, more: Axes) -> Axes:
    return more if axes is None else union(tuple(axis for axis in axes if axis not in more), more)


def _ask_index(node: ast.Index, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    value = demands.type_of(node.value)
    indexed: dict[Axis, None] = {}
    used: set[Axis] = set()
    # An axis that is summed over and that the value has itself is no axis of the index.
    own = () if value is None else tuple(axis for axis in demands.summed if axis in value.axes)
    around = axes
    axes = None if axes is None else tuple(axis for axis in axes if axis not in own)
    for position, index in enumerate(node.indices):
        found = demands.type_of(index)
        into: Axis | None = None
        if found is not None:
            used.update(found.axes)
        if found is not None and isinstance(found.element, Member):
            into = Axis(found.element.object)
            indexed[into] = None
            ask(index, axes, found.element, demands)
            continue
        if value is not None and value.axes:
            into = axis_indexed(value.axes, position, found or Type(), indexed)
        wanted = None if into is None else Member(into.object)
        if into is not None:
            indexed[into] = None
        ask(index, axes, wanted if isinstance(index, ast.Variable) else None, demands)
    left = (
        () if around is None else tuple(axis for axis in around if axis not in used and axis not in indexed)
    )
    ask(node.value, (*indexed, *left) if indexed else None, element, demands)


def _ask_call(node: ast.Call, axes: Axes | None, element: Element | None, demands: Demands) -> None:
    function = FUNCTIONS.get(node.function.text)
    if function is None:
        for argument in node.arguments:
            ask(argument.value, axes, None, demands)
        return
    if function.kind is Kind.OBJECT:
        return
    bound = bind_function(node, function, demands.scope)
    if function.kind is Kind.CONTRACTION and len(bound.values) == 2:
        left, right = bound.values.values()
        _ask_contraction(left, right, axes, demands)
        return
    allowed = axes
    over: Axes = ()
    if function.kind is Kind.REDUCTION:
        over = over_axes(node, demands.scope) or ()
        allowed = _extended(axes, over) if over else None
    elif function.kind not in (Kind.ELEMENTWISE, Kind.ALONG, Kind.MATRIX, Kind.SOLVE):
        allowed = None
    matrix = _matrix_to_solve(bound.values.get("b"), axes, demands) if function.kind is Kind.SOLVE else None
    for name, value in bound.values.items():
        domain = function.domains[function.parameters.index(name)]
        _ask_inside(
            value,
            matrix if name == "L" else allowed,
            over,
            _argument_element(function, domain, element),
            demands,
        )


def _matrix_to_solve(vector: ast.Expression | None, axes: Axes | None, demands: Demands) -> Axes | None:
    """The axes of the matrix in `solve_triangular(L, b)`: the last one of b, twice, after the plates."""
    found = None if vector is None else demands.type_of(vector)
    if found is None or not found.axes:
        return None
    last = Axis(found.axes[-1].object)
    square = (last, Axis(last.object, 1))
    return _extended(() if axes is None else axes, square)


def _argument_element(function: Function, domain: Interval, element: Element | None) -> Element:
    """The domain, or less where that brings the result into `element`, as with the sum of positive values."""
    if not isinstance(element, Interval) or len(function.parameters) != 1 or element == REAL:
        return domain
    if function.support((domain,)).within(element):
        return domain
    narrowed = meet(domain, Interval(element.low, element.high, element.low_open, element.high_open))
    if isinstance(narrowed, Interval) and function.support((narrowed,)).within(element):
        return narrowed
    return domain


def inferred(uses: Sequence[Demand]) -> Type:
    """The type of an input, from its uses."""
    element = required_element(uses)
    return Type(allowed_axes(uses) or (), REAL if element is None else element)
