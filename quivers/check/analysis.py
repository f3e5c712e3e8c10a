"""The incremental check of a file: a declaration is checked again only when it, or what it uses, has changed.

Results are kept relative to their declaration. What a keystroke does not touch is neither looked at
again nor moved: programs, objects and occurrences are put in their places when they are asked for.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from typing import Generic, TypeVar, overload

from quivers.check.advice.whole_file import advise_file
from quivers.check.declarations import Unit, check_declaration
from quivers.check.dependencies import called_names, groups
from quivers.check.echoes import without_echoes
from quivers.check.names import declared_twice, exported_twice
from quivers.check.objects import (
    BrokenSignature,
    DefineSignature,
    Names,
    ObjectSignature,
    ProgramSignature,
    Signature,
    resolve,
    signature_of,
    space_text,
)
from quivers.check.program import Checked, CheckedProgram, Input, Object, Occurrence, ProgramParameter
from quivers.check.rewrites.lines import line_end
from quivers.check.summary import Recursion, Summary
from quivers.records import record, replace
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.lower import Memo, lower
from quivers.syntax.problems import Diagnostic, Severity
from quivers.syntax.reading import identifier

Value = TypeVar("Value")
_WORD = re.compile(rb"[\w\x80-\xff]+")


@record(frozen=False)
class Counters:
    """How many declarations were read and checked since the analysis began, over all its calls."""

    lowered: int = 0
    checked: int = 0


@record(frozen=False)
class _Known:
    """A declaration's own facts, and its last check."""

    declaration: ast.Declaration
    name: str | None
    signature: Signature | None
    called: tuple[str, ...] = ()
    unit: Unit | None = None
    summary: Summary | None = None
    text: bytes = b""


