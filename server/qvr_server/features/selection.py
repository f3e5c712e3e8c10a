"""`textDocument/selectionRange`: what a growing selection takes in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.selection import selection
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def selection_range(
    ls: QvrServer, opened: OpenDocument, params: types.SelectionRangeParams
) -> list[types.SelectionRange]:
    """For each position its selections, the innermost first; where there is no text, an empty one."""
    places = opened.places
    found: list[types.SelectionRange] = []
    for position in params.positions:
        offset = places.offset(position)
        here: types.SelectionRange | None = None
        for span in reversed(selection(opened.checked, opened.document, offset)):
            here = types.SelectionRange(range=places.range(span), parent=here)
        if here is None:
            place = places.position(offset)
            here = types.SelectionRange(range=types.Range(place, place))
        found.append(here)
    return found


FEATURES = (Feature(types.TEXT_DOCUMENT_SELECTION_RANGE, selection_range),)
