"""One program checked: its inputs inferred, its steps gone through, its effects compared with its header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from quivers.check.demands import Demands, contradiction_of, gather, inferred
from quivers.check.effects import check_effects
from quivers.check.names import perhaps_misspelt, unknown_option, unsupported
from quivers.check.objects import (
    DataSignature,
    Names,
    data_type,
    factors_of,
    resolve,
    space_names,
    space_text,
)
from quivers.check.program import Effect, Role
from quivers.check.scope import UNKNOWN, Binding, Scope
from quivers.check.shapes import contradiction, no_return
from quivers.check.spaces import check_space
from quivers.check.spelling import looks_misspelt
from quivers.check.steps import Codomain, binders, check_steps
from quivers.check.supports import bounds_text
from quivers.check.types import AnyType, Type
from quivers.syntax import ast

# Inputs' types are worked out in rounds, as what one is may hang on what another is. Every round but
# the last settles one more input, so a chain longer than this is beyond any model.
_MOST_ROUNDS = 6


@dataclass(frozen=True, slots=True)
class InputFacts:
    """An input's type and its places, relative to the program."""

    name: str
    type: Type
    observed: bool
    uses: tuple[ast.Span, ...]


@dataclass(frozen=True, slots=True)
class ProgramFacts:
    """What the check of a program found, with spans relative to it."""

    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    inputs: tuple[InputFacts, ...]
    types: Mapping[str, AnyType]
    effects: frozenset[Effect]


def check_program(declaration: ast.ProgramDeclaration, names: Names) -> tuple[ProgramFacts, Scope]:
    """The facts about a program, and the scope that holds its problems and occurrences."""
    scope = _scope(declaration, names, {}, speaking=True)
    readable = not _has_hole(declaration.steps)
    scope.incomplete = not readable
    name = declaration.name
    scope.mention(name.text, name.span, Role.PROGRAM, definition=name.span, binds=True)
    check_space(declaration.domain, scope)
    sound = check_space(declaration.codomain, scope)
    codomain = Codomain(
        space_text(declaration.codomain),
        declaration.codomain.span,
        resolve(factors_of(declaration.codomain), names) if sound else None,
    )
    for option in declaration.options:
        if option.name.text and option.name.text != "effects":
            scope.report(unknown_option(option.name, ("effects",), "A program"))
    for parameter in declaration.parameters[:1]:
        scope.report(unsupported(parameter.name.span, "A program with parameters"))
    inputs, demands = _infer(declaration, codomain, names)
    scope.bindings.update(inputs)
    _report_inputs(declaration, inputs, demands, scope, readable=readable)
    check_steps(declaration.steps, codomain, scope)
    if readable and declaration.name.text and not _returns(declaration):
        scope.report(no_return(declaration.name, f"`{codomain.text}`"))
    effects = check_effects(declaration, scope, readable=readable)
    facts = ProgramFacts(
        space_names(declaration.domain),
        space_names(declaration.codomain),
        _inputs(inputs, scope),
        {name: binding.type for name, binding in scope.bindings.items()},
        effects,
    )
    return facts, scope


def _scope(
    declaration: ast.ProgramDeclaration,
    names: Names,
    inputs: Mapping[str, Binding],
    *,
    speaking: bool = False,
) -> Scope:
    later: dict[str, ast.Span] = {}
    for name in binders(declaration.steps):
        later.setdefault(name.text, name.span)
    bindings = {
        parameter.name.text: Binding(parameter.name.text, Role.PARAMETER, UNKNOWN, parameter.name.span)
        for parameter in declaration.parameters
    }
    bindings.update(inputs)
    start = None if declaration.documentation is not None else ast.Span(0, 0)
    return Scope(names, declaration.name.text, bindings, later, speaking, declare_at=start)


def _has_hole(steps: tuple[ast.Step, ...]) -> bool:
    return any(
        isinstance(step, ast.Hole) or (isinstance(step, ast.Marginalize) and _has_hole(step.body))
        for step in steps
    )


def _returns(declaration: ast.ProgramDeclaration) -> bool:
    return any(isinstance(step, ast.Return) for step in declaration.steps)


def _infer(
    declaration: ast.ProgramDeclaration, codomain: Codomain, names: Names
) -> tuple[dict[str, Binding], Demands]:
    """The inputs with their types, and all uses; a fixed point where types hang on each other."""
    inputs: dict[str, Binding] = {}
    returned = None if codomain.space is None else codomain.space.axes
    for _ in range(_MOST_ROUNDS):
        scope = _scope(declaration, names, inputs)
        check_steps(declaration.steps, codomain, scope)
        demands = gather(declaration.steps, returned, scope)
        before, inputs = inputs, _bind_inputs(declaration, demands, scope)
        if inputs == before or not demands.tentative:
            break
    return inputs, demands


def _bind_inputs(declaration: ast.ProgramDeclaration, demands: Demands, scope: Scope) -> dict[str, Binding]:
    bound = {name.text for name in binders(declaration.steps)}
    bound.update(parameter.name.text for parameter in declaration.parameters)
    inputs: dict[str, Binding] = {}
    for name, uses in demands.of.items():
        if name in bound or not name:
            continue
        signature = scope.names.find(name)
        span = min((use.span for use in uses), key=lambda span: span.start)
        if isinstance(signature, DataSignature):
            declared = data_type(signature, scope.names)
            type = UNKNOWN if declared is None else declared
            inputs[name] = Binding(name, Role.DATA, type, span, data=True, owner=name)
        elif signature is None:
            role = Role.OBSERVED if name in scope.drawn else Role.INPUT
            broken = contradiction_of(uses) is not None
            inputs[name] = Binding(name, role, UNKNOWN if broken else inferred(uses), span, data=True)
    return inputs


def _report_inputs(
    declaration: ast.ProgramDeclaration,
    inputs: Mapping[str, Binding],
    demands: Demands,
    scope: Scope,
    *,
    readable: bool,
) -> None:
    """Uses that contradict each other, and names that look misspelt."""
    bound = {name.text: name.span for name in binders(declaration.steps)}
    for name, binding in inputs.items():
        if binding.role is Role.DATA:
            if binding.type is UNKNOWN:
                scope.incomplete = True
            continue
        clash = contradiction_of(demands.of[name])
        if clash is not None:
            there, here = clash
            if here.element is not None and there.element is not None:
                scope.report(
                    contradiction(
                        name, here.span, bounds_text(here.element), bounds_text(there.element), there.span
                    )
                )
            continue
        near = looks_misspelt(name, bound) if readable else None
        if near is not None:
            scope.report(perhaps_misspelt(name, binding.span, near, bound[near]))


def _inputs(inputs: Mapping[str, Binding], scope: Scope) -> tuple[InputFacts, ...]:
    """The inputs in the order of their first use, those that are observed last."""
    places: dict[str, list[ast.Span]] = {}
    for occurrence in scope.occurrences:
        if occurrence.name in inputs and occurrence.role in (Role.INPUT, Role.OBSERVED, Role.DATA):
            places.setdefault(occurrence.name, []).append(occurrence.span)
    facts = [
        InputFacts(
            name,
            binding.type,
            name in scope.drawn,
            tuple(sorted(places.get(name, [binding.span]), key=lambda span: span.start)),
        )
        for name, binding in inputs.items()
        if isinstance(binding.type, Type)
    ]
    return tuple(sorted(facts, key=lambda fact: (fact.observed, fact.uses[0].start)))
