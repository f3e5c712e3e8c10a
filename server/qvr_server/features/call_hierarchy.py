"""`textDocument/prepareCallHierarchy` and its two directions: who a variable depends on, and who on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.check.program import Checked, Role
from quivers.ide import call_hierarchy as hierarchy
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.places import Places
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

Direction = Callable[[Checked, int], tuple[hierarchy.Link, ...]]

# As in other languages: what is drawn or made is a variable or a constant, what comes from outside a field.
_KINDS = {
    Role.OBJECT: types.SymbolKind.Enum,
    Role.PROGRAM: types.SymbolKind.Function,
    Role.INPUT: types.SymbolKind.Field,
    Role.OBSERVED: types.SymbolKind.Field,
    Role.DATA: types.SymbolKind.Field,
    Role.LET: types.SymbolKind.Constant,
}


def prepare(
    ls: QvrServer, opened: OpenDocument, params: types.CallHierarchyPrepareParams
) -> list[types.CallHierarchyItem] | None:
    """The variable, object or program under the cursor."""
    places = opened.places
    found = hierarchy.item_at(opened.checked, places.offset(params.position))
    return None if found is None else [_item(found, places)]


async def incoming(
    ls: QvrServer, params: types.CallHierarchyIncomingCallsParams
) -> list[types.CallHierarchyIncomingCall] | None:
    """What uses the item in its definition; the ranges are those uses."""
    found = await _links(ls, params.item, hierarchy.incoming)
    if found is None:
        return None
    return [types.CallHierarchyIncomingCall(item, ranges) for item, ranges in found]


async def outgoing(
    ls: QvrServer, params: types.CallHierarchyOutgoingCallsParams
) -> list[types.CallHierarchyOutgoingCall] | None:
    """What the item's definition uses; the ranges are those uses."""
    found = await _links(ls, params.item, hierarchy.outgoing)
    if found is None:
        return None
    return [types.CallHierarchyOutgoingCall(item, ranges) for item, ranges in found]


async def _links(
    ls: QvrServer, item: types.CallHierarchyItem, direction: Direction
) -> list[tuple[types.CallHierarchyItem, list[types.Range]]] | None:
    """The links of an item one way, found beside the loop where the text is large."""
    opened = ls.session.documents.get(item.uri)
    if opened is None or (offset := _place(opened, item)) is None:
        return None
    places, checked = opened.places, opened.checked
    if opened.is_large:
        links = await asyncio.to_thread(direction, checked, offset)
    else:
        links = direction(checked, offset)
    return [(_item(link.item, places), [places.range(span) for span in link.places]) for link in links]


def _place(opened: OpenDocument, item: types.CallHierarchyItem) -> int | None:
    """Where an item that was given out stands; None where an edit has put something else there."""
    offset = opened.places.offset(item.selection_range.start)
    found = hierarchy.item_at(opened.checked, offset)
    return offset if found is not None and found.name == item.name else None


def _item(found: hierarchy.Item, places: Places) -> types.CallHierarchyItem:
    """An item as the client shows it; of a program's parameters, those that are objects have no type."""
    kind = _KINDS.get(found.role, types.SymbolKind.Variable)
    if found.role is Role.PARAMETER and not found.detail:
        kind = types.SymbolKind.TypeParameter
    return types.CallHierarchyItem(
        name=found.name,
        kind=kind,
        uri=places.uri,
        range=places.range(found.target.whole),
        selection_range=places.range(found.target.name),
        detail=found.detail or None,
    )


FEATURES = (
    Feature(types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY, prepare),
    Feature(types.CALL_HIERARCHY_INCOMING_CALLS, incoming, document=False),
    Feature(types.CALL_HIERARCHY_OUTGOING_CALLS, outgoing, document=False),
)
