"""Cells of a notebook are documents of their own, if their language is QVR."""

from collections.abc import Iterator
from typing import Any

import pytest
from in_process import Client

NOTEBOOK = "file:///models/schools.ipynb"
CELL, OTHER, PYTHON = (f"vscode-notebook-cell:/models/schools.ipynb#W{n}" for n in range(3))
MODEL = """\
object School : FinSet 8
program p : School -> School
    sample mu : School <- Normal(0.0, 1.0)
    return mu
"""


def item(uri: str, text: str, language: str = "qvr") -> dict[str, Any]:
    return {"uri": uri, "languageId": language, "version": 1, "text": text}


@pytest.fixture
def client() -> Iterator[Client]:
    capabilities = {"notebookDocument": {"synchronization": {"dynamicRegistration": True}}}
    started = Client(capabilities=capabilities)
    started.notify(
        "notebookDocument/didOpen",
        {
            "notebookDocument": {
                "uri": NOTEBOOK,
                "notebookType": "jupyter-notebook",
                "version": 1,
                "cells": [{"kind": 2, "document": CELL}, {"kind": 2, "document": PYTHON}],
            },
            "cellTextDocuments": [item(CELL, MODEL), item(PYTHON, "import qvr", "python")],
        },
    )
    started.versions[CELL] = 1
    yield started
    started.close()


def changed(client: Client, cells: dict[str, Any]) -> None:
    client.notify(
        "notebookDocument/didChange",
        {"notebookDocument": {"uri": NOTEBOOK, "version": 2}, "change": {"cells": cells}},
    )


def problems(client: Client, uri: str) -> dict[str, Any]:
    while True:
        for message in reversed(client.sent):
            params: dict[str, Any] = message.get("params", {})
            if message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri:
                return params
        client.turn()


def test_any_notebook_with_qvr_cells_is_wanted(client: Client) -> None:
    wanted = client.initialized["capabilities"]["notebookDocumentSync"]["notebookSelector"]
    assert wanted == [{"cells": [{"language": "qvr"}]}]


def test_a_cell_is_served_and_one_of_another_language_is_not(client: Client) -> None:
    shown = client.at("hover", CELL, {"line": 2, "character": 11})
    assert "mu : School ⊗ Real" in shown["contents"]["value"]
    assert client.at("hover", PYTHON, {"line": 0, "character": 8}) is None


def test_what_is_typed_in_a_cell_is_checked(client: Client) -> None:
    here = {"start": {"line": 2, "character": 26}, "end": {"line": 2, "character": 32}}
    change = {"document": {"uri": CELL, "version": 2}, "changes": [{"range": here, "text": "Normol"}]}
    client.sent.clear()
    changed(client, {"textContent": [change]})
    found = problems(client, CELL)
    assert (found["version"], [each["code"] for each in found["diagnostics"]]) == (2, ["QVR202"])


def test_cells_come_and_go(client: Client) -> None:
    added = {"start": 1, "deleteCount": 0, "cells": [{"kind": 2, "document": OTHER}]}
    changed(client, {"structure": {"array": added, "didOpen": [item(OTHER, "object A : FinSet 2\n")]}})
    assert problems(client, OTHER)["version"] == 1
    removed = {"start": 1, "deleteCount": 1}
    changed(client, {"structure": {"array": removed, "didClose": [{"uri": OTHER}]}})
    assert OTHER not in client.server.session.documents
    client.notify(
        "notebookDocument/didClose",
        {"notebookDocument": {"uri": NOTEBOOK}, "cellTextDocuments": [{"uri": CELL}, {"uri": PYTHON}]},
    )
    assert not client.server.session.documents


def test_a_client_without_notebooks_is_not_told_of_them() -> None:
    client = Client()
    assert "notebookDocumentSync" not in client.initialized["capabilities"]
    client.close()
