"""The steps of a program in order: what each binds, and whether it fits what is bound already."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from quivers.check.bounds import value_problem
from quivers.check.draws import draw_plates, is_program, plate_axes, type_of_draw
from quivers.check.effects import keyword_span
from quivers.check.expressions import type_of
from quivers.check.marginal import block_entered, link_observe
from quivers.check.marginal_problems import not_in_a_block
from quivers.check.names import (
    bad_option,
    bound_twice,
    observed_latent,
    outside_its_block,
    unknown_option,
    used_too_early,
    wrong_kind,
)
from quivers.check.objects import BrokenSignature, ObjectSignature
from quivers.check.program import Role
from quivers.check.returns import Codomain, check_return
from quivers.check.scope import Binding, Scope
from quivers.check.shapes import bad_index, contradiction, plate_mismatch, wrong_value
from quivers.check.truncation import BOUNDS
from quivers.check.types import AnyType, Type, Unknown
from quivers.check.values import number_of, truth_of
from quivers.families.support import Interval, Member
from quivers.families.table import FAMILIES
from quivers.syntax import ast
from quivers.syntax.problems import Label

_FROM = "made from a latent"
_MADE = {Role.LATENT: "drawn", Role.PARAMETER: "a parameter, which may be drawn"}
_SAMPLE_OPTIONS = frozenset({"over", "ordered", *BOUNDS})
_OBSERVE_OPTIONS = frozenset({"over", "where", "via", *BOUNDS})
_MARGINALIZE_OPTIONS = frozenset({"over", *BOUNDS})


def binders(steps: Iterable[ast.Step]) -> list[ast.Name]:
    """The names that steps bind, in order; those inside a `marginalize` block among them."""
    found: list[ast.Name] = []
    for step in steps:
        if isinstance(step, ast.Sample | ast.Let | ast.Score | ast.Marginalize) and step.name.text:
            found.append(step.name)
        if isinstance(step, ast.Marginalize):
            found.extend(binders(step.body))
    return found


def check_steps(steps: Sequence[ast.Step], codomain: Codomain, scope: Scope) -> None:
    """Go through the steps in order, binding names in `scope` and reporting what does not fit."""
    returned: ast.Return | None = None
    for step in steps:
        if isinstance(step, ast.Return):
            if returned is not None:
                scope.report(
                    wrong_value(step.span, "A program returns once, and this is its second `return`.")
                )
                continue
            returned = step
            check_return(step, codomain, scope)
            continue
        _step(step, scope)


def _step(step: ast.Step, scope: Scope) -> None:
    rule = _RULES.get(type(step))
    if rule is not None:
        rule(step, scope)


def _bind(
    name: ast.Name,
    role: Role,
    type: AnyType,
    scope: Scope,
    *,
    data: bool = False,
    labels: tuple[str, ...] = (),
) -> bool:
    """Bind a name, unless an earlier step has; whether it was bound."""
    if not name.text:
        return False
    earlier = scope.bindings.get(name.text)
    if earlier is not None and earlier.role not in (Role.INPUT, Role.OBSERVED) and earlier.owner is None:
        scope.report(bound_twice(name, earlier.span))
        scope.mention(name.text, name.span, role, type, definition=earlier.span)
        return False
    scope.later.pop(name.text, None)
    scope.closed.pop(name.text, None)
    scope.bindings[name.text] = Binding(name.text, role, type, name.span, data=data, labels=labels)
    scope.mention(name.text, name.span, role, type, definition=name.span, binds=True)
    return True


def _sample(step: ast.Sample, scope: Scope) -> None:
    drawn = type_of_draw(step, scope)
    function = "" if isinstance(step.draw, ast.Hole) else step.draw.function.text
    if function not in FAMILIES and is_program(function, scope):
        _options(step.options, frozenset(), "A draw from a program", scope)
        _bind_call(step, drawn, scope)
        return
    _options(step.options, _SAMPLE_OPTIONS, "`sample`", scope)
    _bind(step.name, Role.LATENT, drawn, scope)
    for option in step.options:
        if option.name.text == "ordered":
            _ordered(option, function, drawn, scope)


def _bind_call(step: ast.Sample, drawn: AnyType, scope: Scope) -> None:
    """Bind what a program drawn from returns: one value to the name, several each to its label under it."""
    call = scope.calls.get(step.span)
    several = call.returned if call is not None and len(call.returned) > 1 else ()
    bound = _bind(step.name, Role.LATENT, drawn, scope, labels=tuple(label for label, _ in several))
    if bound:
        for label, type in several:
            name = f"{step.name.text}.{label}"
            scope.bindings[name] = Binding(name, Role.LATENT, type, step.name.span)


def _ordered(option: ast.Option, function: str, drawn: AnyType, scope: Scope) -> None:
    family = FAMILIES.get(function)
    message: str | None = None
    if option.values:
        message = "takes no value"
    elif family is not None and family.event_rank:
        message = f"orders single numbers, and a draw from `{function}` has an axis of its own"
    elif family is not None and family.discrete:
        message = f"orders real numbers, and a draw from `{function}` is whole, so that two may be equal"
    elif isinstance(drawn, Type) and not drawn.axes:
        message = "needs a plate, along which the values increase"
    if message is not None:
        scope.report(bad_option(option.name, message, option.span))


def _observe(step: ast.Observe, scope: Scope) -> None:
    _options(step.options, _OBSERVE_OPTIONS, "`observe`", scope)
    drawn = type_of_draw(step, scope)
    scope.drawn[step.name.text] = drawn
    for option in step.options:
        if option.name.text == "where":
            _where(option, step, scope)
    link_observe(step, draw_plates(step, scope), scope)
    name = step.name
    if not name.text:
        return
    binding = scope.bindings.get(name.text)
    if binding is None:
        _observe_unbound(name, scope)
        return
    if name.text in scope.observed:
        scope.report(bound_twice(name, scope.observed[name.text]))
        return
    scope.observed[name.text] = name.span
    scope.mention(
        name.text,
        name.span,
        binding.role,
        binding.type,
        definition=binding.span,
        owner=binding.owner,
    )
    if not binding.data:
        if isinstance(binding.type, Unknown):
            return
        made = _MADE.get(binding.role, _FROM)
        scope.report(observed_latent(name, binding.span, f"`{name.text}` is {made}"))
    elif isinstance(binding.type, Type) and isinstance(drawn, Type):
        _observed_value(step, binding, binding.type, drawn, scope)


def _observe_unbound(name: ast.Name, scope: Scope) -> None:
    if name.text in scope.later:
        scope.report(used_too_early(name.text, name.span, scope.later[name.text]))
    elif isinstance(scope.names.find(name.text), BrokenSignature):
        scope.incomplete = True
    elif isinstance(scope.names.find(name.text), ObjectSignature):
        scope.mention_object(name.text, name.span)
        scope.report(wrong_kind(name.span, f"`{name.text}` is an object, and no data."))
    elif name.text in scope.closed:
        scope.report(outside_its_block(name.text, name.span, scope.closed[name.text].span))


def _observed_value(step: ast.Observe, binding: Binding, found: Type, drawn: Type, scope: Scope) -> None:
    """Whether the data have the axes of the plate and can come from the family."""
    name = step.name
    if set(found.axes) != set(drawn.axes):
        label = None
        if binding.owner is None and binding.span != name.span:
            label = Label(binding.span, f"`{name.text}` is `{found}`")
        scope.report(plate_mismatch(name.text, name.span, found.axes, drawn.axes, label))
        return
    family = "" if isinstance(step.draw, ast.Hole) else step.draw.function.text
    a, b = found.element, drawn.element
    if isinstance(a, Interval) and isinstance(b, Interval) and family in FAMILIES:
        problem = value_problem(name.text, family, a, b, name.span)
        if problem is not None:
            scope.report(problem)
    elif isinstance(a, Member) and a != b:
        there = f"a draw that is `{drawn.element}`"
        scope.report(contradiction(name.text, name.span, there, f"an index into `{a.object}`", binding.span))


def _where(option: ast.Option, step: ast.Observe, scope: Scope) -> None:
    if len(option.values) != 1:
        scope.report(bad_option(option.name, "takes one condition, as in `[where=kept]`", option.span))
        return
    node = option.values[0]
    found = type_of(node, scope)
    plate = plate_axes(step.plate, Scope(scope.names, scope.program, {}, {}))
    if not truth_of(node, found, scope) or plate is None or isinstance(found, Unknown):
        return
    extra = [axis for axis in found.axes if axis not in plate]
    if extra:
        scope.report(bad_index(node.span, f"The condition runs over `{extra[0]}`, but the plate does not."))


def _let(step: ast.Let, scope: Scope) -> None:
    value = type_of(step.value, scope)
    _bind(step.name, Role.LET, value, scope, data=_from_data(step.value, scope))


def _from_data(expression: ast.Expression, scope: Scope) -> bool:
    """Whether a value depends on inputs alone."""
    if isinstance(expression, ast.Variable):
        binding = scope.bindings.get(expression.name)
        return binding is None or binding.data
    return all(_from_data(child, scope) for child in ast.children(expression))  # type: ignore[arg-type]


def _score(step: ast.Score, scope: Scope) -> None:
    number_of(step.value, type_of(step.value, scope), scope)
    _bind(step.name, Role.SCORE, Type(), scope)


def _marginalize(step: ast.Marginalize, scope: Scope) -> None:
    _options(step.options, _MARGINALIZE_OPTIONS, "`marginalize`", scope)
    with block_entered(step, scope):
        for inner in step.body:
            if isinstance(inner, ast.Sample):
                scope.report(not_in_a_block("sample", keyword_span(inner, "sample"), step))
                _bind(inner.name, Role.LATENT, type_of_draw(inner, scope), scope)
            elif isinstance(inner, ast.Score):
                scope.report(not_in_a_block("score", keyword_span(inner, "score"), step))
                _score(inner, scope)
            elif isinstance(inner, ast.Return):
                word = ast.Span(inner.span.start, inner.span.start + len("return"))
                scope.report(not_in_a_block("return", word, step))
                for returned in inner.values:
                    type_of(returned.value, scope)
            else:
                _step(inner, scope)


def _options(options: Sequence[ast.Option], known: frozenset[str], place: str, scope: Scope) -> None:
    for option in options:
        if option.name.text and option.name.text not in known:
            scope.report(unknown_option(option.name, known, place))


_RULES: Mapping[type, Callable[[Any, Scope], None]] = {
    ast.Sample: _sample,
    ast.Observe: _observe,
    ast.Let: _let,
    ast.Score: _score,
    ast.Marginalize: _marginalize,
}
