"""The type of a draw: its plate, its event axes, and whether each argument fits its parameter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quivers.check.arguments import BoundForm, bind_family
from quivers.check.bounds import argument_problem
from quivers.check.calls import axes_of_object, object_axes
from quivers.check.expressions import type_of
from quivers.check.instances import type_of_program_draw
from quivers.check.names import bad_option, unknown_family, wrong_kind
from quivers.check.objects import (
    BrokenSignature,
    DefineSignature,
    ObjectSignature,
    ProgramSignature,
    numbered,
)
from quivers.check.program import Role
from quivers.check.scope import UNKNOWN, Scope
from quivers.check.shapes import inside_one_draw, listing, missing_event_axis, outside_plate, undetermined
from quivers.check.truncation import truncated
from quivers.check.types import AnyType, Axis, Type
from quivers.check.values import number_of
from quivers.families.family import Family, Parameter
from quivers.families.function import Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Element, Interval, Member
from quivers.families.table import FAMILIES
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label

DrawStep = ast.Sample | ast.Observe


@record
class Shape:
    """The axes that a draw is repeated over, and those that one draw has itself."""

    plates: tuple[Axis, ...]
    events: tuple[Axis, ...]

    @property
    def axes(self) -> tuple[Axis, ...]:
        return self.plates + self.events

    def of_parameter(self, parameter: Parameter) -> tuple[Axis, ...]:
        """The axes that an argument may have; a vector parameter of a scalar family has one more."""
        return self.plates + self.own(parameter)

    def own(self, parameter: Parameter) -> tuple[Axis, ...]:
        """The axes of one value of a parameter: the draw's own; a matrix of a vector family has one more."""
        if not self.events:
            return ()
        if parameter.event_rank > len(self.events):
            return (*self.events, _copy_of(self.events[-1], self.axes))
        return self.events[: parameter.event_rank]


def type_of_draw(step: DrawStep, scope: Scope) -> AnyType:
    """The type of what `name : plate <- Family(…)` draws, after checking its arguments."""
    plate = plate_axes(step.plate, scope)
    over = over_option(step.options, scope)
    draw = step.draw
    if isinstance(draw, ast.Hole):
        return UNKNOWN
    family = FAMILIES.get(draw.function.text)
    if family is None:
        if isinstance(step, ast.Sample) and is_program(draw.function.text, scope):
            return type_of_program_draw(step, draw, scope)
        for argument in draw.arguments:
            type_of(argument.value, scope)
        return no_family(draw, "observed", scope)
    scope.mention(family.name, draw.function.span, Role.FAMILY)
    bound = bind_family(draw, family, scope)
    types = {parameter.name: type_of(node, scope) for parameter, node in bound.parameters}
    supports = check_supports(family, bound, types, scope)
    if plate is None or over is None:
        truncated(step, family, family.support, None, scope)
        return UNKNOWN
    if over and family.event_rank == 0:
        return scope.report(_no_event_axis(step, family))
    shape = shape_of(family, plate, over)
    if shape is None:
        return scope.report(_misses_event_axis(step, family, over))
    element = _support(family, bound, supports, types, shape)
    element = truncated(step, family, element, shape.plates, scope)
    if bound.complete and not _check_axes(step, bound, types, shape, scope):
        return UNKNOWN
    return Type(shape.axes, element)


def is_program(name: str, scope: Scope) -> bool:
    """Whether the file declares a program or a composition by a name."""
    return isinstance(scope.names.find(name), ProgramSignature | DefineSignature)


def _over_span(step: DrawStep) -> ast.Span:
    return next((option.span for option in step.options if option.name.text == "over"), step.name.span)


def _no_event_axis(step: DrawStep, family: Family) -> Diagnostic:
    option = next(option for option in step.options if option.name.text == "over")
    message = f"names the axis of a vector draw, but a draw from `{family.name}` is one number"
    return bad_option(option.name, message, option.span)


def _misses_event_axis(step: DrawStep, family: Family, over: tuple[Axis, ...]) -> Diagnostic:
    name = step.name.text
    if over:
        named = listing(over)
        message = f"A draw from `{family.name}` runs along one object of the plate, and {named} is not in it."
        plate = " * ".join(each.text for each in step.plate)
        wanted = f"{plate} * {over[-1].object}" if plate else over[-1].object
        return missing_event_axis(_over_span(step), message, f"As in `{name} : {wanted} <- …`.")
    message = f"A draw from `{family.name}` has an axis of its own; name the object that it runs along."
    return missing_event_axis(step.name.span, message, f"As in `{name} : K <- …`.")


