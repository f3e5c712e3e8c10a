"""Rules that forwards typing and the inference of inputs share: numbers, truths, contractions, indices."""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.program import Role
from quivers.check.scope import Scope
from quivers.check.shapes import no_shared_axis, undetermined, wrong_value
from quivers.check.types import AnyType, Axis, Type, Unknown, union
from quivers.families.support import BOOLEAN, Interval, Member
from quivers.syntax import ast


def number_of(expression: ast.Expression, found: AnyType, scope: Scope) -> Interval | None:
    """Where a value that must be a number lies; None when it is no number or not known."""
    if isinstance(found, Unknown):
        return None
    if isinstance(found.element, Member):
        subject = f"`{expression.name}`" if isinstance(expression, ast.Variable) else "This"
        scope.report(
            wrong_value(
                expression.span,
                f"{subject} is an index into `{found.element.object}`, and no number.",
                f"Use it to index a value over `{found.element.object}`, as in `a[i]`.",
            )
        )
        return None
    return found.element


def truth_of(expression: ast.Expression, found: AnyType, scope: Scope) -> bool:
    """Whether a value is true or false, as a condition must be; during inference any number passes."""
    if isinstance(found, Unknown):
        return False
    element = found.element
    if isinstance(element, Interval) and (element.within(BOOLEAN) or not scope.speaking):
        return True
    scope.report(
        wrong_value(
            expression.span,
            f"A condition must be true or false, but this is `{found}`.",
            "Compare it, as in `x > 0`.",
        )
    )
    return False


def contracted(
    expression: ast.Binary | ast.Call, left: Type, right: Type, scope: Scope
) -> tuple[Axis, ...] | None:
    """The axes of `left @ right`: those of both but the last, which must run over the same object."""
    span = expression.operator_span if isinstance(expression, ast.Binary) else expression.function.span
    sides = (
        (expression.left, expression.right)
        if isinstance(expression, ast.Binary)
        else tuple(argument.value for argument in expression.arguments[:2])
    )
    for side, found in zip(sides, (left, right), strict=False):
        binding = scope.bindings.get(side.name) if isinstance(side, ast.Variable) else None
        if not found.axes and binding is not None and binding.role is Role.INPUT:
            scope.report(undetermined(binding.name, side.span, "Item * Term * Real"))
            return None
    if not left.axes or not right.axes or left.axes[-1].object != right.axes[-1].object:
        scope.report(no_shared_axis(span, left, right))
        return None
    return union(left.axes[:-1], right.axes[:-1])


def axis_indexed(
    axes: tuple[Axis, ...], position: int, index: Type, taken: Mapping[Axis, object]
) -> Axis | None:
    """The axis that an index runs into: by its object, or for a plain number by its position."""
    if isinstance(index.element, Member):
        at_position = axes[position] if position < len(axes) else None
        candidates = (at_position, *axes) if at_position is not None else axes
        for axis in candidates:
            if axis.object == index.element.object and axis not in taken:
                return axis
        return None
    free = [axis for axis in axes if axis not in taken]
    if position < len(axes) and axes[position] in free:
        return axes[position]
    return free[0] if free else None
