"""The abstract syntax of QVR: what a `.qvr` file says, without how it was spelt.

Offsets are UTF-8 byte offsets. Those inside a declaration are relative to the declaration's
first byte, so that an edit above it moves the declaration without touching its tree. A `Hole`
stands where the text could not be read; every phase passes it on in silence, because the
syntax phase has already said what is wrong there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Span:
    """The bytes `start ≤ i < end`."""

    start: int
    end: int

    def shifted(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def covers(self, offset: int) -> bool:
        """Whether `offset` touches the span; its end counts, as an editor's cursor does."""
        return self.start <= offset <= self.end


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier where it is bound or referred to."""

    text: str
    span: Span


# ---------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Hole:
    """A place where an expression, a step or a declaration could not be read."""

    span: Span


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number; `is_integer` tells `2` from `2.0`."""

    value: float
    is_integer: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Variable:
    """A name used as a value."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call; `keyword` is None for a positional one."""

    keyword: Name | None
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """`function(arguments)`: a family, a built-in function or a program."""

    function: Name
    arguments: tuple[Argument, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """`operator` is one of `-`, `+`, `not`."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """`operator` is one of `+ - * / ^ @ == != < <= > >= and or`, always in its ASCII spelling."""

    operator: str
    left: Expression
    right: Expression
    operator_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class If:
    """`if condition then consequence else alternative`."""

    condition: Expression
    consequence: Expression
    alternative: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Index:
    """`value[i, j]`."""

    value: Expression
    indices: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Tuple:
    """`(a, b)`."""

    elements: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Binder:
    """`i : I` in `factor` and `scan`."""

    name: Name
    object: Name
    span: Span


@dataclass(frozen=True, slots=True)
class Factor:
    """`factor i : I, j : J in body`."""

    binders: tuple[Binder, ...]
    body: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Scan:
    """`scan t : Time, s = initial in body`."""

    binder: Binder
    state: Name
    initial: Expression
    body: Expression
    span: Span


Expression = Hole | Number | Variable | Call | Unary | Binary | If | Index | Tuple | Factor | Scan


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of `[…]` after a declaration or a step.

    `[ordered]` has an empty `values`; `[low=0]` has one; `[effects=[Sample, Score]]` has as many
    as its list. `is_list` tells `[effects=Sample]` from `[effects=[Sample]]`.
    """

    name: Name
    values: tuple[Expression, ...]
    is_list: bool
    span: Span


# --------------------------------------------------------------------- spaces


@dataclass(frozen=True, slots=True)
class SpaceName:
    """A constructor or a declared object with what it is applied to.

    `School`; `FinSet 8`; `FinSet`; `Real 3`; `Simplex Topic`; `Real [low=0]`.
    """

    name: Name
    arguments: tuple[Expression, ...]
    options: tuple[Option, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SpaceProduct:
    """`School * Item`, `School ⊗ Real`."""

    factors: tuple[Space, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SpaceMap:
    """`Item -> County`, in a `data` declaration."""

    source: Space
    target: Space
    span: Span


Space = Hole | SpaceName | SpaceProduct | SpaceMap


# ---------------------------------------------------------------------- steps


@dataclass(frozen=True, slots=True)
class Sample:
    """`sample name : plate <- draw [options]`, with or without the keyword `sample`."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Observe:
    """`observe name : plate <- draw [options]`."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Let:
    """`let name = value`."""

    name: Name
    value: Expression
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Marginalize:
    """`marginalize name : plate <- draw [options]` and the block under it."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    body: tuple[Step, ...]
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Score:
    """`score name = value`."""

    name: Name
    value: Expression
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Returned:
    """One value of a `return`, with its label in `return (effects: theta, spread: tau)`."""

    label: Name | None
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Return:
    """`return value`, `return (a, b)` or `return (label: a, …)`."""

    values: tuple[Returned, ...]
    span: Span


Step = Hole | Sample | Observe | Let | Marginalize | Score | Return


# --------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class ObjectDeclaration:
    """`object name : space`."""

    name: Name
    space: Space
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class DataDeclaration:
    """`data name : space`."""

    name: Name
    space: Space
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Parameter:
    """`scale : Real` or `G : FinSet` in a program's header."""

    name: Name
    space: Space
    span: Span


@dataclass(frozen=True, slots=True)
class ProgramDeclaration:
    """`program name(parameters) : domain -> codomain [options]` and its steps.

    `keyword_span` covers the word `program`; `header_span` the whole header line.
    """

    name: Name
    parameters: tuple[Parameter, ...]
    domain: Space
    codomain: Space
    options: tuple[Option, ...]
    steps: tuple[Step, ...]
    documentation: str | None
    header_span: Span
    span: Span


@dataclass(frozen=True, slots=True)
class Compose:
    """`left >> right` (one after the other) or `left * right` (side by side)."""

    operator: str
    left: Composition
    right: Composition
    span: Span


Composition = Hole | Name | Compose


@dataclass(frozen=True, slots=True)
class DefineDeclaration:
    """`define name = composition`."""

    name: Name
    composition: Composition
    documentation: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class ExportDeclaration:
    """`export name`."""

    name: Name
    span: Span


Declaration = (
    Hole | ObjectDeclaration | DataDeclaration | ProgramDeclaration | DefineDeclaration | ExportDeclaration
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A declaration, and the absolute byte offset of its first byte in the document."""

    declaration: Declaration
    offset: int


@dataclass(frozen=True, slots=True)
class Module:
    """A whole file."""

    declarations: tuple[Placed, ...]


Node = (
    Expression | Space | Step | Declaration | Composition | Argument | Option | Binder | Returned | Parameter
)


def children(node: object) -> Iterator[object]:
    """The syntax nodes directly under `node`, in the order of the dataclass's fields."""
    for field in fields(node):  # type: ignore[arg-type]
        value = getattr(node, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "__dataclass_fields__") and not isinstance(item, Span):
                yield item


def walk(node: object) -> Iterator[object]:
    """`node` and every syntax node under it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
