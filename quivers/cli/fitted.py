"""Chooses the program of a file and fits its data to it, for the commands that need both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.program import CheckedProgram
from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT
from quivers.cli.output import MISUSE, RefusedError, refused
from quivers.cli.programs import Model
from quivers.errors import DataError
from quivers.syntax.problems import Severity

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
        raise refused(file, NOT_A_PROGRAM, f"{file} has no program `{wanted}`, only {known}.", status=MISUSE)
    return program


def data_for(given: str | None, program: CheckedProgram, file: str) -> tuple[dict[str, Any], str | None]:
    """The data's values and the file they come from, which is None where there is none to read."""
    from quivers.data import default_path, read

    if given is None and file == STANDARD_INPUT:
        return {}, None
    path = default_path(Path(file)) if given is None else Path(given)
    if given is None and not path.exists():
        if not program.inputs:
            return {}, None
        names = ", ".join(f"`{entry.name}`" for entry in program.inputs)
        message = f"{path} does not exist: put {names} there, or name a file with --data."
        raise refused(str(path), NO_DATA_FILE, message)
    try:
        return read(path), str(path)
    except DataError as error:
        raise refused(str(path), error.problems[0].code, error.problems[0].message) from None


def fitted(model: Model, program: CheckedProgram, data: dict[str, Any], data_name: str | None) -> Bound:
    """The data fitted to the program; each misfit tells the data's file and shows the program's line."""
    from quivers.data import bind, diagnostics

    try:
        return bind(model.checked, program, data)
    except DataError as error:
        where = f"{data_name}: " if data_name else ""
        problems = [replace(problem, message=where + problem.message) for problem in error.problems]
        raise RefusedError(model.name, diagnostics(problems, program), model.source) from None
