"""The incremental check of a file: a declaration is checked again only when it, or what it uses, has changed.

Results are kept relative to their declaration. What a keystroke does not touch is neither looked at
again nor moved: programs, objects and occurrences are put in their places when they are asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from quivers.check.advice.whole_file import advise_file
from quivers.check.answers import Answers, Lazy, Occurrences, name_of, name_span
from quivers.check.declarations import Unit, check_declaration
from quivers.check.echoes import without_echoes
from quivers.check.names import declared_twice, exported_twice
from quivers.check.objects import Signature
from quivers.check.program import Checked
from quivers.check.rewrites.lines import line_end
from quivers.check.summary import Recursion, Summary
from quivers.check.survey import Face, Survey, face_of
from quivers.check.survey import survey as survey_of
from quivers.records import record, replace
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.lower import Memo, lowering
from quivers.syntax.problems import Diagnostic, Severity
from quivers.syntax.steps import Steps, finished


@record(frozen=False)
class Counters:
    """How many declarations were read and checked since the analysis began, over all its calls."""

    lowered: int = 0
    checked: int = 0


@record(frozen=False)
class _Known:
    """A declaration's own facts, and its last check."""

    declaration: ast.Declaration
    face: Face
    unit: Unit | None = None
    summary: Summary | None = None
    text: bytes = b""


class Analysis:
    """The memory of one document's checks. `check` gives the same as a fresh check would, only sooner."""

    def __init__(self) -> None:
        self.counters = Counters()
        self._memo = Memo()
        self._known: list[_Known] = []
        self._survey: Survey | None = None
        self._signatures: Mapping[str, Signature] = {}

    def copy(self) -> Analysis:
        """A second memory that knows what this one does; what either finds from here on stays its own."""
        twin = Analysis()
        twin._memo = replace(self._memo, unfinished=dict(self._memo.unfinished))
        twin._known = [
            _Known(entry.declaration, entry.face, entry.unit, entry.summary, entry.text)
            for entry in self._known
        ]
        twin._survey = self._survey
        twin._signatures = self._signatures
        return twin

    def check(self, document: Document) -> Checked:
        """Everything known about the document as it is now."""
        return finished(self.checking(document.source))

    def checking(self, source: bytes) -> Steps[Checked]:
        """`check` in steps; one that is given up is taken up where it stopped by the next.

        Before each declaration that is read or checked it gives the number of its bytes.
        """
        lowered = yield from lowering(source, self._memo)
        placed = lowered.module.declarations
        if not self._known:
            yield len(source)
        known, changed = self._recalled(placed, source)
        faces = [entry.face for entry in known]
        before = self._survey
        if before is None or not before.holds(faces):
            self._survey, changed = survey_of(faces, placed, source), None
        survey = self._survey
        assert survey is not None, "it was just made"
        broken = _broken(placed, known, lowered.diagnostics)
        units = yield from self._checked(known, survey, changed, broken)
        problems = [
            declared_twice(_placed_name(placed[again]), name_span(placed[first]))
            if known[again].face.signature is not None
            else exported_twice(_placed_name(placed[again]), name_span(placed[first]))
            for again, first in survey.repeated
        ]
        for number in [number for number, unit in enumerate(units) if unit.problems]:
            problems += [_placed(problem, number, placed, survey.first) for problem in units[number].problems]
        said = without_echoes(problems, lowered.diagnostics, source)
        diagnostics = [*said, *lowered.diagnostics]
        if not any(problem.severity is Severity.ERROR for problem in diagnostics):
            diagnostics += advise_file(placed, units, survey.first, source)
        diagnostics.sort(key=lambda problem: (problem.span.start, problem.span.end, problem.code))
        answers = Answers(placed, units, survey.first, lowered.diagnostics, survey.signatures)
        return Checked(
            objects=Lazy(answers.objects, answers.object_number, answers.object),
            programs=Lazy(answers.programs, answers.program_number, answers.program),
            occurrences=Occurrences(answers),
            diagnostics=tuple(diagnostics),
            exported=survey.exported,
            module=lowered.module,
            within=tuple([unit.occurrences for unit in units]),
        )

    def _recalled(self, placed: ast.Declarations, source: bytes) -> tuple[list[_Known], list[int] | None]:
        """What is known of each declaration, and the numbers of those that lowering gave afresh.

        Instead of the numbers None, where there are more or fewer declarations than before.
        """
        before = {id(entry.declaration): entry for entry in self._known}
        recalled = [before.get(id(node)) for node in placed.nodes]
        found: list[_Known] = []
        for number, entry in enumerate(recalled):
            if entry is None:
                self.counters.lowered += 1
                node = placed.nodes[number]
                entry = _Known(node, face_of(node), text=_text_of(placed[number], source))
            found.append(entry)
        old, self._known = self._known, found
        if len(found) != len(old):
            return found, None
        return found, [number for number, entry in enumerate(found) if entry is not old[number]]

    def _checked(
        self, known: Sequence[_Known], survey: Survey, changed: Sequence[int] | None, broken: Set[str]
    ) -> Steps[list[Unit]]:
        """The check of every declaration, programs before those that use them.

        `changed` are the only ones that may have to be checked again, besides those that use others; None
        stands for all. What a `broken` program gives is not relied on, as a part of it could not be read.
        """
        signatures = survey.signatures
        same = signatures is self._signatures or signatures == self._signatures
        if changed is None or not same:
            waiting: Sequence[tuple[int, frozenset[str]]] = survey.order
        else:
            again = {*changed, *self._unchecked(known)}
            waiting = [entry for entry in survey.order if entry[0] in again or entry[0] in survey.linked]
        self._signatures = {}
        summaries: dict[str, Summary | Recursion] = {}
        for number, circular in waiting:
            entry = known[number]
            seen = summaries
            if circular:
                seen = {**summaries, **dict.fromkeys(circular, Recursion())}
            unit = entry.unit
            if unit is None or not ((same or unit.holds(signatures)) and unit.agrees(seen)):
                yield len(entry.text)
                self.counters.checked += 1
                unit = entry.unit = check_declaration(entry.declaration, signatures, seen, entry.text)
                entry.summary = unit.summary
            name = entry.face.name
            if entry.summary is not None and name and name not in summaries:
                is_cut = entry.summary.sound and name in broken
                summaries[name] = replace(entry.summary, sound=False) if is_cut else entry.summary
        self._signatures = signatures
        return [entry.unit for entry in known if entry.unit is not None]

    def _unchecked(self, known: Sequence[_Known]) -> list[int]:
        """The numbers of declarations whose check was given up before it came to them."""
        return [number for number, entry in enumerate(known) if entry.unit is None]