class Analysis:
    """The memory of one document's checks. `check` gives the same as a fresh check would, only sooner."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._memo: Memo = {}
        self._known: dict[int, _Known] = {}
        self._signatures: dict[str, Signature] = {}

    def check(self, document: Document) -> Checked:
        """Everything known about the document as it is now."""
        lowered = lower(document, self._memo)
        placed = lowered.module.declarations
        known = self._recalled(placed, document.source)
        survey = _survey(placed, known, document)
        signatures, first = survey.signatures, survey.first
        broken = _broken(placed, known, lowered.diagnostics)
        units = self._checked(known, signatures, _order(known, survey), broken)
        problems = list(survey.repeated)
        for number, unit in enumerate(units):
            if unit.problems:
                offset = placed[number].offset
                problems += [_placed(problem, offset, first) for problem in unit.problems]
        said = without_echoes(problems, lowered.diagnostics, document.source)
        diagnostics = [*said, *lowered.diagnostics]
        if not any(problem.severity is Severity.ERROR for problem in diagnostics):
            diagnostics += advise_file(placed, units, first, document.source)
        diagnostics.sort(key=lambda problem: (problem.span.start, problem.span.end, problem.code))
        facts = _Facts(placed, units, first, lowered.diagnostics, signatures)
        return Checked(
            objects=_Lazy(facts.objects, facts.object),
            programs=_Lazy(facts.programs, facts.program),
            occurrences=_Occurrences(facts),
            diagnostics=tuple(diagnostics),
            exported=survey.exported,
            module=lowered.module,
            within=tuple(unit.occurrences for unit in units),
        )

    def _recalled(self, placed: Sequence[ast.Placed], source: bytes) -> list[_Known]:
        """What is known of each declaration; those that lowering gave afresh start anew."""
        before, now = self._known, {}
        found: list[_Known] = []
        for item in placed:
            declaration = item.declaration
            known = before.get(id(declaration))
            if known is None:
                self.counters.lowered += 1
                known = _Known(
                    declaration, _name_of(declaration), signature_of(declaration), called_names(declaration)
                )
                known.text = _text_of(item, source)
            now[id(declaration)] = known
            found.append(known)
        self._known = now
        return found

    def _checked(
        self,
        known: Sequence[_Known],
        signatures: dict[str, Signature],
        order: Sequence[tuple[_Known, frozenset[str]]],
        broken: Set[str],
    ) -> list[Unit]:
        """The check of every declaration, in an order in which programs come before those that use them.

        What a `broken` program gives is not relied on, as a part of it could not be read.
        """
        same = signatures == self._signatures
        self._signatures = signatures
        summaries: dict[str, Summary | Recursion] = {}
        for entry, circular in order:
            seen = summaries
            if circular:
                seen = {**summaries, **dict.fromkeys(circular, Recursion())}
            unit = entry.unit
            if unit is None or not ((same or unit.holds(signatures)) and unit.agrees(seen)):
                self.counters.checked += 1
                unit = entry.unit = check_declaration(entry.declaration, signatures, seen, entry.text)
                entry.summary = unit.summary
            if entry.summary is not None and entry.name and entry.name not in summaries:
                is_cut = entry.summary.sound and entry.name in broken
                summaries[entry.name] = replace(entry.summary, sound=False) if is_cut else entry.summary
        return [entry.unit for entry in known if entry.unit is not None]


def _broken(
    placed: Sequence[ast.Placed], known: Sequence[_Known], syntax: Sequence[Diagnostic]
) -> frozenset[str]:
    """The names of the declarations with a syntax error in them."""
    offsets = [item.offset for item in placed]
    found = {
        known[bisect_right(offsets, problem.span.start) - 1].name
        for problem in syntax
        if problem.severity is Severity.ERROR and offsets and problem.span.start >= offsets[0]
    }
    return frozenset(name for name in found if name)


def _order(known: Sequence[_Known], survey: _Survey) -> list[tuple[_Known, frozenset[str]]]:
    """Every declaration after those it draws from, each with the programs that it can't draw from.

    Those are the programs that draw, in the end, from it.
    """
    first = survey.first
    callers = [entry for entry in known if entry.called]
    if not callers:
        return [(entry, frozenset()) for entry in known]
    calls: dict[str, Sequence[str]] = {}
    named: dict[str, _Known] = {}
    again: list[tuple[_Known, frozenset[str]]] = []
    nothing: frozenset[str] = frozenset()
    for entry in callers:
        name = entry.name
        if name and first.get(name) is not None and first[name].declaration is entry.declaration:
            calls[name], named[name] = entry.called, entry
        else:
            again.append((entry, nothing))
    ordered = [(entry, nothing) for entry in known if not entry.called]
    for group in groups(calls):
        circular = frozenset(group) if len(group) > 1 or group[0] in calls[group[0]] else nothing
        ordered += [(named[name], circular) for name in group]
    return ordered + again


@record
class _Survey:
    """The signatures of all names, the first declaration of each, what is declared twice.

    `exported` is the program that the file stands for: the exported one, or the last. It is None when the
    export is wrong.
    """

    signatures: dict[str, Signature]
    first: dict[str, ast.Placed]
    repeated: list[Diagnostic]
    exported: str | None


def _survey(placed: Sequence[ast.Placed], known: Sequence[_Known], document: Document) -> _Survey:
    last: str | None = None
    signatures: dict[str, Signature] = {}
    first: dict[str, ast.Placed] = {}
    repeated: list[Diagnostic] = []
    holes: list[ast.Placed] = []
    export: ast.Placed | None = None
    for item, entry in zip(placed, known, strict=True):
        name = entry.name
        if name and entry.signature is not None:
            if name in first:
                repeated.append(declared_twice(_placed_name(item), _name_span(first[name])))
            else:
                first[name] = item
                signatures[name] = entry.signature
                if isinstance(entry.signature, ProgramSignature | DefineSignature):
                    last = name if _stands_alone(entry.signature) or last is None else last
        elif name is None:
            holes.append(item)
        elif isinstance(item.declaration, ast.ExportDeclaration):
            if export is not None:
                repeated.append(exported_twice(_placed_name(item), _name_span(export)))
            export = export or item
    for hole in holes:
        span = hole.declaration.span.shifted(hole.offset)
        for word in _WORD.findall(document.source[span.start : span.end]):
            signatures.setdefault(identifier(word.decode(errors="replace")), BrokenSignature())
    if export is not None:
        last = _name_of(export.declaration)
        if last is None or not isinstance(signatures.get(last), ProgramSignature | DefineSignature):
            last = None
    return _Survey(signatures, first, repeated, last)


def _stands_alone(signature: ProgramSignature | DefineSignature) -> bool:
    """Whether a program may stand for its file: one with parameters needs another that draws from it."""
    return isinstance(signature, DefineSignature) or not signature.parameters


def _text_of(item: ast.Placed, source: bytes) -> bytes:
    """A declaration's text to the end of its last line, a comment there included."""
    end = item.offset + item.declaration.span.end
    return source[item.offset : line_end(source, end).start]