def no_family(call: ast.Call, done: str, scope: Scope) -> AnyType:
    """Report a draw from what is no distribution; a program can't be `done`, as in "observed"."""
    name = call.function
    if not name.text:
        return UNKNOWN
    signature = scope.names.find(name.text)
    if isinstance(signature, ProgramSignature | DefineSignature):
        scope.mention(name.text, name.span, Role.PROGRAM, owner=name.text)
        message = f"`{name.text}` is a program; only a draw from a distribution can be {done}."
        return scope.report(
            wrong_kind(name.span, message, f"Write `sample x <- {name.text}(…)`, and use `x`.")
        )
    if name.text in FUNCTIONS:
        scope.mention(name.text, name.span, Role.FUNCTION)
        message = f"`{name.text}` is a function, and no distribution."
        return scope.report(wrong_kind(name.span, message, "Give its value a name with `let`."))
    if isinstance(signature, BrokenSignature):
        scope.incomplete = True
        return UNKNOWN
    if signature is not None:
        if isinstance(signature, ObjectSignature):
            scope.mention_object(name.text, name.span)
        what = "an object" if isinstance(signature, ObjectSignature) else "data"
        message = f"`{name.text}` is {what}, and no distribution."
        return scope.report(
            wrong_kind(name.span, message, "Draw from a distribution, such as `Normal(0, 1)`.")
        )
    return scope.report(unknown_family(call, FAMILIES))


def plate_axes(plate: Sequence[ast.Name], scope: Scope) -> tuple[Axis, ...] | None:
    """The axes of a plate annotation; None when an object in it is unknown."""
    parts = [axes_of_object(name, scope) for name in plate]
    if any(part is None for part in parts):
        return None
    return numbered(tuple(axis.object for part in parts if part is not None for axis in part))


def draw_plates(step: DrawStep, scope: Scope) -> tuple[Axis, ...] | None:
    """The axes that a draw is repeated over, without those of its own; None when they are not known."""
    silent = Scope(scope.names, scope.program, {}, {})
    plate, over = plate_axes(step.plate, silent), over_option(step.options, silent)
    family = None if isinstance(step.draw, ast.Hole) else FAMILIES.get(step.draw.function.text)
    if plate is None or over is None or family is None:
        return None
    shape = shape_of(family, plate, over)
    return None if shape is None else shape.plates


def over_option(options: Sequence[ast.Option], scope: Scope) -> tuple[Axis, ...] | None:
    """The axes of `[over=K]`: none without it, None when they are unknown."""
    for option in options:
        if option.name.text == "over":
            if len(option.values) != 1:
                scope.report(bad_option(option.name, "takes one object, as in `[over=K]`", option.span))
                return None
            return object_axes(option.values[0], scope)
    return ()


def shape_of(family: Family, axes: tuple[Axis, ...], over: tuple[Axis, ...]) -> Shape | None:
    """Which of a draw's axes are plates and which are the family's own; None when it lacks one of its own.

    The last object is the event axis, unless `[over=K]` names another. A matrix runs over that object twice,
    and one mention of it is enough: `K` is `K * K`.
    """
    if family.event_rank == 0:
        return Shape(axes, ())
    chosen = over or axes[-1:]
    if len(chosen) != 1 or chosen[0] not in axes:
        return None
    if family.event_rank == 1:
        return Shape(tuple(axis for axis in axes if axis not in chosen), chosen)
    copies = [axis for axis in (axes if over else axes[-2:]) if axis.object == chosen[0].object]
    events = tuple(copies[-2:]) if len(copies) > 1 else (chosen[0], _copy_of(chosen[0], axes))
    return Shape(tuple(axis for axis in axes if axis not in events), events)


def _copy_of(axis: Axis, axes: tuple[Axis, ...]) -> Axis:
    """The next axis over the same object: `K′` where there is `K`."""
    return Axis(axis.object, 1 + max(each.copy for each in axes if each.object == axis.object))


def check_supports(
    family: Family, bound: BoundForm, types: Mapping[str, AnyType], scope: Scope
) -> dict[str, Interval]:
    """Where each argument that is a number lies, after comparing that with its parameter's support."""
    supports: dict[str, Interval] = {}
    for parameter, node in bound.parameters:
        found = number_of(node, types[parameter.name], scope)
        if found is None:
            continue
        text = node.name if isinstance(node, ast.Variable) else None
        problem = argument_problem(
            family.name, parameter.name, found, parameter.support, span=node.span, text=text
        )
        if problem is not None:
            scope.report(problem)
        supports[parameter.name] = found
    return supports


