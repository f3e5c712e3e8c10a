"""Cells of notebooks, of whatever kind, whose language is QVR: each is a document of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

LANGUAGE = "qvr"
SYNCHRONISED = types.NotebookDocumentSyncOptions(
    notebook_selector=[
        types.NotebookDocumentFilterWithCells(cells=[types.NotebookCellLanguage(language=LANGUAGE)])
    ],
    save=False,
)


def did_open(ls: QvrServer, params: types.DidOpenNotebookDocumentParams) -> None:
    """Open the cells that came with a notebook."""
    _open(ls, params.cell_text_documents)


def did_change(ls: QvrServer, params: types.DidChangeNotebookDocumentParams) -> None:
    """Open cells that were added, close those that were taken out, and apply what was typed in others."""
    cells = params.change.cells
    if cells is None:
        return
    if cells.structure is not None:
        _open(ls, cells.structure.did_open or ())
        for closed in cells.structure.did_close or ():
            ls.close_document(closed.uri)
    for change in cells.text_content or ():
        ls.change_document(change.document.uri, change.document.version, change.changes)


def did_close(ls: QvrServer, params: types.DidCloseNotebookDocumentParams) -> None:
    """Close a notebook's cells."""
    for cell in params.cell_text_documents:
        ls.close_document(cell.uri)


def _open(ls: QvrServer, cells: Sequence[types.TextDocumentItem]) -> None:
    for cell in cells:
        if cell.language_id == LANGUAGE:
            ls.open_document(cell.uri, cell.version, cell.text)
