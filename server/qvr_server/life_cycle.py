"""The messages that begin a session and change its surroundings: settings, files on the disk."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from lsprotocol import types

from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer


def initialize(ls: QvrServer, params: types.InitializeParams) -> None:
    """Take the options; the position encoding is settled by now."""
    settled = types.PositionEncodingKind(ls.workspace.position_encoding or "utf-16")
    ls.client_info = params.client_info
    ls.initialized(params.initialization_options, settled.value)


async def initialized(ls: QvrServer, params: types.InitializedParams) -> None:
    """Do what had to wait until the client had its answer."""
    await ls.ready()


def did_save(ls: QvrServer, params: types.DidSaveTextDocumentParams) -> None:
    """Publish again, and look at the data file again."""
    ls.save_document(params.text_document.uri)


def did_change_configuration(
    ls: QvrServer, params: types.DidChangeConfigurationParams
) -> Awaitable[None] | None:
    """Apply new settings at once; a client that sends none wants to be asked for them."""
    if params.settings is None and ls.client_supports("workspace.configuration"):
        return ls.ask_for_settings()
    ls.configure(params.settings)
    return None


def did_change_watched_files(ls: QvrServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Look again at the models that a changed file is for."""
    ls.files_changed([change.uri for change in params.changes])


_SAVED = types.SaveOptions(include_text=False)
FEATURES = (
    Feature(types.INITIALIZE, initialize, document=False),
    Feature(types.INITIALIZED, initialized, document=False),
    Feature(types.TEXT_DOCUMENT_DID_SAVE, did_save, _SAVED, document=False),
    Feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION, did_change_configuration, document=False),
    Feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_watched_files, document=False),
)
