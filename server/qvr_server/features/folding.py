"""`textDocument/foldingRange`: what can be folded away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.folding import Fold, Kind, folds
from qvr_server.feature import Feature
from qvr_server.places import Places

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

_KINDS = {
    Kind.COMMENT: types.FoldingRangeKind.Comment,
    Kind.REGION: types.FoldingRangeKind.Region,
}


def folding_range(
    ls: QvrServer, opened: OpenDocument, params: types.FoldingRangeParams
) -> list[types.FoldingRange]:
    """A document's folds; of whole lines, and only so many, where the client wants that."""
    client = ls.capability("text_document.folding_range")
    whole_lines = bool(client and client.line_folding_only)
    limit = client.range_limit if client and client.range_limit is not None else None
    found = folds(opened.checked, opened.document)
    if limit is not None and len(found) > limit:
        kept = sorted(found, key=lambda fold: (fold.kind.value, fold.span.start))[: max(limit, 0)]
        found = sorted(kept, key=lambda fold: (fold.span.start, -fold.span.end))
    ranges = (_range(fold, opened.places, whole_lines=whole_lines) for fold in found)
    return [each for each in ranges if each.end_line > each.start_line]


def _range(fold: Fold, places: Places, *, whole_lines: bool) -> types.FoldingRange:
    place = places.range(fold.span)
    kind = _KINDS.get(fold.kind)
    if whole_lines:  # the last line is hidden too, so a closing bracket's is left out
        last = place.end.line - 1 if fold.keeps_last_line else place.end.line
        return types.FoldingRange(start_line=place.start.line, end_line=last, kind=kind)
    return types.FoldingRange(
        start_line=place.start.line,
        start_character=place.start.character,
        end_line=place.end.line,
        end_character=place.end.character,
        kind=kind,
    )


FEATURES = (Feature(types.TEXT_DOCUMENT_FOLDING_RANGE, folding_range, whole=True),)
