"""`textDocument/documentLink`: addresses in comments, and the file of the data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.uris import from_fs_path

from quivers.ide.document_links import document_links
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def document_link(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentLinkParams
) -> list[types.DocumentLink]:
    """A document's links. Which file holds the data is looked up when its link is followed."""
    path = _data_file(ls, opened)
    tooltips = bool(ls.capability("text_document.document_link.tooltip_support"))
    places = opened.places
    return [
        types.DocumentLink(
            range=places.range(link.span),
            target=link.target,
            tooltip=link.tooltip if tooltips else None,
            data={"uri": opened.uri} if link.target is None else None,
        )
        for link in document_links(opened.checked, opened.document, path.name if path is not None else None)
    ]


def resolve(ls: QvrServer, link: types.DocumentLink) -> types.DocumentLink:
    """The link to the data with the file that they are in now; any other, and one of no file, as it is."""
    uri: Any = link.data.get("uri") if isinstance(link.data, dict) else None
    opened = ls.session.documents.get(uri) if isinstance(uri, str) else None
    path = _data_file(ls, opened) if opened is not None else None
    if link.target is None and path is not None:
        link.target = from_fs_path(str(path))
    return link


def _data_file(ls: QvrServer, opened: OpenDocument) -> Path | None:
    """The file that the document was held against; before that, and without that, the one beside it."""
    if opened.path is None:
        return None
    found = ls.data.file(opened.uri)
    if found is not None:
        return found
    beside = opened.data_path or opened.path.with_suffix(".data.json")
    return beside if beside.is_file() else None


FEATURES = (
    Feature(types.TEXT_DOCUMENT_DOCUMENT_LINK, document_link, whole=True),
    Feature(types.DOCUMENT_LINK_RESOLVE, resolve, document=False),
)
