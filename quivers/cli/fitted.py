"""Chooses the program of a file and fits its data to it, for the commands that need both."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.program import CheckedProgram
from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT
from quivers.cli.output import MisuseError, RefusedError, refused
from quivers.cli.programs import Model
from quivers.errors import DataError, DataProblem
from quivers.records import replace as replaced
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity

if TYPE_CHECKING:
    from quivers.data import Bound

NO_DATA_FILE = "QVR600"


def require_sound(model: Model) -> None:
    """Refused where the checker finds errors.

    What it calls an error stands in the way whatever the configuration makes of it: there is no density. A
    warning that the configuration calls an error does so too.
    """
    for diagnostics in (model.checked.diagnostics, model.diagnostics):
        errors = [found for found in diagnostics if found.severity is Severity.ERROR]
        if errors:
            raise RefusedError(model.name, errors, model.source)


def chosen_program(model: Model, wanted: str | None) -> CheckedProgram:
    """The program to run: the one asked for, else the exported one, else the last."""
    file, checked = model.name, model.checked
    if not checked.programs:
        raise refused(file, NOT_A_PROGRAM, f"{file} has no program to run.")
    program = checked.program_to_run(wanted)
    if program is None:
        known = ", ".join(f"`{name}`" for name in checked.programs)
        raise MisuseError(f"{file} has no program `{wanted}`, only {known}.")
    return program


def data_for(
    given: Sequence[str] | None,
    program: CheckedProgram,
    model: Model,
    file: str,
    *,
    observed: bool = True,
    renames: Sequence[tuple[str, str]] = (),
) -> tuple[dict[str, Any], str | None]:
    """The data's values and the files they come from, which are None where there is none to read.

    `given` are the files of `--data`, and `renames` the pairs of `--map`, a program's name before the data's.
    With `observed` false, what the program observes need not be among them.
    """
    from quivers.data import renamed, together

    paths, wanted = _paths(given, model, file)
    if not wanted and not any(path.exists() for path in paths):
        inputs = [entry for entry in program.inputs if observed or not entry.observed]
        if paths and inputs:
            names = ", ".join(f"`{entry.name}`" for entry in inputs)
            message = f"{paths[0]} does not exist: put {names} there, or name a file with --data."
            raise refused(str(paths[0]), NO_DATA_FILE, message)
        paths = []
    name = ", ".join(map(str, paths)) or None
    try:
        values = together(paths) if paths else {}
        configured = {new: old for new, old in model.configuration.renames.items() if old in values}
        return renamed(values, configured | dict(renames)), name
    except DataError as error:
        found = [Diagnostic(each.code, Severity.ERROR, Span(0, 0), each.message) for each in error.problems]
        raise RefusedError(name or model.name, found) from None


def doubts(given: Sequence[str] | None, model: Model, file: str) -> tuple[DataProblem, ...]:
    """What is doubtful about the choice of the data's file."""
    if given or file == STANDARD_INPUT:
        return ()
    from quivers.data import located

    return located(Path(file), None, model.configuration.data).problems


def _paths(given: Sequence[str] | None, model: Model, file: str) -> tuple[list[Path], bool]:
    """Where the data are, and whether somebody said so; nowhere for a model that is no file."""
    from quivers.data import located

    if given:
        return [Path(each) for each in given], True
    configured = model.configuration.data
    if file == STANDARD_INPUT:
        return list(configured), bool(configured)
    found = located(Path(file), None, configured)
    return list(found.paths), found.wanted


def fitted(
    model: Model,
    program: CheckedProgram,
    data: dict[str, Any],
    data_name: str | None,
    *,
    observed: bool = True,
) -> Bound:
    """The data fitted to the program; each misfit tells the data's file and shows the program's line.

    With `observed` false, what the program observes may be left out.
    """
    from quivers.data import bind

    try:
        return bind(model.checked, program, data, require_observed=observed)
    except DataError as error:
        raise unfit(error, model, program, data_name) from None


def unfit(error: DataError, model: Model, program: CheckedProgram, data_name: str | None) -> RefusedError:
    """A refusal that tells each misfit with the data's file and the program's line."""
    from quivers.data import diagnostics

    where = f"{data_name}: " if data_name else ""
    problems = [replace(problem, message=where + problem.message) for problem in error.problems]
    found = diagnostics(problems, program)
    told = [replaced(each, hint=_mapped(problem)) for each, problem in zip(found, problems, strict=True)]
    return RefusedError(model.name, told, model.source)


def _mapped(problem: DataProblem) -> str | None:
    """How the command takes a near name of the data for a missing one."""
    if problem.near is None or problem.input is None:
        return None
    return f"`--map {shlex.quote(f'{problem.input}={problem.near}')}` takes it from there."
