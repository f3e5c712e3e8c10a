"""`textDocument/hover`: what the name under the cursor is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.hover import hover as hover_at
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def hover(ls: QvrServer, opened: OpenDocument, params: types.HoverParams) -> types.Hover | None:
    """The hover of a position; Markdown where the client reads it."""
    places = opened.places
    found = hover_at(opened.checked, opened.document, places.offset(params.position))
    if found is None:
        return None
    formats = ls.capability("text_document.hover.content_format") or ()
    content = to_lsp.markup([f"```qvr\n{found.signature}\n```", *found.notes], formats)
    return types.Hover(content, places.range(found.span))


FEATURES = (Feature(types.TEXT_DOCUMENT_HOVER, hover),)
