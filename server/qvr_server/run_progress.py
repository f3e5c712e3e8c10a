"""How a run is going, for the client that asked for it: work-done progress, and partial results."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from quivers.ide.runs import progress_text

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

SECONDS_BETWEEN_REPORTS = 0.1


class RunProgress:
    """Work-done progress of one run: on the request's own token, or on one the client lets us create.

    One token tells of all chains. Until the client has agreed to a token of ours, and for ever where it has
    no progress at all, reports are only remembered. `percentage` is how far the run is.
    """

    def __init__(self, server: QvrServer, title: str, given: types.ProgressToken | None, own: str) -> None:
        self._server = server
        self._title = title
        self._newest: dict[int, dict[str, Any]] = {}
        self._reported = 0.0
        self._begun = self._ended = False
        self.percentage = 0
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
        if self._ended or now - self._reported < SECONDS_BETWEEN_REPORTS:
            return
        self._reported = now
        self.percentage, message = progress_text(list(self._newest.values()))
        if self._begun:
            self._send(types.WorkDoneProgressReport(message=message, percentage=self.percentage))

    def end(self, message: str) -> None:
        self._ended = True
        if self._begun:
            self._send(types.WorkDoneProgressEnd(message=message))

    def _send(self, value: Any) -> None:
        self._server.progress(types.ProgressParams(self.token, value))
