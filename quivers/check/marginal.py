"""`marginalize`: what its latent ranges over, whether it can be summed out, and what its block may hold.

Inside the block the latent is one number or one index: a term of the sum sees a single value of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from quivers.check import marginal_problems as problems
from quivers.check.arguments import BoundForm, bind_family
from quivers.check.calls import axes_of_object
from quivers.check.draws import DrawStep, check_supports, narrowed, no_family, over_option, plate_axes
from quivers.check.expressions import type_of
from quivers.check.names import bad_option, bound_twice
from quivers.check.objects import size_of_object
from quivers.check.program import BlockObserve, MarginalBlock, Role
from quivers.check.scope import UNKNOWN, Binding, Block, Scope
from quivers.check.shapes import missing_event_axis, undetermined
from quivers.check.truncation import truncated
from quivers.check.types import AnyType, Axis, Type, Unknown
from quivers.families.family import Family
from quivers.families.support import Element, Interval, Member
from quivers.families.table import FAMILIES
from quivers.records import record, replace
from quivers.syntax import ast


@record
class Header:
    """A `marginalize` line: what the latent is, the axes of `[over=…]`, and those of its own parameters."""

    element: Element | None
    over: tuple[Axis, ...] | None
    own: tuple[Axis, ...]


@contextmanager
def block_entered(step: ast.Marginalize, scope: Scope) -> Iterator[Block]:
    """Check a block's header and bind its latent; what its steps bind is kept apart, and let go after it."""
    header = _header(step, scope)
    element = header.element
    type: AnyType = UNKNOWN if element is None else Type((), element)
    block = Block(step, header.over, header.own)
    outside = dict(scope.bindings)
    name = step.name
    scope.blocks.append(block)
    earlier = scope.bindings.get(name.text)
    if earlier is not None and earlier.role not in (Role.INPUT, Role.OBSERVED) and earlier.owner is None:
        scope.report(bound_twice(name, earlier.span))
    if name.text:
        scope.later.pop(name.text, None)
        scope.closed.pop(name.text, None)
        scope.bindings[name.text] = Binding(name.text, Role.LATENT, type, name.span)
        scope.mention(name.text, name.span, Role.LATENT, type, definition=name.span, binds=True)
    try:
        yield block
    finally:
        scope.blocks.pop()
        inside = scope.bindings
        block.bound = {key: binding for key, binding in inside.items() if outside.get(key) is not binding}
        scope.bindings = outside
        scope.closed.update(block.bound)
        scope.finished[step.span] = block
        if element is not None:
            types = {key: binding.type for key, binding in block.bound.items()}
            observes = tuple(block.observes)
            scope.marginals.append(MarginalBlock(name.text, element, header.over, observes, types, name.span))


def link_observe(step: ast.Observe, plates: tuple[Axis, ...] | None, scope: Scope) -> None:
    """Tie an observe in blocks to their latents: each `[over=…]` axis is in its plate or given by a map."""
    via = [option for option in step.options if option.name.text == "via"]
    maps = [(node, type_of(node, scope)) for option in via for node in option.values]
    if not scope.blocks:
        for option in via:
            message = "belongs to an `observe` in a `marginalize` block"
            scope.report(bad_option(option.name, message, option.span))
        return
    if any(not option.values for option in via):
        scope.report(bad_option(via[0].name, "takes a map, as in `[via=group]`", via[0].span))
        return
    if plates is None or any(isinstance(type, Unknown) for _, type in maps):
        return
    for block in scope.blocks:
        missing = [axis for axis in block.own if axis not in plates]
        if block.over is None and missing:
            scope.report(problems.outside_the_blocks_plates(step, plates, missing, block.step))
            return
    needed = needed_maps(scope.blocks, plates)
    if via and not any(block.over is not None for block in scope.blocks):
        scope.report(problems.via_without_over(via[0], scope.blocks[-1].step))
        return
    found: dict[Axis, ast.Expression] = {}
    for node, type in maps:
        if isinstance(type, Unknown):
            continue
        axis = _mapped(node, type, plates, needed, scope)
        if axis is None:
            return
        found[axis] = node
    for axis in needed:
        if axis not in found:
            around = next(b for b in reversed(scope.blocks) if b.over is not None and axis in b.over)
            near = _map_in_scope(axis, plates, scope)
            scope.report(problems.no_map(step, plates, axis, around.step, near))
            return
    for block in scope.blocks:
        block.observes.append(BlockObserve(step.name.text, plates, found))