def _check_axes(
    step: DrawStep, bound: BoundForm, types: Mapping[str, AnyType], shape: Shape, scope: Scope
) -> bool:
    """Whether every argument's axes are among the draw's; the first that has more is reported."""
    stray: dict[Axis, None] = {}
    first: tuple[ast.Expression, tuple[Axis, ...]] | None = None
    for parameter, node in bound.parameters:
        found = types[parameter.name]
        if not isinstance(found, Type):
            continue
        allowed = shape.of_parameter(parameter)
        extra = tuple(axis for axis in found.axes if axis not in allowed)
        own = shape.own(parameter)
        if parameter.event_rank == 2 and not extra and any(axis not in found.axes for axis in own):
            scope.report(_no_matrix(parameter, node, found, own))
            return False
        if parameter.event_rank and not shape.events:
            if len(extra) < parameter.event_rank:
                scope.report(_no_categories(parameter, node, found, scope))
                return False
            extra = extra[: -parameter.event_rank]
        if extra:
            stray.update(dict.fromkeys(extra))
            first = first or (node, extra)
    if first is None:
        return True
    node, extra = first
    if all(axis in shape.events for axis in extra):
        scope.report(inside_one_draw(step.name, extra, span=node.span))
        return False
    culprit = _culprit(node, extra, scope)
    binding = scope.bindings.get(culprit.name) if isinstance(culprit, ast.Variable) else None
    what = f"`{culprit.name}`" if isinstance(culprit, ast.Variable) else "This"
    labels: tuple[Label, ...] = ()
    if binding is not None and binding.owner is None and binding.span != culprit.span:
        labels = (Label(binding.span, f"`{binding.name}` is `{binding.type}`"),)
    missing = extra if step.plate else tuple(stray)
    scope.report(outside_plate(step.name, shape.axes, missing, what=what, span=culprit.span, labels=labels))
    return False


def _no_matrix(parameter: Parameter, node: ast.Expression, found: Type, own: tuple[Axis, ...]) -> Diagnostic:
    """A number or a vector where each draw needs a matrix of its own."""
    vector = own[:1] == found.axes[-1:]
    message = f"`{parameter.name}` is a matrix over {listing(own)}, but this is `{found}`."
    hint = (
        "`diag(…)` makes a matrix of a vector." if vector else f"`{parameter.name}` is {parameter.meaning}."
    )
    return missing_event_axis(node.span, message, hint)


def _no_categories(parameter: Parameter, node: ast.Expression, found: Type, scope: Scope) -> Diagnostic:
    binding = scope.bindings.get(node.name) if isinstance(node, ast.Variable) else None
    if binding is not None and binding.role is Role.INPUT:
        return undetermined(binding.name, node.span, "K * Real")
    message = f"`{parameter.name}` needs an axis that is not in the plate, but this is `{found}`."
    hint = f"`{parameter.name}` is {parameter.meaning}."
    return missing_event_axis(node.span, message, hint)


def _culprit(node: ast.Expression, extra: tuple[Axis, ...], scope: Scope) -> ast.Expression:
    """The one name in an expression that brings in an axis, or the expression where several do."""
    found: dict[str, ast.Variable] = {}

    def search(part: object) -> None:
        if isinstance(part, ast.Call):
            function = FUNCTIONS.get(part.function.text)
            if function is not None and function.kind is Kind.REDUCTION:
                return
        if isinstance(part, ast.Variable):
            binding = scope.bindings.get(part.name)
            if (
                binding is not None
                and isinstance(binding.type, Type)
                and any(axis in extra for axis in binding.type.axes)
            ):
                found.setdefault(part.name, part)
            return
        for child in ast.children(part):
            search(child)

    search(node)
    return next(iter(found.values())) if len(found) == 1 else node


def _support(
    family: Family,
    bound: BoundForm,
    supports: Mapping[str, Interval],
    types: Mapping[str, AnyType],
    shape: Shape,
) -> Element:
    """Where a draw lies: in the family's support, or for an index in its object."""
    if family.name == "Categorical":
        for parameter, _ in bound.parameters:
            found = types[parameter.name]
            own = [axis for axis in found.axes if axis not in shape.axes] if isinstance(found, Type) else []
            if own:
                return Member(own[-1].object)
    return narrowed(family, supports)


def narrowed(family: Family, supports: Mapping[str, Interval]) -> Interval:
    """Where a family's draws lie, narrowed by the ends that are parameters with these supports."""
    support = family.support
    low = supports.get(family.low) if family.low is not None else None
    high = supports.get(family.high) if family.high is not None else None
    if low is None and high is None:
        return support
    return Interval(
        support.low if low is None else max(support.low, low.low),
        support.high if high is None else min(support.high, high.high),
        support.low_open,
        support.high_open,
        support.integer,
    )
