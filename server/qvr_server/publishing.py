"""How a document's problems reach the client: pushed after each check, or pulled by a client that can.

A client that pulls is never pushed to; it would show everything twice. One that pulls after edits alone, and
can't be asked to pull again, would never hear of what a run or the data bring, so it is pushed to instead.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.syntax.problems import Diagnostic
from qvr_server import to_lsp
from qvr_server.places import Places
from qvr_server.protocol import Encoded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

# To put more problems than this in the protocol's terms would hold the loop up.
MANY = 60


def after_check(ls: QvrServer, opened: OpenDocument) -> None:
    """Push what the check of a new text found; a client that pulls asks by itself."""
    if not ls.pulls_diagnostics():
        push(ls, opened)


def after_news(ls: QvrServer, opened: OpenDocument) -> None:
    """Show problems that came without an edit, such as those of data that were written anew."""
    if ls.pulls_diagnostics():
        ls.workspace_diagnostic_refresh(None)
    else:
        push(ls, opened)


def after_close(ls: QvrServer, uri: str) -> None:
    """Take a closed document's problems away."""
    if not ls.pulls_diagnostics():
        ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def push(ls: QvrServer, opened: OpenDocument) -> None:
    """Send everything that is wrong with a document's newest text, with its version."""
    found = opened.diagnostics()
    if len(found) > MANY:
        ls.spawn(_push_beside(ls, opened, found))
        return
    items = lsp_diagnostics(ls, found, opened.places)
    ls.text_document_publish_diagnostics(types.PublishDiagnosticsParams(opened.uri, items, opened.version))


async def _push_beside(ls: QvrServer, opened: OpenDocument, found: tuple[Diagnostic, ...]) -> None:
    """Send many problems, put together on another thread, unless the text has changed by then."""
    version, places = opened.version, opened.places

    def encoded() -> Encoded:
        items = lsp_diagnostics(ls, found, places)
        return ls.protocol.encoded(types.PublishDiagnosticsParams(opened.uri, items, version))

    params = await asyncio.to_thread(encoded)
    if opened.version == version and not opened.is_closed:
        ls.protocol.tell(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, params)


def lsp_diagnostics(ls: QvrServer, found: Iterable[Diagnostic], places: Places) -> list[types.Diagnostic]:
    """Problems in the protocol's terms, as far as the client shows what they hold."""
    kind = "diagnostic" if ls.pulls_diagnostics() else "publish_diagnostics"
    related = ls.client_supports(f"text_document.{kind}.related_information")
    tags = ls.capability(f"text_document.{kind}.tag_support") is not None
    return [to_lsp.diagnostic(each, places, related=related, tags=tags) for each in found]
