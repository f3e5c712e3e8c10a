"""Whether a file means the same before and after a renaming: names bound alike, types, problems and draws."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import accumulate

from quivers.check.program import Checked, CheckedProgram, Occurrence, ProgramCall, Role
from quivers.check.summary import substituted
from quivers.check.types import AnyType
from quivers.ide.definition import Symbol
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.lines import LineIndex
from quivers.syntax.problems import Diagnostic, Edit, Severity

# What renaming one of two things that have one name, or that look alike, is there to mend.
_MENDED = frozenset({"QVR204", "QVR208"})


@record
class Change:
    """A file before and after the `edits` that give `symbol` the new `name`; `source` is the text before."""

    before: Checked
    after: Checked
    edits: tuple[Edit, ...]
    symbol: Symbol
    name: str
    source: bytes


def renamed_wrongly(change: Change) -> str | None:
    """What is not the same after a renaming, in half a sentence; None where everything is."""
    same = _Sameness(change)
    added, gone = same.problems()
    hidden = [each for each in gone if each.severity is Severity.ERROR and each.code not in _MENDED]
    if hidden:
        return f"something is wrong already. {hidden[0].message}"
    is_mended = bool(gone) and all(each.code in _MENDED for each in gone)
    if is_mended:
        # Where an error is gone, advice may come that was held back.
        added = [each for each in added if each.severity is Severity.ERROR]
    captured = same.captured()
    if captured is not None:
        return captured
    if added:
        return f"then {added[0].message[:1].lower()}{added[0].message[1:]}"
    if gone and not is_mended:
        return f"then this would be said no more: {gone[0].message}"
    return same.changed_name() or (None if is_mended else same.changed_program())


def input_names(change: Change) -> tuple[list[str], list[str]]:
    """The inputs that programs have under other names after a renaming: the old names, and the new ones."""
    gone: set[str] = set()
    come: set[str] = set()
    before, after = change.before, change.after
    for number, item in enumerate(before.module.declarations):
        now = after.module.declarations[number]
        if before.within[number] is after.within[number]:
            continue
        old, new = (_inputs(checked, each) for checked, each in ((before, item), (after, now)))
        gone |= old - new
        come |= new - old
    return sorted(gone), sorted(come)


def _inputs(checked: Checked, item: ast.Placed) -> set[str]:
    declaration = item.declaration
    if not isinstance(declaration, ast.ProgramDeclaration | ast.DefineDeclaration):
        return set()
    program = checked.programs.get(declaration.name.text)
    if program is None or program.offset != item.offset:
        return set()
    return {entry.name for entry in program.inputs}


class _Sameness:
    """The places of the old text in the new one, and what is compared by them."""

    def __init__(self, change: Change) -> None:
        self.change = change
        self.old, self.new = change.symbol.name, change.name
        self._starts = [edit.span.start for edit in change.edits]
        grown = (len(edit.text.encode()) - (edit.span.end - edit.span.start) for edit in change.edits)
        self._grown = [0, *accumulate(grown)]
        self._edited = {edit.span for edit in change.edits}

    def moved(self, offset: int) -> int:
        return offset + self._grown[bisect_left(self._starts, offset)]

    def moved_span(self, span: Span) -> Span:
        return Span(self.moved(span.start), self.moved(span.end))

    # ------------------------------------------------------------------ problems

    def problems(self) -> tuple[list[Diagnostic], list[Diagnostic]]:
        """The problems that the new text has and the old one has not, and the other way round."""
        before = [
            (self._key(each, self.moved_span(each.span)), each) for each in self.change.before.diagnostics
        ]
        after = [(self._key(each, each.span), each) for each in self.change.after.diagnostics]
        return _more(after, before), _more(before, after)

    @staticmethod
    def _key(problem: Diagnostic, span: Span) -> Hashable:
        return problem.code, problem.severity, span

    # --------------------------------------------------------------------- names

    def captured(self) -> str | None:
        """The first name that stands for another one than before."""
        for old_offset, old, new_offset, new in self._names():
            for left, right in zip(old, new, strict=False):
                span = left.span.shifted(old_offset)
                if self.moved_span(span) != right.span.shifted(new_offset):
                    break  # a name is gone, of which a problem tells
                if self._is_bound_alike(left, right, old_offset, new_offset):
                    continue
                line = LineIndex(self.change.source).line_at(span.start) + 1
                if span in self._edited:
                    return f"in line {line} it would be taken for another `{self.new}`."
                return f"the `{right.name}` that stands in line {line} would be taken for it."
        return None

    def changed_name(self) -> str | None:
        """The first name that is not there any more, is called otherwise or has another type."""
        before, after = self.change.before, self.change.after
        if len(before.within) != len(after.within):
            return "the file would be read differently."
        for old_offset, old, new_offset, new in self._names():
            same = len(old) == len(new) and all(
                self.moved_span(left.span.shifted(old_offset)) == right.span.shifted(new_offset)
                and right.name == (self.new if left.span.shifted(old_offset) in self._edited else left.name)
                and self._types_agree(left.type, right.type)
                for left, right in zip(old, new, strict=True)
            )
            if not same:
                line = LineIndex(self.change.source).line_at(old_offset) + 1
                return f"what is declared in line {line} would be read differently."
        return None

    def _names(self) -> Iterator[tuple[int, tuple[Occurrence, ...], int, tuple[Occurrence, ...]]]:
        """The names of each declaration that is not the same object, before and after, with its offsets."""
        before, after = self.change.before, self.change.after
        for old_item, old, new_item, new in zip(
            before.module.declarations,
            before.within,
            after.module.declarations,
            after.within,
            strict=False,
        ):
            if old is not new:
                yield old_item.offset, old, new_item.offset, new

    def _is_bound_alike(self, old: Occurrence, new: Occurrence, old_offset: int, new_offset: int) -> bool:
        if (old.role, old.binds, old.owner is None) != (new.role, new.binds, new.owner is None):
            return False
        if old.owner is not None:
            return new.owner == (self.new if old.span.shifted(old_offset) in self._edited else old.owner)
        if old.definition is None or new.definition is None:
            return old.definition is new.definition
        there = self.moved_span(old.definition.shifted(old_offset))
        return there == new.definition.shifted(new_offset)

    def _types_agree(self, old: AnyType | None, new: AnyType | None) -> bool:
        return old == new or (
            old is not None and new is not None and substituted(old, {self.old: self.new}) == new
        )

    # ------------------------------------------------------------------ programs

    def changed_program(self) -> str | None:
        """The first program that is not what it was, although its names are bound as before."""
        before, after = self.change.before, self.change.after
        if self._renamed(before.exported) != after.exported and before.exported != after.exported:
            return "the file would stand for another program."
        for number, item in enumerate(before.module.declarations):
            declaration = item.declaration
            if before.within[number] is after.within[number]:
                continue
            if not isinstance(declaration, ast.ProgramDeclaration | ast.DefineDeclaration):
                continue
            old = before.programs.get(declaration.name.text)
            if old is None or old.offset != item.offset:
                continue
            now = after.module.declarations[number].declaration
            new = None if isinstance(now, ast.Hole) else after.programs.get(now.name.text)
            if new is None or not self._alike(old, new):
                return f"`{old.name}` would not be the same program."
        return None

    def _renamed(self, name: str | None) -> str | None:
        is_program = self.change.symbol.role is Role.PROGRAM
        return self.new if is_program and name == self.old else name

    def _alike(self, old: CheckedProgram, new: CheckedProgram) -> bool:
        """Whether two programs are the same but for a name. Either of two things of one name may have it."""
        facts = _facts(new, self.change.after, lambda span: span, {})
        return any(
            _facts(old, self.change.before, self.moved_span, objects) == facts
            for objects in ({}, {self.old: self.new})
        )


def _facts(
    program: CheckedProgram, checked: Checked, place: Callable[[Span], Span], objects: Mapping[str, str]
) -> Hashable:
    """What the checker knows of a program, without the names in it: places and order say which is which.

    The types of its names are told where these stand. Its places are put through `place`, and its objects
    through `objects`.
    """

    def shown(type: AnyType | None) -> str:
        return "" if type is None else str(substituted(type, objects))

    inputs = Counter(
        (shown(entry.type), entry.observed, tuple(place(use) for use in entry.uses))
        for entry in program.inputs
    )
    return (
        frozenset(inputs.items()),
        tuple(shown(parameter.type) for parameter in program.parameters),
        tuple(objects.get(name, name) for name in (*program.domain, *program.codomain)),
        program.effects,
        program.has_errors,
        tuple(_call(program, call, checked, place, objects) for call in program.calls),
    )


def _call(
    program: CheckedProgram,
    call: ProgramCall,
    checked: Checked,
    place: Callable[[Span], Span],
    objects: Mapping[str, str],
) -> Hashable:
    """A draw from a program: what each parameter is given, in order.

    A composition's arguments are named by what its parts return, and stand at the parts' names, so they are
    told by which part returns them in which place.
    """
    called = checked.programs.get(call.program)
    given: list[Hashable] = []
    for parameter in () if called is None else called.parameters:
        value, object = call.arguments.get(parameter.name), call.objects.get(parameter.name)
        if object is not None:
            given.append(objects.get(object, object))
        elif value is not None:
            given.append((place(value.span.shifted(program.offset)), _source_of(program, value)))
    return place(call.span.shifted(program.offset)), len(call.returned), tuple(given)


def _source_of(program: CheckedProgram, value: ast.Expression) -> Hashable:
    """Which parameter, or which of the values that draws return, an argument is; None for any other."""
    if not isinstance(value, ast.Variable):
        return None
    for number, parameter in enumerate(program.parameters):
        if parameter.name == value.name:
            return number
    for number, call in enumerate(program.calls):
        names = [call.draw, *(f"{call.draw}.{label}" for label, _ in call.returned)]
        if value.name in names:
            return number, names.index(value.name)
    return None


def _more(
    these: list[tuple[Hashable, Diagnostic]], than: list[tuple[Hashable, Diagnostic]]
) -> list[Diagnostic]:
    left = Counter(key for key, _ in than)
    found = []
    for key, problem in these:
        if left[key] > 0:
            left[key] -= 1
        else:
            found.append(problem)
    return found
