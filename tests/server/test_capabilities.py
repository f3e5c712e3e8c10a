"""The table of protocol methods tells what the server answers, under four clients.

With QVR_REWRITE=1 our column is written anew, and the page with it.
"""

import ast
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pygls.lsp.server import LanguageServer

from qvr_server.server import QvrServer

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "benchmarks"))

from language_server import Client, Refused  # noqa: E402
from server_capabilities import ALWAYS, NEWER, TABLE, UNTOLD, kind, methods, page, written  # noqa: E402

METHOD_NOT_FOUND, INTERNAL_ERROR = -32601, -32603
CLIENTS = Path(__file__).parent / "clients"
PUSH_ONLY = {"textDocument": {"publishDiagnostics": {}}}
MODEL = """\
object School : FinSet 8

program p : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 1.0)
    observe y : School <- Normal(theta, sigma)
    return theta
"""


def capabilities(name: str) -> dict[str, Any]:
    if name in ("vscode", "neovim"):
        found: dict[str, Any] = json.loads((CLIENTS / f"{name}.json").read_text(encoding="utf-8"))
        return found["capabilities"]
    return {"push": PUSH_ONLY, "bare": {}}[name]


class Session:
    """A real server that one kind of client has greeted and shown a model."""

    def __init__(self, name: str, folder: Path) -> None:
        path = folder / "model.qvr"
        path.write_text(MODEL, encoding="utf-8")
        self.uri = path.as_uri()
        bare = name == "bare"
        self.client = Client([sys.executable, "-m", "qvr_server", "--stdio"])
        params = {
            "processId": None,
            "rootUri": None if bare else folder.as_uri(),
            "capabilities": capabilities(name),
        }
        if not bare:
            params["initializationOptions"] = {"worker": {"warm": False}}
        self.told = self.client.request("initialize", params)[1]["capabilities"]
        self.client.notify("initialized", {})
        document = {"uri": self.uri, "languageId": "qvr", "version": 1, "text": MODEL}
        self.client.notify("textDocument/didOpen", {"textDocument": document})
        for _ in range(3):  # what `initialized` set off has happened by then
            self.client.request("textDocument/hover", self.at(3, 12))
        self.takes = methods(self.told, self.client.registrations)

    def at(self, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self.uri}, "position": {"line": line, "character": character}}

    def first(self, method: str, params: dict[str, Any]) -> Any:
        """The first of the things that a request gives, or nothing."""
        try:
            _, found = self.client.request(method, params)
        except Refused:
            return None
        if isinstance(found, dict):
            found = found.get("items")
        return found[0] if found else None

    def params(self, method: str) -> Any:
        """Parameters that fit a request."""
        place = self.at(3, 12)
        whole = {"start": {"line": 0, "character": 0}, "end": {"line": 7, "character": 0}}
        document = {"textDocument": place["textDocument"]}
        ranged = {**document, "range": whole}
        named = {"uri": self.uri, "name": "p", "kind": 12, "range": whole, "selectionRange": whole}
        link = {"range": whole, "target": self.uri}
        layout = {"options": {"tabSize": 4, "insertSpaces": True}}
        action = {**ranged, "context": {"diagnostics": []}}
        before = {
            types.CALL_HIERARCHY_INCOMING_CALLS: (
                "item",
                types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY,
                place,
                named,
            ),
            types.CALL_HIERARCHY_OUTGOING_CALLS: (
                "item",
                types.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY,
                place,
                named,
            ),
            types.CODE_ACTION_RESOLVE: ("", types.TEXT_DOCUMENT_CODE_ACTION, action, {"title": "a fix"}),
            types.CODE_LENS_RESOLVE: ("", types.TEXT_DOCUMENT_CODE_LENS, document, {"range": whole}),
            types.COMPLETION_ITEM_RESOLVE: ("", types.TEXT_DOCUMENT_COMPLETION, place, {"label": "Normal"}),
            types.DOCUMENT_LINK_RESOLVE: ("", types.TEXT_DOCUMENT_DOCUMENT_LINK, document, link),
            types.INLAY_HINT_RESOLVE: (
                "",
                types.TEXT_DOCUMENT_INLAY_HINT,
                ranged,
                {"position": place["position"], "label": ": Real"},
            ),
            types.WORKSPACE_SYMBOL_RESOLVE: (
                "",
                types.WORKSPACE_SYMBOL,
                {"query": "p"},
                {"name": "p", "kind": 12, "location": {"uri": self.uri}},
            ),
        }
        if method in before:
            name, asked, params, otherwise = before[method]
            found = self.first(asked, params) or otherwise
            return {name: found} if name else found
        return {
            **ranged,
            **place,
            **layout,
            "context": {
                "diagnostics": [],
                "includeDeclaration": True,
                "frameId": 0,
                "triggerKind": 1,
                **{"stoppedLocation": whole},
            },
            "newName": "nu",
            "positions": [place["position"]],
            "ranges": [whole],
            "ch": "\n",
            "query": "p",
            "previousResultId": "0",
            "previousResultIds": [],
            "command": "qvr.cancelRun",
            "arguments": [],
            "item": named,
            "color": {"red": 0, "green": 0, "blue": 0, "alpha": 1},
            "files": [{"uri": self.uri, "oldUri": self.uri, "newUri": self.uri}],
            "uri": self.uri,
            "reason": 1,
        }

    def error(self, method: str) -> int | None:
        """The code of the error that a request is answered with."""
        try:
            self.client.request(method, self.params(method))
        except Refused as refused:
            return refused.code
        return None


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Session]]:
    started = {name: Session(name, tmp_path_factory.mktemp(name)) for name in table()["clients"]}
    yield started
    for each in started.values():
        each.client.end()


