"""Objects and spaces: what the declarations at the top of a file stand for.

A signature is what others can see of a declaration, without spans, so that an edit which leaves it
as it was re-checks nobody else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from quivers.check.types import Axis, Type
from quivers.families.support import BOOLEAN, INTEGER, NATURAL, REAL, UNIT, Element, Interval, Member
from quivers.records import record
from quivers.syntax import ast

if TYPE_CHECKING:
    from quivers.check.summary import Recursion, Summary

# Spaces by what they are applied to, and where an element of each lies.
SETS = frozenset({"FinSet"})
SCALARS: Mapping[str, Interval] = {"Real": REAL, "Int": INTEGER, "Nat": NATURAL, "Bool": BOOLEAN}
VECTORS: Mapping[str, Interval] = {"Simplex": UNIT, "Ordered": REAL}
_CORRELATION = Interval(low=-1.0, high=1.0)
MATRICES: Mapping[str, Interval] = {
    "CholeskyCorr": _CORRELATION,
    "Correlation": _CORRELATION,
    "Covariance": REAL,
}
CONSTRUCTORS = SETS | SCALARS.keys() | VECTORS.keys() | MATRICES.keys()


@record
class Constructed:
    """A space as it is written: `FinSet 8`, `Real 3 [low=0]`, `Simplex Topic`."""

    constructor: str
    size: int | None = None
    index: str | None = None
    support: Interval = REAL


@record
class ObjectSignature:
    """The factors of an object's space: names of others, and spaces. None when it could not be read."""

    factors: tuple[str | Constructed, ...] | None

    @property
    def is_set(self) -> bool:
        return (
            self.factors is not None
            and len(self.factors) == 1
            and isinstance(self.factors[0], Constructed)
            and self.factors[0].constructor in SETS
        )


@record
class DataSignature:
    """`source` has the factors of the space; `target` those after `->` in a map, else it is None."""

    source: tuple[str | Constructed, ...] | None
    target: tuple[str | Constructed, ...] | None = None
    is_map: bool = False


@record
class ProgramSignature:
    """A program as its header shows it; what its steps say besides is in its `Summary`."""

    domain: tuple[str, ...]
    codomain: tuple[str, ...]
    parameters: tuple[str, ...]


@record
class DefineSignature:
    """A composition of programs; what it is composed of is in its `Summary`."""


@record
class BrokenSignature:
    """A name that a declaration which could not be read may have declared."""


Signature = ObjectSignature | DataSignature | ProgramSignature | DefineSignature | BrokenSignature


def signature_of(declaration: ast.Declaration) -> Signature | None:
    """What others see of a declaration; None for those that declare no name."""
    if isinstance(declaration, ast.ObjectDeclaration):
        return ObjectSignature(factors_of(declaration.space))
    if isinstance(declaration, ast.DataDeclaration):
        return space_signature(declaration.space)
    if isinstance(declaration, ast.ProgramDeclaration):
        return ProgramSignature(
            space_names(declaration.domain),
            space_names(declaration.codomain),
            tuple(parameter.name.text for parameter in declaration.parameters),
        )
    if isinstance(declaration, ast.DefineDeclaration):
        return DefineSignature()
    return None


def space_signature(space: ast.Space) -> DataSignature:
    """What the space of a value says, a map's as well."""
    if isinstance(space, ast.SpaceMap):
        return DataSignature(factors_of(space.source), factors_of(space.target), is_map=True)
    return DataSignature(factors_of(space))


def factors_of(space: ast.Space) -> tuple[str | Constructed, ...] | None:
    """The factors of a space, a product's in order; None when a part could not be read."""
    if isinstance(space, ast.SpaceProduct):
        parts = [factors_of(factor) for factor in space.factors]
        if any(part is None for part in parts):
            return None
        return tuple(factor for part in parts if part is not None for factor in part)
    if not isinstance(space, ast.SpaceName):
        return None
    if space.name.text in CONSTRUCTORS:
        constructed = constructed_of(space)
        return None if constructed is None else (constructed,)
    return None if space.arguments or space.options else (space.name.text,)


