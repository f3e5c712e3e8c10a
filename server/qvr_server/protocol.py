"""The language server protocol's rules about messages, where they go beyond what pygls keeps.

Every request is answered, whatever is wrong with it; text is kept by the session alone; a request that
was cancelled before its turn is not computed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import inspect
import json
import logging
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcRequestCancelled,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method

from qvr_server import from_lsp, notebooks

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

logger = logging.getLogger(__name__)

Command = Callable[[Sequence[Any] | None, "types.ProgressToken | None"], Awaitable[Any]]


class RequestFailed(JsonRpcException):
    """A request that is well formed and can't be done; the message is a sentence for the user."""

    CODE = -32803
    MESSAGE = "Request Failed"


class ServerCancelled(JsonRpcException):
    """A pull of diagnostics that is out of date before its answer is there: the client asks again."""

    CODE = -32802
    MESSAGE = "Server Cancelled"

    def __init__(self) -> None:
        super().__init__("The text changed before its check was done.", data={"retriggerRequest": True})


@dataclass(frozen=True, slots=True)
class Plain:
    """A result that is plain JSON already; large ones made so are sent much sooner than objects."""

    value: Any


@dataclass(frozen=True, slots=True)
class Encoded:
    """A result as it is sent, in ASCII."""

    json: bytes


