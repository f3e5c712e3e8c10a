"""`return`: the values that a program gives, their labels, and whether they are what its type says."""

from __future__ import annotations

from collections.abc import Sequence

from quivers.check.expressions import type_of
from quivers.check.names import label_taken, label_twice
from quivers.check.objects import Resolved
from quivers.check.scope import Scope
from quivers.check.shapes import wrong_return
from quivers.check.types import Axis, Type, union
from quivers.families.support import Interval
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.problems import Edit, Fix


@record
class Codomain:
    """What a program promises to return, as written and worked out; `space` is None where that is unknown.

    `factors` are those of a product, by their text; it is empty when one of them is unknown.
    """

    text: str
    span: ast.Span
    space: Resolved | None
    factors: tuple[tuple[str, Resolved], ...] = ()


def check_return(step: ast.Return, codomain: Codomain, scope: Scope) -> None:
    """Check the returned values, and note in `scope` the label and the type of each."""
    found = [type_of(returned.value, scope) for returned in step.values]
    _check_labels(step.values, scope)
    scope.returned = [
        (label_of(returned, place, len(found)), type)
        for place, (returned, type) in enumerate(zip(step.values, found, strict=True))
    ]
    types = [type for type in found if isinstance(type, Type)]
    if codomain.space is None or len(types) < len(found) or not types:
        return
    if len(types) > 1 and len(types) == len(codomain.factors):
        matched = zip(types, codomain.factors, strict=True)
        if all(set(type.axes) == set(factor.axes) for type, (_, factor) in matched):
            _check_each(step.values, types, codomain, scope)
            return
    _check_together(step.values, types, codomain, codomain.space, scope)


def label_of(returned: ast.Returned, place: int, count: int) -> str:
    """The name of a returned value: its label, else the name that it is, else its place from 1."""
    if returned.label is not None and returned.label.text:
        return returned.label.text
    if isinstance(returned.value, ast.Variable) and returned.value.name:
        return returned.value.name
    return "return" if count == 1 else f"return.{place + 1}"


def _check_labels(values: Sequence[ast.Returned], scope: Scope) -> None:
    seen: dict[str, ast.Name] = {}
    for returned in values:
        label = returned.label
        if label is None or not label.text:
            continue
        if label.text in seen:
            scope.report(label_twice(label, seen[label.text].span))
            continue
        seen[label.text] = label
        itself = isinstance(returned.value, ast.Variable) and returned.value.name == label.text
        binding = scope.bindings.get(label.text)
        if binding is not None and not itself:
            scope.report(label_taken(label, None if binding.owner is not None else binding.span))


def _check_each(
    values: Sequence[ast.Returned], types: Sequence[Type], codomain: Codomain, scope: Scope
) -> None:
    """Each value against its factor of a product."""
    for returned, type, (text, factor) in zip(values, types, codomain.factors, strict=True):
        if not _elements_fit(type, factor):
            wanted = f"`{text}` in this place"
            scope.report(wrong_return(returned.value.span, f"`{type}`", wanted, codomain.span))


def _check_together(
    values: Sequence[ast.Returned],
    types: Sequence[Type],
    codomain: Codomain,
    space: Resolved,
    scope: Scope,
) -> None:
    """All values together: every object of the codomain is one that some value runs over, and no others."""
    shown = ", ".join(f"`{type}`" for type in types)
    axes = union(*(type.axes for type in types))
    span = ast.Span(values[0].value.span.start, values[-1].value.span.end)
    wanted = f"`{codomain.text}`"
    if set(axes) != set(space.axes):
        fixes = _promise(axes, codomain)
        scope.report(wrong_return(span, shown, wanted, codomain.span, fixes=fixes))
    elif len(types) == 1 and not _elements_fit(types[0], space):
        scope.report(wrong_return(span, shown, wanted, codomain.span))


def _elements_fit(type: Type, space: Resolved) -> bool:
    if not isinstance(space.element, Interval):
        return True
    return isinstance(type.element, Interval) and type.element.within(space.element)


def _promise(axes: tuple[Axis, ...], codomain: Codomain) -> tuple[Fix, ...]:
    """The header changed to what is returned."""
    if not axes or any(axis.copy for axis in axes):
        return ()
    text = " * ".join(axis.object for axis in axes)
    return (Fix(f"Write `-> {text}` in the header", (Edit(codomain.span, text),)),)
