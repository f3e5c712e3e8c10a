"""What a command is about: the model's text as it is now, one of its programs, and its data."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram
from quivers.configuration import configuration_for
from quivers.errors import QvrError
from quivers.syntax.document import decoded
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Severity
from qvr_server import from_lsp
from qvr_server.protocol import RequestFailed
from qvr_server.session import OpenDocument

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

Data = str | list[str] | dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Model:
    """The text that is run, as it was when the run was asked for."""

    uri: str
    name: str
    path: Path | None
    source: bytes
    checked: Checked
    opened: OpenDocument | None


async def model_of(server: QvrServer, uri: str) -> Model:
    """An open document's newest text, or else the file's; RequestFailed where there is neither."""
    if (opened := server.session.documents.get(uri)) is not None:
        await server.analyses.ready(opened)
        return Model(uri, opened.name, opened.path, opened.document.source, opened.checked, opened)
    path = from_lsp.path(uri)
    if path is None:
        raise RequestFailed(f"{uri} is neither open nor a file.")
    try:
        source = decoded(await asyncio.to_thread(path.read_bytes), str(path))
    except OSError as error:
        raise RequestFailed(f"{path} can't be read: {error.strerror or error}.") from None
    except QvrError as error:
        raise RequestFailed(str(error)) from None
    return Model(uri, str(path), path, source, await asyncio.to_thread(check_source, source), None)


def chosen_program(model: Model, name: str | None) -> CheckedProgram:
    """The program to run; refused, with the errors, where the file has any."""
    errors = [found for found in model.checked.diagnostics if found.severity is Severity.ERROR]
    if errors:
        lines = LineIndex(model.source)
        told = "\n".join(
            f"line {lines.position(found.span.start, Encoding.UTF8).line + 1}: {found.message}"
            for found in errors
        )
        what = name or "The model"
        raise RequestFailed(
            f"{what} can't run until its errors are mended.\n{told}", data={"kind": "program"}
        )
    program = model.checked.program_to_run(name)
    if program is None:
        what = f"program {name}" if name else "program to run"
        raise RequestFailed(f"{model.name} has no {what}.", data={"kind": "program"})
    return program


async def data_of(server: QvrServer, chosen: Data, model: Model) -> Data:
    """The data as the worker takes them: a whole path, values, or None where there are none to be had.

    They are what the command says, else the file of an earlier command, of the settings, of the project's
    configuration, or beside the model.
    """
    if isinstance(chosen, dict | list):
        return chosen
    if chosen is None and model.opened is not None and model.opened.data_path is not None:
        chosen = str(model.opened.data_path)
    if chosen is None:
        chosen = server.options.data.file
    if model.path is None:
        if chosen is None:
            return {}
        folder = Path(server.workspace.root_path or ".")
        return str((folder / Path(chosen).expanduser()).resolve())
    return await asyncio.to_thread(data_file, model.path, chosen)


def renames_of(model: Path | None) -> dict[str, str]:
    """The names of the data by those of a model, as its project's configuration has them."""
    return dict(configuration_for(model).renames)


def data_file(model: Path, chosen: str | None) -> str | list[str] | None:
    """The whole path of a model's data, of which `chosen` may name the file; None where there are none.

    It is a list of paths where the project's configuration has several.
    """
    from quivers.data import located

    found = located(model, chosen, configuration_for(model).data)
    if found.more:
        return [str(path.resolve()) for path in found.paths]
    return str(found.path.resolve()) if found.wanted or found.path.exists() else None
