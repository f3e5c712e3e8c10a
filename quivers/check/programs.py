"""One program checked: its inputs inferred, its steps gone through, its effects compared with its header."""

from __future__ import annotations

from collections.abc import Mapping

from quivers.check.demands import Demands, contradiction_of, gather, inferred
from quivers.check.effects import check_effects, effects_of_steps
from quivers.check.names import perhaps_misspelt, unknown_option
from quivers.check.objects import (
    DataSignature,
    Names,
    data_type,
    factors_of,
    resolve,
    space_names,
    space_text,
)
from quivers.check.parameters import bind_parameters
from quivers.check.program import Effect, MarginalBlock, ProgramCall, Role, StepEffects
from quivers.check.returns import Codomain
from quivers.check.scope import UNKNOWN, Binding, Scope
from quivers.check.shapes import contradiction, no_return
from quivers.check.spaces import check_space
from quivers.check.spelling import looks_misspelt
from quivers.check.steps import binders, check_steps
from quivers.check.summary import InputSummary, ParameterSummary, Summary
from quivers.check.supports import bounds_text
from quivers.check.types import AnyType, Type
from quivers.records import record
from quivers.syntax import ast

# Inputs' types are worked out in rounds, as what one is may hang on what another is. Every round but
# the last settles one more input, so a chain longer than this is beyond any model.
_MOST_ROUNDS = 6


@record
class InputFacts:
    """An input's type and its places, relative to the program; whether the file declares it with `data`."""

    name: str
    type: Type
    observed: bool
    uses: tuple[ast.Span, ...]
    declared: bool = False


@record
class ProgramFacts:
    """What the check of a program found, with spans relative to it.

    `declaration` is the program itself, or for a `define` the one that it stands for.
    """

    declaration: ast.ProgramDeclaration
    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    inputs: tuple[InputFacts, ...]
    types: Mapping[str, AnyType]
    effects: frozenset[Effect]
    parameters: tuple[ParameterSummary, ...]
    returned: tuple[tuple[str, AnyType], ...]
    calls: tuple[ProgramCall, ...]
    marginals: tuple[MarginalBlock, ...]
    step_effects: tuple[StepEffects, ...]

    def summary(self, *, sound: bool) -> Summary:
        """What the program is to its callers."""
        hidden = {parameter.name for parameter in self.parameters}
        hidden.update(entry.name for entry in self.inputs if entry.declared)
        return Summary(
            self.parameters,
            self.domain,
            self.codomain,
            self.returned,
            tuple(InputSummary(each.name, each.type, each.observed, each.declared) for each in self.inputs),
            tuple((name, type) for name, type in self.types.items() if name not in hidden),
            self.effects,
            sound,
        )


def check_program(
    declaration: ast.ProgramDeclaration, names: Names, *, composed: bool = False
) -> tuple[ProgramFacts, Scope]:
    """The facts about a program, and the scope that holds its problems and occurrences.

    A `composed` program is what a `define` stands for: its codomain is right by construction.
    """
    scope = _scope(declaration, names, {}, {}, speaking=True)
    readable = not _has_hole(declaration.steps)
    scope.incomplete = ast.has_hole(declaration)
    name = declaration.name
    scope.mention(name.text, name.span, Role.PROGRAM, definition=name.span, binds=True)
    parameters = bind_parameters(declaration, scope)
    bound = dict(scope.bindings)
    if not composed:
        check_space(declaration.domain, scope)
    codomain = _codomain(declaration, scope, composed=composed)
    for option in declaration.options:
        if option.name.text and option.name.text != "effects":
            scope.report(unknown_option(option.name, ("effects",), "A program"))
    inputs, demands = _infer(declaration, codomain, bound, scope)
    scope.bindings.update(inputs)
    _report_inputs(declaration, inputs, demands, scope, readable=readable)
    check_steps(declaration.steps, codomain, scope)
    if readable and declaration.name.text and not _returns(declaration):
        scope.report(no_return(declaration.name, f"`{codomain.text}`"))
    effects = check_effects(declaration, scope, readable=readable)
    facts = ProgramFacts(
        declaration,
        space_names(declaration.domain),
        space_names(declaration.codomain),
        _inputs(inputs, scope),
        _types(scope),
        effects,
        parameters,
        tuple(scope.returned),
        tuple(scope.calls.values()),
        tuple(sorted(scope.marginals, key=lambda block: block.span.start)),
        effects_of_steps(declaration.steps, scope),
    )
    return facts, scope