def table() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return found


def registered() -> tuple[set[str], set[str]]:
    """The methods that a function of ours answers, and those that pygls answers of itself."""
    manager = QvrServer().protocol.fm
    return set(manager.features), set(manager.builtin_features)


def sent() -> set[str]:
    """The methods that the server's source sends to a client."""
    names = {_function(method): method for method in types.METHOD_TO_TYPES if _goes_out(method)}
    constants = {
        name: value
        for name, value in vars(types).items()
        if isinstance(value, str) and value in names.values()
    }
    found = set()
    for path in sorted((ROOT / "server" / "qvr_server").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                called = node.attr.removesuffix("_async")
                if called in names:
                    found.add(names[called])
                # A registration names what the client sends; what goes out is named where it is sent.
                if node.attr in constants and isinstance(node.value, ast.Name) and node.value.id == "types":
                    found.add(constants[node.attr])
    return found


def _goes_out(method: str) -> bool:
    return kind(method)[1] == "serverToClient"


def _function(method: str) -> str:
    """The name of the function of pygls that sends a method."""
    name = "".join(
        f"_{letter.lower()}" if letter.isupper() else letter for letter in method.removeprefix("$/")
    )
    return name.replace("/", "_")


def column(sessions: dict[str, Session]) -> dict[str, Any]:
    """Our column: for what comes in the clients whose it is, for what goes out whether it is sent."""
    ours, builtin = registered()
    untold = UNTOLD & (ours | builtin)
    out = sent()
    found: dict[str, Any] = {}
    for method in types.METHOD_TO_TYPES:
        if _goes_out(method):
            found[method] = method in out
        else:
            everywhere = method in ALWAYS | untold
            found[method] = [name for name, each in sessions.items() if everywhere or method in each.takes]
    return found


def test_the_table_has_every_method_of_the_protocol_once() -> None:
    assert [row["method"] for row in table()["methods"]] == list(types.METHOD_TO_TYPES)
    assert set(types.METHOD_TO_TYPES) >= NEWER


def test_our_column_is_what_the_server_answers_each_client(sessions: dict[str, Session]) -> None:
    found = column(sessions)
    wanted = table()
    if os.environ.get("QVR_REWRITE"):
        for row in wanted["methods"]:
            row["qvr"] = found[row["method"]]
        TABLE.write_text(written(wanted), encoding="utf-8")
        TABLE.with_suffix(".md").write_text(page(wanted), encoding="utf-8")
    claimed = {row["method"]: row["qvr"] for row in wanted["methods"]}
    different = {
        method: f"{claimed[method]} → {found[method]}" for method in found if claimed[method] != found[method]
    }
    assert not different, "QVR_REWRITE=1 writes the column anew"


def test_the_page_shows_the_table() -> None:
    assert TABLE.with_suffix(".md").read_text(encoding="utf-8") == page(table())


@pytest.mark.parametrize("name", table()["clients"])
def test_every_request_that_is_claimed_is_answered(sessions: dict[str, Session], name: str) -> None:
    session = sessions[name]
    claimed = [
        row["method"]
        for row in table()["methods"]
        if kind(row["method"]) == (True, "clientToServer") and name in row["qvr"]
    ]
    errors = {each: session.error(each) for each in claimed if each not in ALWAYS}
    bad = {each: code for each, code in errors.items() if code in (METHOD_NOT_FOUND, INTERNAL_ERROR)}
    assert "textDocument/hover" in errors
    assert not bad


def test_every_request_that_is_not_claimed_is_refused(sessions: dict[str, Session]) -> None:
    unclaimed = [
        row["method"]
        for row in table()["methods"]
        if kind(row["method"]) == (True, "clientToServer") and not row["qvr"]
    ]
    errors = {each: sessions["vscode"].error(each) for each in unclaimed}
    assert set(errors.values()) <= {METHOD_NOT_FOUND}, errors


def test_every_notification_that_is_claimed_is_acted_on() -> None:
    ours, builtin = registered()
    claimed = {
        row["method"]
        for row in table()["methods"]
        if kind(row["method"]) == (False, "clientToServer") and row["qvr"]
    }
    assert claimed - {types.CANCEL_REQUEST} <= ours | builtin


def test_everything_that_the_server_registers_is_in_the_table() -> None:
    ours, _ = registered()
    claimed = {row["method"] for row in table()["methods"] if row["qvr"]}
    assert ours <= claimed


def test_pygls_has_a_function_for_all_that_goes_out() -> None:
    missing = [
        method
        for method in types.METHOD_TO_TYPES
        if _goes_out(method) and not hasattr(LanguageServer, _function(method))
    ]
    assert not missing