def constructed_of(space: ast.SpaceName) -> Constructed | None:
    """A constructor with its argument and bounds; None when they make no sense, as `spaces` reports."""
    name = space.name.text
    size: int | None = None
    index: str | None = None
    if len(space.arguments) > 1:
        return None
    for argument in space.arguments:
        if isinstance(argument, ast.Number) and name not in VECTORS and name not in MATRICES:
            if not argument.is_integer or argument.value < 1:
                return None
            size = int(argument.value)
        elif isinstance(argument, ast.Variable) and (name in VECTORS or name in MATRICES):
            index = argument.name
        else:
            return None
    if index is None and (name in VECTORS or name in MATRICES):
        return None
    support = _bounded(name, space.options)
    return None if support is None else Constructed(name, size, index, support)


def _bounded(name: str, options: tuple[ast.Option, ...]) -> Interval | None:
    base = SCALARS.get(name) or VECTORS.get(name) or MATRICES.get(name) or REAL
    low, high = base.low, base.high
    for option in options:
        value = constant(option.values[0]) if len(option.values) == 1 else None
        if name not in SCALARS or option.name.text not in ("low", "high") or value is None:
            return None
        if option.name.text == "low":
            low = max(low, value)
        else:
            high = min(high, value)
    if low >= high and options:
        return None
    return Interval(low, high, base.low_open, base.high_open, base.integer)


def constant(expression: ast.Expression) -> float | None:
    """The number that a literal, with or without a sign, stands for."""
    if isinstance(expression, ast.Number):
        return expression.value if math.isfinite(expression.value) else None
    if isinstance(expression, ast.Unary) and expression.operator in "+-":
        value = constant(expression.operand)
        return None if value is None else -value if expression.operator == "-" else value
    return None


def space_names(space: ast.Space) -> tuple[str, ...]:
    """The names in a space as they are written, a product having several; constructors among them."""
    if isinstance(space, ast.SpaceProduct):
        return tuple(name for factor in space.factors for name in space_names(factor))
    return (space_text(space),) if isinstance(space, ast.SpaceName) else ("?",)


def space_text(space: ast.Space) -> str:
    """A space in QVR syntax, on one line: `School ⊗ Real [low=0]`."""
    if isinstance(space, ast.SpaceProduct):
        return " ⊗ ".join(space_text(factor) for factor in space.factors)
    if isinstance(space, ast.SpaceMap):
        return f"{space_text(space.source)} -> {space_text(space.target)}"
    if not isinstance(space, ast.SpaceName):
        return "?"
    words = [space.name.text]
    for argument in space.arguments:
        value = constant(argument)
        words.append(
            argument.name if isinstance(argument, ast.Variable) else "?" if value is None else f"{value:g}"
        )
    if space.options:
        words.append(f"[{', '.join(_option_text(option) for option in space.options)}]")
    return " ".join(words)


def _option_text(option: ast.Option) -> str:
    values = [constant(value) for value in option.values]
    if not values:
        return option.name.text
    return f"{option.name.text}={', '.join('?' if value is None else f'{value:g}' for value in values)}"


# ------------------------------------------------------------------- resolution


class Names:
    """The names declared at the top of a file, as one declaration sees them while it is checked.

    Every answer is noted in `asked`, so that the check is repeated when, and only when, one would differ.
    `local` has the objects that are parameters of the program in hand; nobody else can tell that they exist.
    """

    def __init__(
        self, signatures: Mapping[str, Signature], summaries: Mapping[str, Summary | Recursion] | None = None
    ) -> None:
        self._signatures = signatures
        self.asked: dict[str, Signature | None] = {}
        self.listed: dict[type, tuple[str, ...]] = {}
        self.resolved: dict[str, Resolved | None] = {}
        self.local: dict[str, ObjectSignature] = {}
        self.summarised: dict[str, Summary | Recursion | None] = {}
        self._summaries = {} if summaries is None else summaries

    def summary(self, name: str) -> Summary | Recursion | None:
        """What a declared program is to its callers; None when its declaration has been left unread."""
        if name not in self.summarised:
            self.summarised[name] = self._summaries.get(name)
        return self.summarised[name]

    def find(self, name: str) -> Signature | None:
        local = self.local.get(name)
        return self.declared(name) if local is None else local

    def declared(self, name: str) -> Signature | None:
        """What the file declares by a name, whatever the program's parameters are called."""
        found = self._signatures.get(name)
        self.asked[name] = found
        return found

    def object(self, name: str) -> ObjectSignature | BrokenSignature | None:
        found = self.find(name)
        return found if isinstance(found, ObjectSignature | BrokenSignature) else None

    def all(self, kind: type) -> tuple[str, ...]:
        """Every name of a kind of signature; for near names alone, as it ties the check to all."""
        if kind not in self.listed:
            self.listed[kind] = listed(self._signatures, kind)
        return self.listed[kind]


