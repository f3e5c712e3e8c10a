"""What is in scope while a program is checked, and what the check has found so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from quivers.check.names import outside_its_block, used_too_early, wrong_kind
from quivers.check.objects import (
    BrokenSignature,
    DefineSignature,
    Names,
    ObjectSignature,
    ProgramSignature,
)
from quivers.check.program import (
    BlockObserve,
    Effect,
    MarginalBlock,
    Occurrence,
    ProgramCall,
    Role,
    StepEffects,
)
from quivers.check.types import AnyType, Axis, Type, Unknown
from quivers.records import field, record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic

UNKNOWN = Unknown()


@record
class Binding:
    """A name in a program and what it stands for.

    `span` is where it is bound (an input's first use); `owner` is the declaration that binds it when
    that is another one. `data` says that the value depends on the data alone. A draw from a program that
    returns several values, with these `labels`, stands for no single one.
    """

    name: str
    role: Role
    type: AnyType
    span: Span
    data: bool = False
    owner: str | None = None
    labels: tuple[str, ...] = ()


@record(frozen=False)
class Block:
    """A `marginalize` block while its steps are gone through.

    `over` is None without `[over=…]`. `own` are the axes of the latent's probabilities besides those that it
    ranges over; every plate in the block must have them. `bound` has the names that its steps bind.
    """

    step: ast.Marginalize
    over: tuple[Axis, ...] | None
    own: tuple[Axis, ...]
    observes: list[BlockObserve] = field(default_factory=list)
    bound: dict[str, Binding] = field(default_factory=dict)


@record
class Inherited:
    """An input that a program drawn from has, under its name in the caller, and where that draw is."""

    type: Type
    observed: bool
    declared: bool
    span: Span


@record(frozen=False)
class Scope:
    """The names of one program while its steps are gone through, in order.

    `later` has the names that a step further down binds, `closed` those of blocks that have ended. A scope
    that is not `speaking` only works out types. `incomplete` is set when something outside the program that
    it uses is wrong; `declare_at` is where a missing object may be declared. `parameters` says where the
    program's object parameters stand. `drawn` has the type of what each `observe` scores, and `observed`
    where. `blocks` are the blocks around the step in hand, `finished` those that have ended, by their step's
    span. `scans` counts the scans around the expression in hand.
    """

    names: Names
    program: str
    bindings: dict[str, Binding]
    later: dict[str, Span]
    speaking: bool = False
    problems: list[Diagnostic] = field(default_factory=list)
    occurrences: list[Occurrence] = field(default_factory=list)
    incomplete: bool = False
    declare_at: Span | None = None
    parameters: Mapping[str, Span] = field(default_factory=dict)
    drawn: dict[str, AnyType] = field(default_factory=dict)
    observed: dict[str, Span] = field(default_factory=dict)
    closed: dict[str, Binding] = field(default_factory=dict)
    blocks: list[Block] = field(default_factory=list)
    finished: dict[Span, Block] = field(default_factory=dict)
    marginals: list[MarginalBlock] = field(default_factory=list)
    calls: dict[Span, ProgramCall] = field(default_factory=dict)
    call_effects: dict[Span, frozenset[Effect]] = field(default_factory=dict)
    inherited: dict[str, Inherited] = field(default_factory=dict)
    instance_types: dict[str, AnyType] = field(default_factory=dict)
    returned: list[tuple[str, AnyType]] = field(default_factory=list)
    step_effects: list[StepEffects] = field(default_factory=list)
    scans: int = 0

    def report(self, problem: Diagnostic) -> Unknown:
        """Note a problem; what it spoils has a type that agrees with everything."""
        if self.speaking:
            self.problems.append(problem)
        return UNKNOWN

    def mention(
        self,
        name: str,
        span: Span,
        role: Role,
        type: AnyType | None = None,
        *,
        definition: Span | None = None,
        owner: str | None = None,
        binds: bool = False,
    ) -> None:
        """Note a place where a name stands."""
        if self.speaking:
            self.occurrences.append(
                Occurrence(span, name, role, type, definition, self.program, binds, owner)
            )

    def mention_object(self, name: str, span: Span) -> None:
        """Note a place where an object stands, be it a declared one or a parameter."""
        place = self.parameters.get(name)
        if place is None:
            self.mention(name, span, Role.OBJECT, owner=name)
        else:
            self.mention(name, span, Role.PARAMETER, definition=place)

    def mention_binding(self, binding: Binding, span: Span) -> None:
        """Note a use of a bound name."""
        self.mention(
            binding.name, span, binding.role, binding.type, definition=binding.span, owner=binding.owner
        )

    @contextmanager
    def bound(self, *bindings: Binding) -> Iterator[None]:
        """Have names stand for something else for as long as an expression or a block goes on."""
        before = {binding.name: self.bindings.get(binding.name) for binding in bindings}
        self.bindings.update((binding.name, binding) for binding in bindings if binding.name)
        try:
            yield
        finally:
            for name, binding in before.items():
                if binding is None:
                    self.bindings.pop(name, None)
                else:
                    self.bindings[name] = binding

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Work out types without a word, as in the rounds before the one that is heard."""
        speaking, self.speaking = self.speaking, False
        incomplete = self.incomplete
        try:
            yield
        finally:
            self.speaking, self.incomplete = speaking, incomplete

    def use(self, name: str, span: Span) -> AnyType:
        """The type of a name where it is used as a value."""
        if not name:
            return UNKNOWN
        binding = self.bindings.get(name)
        if binding is not None:
            self.mention_binding(binding, span)
            return self._value_of(binding, span)
        if name in self.later:
            return self.report(used_too_early(name, span, self.later[name]))
        if name in self.closed:
            return self.report(outside_its_block(name, span, self.closed[name].span))
        found = self.names.find(name)
        if isinstance(found, BrokenSignature):
            self.incomplete = True
        elif isinstance(found, ObjectSignature):
            self.mention_object(name, span)
            hint = f"`index({name})` counts its elements: 0, 1, 2, …"
            return self.report(wrong_kind(span, f"`{name}` is an object, and no value.", hint))
        elif isinstance(found, ProgramSignature | DefineSignature):
            self.mention(name, span, Role.PROGRAM, owner=name)
            return self.report(wrong_kind(span, f"`{name}` is a program, and no value."))
        elif found is None and not self.speaking:
            # The first round of inference takes an input for one number, the least that it can be.
            return Type()
        return UNKNOWN

    def _value_of(self, binding: Binding, span: Span) -> AnyType:
        if binding.role is Role.SCORE:
            return self.report(wrong_kind(span, f"`{binding.name}` is a score, and no value."))
        if binding.labels:
            listed = ", ".join(f"`{label}`" for label in binding.labels)
            message = f"`{binding.name}` is {len(binding.labels)} values, {listed}, and no single one."
            hint = "Draw from a program that returns the one value needed, or compose the two with `>>`."
            return self.report(wrong_kind(span, message, hint))
        return binding.type
