"""Chooses the program of a file and fits its data to it, for the commands that need both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.program import CheckedProgram
from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT
from quivers.cli.output import MISUSE, RefusedError, refused
from quivers.cli.programs import Model
from quivers.errors import DataError, DataProblem
from quivers.syntax.problems import Severity

if TYPE_CHECKING:
    from quivers.data import Bound, Located

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
        raise refused(file, NOT_A_PROGRAM, f"{file} has no program `{wanted}`, only {known}.", status=MISUSE)
    return program


def data_for(
    given: str | None, program: CheckedProgram, model: Model, file: str, *, observed: bool = True
) -> tuple[dict[str, Any], str | None]:
    """The data's values and the file they come from, which is None where there is none to read.

    With `observed` false, what the program observes need not be among them.
    """
    from quivers.data import read

    found = _located(given, model, file)
    if found is None:
        return {}, None
    path = found.path
    if not found.wanted and not path.exists():
        wanted = [entry for entry in program.inputs if observed or not entry.observed]
        if not wanted:
            return {}, None
        names = ", ".join(f"`{entry.name}`" for entry in wanted)
        message = f"{path} does not exist: put {names} there, or name a file with --data."
        raise refused(str(path), NO_DATA_FILE, message)
    try:
        return read(path), str(path)
    except DataError as error:
        raise refused(str(path), error.problems[0].code, error.problems[0].message) from None


def doubts(given: str | None, model: Model, file: str) -> tuple[DataProblem, ...]:
    """What is doubtful about the choice of the data's file."""
    found = _located(given, model, file)
    return () if found is None else found.problems


def _located(given: str | None, model: Model, file: str) -> Located | None:
    """Where the data are; None for a model that is no file and has none given."""
    from quivers.data import Located, located

    if given is not None:
        return Located(Path(given), wanted=True)
    configured = model.configuration.data
    if file == STANDARD_INPUT:
        return None if configured is None else Located(configured, wanted=True)
    return located(Path(file), None, configured)


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
    from quivers.data import bind, diagnostics

    try:
        return bind(model.checked, program, data, require_observed=observed)
    except DataError as error:
        where = f"{data_name}: " if data_name else ""
        problems = [replace(problem, message=where + problem.message) for problem in error.problems]
        raise RefusedError(model.name, diagnostics(problems, program), model.source) from None
