"""What the checker knows about a file: its objects, its programs and the type of every name.

These are the facts that the graph builder, the data binder, the editor features and the command
line read. Spans are absolute byte offsets in the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from quivers.check.types import AnyType, Type
from quivers.syntax.ast import ProgramDeclaration, Span
from quivers.syntax.problems import Diagnostic


class Effect(Enum):
    """What a step does to the density besides working out values."""

    SAMPLE = "Sample"
    SCORE = "Score"
    MARGINAL = "Marginal"


class Role(Enum):
    """What a name is."""

    OBJECT = "object"
    PROGRAM = "program"
    PARAMETER = "parameter"
    LATENT = "latent"
    OBSERVED = "observed"
    LET = "let"
    INPUT = "input"
    DATA = "data"
    SCORE = "score"
    FAMILY = "family"
    FUNCTION = "function"
    EFFECT = "effect"


@dataclass(frozen=True, slots=True)
class Object:
    """A declared object. `size` is None where the data decide it, and for spaces that are not finite sets.

    `factors` names the objects of a product (`Cell : School * Item`), else it is empty.
    """

    name: str
    finite: bool
    size: int | None
    space: str
    factors: tuple[str, ...]
    span: Span
    documentation: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A name that the data must give: an undeclared name that is used, or one that is observed.

    `type` has the largest axes that all its uses allow; a value with fewer is broadcast.
    `allowed_missing` is reserved for `[where]`. `uses` are its places in the file, first use first.
    """

    name: str
    type: Type
    observed: bool
    uses: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place in the file where a name stands, with what hover says of it.

    `owner` is the declaration that binds the name when another one than the occurrence's own does.
    """

    span: Span
    name: str
    role: Role
    type: AnyType | None
    definition: Span | None
    program: str | None = None
    binds: bool = False
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class CheckedProgram:
    """A program, with everything inferred about it. `offset` places its declaration in the file.

    `types` gives the type of every name bound by a step or inferred as an input.
    `domain` and `codomain` are objects' names, a product having several.
    """

    name: str
    declaration: ProgramDeclaration
    offset: int
    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    inputs: tuple[Input, ...]
    types: Mapping[str, AnyType]
    effects: frozenset[Effect]
    has_errors: bool

    @property
    def signature(self) -> str:
        """The program's type, `School -> School ! {Sample, Score}`."""
        effects = ", ".join(effect.value for effect in Effect if effect in self.effects) or "Pure"
        return f"{' * '.join(self.domain)} -> {' * '.join(self.codomain)} ! {{{effects}}}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A whole file after checking. `diagnostics` are sorted by position, syntax errors among them.

    `occurrences` are sorted by position too. They and the values of `programs` and `objects` are worked
    out as they are asked for, so ask for the few that are needed.
    """

    objects: Mapping[str, Object] = field(default_factory=dict)
    programs: Mapping[str, CheckedProgram] = field(default_factory=dict)
    occurrences: Sequence[Occurrence] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    exported: str | None = None

    def occurrence_at(self, offset: int) -> Occurrence | None:
        """The name under the cursor at a byte offset; at the seam of two names, the right one."""
        after = bisect_right(self.occurrences, offset, key=lambda occurrence: occurrence.span.start)
        if after == 0:
            return None
        found = self.occurrences[after - 1]
        return found if found.span.covers(offset) else None
