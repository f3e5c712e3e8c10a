"""What the server answers, one file a feature: each a thin view of a plain answer in `quivers.ide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qvr_server.features import (
    call_hierarchy,
    code_actions,
    completion,
    diagnostics,
    document_links,
    folding,
    formatting,
    hover,
    inlay_hints,
    lenses,
    linked_editing,
    navigation,
    rename,
    selection,
    semantic_tokens,
    signature_help,
    symbols,
)

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

MODULES = (
    call_hierarchy,
    code_actions,
    completion,
    diagnostics,
    document_links,
    folding,
    formatting,
    hover,
    inlay_hints,
    lenses,
    linked_editing,
    navigation,
    rename,
    selection,
    semantic_tokens,
    signature_help,
    symbols,
)


def register(server: QvrServer) -> None:
    """Tell pygls which function answers which request."""
    for module in MODULES:
        for feature in module.FEATURES:
            feature.register(server)