def _codomain(declaration: ast.ProgramDeclaration, scope: Scope, *, composed: bool) -> Codomain:
    space, names = declaration.codomain, scope.names
    sound = not composed and check_space(space, scope)
    parts = space.factors if isinstance(space, ast.SpaceProduct) and sound else ()
    factors = [(space_text(part), resolve(factors_of(part), names)) for part in parts]
    known = tuple((text, factor) for text, factor in factors if factor is not None)
    return Codomain(
        space_text(space),
        space.span,
        resolve(factors_of(space), names) if sound else None,
        known if len(known) == len(factors) else (),
    )


def _types(scope: Scope) -> dict[str, AnyType]:
    """The types of all names: those bound, those of blocks that have ended, those of programs drawn from."""
    types = {name: binding.type for name, binding in scope.bindings.items()}
    for name, binding in scope.closed.items():
        types.setdefault(name, binding.type)
    for name, type in scope.instance_types.items():
        types.setdefault(name, type)
    for name, inherited in scope.inherited.items():
        types.setdefault(name, inherited.type)
    return types


def _scope(
    declaration: ast.ProgramDeclaration,
    names: Names,
    parameters: Mapping[str, Binding],
    inputs: Mapping[str, Binding],
    *,
    speaking: bool = False,
) -> Scope:
    later: dict[str, ast.Span] = {}
    for name in binders(declaration.steps):
        later.setdefault(name.text, name.span)
    start = None if declaration.documentation is not None else ast.Span(0, 0)
    bindings = {**parameters, **inputs}
    return Scope(names, declaration.name.text, bindings, later, speaking, declare_at=start)


def _has_hole(steps: tuple[ast.Step, ...]) -> bool:
    return any(
        isinstance(step, ast.Hole) or (isinstance(step, ast.Marginalize) and _has_hole(step.body))
        for step in steps
    )


def _returns(declaration: ast.ProgramDeclaration) -> bool:
    return any(isinstance(step, ast.Return) for step in declaration.steps)


def _infer(
    declaration: ast.ProgramDeclaration, codomain: Codomain, parameters: Mapping[str, Binding], outer: Scope
) -> tuple[dict[str, Binding], Demands]:
    """The inputs with their types, and all uses; a fixed point where types hang on each other."""
    inputs: dict[str, Binding] = {}
    returned = None if codomain.space is None else codomain.space.axes
    for _ in range(_MOST_ROUNDS):
        scope = _scope(declaration, outer.names, parameters, inputs)
        scope.parameters = outer.parameters
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
        # A dotted name is one of several values of a program drawn from; no text can hold it.
        if name in bound or not name or "." in name:
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
    for name, inherited in scope.inherited.items():
        places.setdefault(name, []).append(inherited.span)
    facts = [
        InputFacts(
            name,
            binding.type,
            name in scope.drawn or (name in scope.inherited and scope.inherited[name].observed),
            tuple(sorted(places.get(name, [binding.span]), key=lambda span: span.start)),
            binding.role is Role.DATA,
        )
        for name, binding in inputs.items()
        if isinstance(binding.type, Type)
    ]
    facts += [
        InputFacts(name, inherited.type, inherited.observed, (inherited.span,), inherited.declared)
        for name, inherited in scope.inherited.items()
        if name not in inputs
    ]
    return tuple(sorted(facts, key=lambda fact: (fact.observed, fact.uses[0].start, fact.name)))
