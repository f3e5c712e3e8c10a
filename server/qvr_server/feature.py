"""What answers a request: its method, the function, and the options that `initialize` tells of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qvr_server.server import QvrServer


@dataclass(frozen=True, slots=True)
class Feature:
    """One method with the function that answers it, plain or asynchronous.

    The function of a `document` feature is called with the server, the open document that the parameters
    name, and the parameters; a request about a document that is not open, or not ours, is answered with null.
    Any other is called with the server and the parameters.
    """

    method: str
    answer: Callable[..., Any]
    options: Any = None
    document: bool = True

    def register(self, server: QvrServer) -> None:
        """Tell pygls of it."""
        server.feature(self.method, self.options)(self._of_document() if self.document else self.answer)

    def _of_document(self) -> Callable[..., Any]:
        answer = self.answer

        def answered(ls: QvrServer, params: Any) -> Any:
            opened = ls.session.documents.get(params.text_document.uri)
            return None if opened is None else answer(ls, opened, params)

        return answered