def check_source(source: bytes | str) -> Checked:
    """Check a text afresh."""
    data = source.encode() if isinstance(source, str) else source
    return Analysis().check(Document(data))


def _name_of(declaration: ast.Declaration) -> str | None:
    return None if isinstance(declaration, ast.Hole) else declaration.name.text


def _name_span(item: ast.Placed) -> ast.Span:
    declaration = item.declaration
    span = declaration.span if isinstance(declaration, ast.Hole) else declaration.name.span
    return span.shifted(item.offset)


def _placed_name(item: ast.Placed) -> ast.Name:
    return ast.Name(_name_of(item.declaration) or "", _name_span(item))


def _placed(problem: Diagnostic, offset: int, first: Mapping[str, ast.Placed]) -> Diagnostic:
    """A declaration's problem with absolute spans; a label owned by another declaration goes to its name."""
    moved = problem.shifted(offset)
    if all(label.owner is None for label in moved.labels):
        return moved
    labels = tuple(
        label if label.owner is None else replace(label, span=_name_span(first[label.owner]), owner=None)
        for label in moved.labels
        if label.owner is None or label.owner in first
    )
    return replace(moved, labels=labels)


# ------------------------------------------------------- answers put in their places


class _Lazy(Mapping[str, Value], Generic[Value]):
    """A mapping whose values are worked out when they are first asked for."""

    def __init__(self, number: Callable[[], dict[str, int]], make: Callable[[int], Value]) -> None:
        self._number = number
        self._make = make
        self._numbers: dict[str, int] | None = None
        self._made: dict[str, Value] = {}

    def _keys(self) -> dict[str, int]:
        if self._numbers is None:
            self._numbers = self._number()
        return self._numbers

    def __getitem__(self, name: str) -> Value:
        if name not in self._made:
            self._made[name] = self._make(self._keys()[name])
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys())

    def __len__(self) -> int:
        return len(self._keys())


class _Facts:
    """The units of a checked file with their places."""

    def __init__(
        self,
        placed: Sequence[ast.Placed],
        units: Sequence[Unit],
        first: Mapping[str, ast.Placed],
        syntax: Sequence[Diagnostic],
        signatures: Mapping[str, Signature],
    ) -> None:
        self.placed = placed
        self.units = units
        self.first = first
        self.signatures = signatures
        self._broken = [problem.span.start for problem in syntax if problem.severity is Severity.ERROR]

    def programs(self) -> dict[str, int]:
        return {
            name: number
            for name, number in self._numbers((ast.ProgramDeclaration, ast.DefineDeclaration)).items()
            if self.units[number].facts is not None
        }

    def objects(self) -> dict[str, int]:
        return self._numbers(ast.ObjectDeclaration)

    def _numbers(self, kind: type | tuple[type, ...]) -> dict[str, int]:
        first = self.first
        return {
            name: number
            for number, item in enumerate(self.placed)
            if isinstance(item.declaration, kind)
            and (name := _name_of(item.declaration))
            and first[name] is item
        }

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
            definition = None if owner is None else _name_span(owner)
        return replace(occurrence, span=occurrence.span.shifted(offset), definition=definition)


class _Occurrences(Sequence[Occurrence]):
    """Every occurrence in the file, by position; each is put in its place when it is looked at."""

    def __init__(self, facts: _Facts) -> None:
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
