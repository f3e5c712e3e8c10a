"""Reads and checks the `.qvr` files that a command is given."""

from __future__ import annotations

from quivers.check.analysis import check_source
from quivers.check.program import Checked
from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT, program_text
from quivers.cli.output import refused
from quivers.configuration import Configuration, configuration_for, shown
from quivers.errors import QvrError
from quivers.records import record
from quivers.syntax.problems import Diagnostic


@record
class Model:
    """A file's name for messages, its text and what the checker finds in it.

    `diagnostics` are those of `checked` as the comments in the file and `configuration` want them shown.
    """

    name: str
    source: bytes
    checked: Checked
    configuration: Configuration
    diagnostics: tuple[Diagnostic, ...]


def checked_file(file: str) -> Model:
    """Read and check a file; RefusedError says why it cannot be read."""
    name, source = program_text(file)
    try:
        checked = check_source(source)
    except RecursionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} nests brackets too deeply to be read.") from None
    except QvrError as error:
        raise refused(name, NOT_A_PROGRAM, str(error)) from None
    if not (checked.objects or checked.programs or checked.occurrences or checked.diagnostics):
        raise refused(name, NOT_A_PROGRAM, f"{name} is empty: a model starts with its objects and a program.")
    configuration = configuration_for(None if file == STANDARD_INPUT else file)
    return Model(name, source, checked, configuration, shown(checked.diagnostics, source, configuration))