def needed_maps(blocks: list[Block], plates: tuple[Axis, ...]) -> list[Axis]:
    """The axes that the blocks are drawn over and a plate lacks, outermost block first."""
    axes = (axis for block in blocks for axis in block.over or () if axis not in plates)
    return list(dict.fromkeys(axes))


def _mapped(
    node: ast.Expression, type: Type, plates: tuple[Axis, ...], needed: list[Axis], scope: Scope
) -> Axis | None:
    """The axis that a map goes into; None, and a report, when it is not needed or does not fit."""
    extra = [axis for axis in type.axes if axis not in plates]
    if not isinstance(type.element, Member):
        scope.report(problems.no_map_value(node, type, needed))
    elif Axis(type.element.object) not in needed:
        scope.report(problems.map_elsewhere(node, type, needed, scope.blocks))
    elif extra:
        scope.report(problems.map_from_elsewhere(node, type, extra, plates))
    else:
        return Axis(type.element.object)
    return None


def _map_in_scope(axis: Axis, plates: tuple[Axis, ...], scope: Scope) -> str | None:
    """A value that the program already uses and that maps a plate into an axis."""
    for name, binding in scope.bindings.items():
        type = binding.type
        if not isinstance(type, Type) or type.element != Member(axis.object) or not type.axes:
            continue
        if all(own in plates for own in type.axes):
            return name
    return None


# ------------------------------------------------------------------------- the header


def _header(step: ast.Marginalize, scope: Scope) -> Header:
    ranged = [axes_of_object(name, scope) for name in step.plate]
    has_over = any(option.name.text == "over" for option in step.options)
    over = over_option(step.options, scope) if has_over else None
    axis = _ranged(step, ranged, scope)
    draw = step.draw
    nothing = Header(None, over, ())
    if isinstance(draw, ast.Hole):
        return nothing
    family = FAMILIES.get(draw.function.text)
    if family is None:
        for argument in draw.arguments:
            type_of(argument.value, scope)
        no_family(draw, "summed out", scope)
        return nothing
    scope.mention(family.name, draw.function.span, Role.FAMILY)
    bound = bind_family(draw, family, scope)
    types = {parameter.name: type_of(node, scope) for parameter, node in bound.parameters}
    supports = check_supports(family, bound, types, scope)
    element: Element = narrowed(family, supports)
    allowed = over if has_over else None
    element = truncated(step, family, element, allowed, scope)
    problem = _unsummable(step, draw, family, element, bound, scope)
    if problem:
        return nothing
    if (step.plate and axis is None) or (has_over and over is None) or not bound.complete:
        return nothing
    if any(isinstance(type, Unknown) for type in types.values()):
        return nothing
    known = {name: type for name, type in types.items() if isinstance(type, Type)}
    return _settled(step, family, bound, known, element, replace(nothing), axis, scope)


def _ranged(step: ast.Marginalize, ranged: list[tuple[Axis, ...] | None], scope: Scope) -> Axis | None:
    """What stands after the colon: the one object that the latent ranges over."""
    if len(step.plate) > 1:
        if all(axes is not None for axes in ranged):
            scope.report(problems.ranges_over_several(step))
        return None
    axes = ranged[0] if ranged else None
    if axes is not None and len(axes) > 1:
        scope.report(problems.ranges_over_product(step.plate[0], axes))
        return None
    return axes[0] if axes else None


def _unsummable(
    step: ast.Marginalize, draw: ast.Call, family: Family, element: Element, bound: BoundForm, scope: Scope
) -> bool:
    """Whether a family has infinitely many values, as is then reported."""
    if family.event_rank or not family.discrete:
        scope.report(problems.not_discrete(draw, family))
        return True
    if not isinstance(element, Interval) or _is_categorical(family):
        return False
    vector = next((each for each in bound.form.parameters if each.event_rank), None)
    if vector is not None:
        if step.plate:
            scope.report(problems.unnamed_range(step, family, vector))
        return bool(step.plate)
    ends_in_data = family.high is not None and _depends_on_data_alone(bound.values.get(family.high), scope)
    bounded = any(option.name.text == "high" for option in step.options)
    if math.isinf(element.low) or (math.isinf(element.high) and not ends_in_data):
        scope.report(problems.infinitely_many(draw, family, bounded=bounded, low=element.low))
        return True
    return False


