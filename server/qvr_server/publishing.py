"""How a document's problems reach the client: pushed after each check, or pulled by a client that can.

A client that pulls is never pushed to; it would show everything twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.syntax.problems import Diagnostic
from qvr_server import to_lsp
from qvr_server.places import Places

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def after_check(ls: QvrServer, opened: OpenDocument) -> None:
    """Push what the check of a new text found; a client that pulls asks by itself."""
    if not pulls(ls):
        push(ls, opened)


def after_news(ls: QvrServer, opened: OpenDocument) -> None:
    """Show problems that came without an edit, such as those of data that were written anew."""
    if not pulls(ls):
        push(ls, opened)
    elif ls.client_supports("workspace.diagnostics.refresh_support"):
        ls.workspace_diagnostic_refresh(None)


def after_close(ls: QvrServer, uri: str) -> None:
    """Take a closed document's problems away."""
    if not pulls(ls):
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def push(ls: QvrServer, opened: OpenDocument) -> None:
    """Send everything that is wrong with a document's newest text, with its version."""
    items = lsp_diagnostics(ls, opened.diagnostics(), opened.places)
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(opened.uri, items, opened.version))


def pulls(ls: QvrServer) -> bool:
    """Whether the client asks for problems itself."""
    return ls.capability("text_document.diagnostic") is not None


def lsp_diagnostics(ls: QvrServer, found: Iterable[Diagnostic], places: Places) -> list[types.Diagnostic]:
    """Problems in the protocol's terms, as far as the client shows what they hold."""
    kind = "diagnostic" if pulls(ls) else "publish_diagnostics"
    related = ls.client_supports(f"text_document.{kind}.related_information")
    tags = ls.capability(f"text_document.{kind}.tag_support") is not None
    return [to_lsp.diagnostic(each, places, related=related, tags=tags) for each in found]
