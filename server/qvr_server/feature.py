"""What answers a request: its method, the function, and the options that `initialize` tells of it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcContentModified

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


@dataclass(frozen=True, slots=True)
class Feature:
    """One method with the function that answers it, plain or asynchronous.

    The function of a `document` feature is called with the server, the open document that the parameters
    name, and the parameters; a request about a document that is not open, or not ours, is answered with null.
    It is called once the document is checked, and not at all where the text changed before that. An answer
    about the `whole` text, or a large part of it, is worked out on another thread where the text is large,
    from a snapshot.
    Any other function is called with the server and the parameters.
    """

    method: str
    answer: Callable[..., Any]
    options: Any = None
    document: bool = True
    whole: bool = False

    def register(self, server: QvrServer) -> None:
        """Tell pygls of it."""
        server.feature(self.method, self.options)(self._answering() if self.document else self.answer)

    def _answering(self) -> Callable[..., Any]:
        def answering(ls: QvrServer, params: Any) -> Any:
            return self._of_document(ls, params)

        return answering

    def _of_document(self, ls: QvrServer, params: Any) -> Any:
        opened = ls.session.documents.get(params.text_document.uri)
        if opened is None:
            return None
        if opened.is_checked and not self._takes_long(opened):
            return self.answer(ls, opened, params)
        return self._in_time(ls, opened, opened.version, params)

    def _takes_long(self, opened: OpenDocument) -> bool:
        return self.whole and opened.is_large

    async def _in_time(self, ls: QvrServer, opened: OpenDocument, version: int, params: Any) -> Any:
        await ls.analyses.ready(opened)
        _refuse_old(opened, version)
        if not self._takes_long(opened):
            found = self.answer(ls, opened, params)
            return await found if inspect.isawaitable(found) else found
        found = await asyncio.to_thread(self._encoded, ls, opened.snapshot(), params)
        _refuse_old(opened, version)
        return found

    def _encoded(self, ls: QvrServer, opened: OpenDocument, params: Any) -> Any:
        return ls.protocol.encoded(self.answer(ls, opened, params))


def _refuse_old(opened: OpenDocument, version: int) -> None:
    if opened.version != version or opened.is_closed:
        raise JsonRpcContentModified("The text changed before the answer was there.")
