"""`textDocument/definition` and its kin: where a name is bound, what it runs over, where else it stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.definition import Symbol, Target
from quivers.ide.definition import definition as definition_at
from quivers.ide.definition import type_definition as type_definition_at
from quivers.ide.references import references as references_at
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.places import Places
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

Answer = list[types.Location] | list[types.LocationLink]
Asking = types.DefinitionParams | types.DeclarationParams


def _to_binding(capability: str) -> Callable[[QvrServer, OpenDocument, Asking], Answer | None]:
    """The answer to `definition` and to `declaration`, which are one in QVR: a name is bound in one place."""

    def answer(ls: QvrServer, opened: OpenDocument, params: Asking) -> Answer | None:
        places = opened.places
        found = definition_at(opened.checked, places.offset(params.position))
        if found is None:
            return None
        symbol, target = found
        return _answer(places, symbol, [target], links=ls.client_supports(capability))

    return answer


def type_definition(ls: QvrServer, opened: OpenDocument, params: types.TypeDefinitionParams) -> Answer | None:
    """The objects that a name's values run over."""
    places = opened.places
    found = type_definition_at(opened.checked, places.offset(params.position))
    if found is None:
        return None
    links = ls.client_supports("text_document.type_definition.link_support")
    return _answer(places, *found, links=links)


def _answer(places: Places, symbol: Symbol, targets: Sequence[Target], *, links: bool) -> Answer:
    """Links, which show what binds the name and underline the one clicked at, where the client takes them."""
    if not links:
        return [places.location(target.name) for target in targets]
    origin = places.range(symbol.here)
    return [
        types.LocationLink(
            target_uri=places.uri,
            target_range=places.range(target.whole),
            target_selection_range=places.range(target.name),
            origin_selection_range=origin,
        )
        for target in targets
    ]


def references(ls: QvrServer, opened: OpenDocument, params: types.ReferenceParams) -> list[types.Location]:
    """Every place of a name; those that bind it are left out where the client wants no declaration."""
    places = opened.places
    return [
        places.location(reference.span)
        for reference in references_at(opened.checked, places.offset(params.position))
        if params.context.include_declaration or not reference.binds
    ]


def document_highlight(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentHighlightParams
) -> list[types.DocumentHighlight]:
    """Every place of a name: written where it is bound or observed, read elsewhere."""
    places = opened.places
    kinds = types.DocumentHighlightKind
    return [
        types.DocumentHighlight(places.range(reference.span), kinds.Write if reference.writes else kinds.Read)
        for reference in references_at(opened.checked, places.offset(params.position))
    ]


FEATURES = (
    Feature(types.TEXT_DOCUMENT_DEFINITION, _to_binding("text_document.definition.link_support")),
    Feature(types.TEXT_DOCUMENT_DECLARATION, _to_binding("text_document.declaration.link_support")),
    Feature(types.TEXT_DOCUMENT_TYPE_DEFINITION, type_definition),
    Feature(types.TEXT_DOCUMENT_REFERENCES, references, whole=True),
    Feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, document_highlight, whole=True),
)
