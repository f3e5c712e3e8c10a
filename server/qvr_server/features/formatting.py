"""`textDocument/formatting` and its like: a document, some ranges of it, or a line that was just begun.

The house layout leaves nothing open: blocks are indented by four columns, lines hold no blanks at their ends,
and a file ends with one line end. So a client's own options are not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lsprotocol import types

from quivers.ide.formatting import format_document, format_ranges
from quivers.ide.on_type import indentation
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def document(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentFormattingParams
) -> list[types.TextEdit]:
    """The edits of a whole document; a notebook's cell needs no line end at its end."""
    is_cell = urlsplit(opened.uri).scheme == "vscode-notebook-cell"
    edits = format_document(opened.document, opened.checked, final_line_end=not is_cell)
    return to_lsp.text_edits(edits, opened.places)


def within(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentRangeFormattingParams
) -> list[types.TextEdit]:
    """The edits of the steps and declarations that a range touches."""
    return _ranges(opened, [params.range])


def several(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentRangesFormattingParams
) -> list[types.TextEdit]:
    """The edits of the steps and declarations that some ranges touch."""
    return _ranges(opened, params.ranges)


def _ranges(opened: OpenDocument, ranges: Sequence[types.Range]) -> list[types.TextEdit]:
    places = opened.places
    return to_lsp.text_edits(format_ranges(opened.document, [places.span(each) for each in ranges]), places)


def on_type(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentOnTypeFormattingParams
) -> list[types.TextEdit]:
    """The indentation of the line that Enter has begun."""
    edit = indentation(opened.checked, opened.document, opened.places.offset(params.position))
    return to_lsp.text_edits([edit] if edit is not None else [], opened.places)


FEATURES = (
    Feature(types.TEXT_DOCUMENT_FORMATTING, document, whole=True),
    Feature(
        types.TEXT_DOCUMENT_RANGE_FORMATTING,
        within,
        types.DocumentRangeFormattingOptions(ranges_support=True),
        whole=True,
    ),
    Feature(types.TEXT_DOCUMENT_RANGES_FORMATTING, several, whole=True),
    Feature(
        types.TEXT_DOCUMENT_ON_TYPE_FORMATTING,
        on_type,
        types.DocumentOnTypeFormattingOptions(first_trigger_character="\n"),
    ),
)
