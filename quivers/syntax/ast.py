"""The abstract syntax of QVR: what a `.qvr` file says, without how it was spelt.

Offsets are UTF-8 byte offsets. Those inside a declaration are relative to the declaration's
first byte, so that an edit above it moves the declaration without touching its tree. A `Hole`
stands where the text could not be read; every phase passes it on in silence, because the
syntax phase has already said what is wrong there.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import overload

from quivers.records import record


@record
class Span:
    """The bytes `start ≤ i < end`."""

    start: int
    end: int

    def shifted(self, by: int) -> Span:
        return Span(self.start + by, self.end + by)

    def covers(self, offset: int) -> bool:
        """Whether `offset` touches the span; its end counts, as an editor's cursor does."""
        return self.start <= offset <= self.end


@record
class Name:
    """An identifier where it is bound or referred to."""

    text: str
    span: Span


# ---------------------------------------------------------------- expressions


@record
class Hole:
    """A place where an expression, a step or a declaration could not be read."""

    span: Span


@record
class Number:
    """A literal number; `is_integer` tells `2` from `2.0`."""

    value: float
    is_integer: bool
    span: Span


@record
class Variable:
    """A name used as a value."""

    name: str
    span: Span


@record
class Argument:
    """One argument of a call; `keyword` is None for a positional one."""

    keyword: Name | None
    value: Expression
    span: Span


@record
class Call:
    """`function(arguments)`: a family, a built-in function or a program."""

    function: Name
    arguments: tuple[Argument, ...]
    span: Span


@record
class Unary:
    """`operator` is one of `-`, `+`, `not`."""

    operator: str
    operand: Expression
    span: Span


@record
class Binary:
    """`operator` is one of `+ - * / ^ @ == != < <= > >= and or`, always in its ASCII spelling."""

    operator: str
    left: Expression
    right: Expression
    operator_span: Span
    span: Span


@record
class If:
    """`if condition then consequence else alternative`."""

    condition: Expression
    consequence: Expression
    alternative: Expression
    span: Span


@record
class Index:
    """`value[i, j]`."""

    value: Expression
    indices: tuple[Expression, ...]
    span: Span


@record
class Tuple:
    """`(a, b)`."""

    elements: tuple[Expression, ...]
    span: Span


@record
class Binder:
    """`i : I` in `factor` and `scan`."""

    name: Name
    object: Name
    span: Span


@record
class Factor:
    """`factor i : I, j : J in body`."""

    binders: tuple[Binder, ...]
    body: Expression
    span: Span


@record
class Scan:
    """`scan t : Time, s = initial in body`."""

    binder: Binder
    state: Name
    initial: Expression
    body: Expression
    span: Span


Expression = Hole | Number | Variable | Call | Unary | Binary | If | Index | Tuple | Factor | Scan


@record
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


@record
class SpaceName:
    """A constructor or a declared object with what it is applied to.

    `School`; `FinSet 8`; `FinSet`; `Real 3`; `Simplex Topic`; `Real [low=0]`.
    """

    name: Name
    arguments: tuple[Expression, ...]
    options: tuple[Option, ...]
    span: Span


@record
class SpaceProduct:
    """`School * Item`, `School ⊗ Real`."""

    factors: tuple[Space, ...]
    span: Span


@record
class SpaceMap:
    """`Item -> County`, in a `data` declaration."""

    source: Space
    target: Space
    span: Span


Space = Hole | SpaceName | SpaceProduct | SpaceMap


# ---------------------------------------------------------------------- steps


@record
class Sample:
    """`sample name : plate <- draw [options]`, with or without the keyword `sample`."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    documentation: str | None
    span: Span


@record
class Observe:
    """`observe name : plate <- draw [options]`."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    documentation: str | None
    span: Span


@record
class Let:
    """`let name = value`."""

    name: Name
    value: Expression
    documentation: str | None
    span: Span


@record
class Marginalize:
    """`marginalize name : plate <- draw [options]` and the block under it."""

    name: Name
    plate: tuple[Name, ...]
    draw: Call | Hole
    options: tuple[Option, ...]
    body: tuple[Step, ...]
    documentation: str | None
    span: Span


@record
class Score:
    """`score name = value`."""

    name: Name
    value: Expression
    documentation: str | None
    span: Span


