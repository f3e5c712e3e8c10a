"""`textDocument/hover`: what the name under the cursor is."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.hover import hover as hover_at
from quivers.ide.posteriors import paragraphs
from quivers.ide.runs import run_text
from quivers.records import replace
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def hover(ls: QvrServer, opened: OpenDocument, params: types.HoverParams) -> types.Hover | None:
    """The hover of a position; Markdown where the client reads it."""
    places = opened.places
    data = None if opened.facts is None else opened.facts.sentences
    offset = places.offset(params.position)
    found = hover_at(
        opened.checked, opened.document, offset, data=data, posteriors=_posteriors(ls, opened, offset)
    )
    if found is None:
        return None
    formats = ls.capability("text_document.hover.content_format") or ()
    content = to_lsp.markup([f"```qvr\n{found.signature}\n```", *found.notes], formats)
    return types.Hover(content, places.range(found.span))


def _posteriors(ls: QvrServer, opened: OpenDocument, offset: int) -> dict[str, str]:
    """What the last run says of the name at a place, if anything."""
    occurrence = opened.checked.occurrence_at(offset)
    if occurrence is None or occurrence.program is None:
        return {}
    found = ls.runs.posterior(opened, occurrence.program, occurrence.name)
    if found is None:
        return {}
    last = ls.runs.standings(opened).get(occurrence.program)
    if found.done is None and last is not None:
        told = run_text(last.result.answer["seed"], last.result.finished, time.time())
        found = replace(found, run=told)
    return {found.name: "\n\n".join(paragraphs(found))}


FEATURES = (Feature(types.TEXT_DOCUMENT_HOVER, hover),)
