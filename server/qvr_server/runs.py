"""`qvr.run` and `qvr.cancelRun`: a program sampled in the worker, for any client that has commands."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams, JsonRpcRequestCancelled

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram
from quivers.errors import DataProblem, QvrError
from quivers.syntax.document import decoded
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Severity
from qvr_server import from_lsp, to_lsp
from qvr_server.protocol import Command, RequestFailed
from qvr_server.session import DataVerdict, OpenDocument
from qvr_server.worker_process import RunError, WorkerProcess

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_REPORTS = 0.1


@dataclass(frozen=True, slots=True)
class Model:
    """The text that is run, as it was when the run was asked for."""

    name: str
    path: Path | None
    source: bytes
    checked: Checked
    opened: OpenDocument | None


@dataclass(slots=True)
class Running:
    """A run under way."""

    uri: str
    task: asyncio.Task[Any]
    progress: RunProgress


class Runs:
    """The runs under way. A run is one task; cancelling the task, from wherever, stops the run."""

    def __init__(self, server: QvrServer, worker: WorkerProcess) -> None:
        self._server = server
        self._worker = worker
        self._running: dict[int, Running] = {}
        self._numbers = itertools.count(1)

    def run_command(self) -> Command:
        async def run(arguments: Sequence[Any] | None, token: types.ProgressToken | None) -> dict[str, Any]:
            return await self.run(arguments, token)

        return run

    def cancel_command(self) -> Command:
        async def cancel_run(
            arguments: Sequence[Any] | None, _: types.ProgressToken | None
        ) -> dict[str, int]:
            try:
                return {"cancelled": self.cancel(from_lsp.cancel_command(arguments))}
            except ValueError as error:
                raise JsonRpcInvalidParams(str(error)) from None

        return cancel_run

    async def run(self, arguments: Sequence[Any] | None, token: types.ProgressToken | None) -> dict[str, Any]:
        """The summary of the run that a `qvr.run` asks for, or an error with a sentence for the user."""
        try:
            command = from_lsp.run_command(arguments, self._server.options.run)
        except ValueError as error:
            raise JsonRpcInvalidParams(str(error)) from None
        model = await self._model(command.uri)
        program = chosen_program(model, command.program)
        data = self._data(command, model)
        params = {
            "source": model.source.decode(),
            "name": model.name,
            "program": program.name,
            "data": data,
            "settings": command.settings,
        }
        task = asyncio.current_task()
        assert task is not None
        number = next(self._numbers)
        progress = RunProgress(self._server, f"Sampling {program.name}", token, f"qvr-run-{number}")
        self._running[number] = Running(command.uri, task, progress)
        ending = "failed"
        try:
            summary = await self._worker.run(params, progress.report)
            ending = to_lsp.result_message(summary)
        except asyncio.CancelledError:
            ending = "cancelled"
            raise JsonRpcRequestCancelled("The run was cancelled.") from None
        except RunError as failure:
            if failure.kind == "data":
                self._judge(model, program, data, failure)
            raise _refusal(failure) from None
        finally:
            del self._running[number]
            progress.end(ending)
        self._judge(model, program, data, None)
        return summary

    def cancel(self, uri: str | None) -> int:
        """Stop the runs of one model, or all; how many there were."""
        stopped = [each for each in self._running.values() if uri is None or each.uri == uri]
        for each in stopped:
            each.task.cancel()
        return len(stopped)

    def cancel_progress(self, token: types.ProgressToken) -> None:
        for each in list(self._running.values()):
            if each.progress.token == token:
                each.task.cancel()

    async def _model(self, uri: str) -> Model:
        """An open document's newest text, or else the file's."""
        if (opened := self._server.session.documents.get(uri)) is not None:
            return Model(opened.name, opened.path, opened.document.source, opened.checked, opened)
        path = from_lsp.path(uri)
        if path is None:
            raise RequestFailed(f"{uri} is neither open nor a file.")
        try:
            source = decoded(await asyncio.to_thread(path.read_bytes), str(path))
        except OSError as error:
            raise RequestFailed(f"{path} can't be read: {error.strerror or error}.") from None
        except QvrError as error:
            raise RequestFailed(str(error)) from None
        return Model(str(path), path, source, check_source(source), None)

    def _data(self, command: from_lsp.RunCommand, model: Model) -> str | dict[str, Any] | None:
        """The data as the worker takes them: a whole path, values, or None for the file beside the model."""
        chosen = command.data
        if chosen is None and model.opened is not None and model.opened.data_path is not None:
            chosen = str(model.opened.data_path)
        if chosen is None:
            return {} if model.path is None else None
        if isinstance(chosen, dict):
            return chosen
        root = self._server.workspace.root_path
        folder = model.path.parent if model.path is not None else Path(root or ".")
        return str((folder / chosen).resolve())

    def _judge(
        self,
        model: Model,
        program: CheckedProgram,
        data: str | dict[str, Any] | None,
        failure: RunError | None,
    ) -> None:
        """Keep with the open document what the run found of its data, and which file they came from."""
        opened = model.opened
        if opened is None or self._server.session.documents.get(opened.uri) is not opened:
            return
        if isinstance(data, str):
            opened.data_path = Path(data)
        problems = () if failure is None else tuple(DataProblem(**problem) for problem in failure.problems)
        self._server.judge(opened, DataVerdict(program.name, problems, isinstance(data, dict)))


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


def _refusal(failure: RunError) -> JsonRpcException:
    data: dict[str, Any] = {"kind": failure.kind}
    if failure.problems:
        data["problems"] = list(failure.problems)
    if failure.kind == "cancelled":
        return JsonRpcRequestCancelled("The run was cancelled.")
    return RequestFailed(str(failure), data=data)


class RunProgress:
    """Work-done progress of one run: on the request's own token, or on one the client lets us create.

    Until the client has agreed to a token of ours, and for ever where it has no progress at all,
    reports are only remembered.
    """

    def __init__(self, server: QvrServer, title: str, given: types.ProgressToken | None, own: str) -> None:
        self._server = server
        self._title = title
        self._newest: dict[int, dict[str, Any]] = {}
        self._reported = 0.0
        self._begun = self._ended = False
        self.token = given if given is not None else own
        if given is not None:
            self._begin()
        elif server.client_supports("window.work_done_progress"):
            server.spawn(self._create())

    async def _create(self) -> None:
        params = types.WorkDoneProgressCreateParams(self.token)
        with contextlib.suppress(JsonRpcException):
            await self._server.window_work_done_progress_create_async(params)
            if not self._ended:
                self._begin()

    def _begin(self) -> None:
        self._begun = True
        self._send(types.WorkDoneProgressBegin(self._title, cancellable=True, percentage=0))

    def report(self, params: dict[str, Any]) -> None:
        """Take one chain's report, and pass on how far all are when it is time to."""
        self._newest[params["chain"]] = params
        now = time.monotonic()
        if self._begun and not self._ended and now - self._reported >= SECONDS_BETWEEN_REPORTS:
            self._reported = now
            percentage, message = to_lsp.sampling_message(list(self._newest.values()))
            self._send(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str) -> None:
        self._ended = True
        if self._begun:
            self._send(types.WorkDoneProgressEnd(message=message))

    def _send(self, value: Any) -> None:
        self._server.progress(types.ProgressParams(self.token, value))
