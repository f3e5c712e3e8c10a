"""Which programs of a file can be run, and why not where one can't."""

from __future__ import annotations

from quivers.check.program import Checked
from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.problems import Severity


@record
class RunTarget:
    """A program to offer a run for. `span` covers its name; `reason` says why it is not `runnable`."""

    program: str
    span: Span
    title: str
    runnable: bool
    reason: str | None = None


def run_targets(checked: Checked) -> tuple[RunTarget, ...]:
    """One target for each program, in the order of the file."""
    return tuple(_target(checked, name) for name in checked.programs)


def _target(checked: Checked, name: str) -> RunTarget:
    program = checked.programs[name]
    span = program.declaration.name.span.shifted(program.offset)
    title = f"▶ Run {name}"
    if program.parameters:
        listed = ", ".join(f"`{parameter.name}`" for parameter in program.parameters)
        reason = f"`{name}` takes {listed}; run a program that draws from it."
        return RunTarget(name, span, title, runnable=False, reason=reason)
    if not program.has_errors:
        return RunTarget(name, span, title, runnable=True)
    start, end = program.offset, program.offset + program.declaration.span.end
    errors = sum(
        problem.severity is Severity.ERROR and start <= problem.span.start <= end
        for problem in checked.diagnostics
    )
    if errors == 0:
        reason = f"`{name}` uses a declaration that has an error."
    else:
        reason = f"`{name}` has {errors} {'error' if errors == 1 else 'errors'}."
    return RunTarget(name, span, title, runnable=False, reason=reason)