def _is_categorical(family: Family) -> bool:
    """Whether a draw is the place of one of its parameter's own elements."""
    return family.name == "Categorical"


def _depends_on_data_alone(node: ast.Expression | None, scope: Scope) -> bool:
    if node is None:
        return False
    names = [part.name for part in ast.walk(node) if isinstance(part, ast.Variable)]
    return all(name not in scope.bindings or scope.bindings[name].data for name in names)


def _settled(
    step: ast.Marginalize,
    family: Family,
    bound: BoundForm,
    types: Mapping[str, Type],
    element: Element,
    header: Header,
    axis: Axis | None,
    scope: Scope,
) -> Header:
    """The header with the axes of its parameters sorted into the latent's range and the rest."""
    over = header.over
    own: dict[Axis, None] = {}
    for parameter, node in bound.parameters:
        axes = types[parameter.name].axes
        if parameter.event_rank:
            category = _category(axes, axis, over)
            if category is None:
                _report_no_category(step, parameter.name, node, types[parameter.name], axis, scope)
                return header
            if _is_categorical(family):
                axis = axis or category
            axes = tuple(each for each in axes if each != category)
        outside = [each for each in axes if over is not None and each not in over]
        if outside:
            scope.report(problems.outside_over(step, node, outside, over or ()))
            return header
        own.update(dict.fromkeys(axes))
    if axis is None:
        return replace(header, element=element, own=tuple(own))
    if not _is_categorical(family) and isinstance(element, Interval):
        count, size = _count(element), size_of_object(axis.object, scope.names)
        if count is not None and size is not None and count != size:
            scope.report(problems.wrong_count(step, family, count, size))
            return header
    return replace(header, element=Member(axis.object), own=tuple(own))


def _category(axes: tuple[Axis, ...], axis: Axis | None, over: tuple[Axis, ...] | None) -> Axis | None:
    """The axis of the probabilities that the latent ranges over: the named object's, or the last."""
    if axis is not None:
        same = [each for each in axes if each.object == axis.object]
        return same[-1] if same else None
    free = [each for each in axes if each not in (over or ())]
    return free[-1] if free else None


def _report_no_category(
    step: ast.Marginalize, parameter: str, node: ast.Expression, found: Type, axis: Axis | None, scope: Scope
) -> None:
    binding = scope.bindings.get(node.name) if isinstance(node, ast.Variable) else None
    if binding is not None and binding.role is Role.INPUT and not found.axes and axis is None:
        scope.report(undetermined(binding.name, node.span, "K * Real"))
        return
    name = step.name.text
    along = f"`{axis}`" if axis is not None else "the values of the latent"
    message = f"`{parameter}` needs one value for each of {along}, but this is `{found}`."
    hint = None if axis is not None else f"Name what `{name}` ranges over: `marginalize {name} : K <- …`."
    scope.report(missing_event_axis(node.span, message, hint))


def _count(element: Interval) -> int | None:
    if math.isinf(element.low) or math.isinf(element.high):
        return None
    return int(element.high - element.low) + 1


# --------------------------------------------------------- what inference asks of names


def header_axes(step: ast.Marginalize, scope: Scope) -> tuple[Axis | None, tuple[Axis, ...] | None]:
    """The axis that the latent ranges over, and those that its parameters may have besides.

    Without `[over=…]` these are the axes of the plates of all observes under it.
    """
    ranged = plate_axes(step.plate[:1], scope)
    axis = ranged[0] if ranged is not None and len(ranged) == 1 else None
    if any(option.name.text == "over" for option in step.options):
        return axis, over_option(step.options, scope)
    plates: tuple[Axis, ...] | None = None
    for observe in observes_under(step):
        here = plate_axes(observe.plate, scope)
        if here is not None:
            plates = here if plates is None else tuple(each for each in plates if each in here)
    return axis, plates


def observes_under(step: ast.Marginalize) -> list[DrawStep]:
    """The observes in a block and in the blocks inside it."""
    found: list[DrawStep] = []
    for inner in step.body:
        if isinstance(inner, ast.Observe):
            found.append(inner)
        elif isinstance(inner, ast.Marginalize):
            found.extend(observes_under(inner))
    return found