def listed(signatures: Mapping[str, Signature], kind: type) -> tuple[str, ...]:
    """The names whose signatures are of a kind, sorted."""
    return tuple(sorted(name for name, signature in signatures.items() if isinstance(signature, kind)))


def resolve_object(name: str, names: Names) -> Resolved | None:
    """The axes and element of a declared object; None when it is unknown or unreadable."""
    if name not in names.resolved:
        names.resolved[name] = resolve((name,), names)
    return names.resolved[name]


@record
class Resolved:
    """A space worked out: its axes and, when it names a space of numbers, its element."""

    axes: tuple[Axis, ...]
    element: Element | None

    @property
    def type(self) -> Type:
        return Type(self.axes, REAL if self.element is None else self.element)


def resolve(factors: tuple[str | Constructed, ...] | None, names: Names) -> Resolved | None:
    """The axes and element of a product of factors; None when one is unknown or unreadable."""
    if factors is None:
        return None
    axes: list[Axis] = []
    element: Element | None = None
    for part in _parts(factors, names, ()):
        if part is None:
            return None
        added, support = part
        axes.extend(added)
        element = support if support is not None else element
    return Resolved(numbered(tuple(axis.object for axis in axes)), element)


Part = tuple[tuple[Axis, ...], Interval | None]


def _parts(
    factors: tuple[str | Constructed, ...], names: Names, within: tuple[str, ...]
) -> Iterator[Part | None]:
    for factor in factors:
        if isinstance(factor, Constructed):
            yield _space(factor, within[-1] if within else None)
            continue
        signature = names.object(factor)
        if not isinstance(signature, ObjectSignature) or signature.factors is None or factor in within:
            yield None
        elif signature.is_set:
            yield (Axis(factor),), None
        else:
            yield from _parts(signature.factors, names, (*within, factor))


def _space(space: Constructed, owner: str | None) -> Part | None:
    name = space.constructor
    if name in SETS:
        return None
    if space.index is not None:
        axis = Axis(space.index)
        return ((axis,) if name in VECTORS else (axis, axis)), (VECTORS.get(name) or MATRICES.get(name))
    if space.size is not None:
        return None if owner is None else ((Axis(owner),), space.support)
    return (), space.support


def numbered(objects: tuple[str, ...]) -> tuple[Axis, ...]:
    """An axis for each object; the second time one appears it is `School′`."""
    seen: dict[str, int] = {}
    axes = []
    for name in objects:
        copy = seen.get(name, 0)
        seen[name] = copy + 1
        axes.append(Axis(name, copy))
    return tuple(axes)


def size_of_object(name: str, names: Names) -> int | None:
    """The number of elements of a declared finite set; None where the data say, or for anything else."""
    signature = names.find(name)
    if not isinstance(signature, ObjectSignature) or not signature.is_set or signature.factors is None:
        return None
    factor = signature.factors[0]
    return factor.size if isinstance(factor, Constructed) else None


def data_type(signature: DataSignature, names: Names) -> Type | None:
    """The type of a `data` declaration; None when a part of it is unknown."""
    source = resolve(signature.source, names)
    if source is None:
        return None
    if not signature.is_map:
        return source.type
    target = resolve(signature.target, names)
    if target is None or source.element is not None:
        return None
    if not target.axes:
        return Type(source.axes, REAL if target.element is None else target.element)
    if len(target.axes) == 1 and target.element is None:
        return Type(source.axes, Member(target.axes[0].object))
    return None
