"""What clients ask for through `workspace/executeCommand`: each command with the function that answers it.

Arguments and answers are plain JSON. A refusal is an error answer whose message is a sentence for the user.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from qvr_server import commands_arguments
from qvr_server.commands_debug import debug_info
from qvr_server.commands_plate import plate
from qvr_server.commands_report import open_report
from qvr_server.protocol import Plain, RequestFailed
from qvr_server.worker_process import RunError

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

Token = types.ProgressToken | None
Answer = Callable[["QvrServer", Mapping[str, Any], Token], Awaitable[Any]]


async def run(ls: QvrServer, arguments: Mapping[str, Any], token: Token) -> dict[str, Any]:
    """`qvr.run`: the posterior of a program, as `qvr run --output-format json` writes it, and its sites."""
    return await ls.runs.run(arguments, token)


async def cancel_run(ls: QvrServer, arguments: Mapping[str, Any], _: Token) -> dict[str, int]:
    """`qvr.cancelRun`: how many runs it stopped."""
    return {"cancelled": ls.runs.cancel(arguments.get("uri"), arguments.get("program"))}


async def prior_predictive(ls: QvrServer, arguments: Mapping[str, Any], _: Token) -> dict[str, Any]:
    """`qvr.priorPredictive`: draws from a program's prior, and of what it would observe, in figures."""
    return await ls.runs.prior_predictive(arguments)


async def show_result(ls: QvrServer, arguments: Mapping[str, Any], _: Token) -> dict[str, Any]:
    """`qvr.showResult`: the last result of a program under the names of now, and whether it is stale."""
    last = await ls.runs.last(arguments["uri"], arguments.get("program"))
    reasons = [
        *(["model"] if last.model_changed else []),
        *(["data"] if last.result.data_changed else []),
    ]
    file = last.result.data.file
    return {
        "uri": last.result.uri,
        "program": last.program,
        "finished": last.finished,
        "stale": last.stale,
        "changed": reasons,
        "data": None if file is None else str(file),
        "result": last.answer(),
    }


async def trace(ls: QvrServer, arguments: Mapping[str, Any], _: Token) -> dict[str, Any]:
    """`qvr.trace`: one number's draws by chain, thinned, with those that diverged."""
    uri, program = arguments["uri"], arguments.get("program")
    return await ls.runs.trace(uri, program, arguments["site"], arguments.get("index", []))


async def restart_worker(ls: QvrServer, _: Mapping[str, Any], __: Token) -> dict[str, Any]:
    """`qvr.restartWorker`: a fresh worker; runs under way fail with a sentence."""
    ls.runs.check_trust()
    try:
        await ls.worker.restart()
    except RunError as failure:
        raise RequestFailed(str(failure), data={"kind": failure.kind}) from None
    return {"processId": ls.worker.process_id}


COMMANDS: Mapping[str, Answer] = {
    "qvr.run": run,
    "qvr.cancelRun": cancel_run,
    "qvr.priorPredictive": prior_predictive,
    "qvr.openReport": open_report,
    "qvr.showResult": show_result,
    "qvr.trace": trace,
    "qvr.plate": plate,
    "qvr.restartWorker": restart_worker,
    "qvr.debugInfo": debug_info,
}


def register(server: QvrServer) -> None:
    """Tell pygls of the commands, which `initialize` then lists."""
    for name, answer in COMMANDS.items():
        server.command(name)(_checked(server, name, answer))


def _checked(server: QvrServer, name: str, answer: Answer) -> Callable[..., Awaitable[Any]]:
    async def execute(given: Sequence[Any] | None, token: Token) -> Plain:
        try:
            arguments = commands_arguments.read(name, given)
        except ValueError as error:
            raise JsonRpcInvalidParams(str(error)) from None
        return Plain(await answer(server, arguments, token))

    return execute
