"""QVR704: a value built for every pair of two plates, though nothing needs the pairs."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.deletion import deleting
from quivers.check.advice.sites import Sites
from quivers.check.expressions import type_of
from quivers.check.program import Role
from quivers.check.scope import Scope
from quivers.check.types import AnyType, Axis, Type
from quivers.families.function import Kind
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Member
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity

_TOTALS = frozenset({"sum", "mean"})
Pair = tuple[Axis, Axis]


def idle_outer_products(sites: Sites) -> Iterator[Diagnostic]:
    """Outer products that nothing reads, that only their diagonal is read of, and that are summed whole."""
    for step in sites.steps:
        if isinstance(step, ast.Let) and runs_over_pairs(step, sites):
            yield from _idle_let(step, sites)
    yield from _totals(sites)


def runs_over_pairs(step: ast.Let, sites: Sites) -> bool:
    """Whether a let is an outer product that no other step needs, or needs for the pairs."""
    found = sites.types.get(step.name.text)
    return _plates(found) > 1 and _outer(step.value, sites.quiet()) is not None and _is_idle(step, sites)


def _plates(found: AnyType | None) -> int:
    return len({axis.object for axis in found.axes}) if isinstance(found, Type) else 0


def _outer(node: ast.Expression, scope: Scope) -> Pair | None:
    """Two plates that an elementwise operation brings together, one from each side."""
    if isinstance(node, ast.Unary):
        return _outer(node.operand, scope)
    if isinstance(node, ast.Call):
        function = FUNCTIONS.get(node.function.text)
        if function is None or function.kind is not Kind.ELEMENTWISE:
            return None
        found = (_outer(argument.value, scope) for argument in node.arguments)
        return next((pair for pair in found if pair is not None), None)
    if not isinstance(node, ast.Binary) or node.operator == "@":
        return None
    left, right = type_of(node.left, scope), type_of(node.right, scope)
    if isinstance(left, Type) and isinstance(right, Type):
        here = [axis for axis in left.axes if axis not in right.axes]
        there = [axis for axis in right.axes if axis not in left.axes]
        if here and there:
            return here[0], there[0]
    return _outer(node.left, scope) or _outer(node.right, scope)


def _is_idle(step: ast.Let, sites: Sites) -> bool:
    name = step.name.text
    return name not in sites.used or _read_on_diagonal(step, sites) is not None


def _read_on_diagonal(step: ast.Let, sites: Sites) -> str | None:
    """How the let is indexed, where every use picks one element for each of its other axes."""
    name, found = step.name.text, sites.types.get(step.name.text)
    if not isinstance(found, Type):
        return None
    scope = sites.quiet()
    picked: list[ast.Index] = []
    for other in sites.steps:
        for part in ast.walk(other) if name in sites.reads(other) else ():
            if isinstance(part, ast.Index) and isinstance(part.value, ast.Variable):
                picked += [part] if part.value.name == name else []
    spans = {part.value.span for part in picked}
    if not picked or any(use.span not in spans for use in sites.uses if use.name == name):
        return None
    for part in picked:
        index = type_of(part.indices[0], scope)
        if len(part.indices) != 1 or not isinstance(index, Type) or not isinstance(index.element, Member):
            return None
        rest = [axis for axis in found.axes if axis.object != index.element.object]
        if not rest or any(axis not in index.axes for axis in rest):
            return None
    text = sites.text[picked[0].indices[0].span.start : picked[0].indices[0].span.end]
    return text.decode()


def _idle_let(step: ast.Let, sites: Sites) -> Iterator[Diagnostic]:
    pair = _outer(step.value, sites.quiet())
    assert pair is not None, "only outer products are asked about"
    built = f"`{step.name.text}` has a value for every pair of `{pair[0]}` and `{pair[1]}`"
    index = _read_on_diagonal(step, sites)
    if index is None:
        yield Diagnostic(
            "QVR704",
            Severity.WARNING,
            step.name.span,
            f"{built}, and no other step needs them.",
            fixes=deleting(step, sites),
        )
    else:
        yield Diagnostic(
            "QVR704",
            Severity.WARNING,
            step.name.span,
            f"{built}, but only those at `[{index}]` are used.",
            hint=f"Put `[{index}]` on the values that it is made from, and each element is computed once.",
        )


def _totals(sites: Sites) -> Iterator[Diagnostic]:
    """`sum(a + b)` with `a` over one plate and `b` over another: each value is counted many times."""
    called = {use.name for use in sites.scope.occurrences if use.role is Role.FUNCTION}
    if not called & _TOTALS:
        return
    scope = sites.quiet()
    for step in sites.declaration.steps:
        for part in ast.walk(step):
            if not isinstance(part, ast.Call) or part.function.text not in _TOTALS:
                continue
            value = part.arguments[0].value if len(part.arguments) == 1 else None
            if not isinstance(value, ast.Binary) or value.operator not in "+-":
                continue
            left, right = type_of(value.left, scope), type_of(value.right, scope)
            if not isinstance(left, Type) or not isinstance(right, Type):
                continue
            if left.axes and right.axes and not set(left.axes) & set(right.axes):
                total = part.function.text
                yield Diagnostic(
                    "QVR704",
                    Severity.WARNING,
                    value.operator_span,
                    f"This runs over every pair of `{left.axes[0]}` and `{right.axes[0]}`, "
                    f"so each value enters the {total} many times.",
                    hint=f"Reduce the two apart, or say `over={right.axes[0]}` in both.",
                )