class QvrProtocol(LanguageServerProtocol):
    """pygls' protocol with our own keeping of documents, life cycle and cancellation."""

    _server: QvrServer

    def __init__(self, server: QvrServer, converter: Any) -> None:
        super().__init__(server, converter)
        self._initialized = False
        self._cancelled_early: set[Any] = set()

    # ------------------------------------------------------------ life cycle

    def arrived(self, body: bytes) -> Any:
        """A message's JSON, or the error that it is none. Called on the reading thread."""
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            return JsonRpcParseError(f"This message is no JSON: {error}")
        if isinstance(message, dict) and message.get("method") == types.CANCEL_REQUEST:
            params = message.get("params")
            identity = params.get("id") if isinstance(params, dict) else None
            if isinstance(identity, int | str):
                self._cancelled_early.add(identity)
        return message

    def receive(self, message: Any) -> None:
        """Act on one message from `arrived`, on the event loop."""
        if isinstance(message, JsonRpcException):
            self._refuse(None, message)
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != self.VERSION:
            self._refuse(None, JsonRpcInvalidRequest("A message must be an object with jsonrpc 2.0."))
            return
        identity, method = message.get("id"), message.get("method")
        if not isinstance(identity, int | float | str | None):
            self._refuse(None, JsonRpcInvalidRequest("An id must be a number or text."))
            return
        if "method" in message and not isinstance(method, str):
            self._refuse(identity, JsonRpcInvalidRequest("A method's name must be text."))
            return
        if method is not None and (error := self._out_of_turn(identity, method)) is not None:
            if identity is not None:
                self._refuse(identity, error)
            return
        try:
            structured = self.structure_message(message)
        except Exception:
            if identity is not None and method is not None:
                self._refuse(
                    identity, JsonRpcInvalidParams(f"{method} can't be called with these parameters.")
                )
            elif method is None:
                self._unfit(identity)
            else:
                logger.error("a notification %s with parameters that don't fit was ignored", method)
            return
        self.handle_message(structured)

    def _unfit(self, identity: Any) -> None:
        """A client's answer that is none to what it was asked: whoever waits for it is told so."""
        future = self._request_futures.pop(identity, None)
        if future is not None and not future.done():
            future.set_exception(JsonRpcException("The client's answer does not fit what it was asked."))

    def _out_of_turn(self, identity: Any, method: str) -> JsonRpcException | None:
        """Why a message can't be acted on: its time is not now, it was cancelled, or nothing answers it."""
        if method == types.CANCEL_REQUEST:
            return None
        if identity is not None and identity in self._cancelled_early:
            return JsonRpcRequestCancelled("The request was cancelled before its turn.")
        if method == types.INITIALIZE:
            if self._initialized:
                return JsonRpcInvalidRequest("The server is initialized already.")
            self._initialized = True
        elif method != types.EXIT and not self._initialized:
            return JsonRpcServerNotInitialized("The first request must be initialize.")
        elif method != types.EXIT and self._shutdown:
            return JsonRpcInvalidRequest("The server is shut down; it only waits for exit.")
        if method not in self.fm.builtin_features and method not in self.fm.features:
            return JsonRpcMethodNotFound(f"There is no method {method}.")
        return None

    def _refuse(self, identity: Any, error: JsonRpcException) -> None:
        answer = {"code": error.code, "message": str(error.message)}
        if error.data is not None:
            answer["data"] = error.data
        self._send_data({"jsonrpc": self.VERSION, "id": identity, "error": answer})

    def _handle_cancel_notification(self, msg_id: Any) -> None:
        self._cancelled_early.discard(msg_id)
        if (future := self._request_futures.pop(msg_id, None)) is not None:
            future.cancel()

    def _execute_handler(
        self,
        msg_id: Any,
        handler: Callable[..., Any],
        callback: Callable[[Any], Any],
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Call a handler; one that gives an awaitable, whatever its kind, goes on as a task."""
        if inspect.isgeneratorfunction(handler):  # pygls' own
            super()._execute_handler(msg_id, handler, callback, args, kwargs)
            return
        future: Any = concurrent.futures.Future()
        try:
            result = handler(*(args or ()), **(kwargs or {}))
            if inspect.isawaitable(result):
                future = asyncio.ensure_future(result)
                self._request_futures[msg_id] = future
            else:
                future.set_result(result)
        except Exception as error:
            future.set_exception(error)
        future.add_done_callback(callback)

    def _send_handler_result(self, future: Any, *, msg_id: Any) -> None:
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            self._refuse(msg_id, JsonRpcRequestCancelled("The request was cancelled."))
            return
        error = future.exception()
        if error is None:
            self._answer(msg_id, future.result())
        elif isinstance(error, JsonRpcException):
            self._refuse(msg_id, error)
        else:
            logger.error("a request failed", exc_info=error)
            what = f"This failed, because of an error inside QVR: {type(error).__name__}: {error}"
            self._refuse(msg_id, JsonRpcInternalError(what))

    def _answer(self, identity: Any, result: Any) -> None:
        if not isinstance(result, Encoded):
            result = self.encoded(result)
        head = f'{{"jsonrpc":"{self.VERSION}","id":{json.dumps(identity)},"result":'
        self._write(head.encode(), result.json, b"}")

    def encoded(self, result: Any) -> Encoded:
        """A result as it is sent; for a large one a thread may do this beside the loop."""
        plain = result.value if isinstance(result, Plain) else self._converter.unstructure(result)
        return Encoded(json.dumps(plain, separators=(",", ":")).encode("ascii"))

    def tell(self, method: str, params: Encoded) -> None:
        """Send a notification whose parameters are encoded already."""
        head = f'{{"jsonrpc":"{self.VERSION}","method":"{method}","params":'
        self._write(head.encode(), params.json, b"}")

    def _write(self, *parts: bytes) -> None:
        if self.writer is not None:
            body = b"".join(parts)
            header = f"Content-Length: {len(body)}\r\n\r\n" if self._include_headers else ""
            self.writer.write(header.encode() + body)

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(self, params: types.InitializeParams) -> Any:
        """Choose UTF-8 where the client can, because the text is kept so, then as pygls does."""
        general = params.capabilities.general
        utf8 = types.PositionEncodingKind.Utf8
        if general is not None and utf8 in (general.position_encodings or ()):
            general.position_encodings = [utf8]
        answer = yield from super().lsp_initialize(params)
        if not self._server.pulls_diagnostics():
            answer.capabilities.diagnostic_provider = None
        return answer

    @lsp_method(types.EXIT)
    def lsp_exit(self, *_: Any) -> None:  # type: ignore[override]
        self._server.end(0 if self._shutdown else 1)

    # -------------------------------------------------------------- documents

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        if from_lsp.is_ours(opened.uri, opened.language_id):
            self._server.open_document(opened.uri, opened.version, opened.text)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        document = params.text_document
        self._server.change_document(document.uri, document.version, params.content_changes)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self._server.close_document(params.text_document.uri)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def lsp_notebook_document__did_open(self, params: types.DidOpenNotebookDocumentParams) -> None:
        notebooks.did_open(self._server, params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(self, params: types.DidChangeNotebookDocumentParams) -> None:
        notebooks.did_change(self._server, params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def lsp_notebook_document__did_close(self, params: types.DidCloseNotebookDocumentParams) -> None:
        notebooks.did_close(self._server, params)

    # --------------------------------------------------------------- commands

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: types.ExecuteCommandParams) -> Any:  # type: ignore[override]
        command: Command | None = self.fm.commands.get(params.command)
        if command is None:
            raise JsonRpcInvalidParams(f"There is no command {params.command}.")
        return await command(params.arguments, params.work_done_token)

    @lsp_method(types.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    def lsp_work_done_progress_cancel(self, params: types.WorkDoneProgressCancelParams) -> None:
        self._server.cancel_progress(params.token)


# -------------------------------------------------------------------- framing


def read_frames(reader: IO[bytes], receive: Callable[[bytes], object]) -> None:
    """Give each message's body to `receive` until the input ends; a header without a length is skipped."""
    with contextlib.suppress(OSError, ValueError, OverflowError, MemoryError):
        while line := reader.readline():
            length = -1
            while line.strip():
                name, _, value = line.partition(b":")
                if name.strip().lower() == b"content-length" and value.strip().isdigit():
                    length = int(value)
                line = reader.readline()
            if length >= 0:
                body = reader.read(length)
                if len(body) < length:
                    return
                receive(body)


class Writer:
    """Writes whole messages; a client that has gone ends the server instead of raising in a handler."""

    def __init__(self, stream: IO[bytes], gone: Callable[[], None]) -> None:
        self._stream = stream
        self._gone = gone
        self._lock = threading.Lock()

    def write(self, data: bytes) -> None:
        try:
            with self._lock:
                self._stream.write(data)
                self._stream.flush()
        except (OSError, ValueError):
            self._gone()

    def close(self) -> None:
        """The stream is the process's; it closes with it."""
