"""Whether a change does what it says and nothing else: the file is checked again as the change leaves it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

from quivers.check.program import Checked, CheckedProgram
from quivers.check.rewrites.lines import applied
from quivers.ide.actions.selection import Change, Obstacle, Selection
from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity


def proven(
    selection: Selection, change: Change, gone: Collection[str] = (), but: Collection[str] = ()
) -> Change | Obstacle:
    """The change, if it brings no new problem and leaves every name but those `gone` its type.

    Problems whose codes begin with one of `but` are not counted: they are what the change is about, or were
    there all along.
    """
    before, after = selection.checked, outcome(selection, change.edits)
    said, says = before.diagnostics, after.diagnostics
    if any(found.severity is Severity.ERROR for found in said):
        # Beside an error no advice is given, so that what is new of it was there all along.
        said, says = _errors(said), _errors(says)
    new = new_problems(said, says, but)
    if new:
        return Obstacle(f"That would be wrong afterwards: {new[0].message}")
    for old, found in _changed(before, after):
        for name, type in old.types.items():
            if name.rpartition(".")[2] in gone:  # `theta.z` where a program is drawn from
                continue
            now = found.types.get(name)
            if now is None:
                return Obstacle(f"`{old.name}` would no longer have `{name}`.")
            if str(now) != str(type):
                return Obstacle(f"`{name}` is `{type}`, and would become `{now}`.")
    return change


def outcome(selection: Selection, edits: tuple[Edit, ...]) -> Checked:
    """The file as it is checked after edits; what they leave alone is not looked at again."""
    source = applied(selection.document.source, Fix("", edits))
    return selection.analysis.copy().check(Document(source))


def new_problems(
    before: Iterable[Diagnostic], after: Iterable[Diagnostic], but: Collection[str] = ()
) -> list[Diagnostic]:
    """The problems of each code that has become more frequent."""
    after = tuple(after)
    more = Counter(found.code for found in after) - Counter(found.code for found in before)
    return [found for found in after if found.code in more and not found.code.startswith(tuple(but))]


def _errors(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(found for found in problems if found.severity is Severity.ERROR)


def _changed(before: Checked, after: Checked) -> Iterator[tuple[CheckedProgram, CheckedProgram]]:
    """The programs that were checked again, as they were and as they are."""
    same = {id(occurrences) for occurrences in before.within}
    for item, occurrences in zip(after.module.declarations, after.within, strict=True):
        declaration = item.declaration
        if id(occurrences) in same or not isinstance(
            declaration, ast.ProgramDeclaration | ast.DefineDeclaration
        ):
            continue
        old, now = before.programs.get(declaration.name.text), after.programs.get(declaration.name.text)
        if old is not None and now is not None:
            yield old, now
