"""`textDocument/inlayHint`: types, sizes, inputs and posteriors between the words of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.ide import posteriors
from quivers.ide.hover import hover
from quivers.ide.inlay_hints import Hint, Kind, Wanted, inlay_hints
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

_KINDS = {Kind.TYPE: types.InlayHintKind.Type, Kind.SIZE: types.InlayHintKind.Type}


def inlay_hint(ls: QvrServer, opened: OpenDocument, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The hints in a range that the options ask for; what they mean is worked out when one is pointed at."""
    options = ls.options.inlay_hints
    wanted = Wanted(
        types=options.types,
        inputs=options.inputs,
        sizes=opened.facts.sizes if options.sizes and opened.facts is not None else {},
        posteriors=_posteriors(ls, opened) if options.posteriors else {},
    )
    span = opened.places.span(params.range)
    return [_hint(hint, opened) for hint in inlay_hints(opened.checked, opened.document, span, wanted)]


def _posteriors(ls: QvrServer, opened: OpenDocument) -> dict[tuple[str, str], str]:
    return {key: posteriors.text(entry) for key, entry in ls.runs.posteriors(opened).items()}


def _hint(hint: Hint, opened: OpenDocument) -> types.InlayHint:
    places = opened.places
    label: str | list[types.InlayHintLabelPart] = hint.text
    if any(part.declared is not None for part in hint.parts):
        label = [
            types.InlayHintLabelPart(
                value=part.text,
                location=places.location(part.declared) if part.declared is not None else None,
            )
            for part in hint.parts
        ]
    return types.InlayHint(
        position=places.position(hint.offset),
        label=label,
        kind=_KINDS.get(hint.kind),
        text_edits=to_lsp.text_edits([hint.edit], places) if hint.edit is not None else None,
        padding_left=hint.blank or None,
        data=None
        if hint.about is None
        else {"uri": opened.uri, "version": opened.version, "about": hint.about},
    )


def resolve(ls: QvrServer, hint: types.InlayHint) -> types.InlayHint:
    """The hint with what it tells about; as it is where the text has changed since."""
    data: Any = hint.data if isinstance(hint.data, dict) else {}
    uri, about = data.get("uri"), data.get("about")
    opened = ls.session.documents.get(uri) if isinstance(uri, str) else None
    if opened is None or opened.version != data.get("version") or not isinstance(about, int):
        return hint
    found = hover(opened.checked, opened.document, about)
    if found is not None:
        formats = ls.capability("text_document.hover.content_format") or ()
        hint.tooltip = to_lsp.markup([f"```qvr\n{found.signature}\n```", *found.notes], formats)
    return hint


FEATURES = (
    Feature(types.TEXT_DOCUMENT_INLAY_HINT, inlay_hint, whole=True),
    Feature(types.INLAY_HINT_RESOLVE, resolve, document=False),
)
