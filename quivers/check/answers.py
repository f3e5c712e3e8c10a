"""The facts of a checked file, put in their places when they are asked for.

A declaration's own facts count from its start, so that an edit above it moves none of them; here the few
that somebody wants are moved to where the declaration stands now.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar, overload

from quivers.check.declarations import Unit
from quivers.check.objects import Names, ObjectSignature, Signature, resolve, space_text
from quivers.check.program import CheckedProgram, Input, Object, Occurrence, ProgramParameter
from quivers.records import replace
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity

Value = TypeVar("Value")


def name_of(declaration: ast.Declaration) -> str | None:
    """The declared name; None where even that could not be read."""
    return None if isinstance(declaration, ast.Hole) else declaration.name.text


def name_span(item: ast.Placed) -> ast.Span:
    """Where the declared name stands in the file."""
    declaration = item.declaration
    span = declaration.span if isinstance(declaration, ast.Hole) else declaration.name.span
    return span.shifted(item.offset)


class Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping whose values are worked out when they are first asked for.

    `numbers` gives the numbers of all names, `find` that of one.
    """

    def __init__(
        self,
        numbers: Callable[[], dict[str, int]],
        find: Callable[[str], int | None],
        make: Callable[[int], Value],
    ) -> None:
        self._all = numbers
        self._find = find
        self._make = make
        self._numbers: dict[str, int] | None = None
        self._made: dict[str, Value] = {}

    def _keys(self) -> dict[str, int]:
        if self._numbers is None:
            self._numbers = self._all()
        return self._numbers

    def __getitem__(self, name: str) -> Value:
        if name not in self._made:
            number = self._find(name)
            if number is None:
                raise KeyError(name)
            self._made[name] = self._make(number)
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())


class Answers:
    """The units of a checked file with their places."""

    def __init__(
        self,
        placed: ast.Declarations,
        units: Sequence[Unit],
        first: Mapping[str, int],
        syntax: Sequence[Diagnostic],
        signatures: Mapping[str, Signature],
    ) -> None:
        self.placed = placed
        self.units = units
        self.first = first
        self.signatures = signatures
        self._broken = [problem.span.start for problem in syntax if problem.severity is Severity.ERROR]

    def programs(self) -> dict[str, int]:
        """The numbers of the programs and compositions."""
        units, first, nodes = self.units, self.first, self.placed.nodes
        numbers = [number for number, unit in enumerate(units) if unit.facts is not None]
        named = {number: name_of(nodes[number]) or "" for number in numbers}
        return {name: number for number, name in named.items() if first.get(name) == number}

    def program_number(self, name: str) -> int | None:
        """The number of one program."""
        number = self.first.get(name)
        return None if number is None or self.units[number].facts is None else number

    def objects(self) -> dict[str, int]:
        """The numbers of the objects."""
        first, nodes = self.first, self.placed.nodes
        return {
            node.name.text: number
            for number, node in enumerate(nodes)
            if isinstance(node, ast.ObjectDeclaration) and first.get(node.name.text) == number
        }

    def object_number(self, name: str) -> int | None:
        """The number of one object."""
        number = self.first.get(name)
        if number is None or not isinstance(self.placed.nodes[number], ast.ObjectDeclaration):
            return None
        return number

    def program(self, number: int) -> CheckedProgram:
        item, unit = self.placed[number], self.units[number]
        facts = unit.facts
        assert facts is not None, "only declarations with facts are numbered as programs"
        declaration = facts.declaration
        end = (
            self.placed[number + 1].offset
            if number + 1 < len(self.placed)
            else item.offset + declaration.span.end + 1
        )
        return CheckedProgram(
            declaration.name.text,
            declaration,
            item.offset,
            facts.domain,
            facts.codomain,
            tuple(
                Input(
                    fact.name,
                    fact.type,
                    fact.observed,
                    tuple(span.shifted(item.offset) for span in fact.uses),
                )
                for fact in facts.inputs
            ),
            facts.types,
            facts.effects,
            unit.has_errors or any(item.offset <= start < end for start in self._broken),
            tuple(ProgramParameter(parameter.name, parameter.type) for parameter in facts.parameters),
            facts.calls,
            facts.marginals,
            facts.step_effects,
        )

    def object(self, number: int) -> Object:
        item, unit = self.placed[number], self.units[number]
        declaration = item.declaration
        assert isinstance(declaration, ast.ObjectDeclaration)
        name = declaration.name.text
        signature = self.signatures.get(name)
        factors = signature.factors if isinstance(signature, ObjectSignature) else None
        names = Names(self.signatures)
        space = resolve((name,), names)
        size = None
        if factors is not None and len(factors) == 1 and not isinstance(factors[0], str):
            size = factors[0].size
        product = tuple(factor for factor in factors or () if isinstance(factor, str))
        return Object(
            name,
            finite=space is not None and space.element is None and bool(space.axes) and not unit.has_errors,
            size=size,
            space=space_text(declaration.space),
            factors=product,
            span=declaration.name.span.shifted(item.offset),
            documentation=declaration.documentation,
        )

    def occurrence(self, number: int, index: int) -> Occurrence:
        offset = self.placed[number].offset
        occurrence = self.units[number].occurrences[index]
        definition = occurrence.definition
        if definition is not None:
            definition = definition.shifted(offset)
        if occurrence.owner is not None:
            owner = self.first.get(occurrence.owner)
            definition = None if owner is None else name_span(self.placed[owner])
        return replace(occurrence, span=occurrence.span.shifted(offset), definition=definition)


class Occurrences(Sequence[Occurrence]):
    """Every occurrence in the file, by position; each is put in its place when it is looked at."""

    def __init__(self, facts: Answers) -> None:
        self._facts = facts
        self._starts: list[int] | None = None

    def _index(self) -> list[int]:
        """How many occurrences come before each declaration."""
        if self._starts is None:
            starts = [0]
            for unit in self._facts.units:
                starts.append(starts[-1] + len(unit.occurrences))
            self._starts = starts
        return self._starts

    def __len__(self) -> int:
        return self._index()[-1]

    @overload
    def __getitem__(self, index: int) -> Occurrence: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Occurrence, ...]: ...

    def __getitem__(self, index: int | slice) -> Occurrence | tuple[Occurrence, ...]:
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        starts = self._index()
        number = bisect_right(starts, index) - 1
        return self._facts.occurrence(number, index - starts[number])
