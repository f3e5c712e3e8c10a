"""The names that a half-typed line can use, and what the steps below it ask of the name that it binds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quivers.check.demands import Demand, gather
from quivers.check.objects import (
    Constructed,
    DataSignature,
    Names,
    ObjectSignature,
    data_type,
    factors_of,
    resolve,
    resolve_object,
)
from quivers.check.program import Checked, CheckedProgram, Input, Role
from quivers.check.scope import Binding, Scope
from quivers.check.types import AnyType, Axis, Type, Unknown
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Member
from quivers.ide.completion_items import Column, Kind, Known
from quivers.ide.expected import Place
from quivers.ide.signatures import Signatures
from quivers.syntax import ast
from quivers.syntax.ast import Span

Bound = tuple[ast.Sample | ast.Let | ast.Score | ast.Marginalize, Mapping[str, AnyType]]
_BINDS = (ast.Sample, ast.Let, ast.Score, ast.Marginalize)


class Scene:
    """The program around a place, with what is known of its names. The demands are worked out when asked."""

    def __init__(self, checked: Checked, place: Place, columns: Sequence[Column] = ()) -> None:
        self.checked = checked
        self.place = place
        self.columns = columns
        placed = place.declaration
        self.offset = 0 if placed is None else placed.offset
        declaration = None if placed is None else placed.declaration
        inside = place.depth > 0 or place.keyword == "program"
        self.declaration = declaration if inside and isinstance(declaration, ast.ProgramDeclaration) else None
        found = None if self.declaration is None else checked.programs.get(self.declaration.name.text)
        self.program: CheckedProgram | None = None if found is None or found.offset != self.offset else found
        self.names = Names(Signatures(checked))
        if self.program is not None:
            finite = ObjectSignature((Constructed("FinSet"),))
            self.names.local = {each.name: finite for each in self.program.parameters if each.type is None}
        self._demands: Mapping[str, list[Demand]] | None = None

    # ------------------------------------------------------------------- names

    def values(self) -> list[Known]:
        """The names of values in scope, each once: steps, the nearest first, then parameters and data."""
        found: dict[str, Known] = {}

        def add(name: str, kind: Kind, type: AnyType | None, word: str) -> None:
            if name and name not in found:
                found[name] = Known(name, kind, type, len(found), word)

        for name, type in _bound_in_line(self.place):
            add(name, Kind.VALUE, type, "index")
        several = self._several()
        for step, types in self._steps_above():
            if isinstance(step, ast.Score) or step.name.text in several:
                continue
            word = "let" if isinstance(step, ast.Let) else "latent"
            add(step.name.text, Kind.VALUE, types.get(step.name.text), word)
        if self.program is not None:
            for parameter in self.program.parameters:
                if parameter.type is not None:
                    add(parameter.name, Kind.PARAMETER, parameter.type, "parameter")
            below = self.bound_below()
            for entry in self.program.inputs:
                if entry.name not in below and self._is_name(entry):
                    word = "observed input" if entry.observed else "input"
                    add(entry.name, Kind.INPUT, entry.type, word)
        for name in self.declared(ast.DataDeclaration):
            signature = self.names.declared(name)
            if isinstance(signature, DataSignature):
                add(name, Kind.INPUT, data_type(signature, self.names), "data")
        for column in self.columns:
            add(column.name, Kind.INPUT, None, column.detail or "a column of the data")
        return list(found.values())

    def objects(self) -> list[Known]:
        """The finite sets, the program's own parameters first; then the other declared objects."""
        names = [*self.names.local]
        declared = self.declared(ast.ObjectDeclaration)
        finite = [name for name in declared if self.axes((name,))]
        rest = [name for name in declared if name not in set(finite)]
        known = [
            Known(name, Kind.OBJECT, None, place, "a finite set")
            for place, name in enumerate((*names, *finite))
        ]
        return [*known, *(Known(name, Kind.SPACE, None, len(known) + i) for i, name in enumerate(rest))]

    def axes(self, objects: Sequence[str]) -> tuple[Axis, ...] | None:
        """The axes of a plate over these objects; None when one of them is not known, or is no finite set."""
        axes: list[Axis] = []
        for name in objects:
            found = resolve_object(name, self.names) if name else None
            if name in self.names.local:
                axes.append(Axis(name))
            elif found is None or found.element is not None:
                return None
            else:
                axes += found.axes
        return tuple(axes)

    def declared(self, kind: type[ast.ObjectDeclaration | ast.DataDeclaration]) -> list[str]:
        """The names that the file declares with `object` or `data`, without the one being declared here."""
        found: list[str] = []
        for placed in self.checked.module.declarations:
            declaration = placed.declaration
            here = self.place.depth == 0 and placed.offset == self.place.statement
            if isinstance(declaration, kind) and declaration.name.text and not here:
                found.append(declaration.name.text)
        return found

    def type(self, name: str) -> AnyType | None:
        """The type of a name in the program, or of one that the file declares with `data`."""
        if self.program is not None and name in self.program.types:
            return self.program.types[name]
        signature = self.names.declared(name)
        return data_type(signature, self.names) if isinstance(signature, DataSignature) else None

    def observed(self) -> set[str]:
        """The names that the program's other steps observe."""
        return {
            step.name.text
            for step in _walk(self.steps())
            if isinstance(step, ast.Observe) and not self.is_here(step)
        }

    def from_data(self) -> list[str]:
        """The names above that a `let` makes from data alone."""
        made: list[str] = []
        objects = set(self.declared(ast.ObjectDeclaration))
        inputs = {entry.name for entry in self.program.inputs} if self.program is not None else set()
        for step, _ in reversed(list(self._steps_above())):
            if isinstance(step, ast.Let):
                used = {node.name for node in ast.walk(step.value) if isinstance(node, ast.Variable)}
                used -= objects
                if used and used <= inputs.union(made) and not ast.has_hole(step.value):
                    made.append(step.name.text)
        return made

    # ------------------------------------------------------------------- steps

    def steps(self) -> tuple[ast.Step, ...]:
        return () if self.declaration is None else self.declaration.steps

    def is_here(self, step: ast.Step) -> bool:
        """Whether a step is the one being typed."""
        return step.span.start + self.offset == self.place.statement

    def bound_below(self) -> set[str]:
        """The names that this step, or one below it, binds."""
        above = {step.name.text for step, _ in self._steps_above()}
        bound = {step.name.text for step in _walk(self.steps()) if isinstance(step, _BINDS)}
        return bound - above

    def block_over(self) -> Member | None:
        """The object of which the innermost block around that says `[over=Group]` has one latent for each."""
        found: Member | None = None
        for step in _walk(self.steps()):
            if isinstance(step, ast.Marginalize) and step.span.start + self.offset in self.place.headers:
                for option in step.options:
                    if (
                        option.name.text == "over"
                        and option.values
                        and isinstance(option.values[0], ast.Variable)
                    ):
                        found = Member(option.values[0].name)
        return found

    def _steps_above(self) -> Iterator[Bound]:
        """The steps that bind a name for this place, the nearest first, with the types of names there."""
        types: Mapping[str, AnyType] = {} if self.program is None else self.program.types
        blocks = {} if self.program is None else {each.span: each.types for each in self.program.marginals}
        levels: list[list[Bound]] = []
        steps: Sequence[ast.Step] = self.steps()
        headers = set(self.place.headers)
        while steps:
            level: list[Bound] = []
            inner: Sequence[ast.Step] = ()
            for step in steps:
                if isinstance(step, ast.Marginalize) and step.span.start + self.offset in headers:
                    types = {**types, **blocks.get(step.name.span, {})}
                    inner = step.body
                    level.append((step, types))
                elif (
                    isinstance(step, ast.Sample | ast.Let | ast.Score)
                    and step.span.start + self.offset < self.place.statement
                ):
                    level.append((step, types))
            levels.append(level)
            steps = inner
        for level in reversed(levels):
            yield from reversed(level)

    def _several(self) -> set[str]:
        """The draws from programs that return several values, and so are none themselves."""
        calls = () if self.program is None else self.program.calls
        return {call.draw for call in calls if len(call.returned) != 1}

    def _is_name(self, entry: Input) -> bool:
        """Whether an input is one that its author meant, and not half of a word or of a call in this line."""
        if "." in entry.name or (entry.name in FUNCTIONS and not self.names.declared(entry.name)):
            return False
        return any(use.start != self.place.word.start for use in entry.uses)

    # ----------------------------------------------------------------- demands

    def demands(self, name: str) -> list[Demand]:
        """What the other steps ask of a name."""
        if self._demands is None:
            self._demands = self._gathered()
        return self._demands.get(name, [])

    def _gathered(self) -> Mapping[str, list[Demand]]:
        if self.program is None or self.declaration is None:
            return {}
        steps = [step for step in _walk(self.steps()) if not self.is_here(step)]
        bindings = {
            name: Binding(name, Role.LET, type, Span(0, 0)) for name, type in self.program.types.items()
        }
        scope = Scope(self.names, self.program.name, bindings, {})
        return gather(steps, self.codomain(), scope).of

    def codomain(self) -> tuple[Axis, ...] | None:
        """The axes of what the program returns."""
        if self.declaration is None:
            return None
        found = resolve(factors_of(self.declaration.codomain), self.names)
        return None if found is None else found.axes


def _walk(steps: Sequence[ast.Step]) -> Iterator[ast.Step]:
    """The steps, each block's after its header."""
    for step in steps:
        yield step
        if isinstance(step, ast.Marginalize):
            yield from _walk(step.body)


def _bound_in_line(place: Place) -> Iterator[tuple[str, AnyType]]:
    """The indices and states that a `factor` or a `scan` before the place binds, the innermost first."""
    tokens = place.tokens
    for number in range(len(tokens) - 1, -1, -1):
        if tokens[number].text == "factor" or tokens[number].text == "scan":
            for at in range(number + 1, len(tokens) - 2):
                name, sign, space = tokens[at : at + 3]
                if name.text == "in":
                    break
                if name.is_name and sign.text == ":" and space.is_name:
                    yield name.text, Type((), Member(space.text))
                elif name.is_name and sign.text == "=" and tokens[at - 1].text == ",":
                    yield name.text, Unknown()
