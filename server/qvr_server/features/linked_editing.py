"""`textDocument/linkedEditingRange`: what `factor` and `scan` bind changes everywhere while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.linked_editing import WORD_PATTERN, linked_places
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def linked_editing_range(
    ls: QvrServer, opened: OpenDocument, params: types.LinkedEditingRangeParams
) -> types.LinkedEditingRanges | None:
    """The places that change with the name under the cursor while it is typed."""
    places = opened.places
    spans = linked_places(opened.checked, opened.document.source, places.offset(params.position))
    if not spans:
        return None
    return types.LinkedEditingRanges([places.range(span) for span in spans], WORD_PATTERN)


FEATURES = (Feature(types.TEXT_DOCUMENT_LINKED_EDITING_RANGE, linked_editing_range),)
