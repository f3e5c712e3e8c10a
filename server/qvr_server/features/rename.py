"""`textDocument/rename` and its preparation; what can't be renamed is answered with the reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified

from quivers.check.analysis import Analysis
from quivers.ide.rename import Refused, renamable
from quivers.ide.rename import rename as rename_at
from quivers.syntax.document import Document
from qvr_server.feature import Feature
from qvr_server.protocol import Encoded, RequestFailed

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

NOTE = "outside-of-the-model"


def prepare_rename(
    ls: QvrServer, opened: OpenDocument, params: types.PrepareRenameParams
) -> types.PrepareRenamePlaceholder | None:
    """The name under the cursor as it is written, to begin with."""
    places = opened.places
    found = renamable(opened.checked, opened.document.source, places.offset(params.position))
    if found is None:
        return None
    if isinstance(found, Refused):
        raise RequestFailed(found.reason)
    return types.PrepareRenamePlaceholder(places.range(found.span), found.text)


async def rename(ls: QvrServer, opened: OpenDocument, params: types.RenameParams) -> Encoded:
    """The edits of a renaming, found beside the loop because the text is checked anew with them.

    What has to change outside of the model is told with the edits where the client shows that, else as a
    message.
    """
    version, offset = opened.version, opened.places.offset(params.position)
    edit, note = await asyncio.to_thread(
        _renamed, ls, opened.snapshot(), [opened.analysis.copy()], offset, params.new_name
    )
    if opened.version != version:
        raise JsonRpcContentModified("The text has changed since the renaming was asked for.")
    if note is not None:
        ls.window_show_message(types.ShowMessageParams(types.MessageType.Info, note))
    return edit


def _renamed(
    ls: QvrServer, opened: OpenDocument, memory: list[Analysis], offset: int, name: str
) -> tuple[Encoded, str | None]:
    """The edits as they are sent, and a note that could not be hung on them.

    The copy of the check's memory is taken out of `memory`, so that it is freed here and not on the loop.
    """
    twin = memory.pop()
    source = opened.document.source
    found = rename_at(opened.checked, source, offset, name, lambda text: twin.check(Document(text)))
    if isinstance(found, Refused):
        raise RequestFailed(found.reason)
    edit = ls.workspace_edit(opened, found.edits)
    told = found.note is None or _annotated(ls, edit, found.note)
    return ls.protocol.encoded(edit), None if told else found.note


def _annotated(ls: QvrServer, edit: types.WorkspaceEdit, note: str) -> bool:
    """Hang a note on every change, for the user to confirm; whether the client shows such notes."""
    supported = ls.capability("text_document.rename.honors_change_annotations")
    if not supported or ls.capability("workspace.workspace_edit.change_annotation_support") is None:
        return False
    for change in edit.document_changes or ():
        if isinstance(change, types.TextDocumentEdit):
            change.edits = [
                types.AnnotatedTextEdit(NOTE, each.range, each.new_text)
                for each in change.edits
                if isinstance(each, types.TextEdit)
            ]
    edit.change_annotations = {
        NOTE: types.ChangeAnnotation(
            "Rename an input in the model", needs_confirmation=True, description=note
        )
    }
    return edit.document_changes is not None


FEATURES = (
    Feature(types.TEXT_DOCUMENT_PREPARE_RENAME, prepare_rename),
    Feature(types.TEXT_DOCUMENT_RENAME, rename),
)