def _broken(
    placed: ast.Declarations, known: Sequence[_Known], syntax: Sequence[Diagnostic]
) -> frozenset[str]:
    """The names of the declarations with a syntax error in them."""
    numbers = {placed.at(problem.span.start) for problem in syntax if problem.severity is Severity.ERROR}
    found = {known[number].face.name for number in numbers if number >= 0}
    return frozenset(name for name in found if name)


def _text_of(item: ast.Placed, source: bytes) -> bytes:
    """A declaration's text to the end of its last line, a comment there included."""
    end = item.offset + item.declaration.span.end
    return source[item.offset : line_end(source, end).start]


def check_source(source: bytes | str) -> Checked:
    """Check a text afresh."""
    data = source.encode() if isinstance(source, str) else source
    return Analysis().check(Document(data))


def _placed_name(item: ast.Placed) -> ast.Name:
    return ast.Name(name_of(item.declaration) or "", name_span(item))


def _placed(
    problem: Diagnostic, number: int, placed: Sequence[ast.Placed], first: Mapping[str, int]
) -> Diagnostic:
    """A declaration's problem with absolute spans; a label owned by another declaration goes to its name."""
    moved = problem.shifted(placed[number].offset)
    if all(label.owner is None for label in moved.labels):
        return moved
    labels = tuple(
        label
        if label.owner is None
        else replace(label, span=name_span(placed[first[label.owner]]), owner=None)
        for label in moved.labels
        if label.owner is None or label.owner in first
    )
    return replace(moved, labels=labels)