@record
class Returned:
    """One value of a `return`, with its label in `return (effects: theta, spread: tau)`."""

    label: Name | None
    value: Expression
    span: Span


@record
class Return:
    """`return value`, `return (a, b)` or `return (label: a, …)`."""

    values: tuple[Returned, ...]
    span: Span


Step = Hole | Sample | Observe | Let | Marginalize | Score | Return


# --------------------------------------------------------------- declarations


@record
class ObjectDeclaration:
    """`object name : space`."""

    name: Name
    space: Space
    documentation: str | None
    span: Span


@record
class DataDeclaration:
    """`data name : space`."""

    name: Name
    space: Space
    documentation: str | None
    span: Span


@record
class Parameter:
    """`scale : Real` or `G : FinSet` in a program's header."""

    name: Name
    space: Space
    span: Span


@record
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


@record
class Compose:
    """`left >> right` (one after the other) or `left * right` (side by side)."""

    operator: str
    left: Composition
    right: Composition
    span: Span


Composition = Hole | Name | Compose


@record
class DefineDeclaration:
    """`define name = composition`."""

    name: Name
    composition: Composition
    documentation: str | None
    span: Span


@record
class ExportDeclaration:
    """`export name`."""

    name: Name
    span: Span


Declaration = (
    Hole | ObjectDeclaration | DataDeclaration | ProgramDeclaration | DefineDeclaration | ExportDeclaration
)


@record
class Placed:
    """A declaration, and the absolute byte offset of its first byte in the document."""

    declaration: Declaration
    offset: int


class Declarations(Sequence[Placed]):
    """The declarations of a file in order, apart from their offsets, so that to move many costs little."""

    __slots__ = ("_made", "nodes", "offsets")

    def __init__(self, nodes: Sequence[Declaration] = (), offsets: Sequence[int] = ()) -> None:
        self.nodes = nodes
        self.offsets = offsets
        self._made: dict[int, Placed] = {}

    def __len__(self) -> int:
        return len(self.nodes)

    @overload
    def __getitem__(self, index: int) -> Placed: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Placed, ...]: ...

    def __getitem__(self, index: int | slice) -> Placed | tuple[Placed, ...]:
        if isinstance(index, slice):
            return tuple([self[number] for number in range(*index.indices(len(self)))])
        number = index if index >= 0 else index + len(self)
        placed = self._made.get(number)
        if placed is None:
            if number < 0:
                raise IndexError(index)
            placed = self._made[number] = Placed(self.nodes[number], self.offsets[number])
        return placed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Declarations) and self.offsets == other.offsets and self.nodes == other.nodes

    __hash__ = None  # type: ignore[assignment]

    def at(self, offset: int) -> int:
        """The number of the last declaration that begins at or before a byte, -1 where none does."""
        return bisect_right(self.offsets, offset) - 1


@record
class Module:
    """A whole file."""

    declarations: Declarations


Node = (
    Expression | Space | Step | Declaration | Composition | Argument | Option | Binder | Returned | Parameter
)


# The fields of a class that can hold nodes, found when the first of its nodes is walked.
_HOLDERS: dict[type, tuple[str, ...]] = {}


def children(node: object) -> list[object]:
    """The syntax nodes directly under `node`, in the order of its fields."""
    found: list[object] = []
    holders = _HOLDERS.get(type(node))
    for name in _holders(type(node)) if holders is None else holders:
        value = getattr(node, name)
        if type(value) is tuple:
            found += value
        elif value is not None:
            found.append(value)
    return found


def _holders(kind: type) -> tuple[str, ...]:
    """Which of a node's fields hold nodes: all but places, words, numbers and truths."""
    plain = ("Span", "str", "int", "float", "bool", "str | None")
    _HOLDERS[kind] = tuple(name for name, type in kind.__annotations__.items() if type not in plain)
    return _HOLDERS[kind]


def has_hole(node: object) -> bool:
    """Whether any part of `node` could not be read."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if type(node) is Hole:
            return True
        waiting += children(node)
    return False


def walk(node: object) -> Iterator[object]:
    """`node` and every syntax node under it, parents first."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        under = children(node)
        under.reverse()
        waiting += under
