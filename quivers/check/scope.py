"""What is in scope while a program is checked, and what the check has found so far."""

from __future__ import annotations

from dataclasses import dataclass, field

from quivers.check.names import used_too_early, wrong_kind
from quivers.check.objects import (
    BrokenSignature,
    Names,
    ObjectSignature,
    ProgramSignature,
)
from quivers.check.program import Occurrence, Role
from quivers.check.types import AnyType, Type, Unknown
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic

UNKNOWN = Unknown()


@dataclass(frozen=True, slots=True)
class Binding:
    """A name in a program and what it stands for.

    `span` is where it is bound (an input's first use); `owner` is the declaration that binds it when
    that is another one. `data` says that the value depends on the data alone.
    """

    name: str
    role: Role
    type: AnyType
    span: Span
    data: bool = False
    owner: str | None = None


@dataclass(slots=True)
class Scope:
    """The names of one program while its steps are gone through, in order.

    `later` has the names that a step further down binds. A scope that is not `speaking` only works out
    types. `incomplete` is set when something outside the program that it uses is wrong; `declare_at` is
    where a missing object may be declared. `drawn` has the type of what each `observe` scores, and
    `observed` where.
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
    drawn: dict[str, AnyType] = field(default_factory=dict)
    observed: dict[str, Span] = field(default_factory=dict)

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

    def use(self, name: str, span: Span) -> AnyType:
        """The type of a name where it is used as a value."""
        if not name:
            return UNKNOWN
        binding = self.bindings.get(name)
        if binding is not None:
            self.mention(name, span, binding.role, binding.type, definition=binding.span, owner=binding.owner)
            if binding.role is Role.SCORE:
                return self.report(wrong_kind(span, f"`{name}` is a score, and no value."))
            return binding.type
        if name in self.later:
            return self.report(used_too_early(name, span, self.later[name]))
        found = self.names.find(name)
        if isinstance(found, BrokenSignature):
            self.incomplete = True
        elif isinstance(found, ObjectSignature):
            self.mention(name, span, Role.OBJECT, owner=name)
            hint = f"`index({name})` counts its elements: 0, 1, 2, …"
            return self.report(wrong_kind(span, f"`{name}` is an object, and no value.", hint))
        elif isinstance(found, ProgramSignature):
            self.mention(name, span, Role.PROGRAM, owner=name)
            return self.report(wrong_kind(span, f"`{name}` is a program, and no value."))
        elif found is None and not self.speaking:
            # The first round of inference takes an input for one number, the least that it can be.
            return Type()
        return UNKNOWN
