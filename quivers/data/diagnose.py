"""What is wrong with data, as diagnostics on the names in the model, with the fix where the model has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from quivers.check.program import Checked, CheckedProgram, Input
from quivers.codes import CODES
from quivers.errors import DataProblem
from quivers.families.functions import FUNCTIONS
from quivers.families.table import FAMILIES
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Edit, Fix
from quivers.syntax.reading import KEYWORDS, identifier

_NAME = re.compile(r"[^\W\d]\w*")


def diagnostics(
    problems: Iterable[DataProblem], program: CheckedProgram, checked: Checked | None = None
) -> tuple[Diagnostic, ...]:
    """Each problem on the input's first use in the file, else on the program's name.

    With `checked`, the whole file, a problem of an object is on its declaration, and an input that the data
    have under a near name can be renamed.
    """
    inputs = {entry.name: entry for entry in program.inputs}
    found = []
    for problem in problems:
        entry = inputs.get(problem.input or "")
        span = program.declaration.name.span.shifted(program.offset)
        fixes: tuple[Fix, ...] = ()
        if entry is not None and entry.uses:
            span = entry.uses[0]
            if checked is not None and problem.near is not None:
                fixes = tuple(_renamed(checked, program, entry, problem.near))
        elif checked is not None and problem.input is not None and problem.input in checked.objects:
            span = checked.objects[problem.input].span
        severity = CODES[problem.code].severity
        found.append(Diagnostic(problem.code, severity, span, problem.message, fixes=fixes))
    return tuple(found)


def _renamed(checked: Checked, program: CheckedProgram, entry: Input, near: str) -> Iterator[Fix]:
    """The fix that calls an input as the data do, if the model can and has no other use of that name."""
    name = identifier(near)
    taken = name in program.types or name in checked.objects or name in checked.programs
    if not _NAME.fullmatch(name) or name in KEYWORDS or name in FAMILIES or name in FUNCTIONS or taken:
        return
    if "." in entry.name:  # of a program that is drawn from
        return
    places = list(entry.uses)
    declared = [
        item.declaration.name.span.shifted(item.offset)
        for item in checked.module.declarations
        if isinstance(item.declaration, ast.DataDeclaration) and item.declaration.name.text == entry.name
    ]
    if declared:
        places += declared
        for other in checked.programs.values():
            if name in other.types:
                return
            places += [span for use in other.inputs if use.name == entry.name for span in use.uses]
    spans = {(span.start, span.end) for span in places}
    edits = tuple(Edit(Span(*span), near) for span in sorted(spans))
    yield Fix(f"Rename `{entry.name}` to `{near}`, as in the data", edits)
