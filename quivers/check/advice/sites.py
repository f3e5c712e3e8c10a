"""The steps of a checked program with the names that each reads: what all advice rests on."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property

from quivers.check.program import Role
from quivers.check.rewrites.centring import Scaled, location_scale
from quivers.check.scope import Binding, Scope
from quivers.check.types import AnyType
from quivers.families.family import Family
from quivers.families.table import FAMILIES
from quivers.syntax import ast
from quivers.syntax.ast import Span

BindingStep = ast.Sample | ast.Let | ast.Score | ast.Marginalize


class Sites:
    """A program without errors. `text` is its text, to the end of its last line.

    `steps` has every step in order, those under a `marginalize` after its header; `binders` the step that
    binds each name; `codes` counts what the check has found so far; `scaled` has the draws from a
    location-scale family by their spans.
    """

    def __init__(
        self,
        declaration: ast.ProgramDeclaration,
        types: Mapping[str, AnyType],
        scope: Scope,
        text: bytes,
    ) -> None:
        occurrences = scope.occurrences
        self.declaration = declaration
        # A name that a block binds is gone after it, but its type stands where it was bound.
        self.types: Mapping[str, AnyType] = {
            **{use.name: use.type for use in occurrences if use.binds and use.type is not None},
            **types,
        }
        self.scope = scope
        self.text = text
        self.codes = Counter(problem.code for problem in scope.problems)
        self.steps = tuple(_flat(declaration.steps))
        self.binders: dict[str, BindingStep] = {
            step.name.text: step for step in self.steps if isinstance(step, BindingStep)
        }
        # Places where a name that a step binds is read, by position.
        self.uses = sorted(
            (
                use
                for use in occurrences
                if not use.binds
                and (binder := self.binders.get(use.name)) is not None
                and use.definition == binder.name.span
            ),
            key=lambda use: use.span.start,
        )
        self._starts = [use.span.start for use in self.uses]
        self._reads = {step.span: tuple(self._read_by(step)) for step in self.steps}
        self.scaled: dict[Span, Scaled] = {}
        for step in self.steps:
            scaled = location_scale(step) if isinstance(step, ast.Sample | ast.Observe) else None
            if scaled is not None:
                self.scaled[step.span] = scaled

    def read_in(self, span: Span) -> Iterator[str]:
        """The names bound by steps that are read within a span, in order."""
        for number in range(bisect_left(self._starts, span.start), len(self.uses)):
            if self.uses[number].span.start >= span.end:
                return
            yield self.uses[number].name

    def reads(self, step: ast.Step) -> tuple[str, ...]:
        """The names that a step reads itself; a `marginalize` block's steps read for themselves."""
        return self._reads[step.span]

    def _read_by(self, step: ast.Step) -> Iterator[str]:
        end = step.body[0].span.start if isinstance(step, ast.Marginalize) and step.body else step.span.end
        return self.read_in(Span(step.span.start, end))

    @cached_property
    def parents(self) -> Mapping[str, frozenset[str]]:
        """The names that the step binding each name reads."""
        return {name: frozenset(self.reads(step)) for name, step in self.binders.items()}

    @cached_property
    def used(self) -> frozenset[str]:
        """Every name that some step reads."""
        return frozenset(use.name for use in self.uses)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """These names and all that they are made from or drawn with."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(self.parents.get(name, ()))
        return found

    def rests_on_latents(self, span: Span) -> list[str]:
        """The latents that what is written in a span is made from; those behind another draw are left out."""
        found: dict[str, None] = {}
        waiting = list(self.read_in(span))
        while waiting:
            name = waiting.pop()
            step = self.binders[name]
            if isinstance(step, ast.Sample | ast.Marginalize):
                found[name] = None
            else:
                waiting.extend(self.parents[name])
        return list(found)

    @property
    def are_distinct(self) -> bool:
        """Whether no two steps bind the same name, as steps of two blocks may."""
        return len(self.binders) == sum(isinstance(step, BindingStep) for step in self.steps)

    def readers(self, name: str) -> list[ast.Step]:
        """The steps that depend on a name, through lets too, in order."""
        changed = {name}
        found: list[ast.Step] = []
        for step in self.steps:
            if changed.isdisjoint(self.reads(step)):
                continue
            found.append(step)
            if isinstance(step, ast.Let):
                changed.add(step.name.text)
        return found

    def quiet(self) -> Scope:
        """A scope with every name bound, to ask for the types of expressions in."""
        bindings = dict(self.scope.bindings)
        for name, step in self.binders.items():
            if name not in bindings and name in self.types:
                bindings[name] = Binding(name, Role.LET, self.types[name], step.name.span)
        return Scope(self.scope.names, self.declaration.name.text, bindings, {})

    @cached_property
    def conditions(self) -> bool:
        """Whether anything scores the latents: an observation, a score, or a program drawn from."""
        return any(_scores(step) for step in self.steps)

    @cached_property
    def reaching(self) -> set[str]:
        """The names that an observation or a score depends on."""
        return self.ancestors(name for step in self.steps if _scores(step) for name in self.reads(step))

    @cached_property
    def returned(self) -> set[str]:
        """The names that what the program returns is made from or drawn with."""
        return self.ancestors(
            name for step in self.steps if isinstance(step, ast.Return) for name in self.reads(step)
        )


def family_of(step: ast.Step) -> Family | None:
    """The family that a step draws from; None for a draw from a program and for other steps."""
    if isinstance(step, ast.Sample | ast.Observe | ast.Marginalize) and isinstance(step.draw, ast.Call):
        return FAMILIES.get(step.draw.function.text)
    return None


def _scores(step: ast.Step) -> bool:
    if isinstance(step, ast.Sample):
        # What a program that is drawn from does with its arguments is its own affair.
        return isinstance(step.draw, ast.Call) and family_of(step) is None
    return isinstance(step, ast.Observe | ast.Score)


def _flat(steps: Iterable[ast.Step]) -> Iterator[ast.Step]:
    for step in steps:
        yield step
        if isinstance(step, ast.Marginalize):
            yield from _flat(step.body)
