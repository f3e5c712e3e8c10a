"""What the checker knows about a file: its objects, its programs and the type of every name.

These are the facts that the graph builder, the data binder, the editor features and the command
line read. Spans are absolute byte offsets in the file.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from enum import Enum

from quivers.check.types import AnyType, Axis, Type
from quivers.families.support import Element
from quivers.records import field, record
from quivers.syntax.ast import Declarations, Expression, Module, ProgramDeclaration, Span
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
    INDEX = "index"
    STATE = "state"
    OBSERVED = "observed"
    LET = "let"
    INPUT = "input"
    DATA = "data"
    SCORE = "score"
    FAMILY = "family"
    FUNCTION = "function"
    EFFECT = "effect"


@record
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


@record
class Input:
    """A name that the data must give: an undeclared name that is used, or one that is observed.

    `type` has the largest axes that all its uses allow; a value with fewer is broadcast.
    `uses` are its places in the file, first use first.
    """

    name: str
    type: Type
    observed: bool
    uses: tuple[Span, ...]


@record
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


@record
class ProgramParameter:
    """A parameter of a program: a value of a type, or with `type` None an object, a finite set.

    A program that has parameters can't be run by itself; another one draws from it.
    """

    name: str
    type: AnyType | None


@record
class ProgramCall:
    """A draw from a program, `sample theta <- pooled(2.5, School)`: its steps run in the caller's place.

    `draw` is the name that the step binds, `program` the one whose steps run. `objects` says which object
    stands for each object parameter; `arguments` has the expression, in the caller, for each value
    parameter. A name `z` of the called program is `theta.z` in the caller: in `types` (with its objects
    put in), in the samples, and, unless the file declares it with `data`, in the data. `inputs` maps each
    of the called program's inputs to its name in the caller. No two of its objects stand for the same
    one, so to build its density rename axes by `objects`, and names by the prefix. `returned` has label
    and type of what it returns; where that is one value, `draw` is bound to it, else each is bound as
    `theta.label`.
    `span`, of the draw's name, is relative to the caller's declaration.
    """

    draw: str
    program: str
    objects: Mapping[str, str]
    arguments: Mapping[str, Expression]
    inputs: Mapping[str, str]
    returned: tuple[tuple[str, AnyType], ...]
    span: Span


@record
class BlockObserve:
    """An `observe` in a `marginalize` block.

    `maps` says for each axis that its plate lacks and a block around it is drawn `[over=…]` which expression,
    given by `[via=…]`, maps the plate into that axis.
    """

    name: str
    plates: tuple[Axis, ...]
    maps: Mapping[Axis, Expression]


@record
class MarginalBlock:
    """A `marginalize` block; `span`, of its latent's name, is relative to the declaration.

    `element` is what the latent ranges over: a `Member` of an object, or whole numbers of an interval, whose
    upper end is the value of an argument where it is infinite. `over` has the axes of one latent for each
    element; without `[over=…]` it is None, and there is one for each element of each observe's plates, drawn
    anew for every observe. In either case the block adds, for each such element, the log of the sum over the
    latent's values of its probability times those of the observes that belong to it. `types` has the types
    of the names bound in the block: the latent is a single number there, as one term of the sum sees it.
    Names may come again in a block beside it, so that these are the ones to read inside it.
    """

    name: str
    element: Element
    over: tuple[Axis, ...] | None
    observes: tuple[BlockObserve, ...]
    types: Mapping[str, AnyType]
    span: Span


@record
class StepEffects:
    """The effects of one step; `span`, of its keyword or its name, is relative to the declaration.

    Those of a `marginalize` are its block's, and those of a draw from a program that program's.
    """

    span: Span
    effects: frozenset[Effect]


@record
class CheckedProgram:
    """A program, with everything inferred about it. `offset` places its declaration in the file.

    `types` gives the type of every name bound by a step or inferred as an input; those of a program that it
    draws from are under the draw's name, as `theta.z`. `domain` and `codomain` are objects' names, a
    product having several. `calls` and `marginals` tell of the steps that draw from a program and of the
    `marginalize` blocks, in order. For a `define`, `declaration` is the program that it stands for, made of
    draws from the composed ones and of variables such as `first.effects`.
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
    parameters: tuple[ProgramParameter, ...] = ()
    calls: tuple[ProgramCall, ...] = ()
    marginals: tuple[MarginalBlock, ...] = ()
    step_effects: tuple[StepEffects, ...] = ()

    @property
    def signature(self) -> str:
        """The program's type, `School -> School ! {Sample, Score}`."""
        effects = ", ".join(effect.value for effect in Effect if effect in self.effects) or "Pure"
        return f"{' * '.join(self.domain)} -> {' * '.join(self.codomain)} ! {{{effects}}}"


@record
class Checked:
    """A whole file after checking. `diagnostics` are sorted by position, syntax errors among them.

    `module` has every declaration as it was read, with its place.
    `occurrences` are sorted by position too. They and the values of `programs` and `objects` are worked
    out as they are asked for, so ask for the few that are needed. `within` has the occurrences of each
    declaration of `module`, their spans relative to it: the same object again for as long as the
    declaration, and what it uses, stay as they are. What is kept of it by object holds as long too.
    """

    objects: Mapping[str, Object] = field(default_factory=dict)
    programs: Mapping[str, CheckedProgram] = field(default_factory=dict)
    occurrences: Sequence[Occurrence] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    exported: str | None = None
    module: Module = field(default_factory=lambda: Module(Declarations()))
    within: tuple[tuple[Occurrence, ...], ...] = ()

    def program_to_run(self, wanted: str | None = None) -> CheckedProgram | None:
        """The program called `wanted`; without a name the exported one, else the last; None without any."""
        name = wanted or self.exported or next(reversed(list(self.programs)), None)
        return None if name is None else self.programs.get(name)

    def occurrence_at(self, offset: int) -> Occurrence | None:
        """The name under the cursor at a byte offset; at the seam of two names, the right one."""
        after = bisect_right(self.occurrences, offset, key=lambda occurrence: occurrence.span.start)
        if after == 0:
            return None
        found = self.occurrences[after - 1]
        return found if found.span.covers(offset) else None
