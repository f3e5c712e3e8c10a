"""Ask any language server what it offers, and print it as methods of the protocol: a column of
`docs/editors/protocol.md`.

    python benchmarks/server_capabilities.py --language python --file a.py -- ty server

The client is Visual Studio Code's, which supports nearly everything and lets a server register later what
it does not say at once; such registrations count. The server opens one file, sees an edit of it, and has
some seconds to send what it sends of itself. `--table` writes `protocol.md` from `protocol.json` instead.
"""

from __future__ import annotations

import argparse
import json
import queue
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from language_server import Client
from lsprotocol import types

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "editors" / "protocol.json"
CLIENT = ROOT / "tests" / "server" / "clients" / "vscode.json"

# ------------------------------------------------------------------- methods

NEWER = frozenset(  # than version 3.17 of the protocol
    {
        types.TEXT_DOCUMENT_INLINE_COMPLETION,
        types.TEXT_DOCUMENT_RANGES_FORMATTING,
        types.WORKSPACE_FOLDING_RANGE_REFRESH,
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT,
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT_REFRESH,
    }
)
ALWAYS = frozenset({types.INITIALIZE, types.INITIALIZED, types.SHUTDOWN, types.EXIT, types.CANCEL_REQUEST})
# What no answer to `initialize` tells of: every client may send it.
UNTOLD = frozenset(
    {types.SET_TRACE, types.WINDOW_WORK_DONE_PROGRESS_CANCEL, types.WORKSPACE_DID_CHANGE_CONFIGURATION}
)

# The capability with its options, and the methods that it stands for.
_PROVIDERS = {
    "callHierarchyProvider": (
        "textDocument/prepareCallHierarchy",
        "callHierarchy/incomingCalls",
        "callHierarchy/outgoingCalls",
    ),
    "codeActionProvider": ("textDocument/codeAction",),
    "codeActionProvider.resolveProvider": ("codeAction/resolve",),
    "codeLensProvider": ("textDocument/codeLens",),
    "codeLensProvider.resolveProvider": ("codeLens/resolve",),
    "colorProvider": ("textDocument/documentColor", "textDocument/colorPresentation"),
    "completionProvider": ("textDocument/completion",),
    "completionProvider.resolveProvider": ("completionItem/resolve",),
    "declarationProvider": ("textDocument/declaration",),
    "definitionProvider": ("textDocument/definition",),
    "diagnosticProvider": ("textDocument/diagnostic",),
    "diagnosticProvider.workspaceDiagnostics": ("workspace/diagnostic",),
    "documentFormattingProvider": ("textDocument/formatting",),
    "documentHighlightProvider": ("textDocument/documentHighlight",),
    "documentLinkProvider": ("textDocument/documentLink",),
    "documentLinkProvider.resolveProvider": ("documentLink/resolve",),
    "documentOnTypeFormattingProvider": ("textDocument/onTypeFormatting",),
    "documentRangeFormattingProvider": ("textDocument/rangeFormatting",),
    "documentRangeFormattingProvider.rangesSupport": ("textDocument/rangesFormatting",),
    "documentSymbolProvider": ("textDocument/documentSymbol",),
    "executeCommandProvider.commands": ("workspace/executeCommand",),
    "foldingRangeProvider": ("textDocument/foldingRange",),
    "hoverProvider": ("textDocument/hover",),
    "implementationProvider": ("textDocument/implementation",),
    "inlayHintProvider": ("textDocument/inlayHint",),
    "inlayHintProvider.resolveProvider": ("inlayHint/resolve",),
    "inlineCompletionProvider": ("textDocument/inlineCompletion",),
    "inlineValueProvider": ("textDocument/inlineValue",),
    "linkedEditingRangeProvider": ("textDocument/linkedEditingRange",),
    "monikerProvider": ("textDocument/moniker",),
    "notebookDocumentSync": (
        "notebookDocument/didOpen",
        "notebookDocument/didChange",
        "notebookDocument/didClose",
    ),
    "notebookDocumentSync.save": ("notebookDocument/didSave",),
    "referencesProvider": ("textDocument/references",),
    "renameProvider": ("textDocument/rename",),
    "renameProvider.prepareProvider": ("textDocument/prepareRename",),
    "selectionRangeProvider": ("textDocument/selectionRange",),
    "semanticTokensProvider.full": ("textDocument/semanticTokens/full",),
    "semanticTokensProvider.full.delta": ("textDocument/semanticTokens/full/delta",),
    "semanticTokensProvider.range": ("textDocument/semanticTokens/range",),
    "signatureHelpProvider": ("textDocument/signatureHelp",),
    "textDocumentSync.change": ("textDocument/didChange",),
    "textDocumentSync.openClose": ("textDocument/didOpen", "textDocument/didClose"),
    "textDocumentSync.save": ("textDocument/didSave",),
    "textDocumentSync.willSave": ("textDocument/willSave",),
    "textDocumentSync.willSaveWaitUntil": ("textDocument/willSaveWaitUntil",),
    "typeDefinitionProvider": ("textDocument/typeDefinition",),
    "typeHierarchyProvider": (
        "textDocument/prepareTypeHierarchy",
        "typeHierarchy/subtypes",
        "typeHierarchy/supertypes",
    ),
    "workspace.fileOperations.didCreate": ("workspace/didCreateFiles",),
    "workspace.fileOperations.didDelete": ("workspace/didDeleteFiles",),
    "workspace.fileOperations.didRename": ("workspace/didRenameFiles",),
    "workspace.fileOperations.willCreate": ("workspace/willCreateFiles",),
    "workspace.fileOperations.willDelete": ("workspace/willDeleteFiles",),
    "workspace.fileOperations.willRename": ("workspace/willRenameFiles",),
    "workspace.textDocumentContent": ("workspace/textDocumentContent",),
    "workspace.workspaceFolders.changeNotifications": ("workspace/didChangeWorkspaceFolders",),
    "workspaceSymbolProvider": ("workspace/symbol",),
    "workspaceSymbolProvider.resolveProvider": ("workspaceSymbol/resolve",),
}
# The capability of which a later registration gives the options, where its name is no method's own.
_REGISTERED = {
    "notebookDocument/sync": "notebookDocumentSync",
    "textDocument/semanticTokens": "semanticTokensProvider",
}


def methods(capabilities: dict[str, Any], registrations: list[dict[str, Any]]) -> set[str]:
    """The methods that a server takes from the client, by what it told and what it registered."""
    told = dict(capabilities)
    sync = told.get("textDocumentSync")
    if isinstance(sync, int) and sync:
        told["textDocumentSync"] = {"openClose": True, "change": sync, "save": True}
    found = {method for name, those in _PROVIDERS.items() if _has(told, name) for method in those}
    for registration in registrations:
        name = registration["method"]
        options = registration.get("registerOptions") or {}
        if name not in types.METHOD_TO_TYPES and name not in _REGISTERED:
            continue
        provider = _REGISTERED.get(name) or next(
            (each for each, those in _PROVIDERS.items() if "." not in each and name in those), None
        )
        if provider is None:
            found.add(name)
            continue
        one = {provider: options or True}
        found |= {method for each, those in _PROVIDERS.items() if _has(one, each) for method in those}
    return found


def _has(capabilities: Any, name: str) -> bool:
    """Whether there is something that is neither false, nothing nor empty; `{}` is a yes without options."""
    at = capabilities
    for part in name.split("."):
        if not isinstance(at, dict):
            return False
        at = at.get(part)
    return isinstance(at, dict) or bool(at)


# -------------------------------------------------------------------- asking


@dataclass(frozen=True)
class Column:
    """A server's name and version as it tells them, what it takes from a client, what it was seen to send."""

    name: str
    version: str
    takes: frozenset[str]
    sends: frozenset[str]


def ask(command: list[str], client: dict[str, Any], path: Path, language: str, seconds: float) -> Column:
    """Open `path` and change it, as a client with the capabilities `client`."""
    started = Client(command)
    root, uri = path.parent.as_uri(), path.as_uri()
    try:
        _, answer = started.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": path.parent.name}],
                "capabilities": client,
            },
        )
        started.notify("initialized", {})
        text = path.read_text(encoding="utf-8")
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        started.notify("textDocument/didOpen", {"textDocument": document})
        start = {"line": 0, "character": 0}
        started.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": 2},
                "contentChanges": [{"range": {"start": start, "end": start}, "text": "\n"}],
            },
        )
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                started.wait(lambda _: True, end - time.monotonic())
            except queue.Empty:
                break
        started.request("shutdown")
        started.notify("exit")
    finally:
        started.end()
    information = answer.get("serverInfo") or {}
    takes = methods(answer["capabilities"], started.registrations) | ALWAYS
    known = frozenset(types.METHOD_TO_TYPES)
    return Column(
        information.get("name", command[0]),
        information.get("version", ""),
        frozenset(takes),
        frozenset(started.came) & known,
    )


# --------------------------------------------------------------------- table

_SIGNS = {True: "✓", False: "–", None: "?"}
_HEADINGS = (
    ("What a client asks", True, "clientToServer"),
    ("What a client tells", False, "clientToServer"),
    ("What a server asks", True, "serverToClient"),
    ("What a server tells", False, "serverToClient"),
)


def page(table: dict[str, Any]) -> str:
    """The table as a page."""
    servers = table["servers"]
    clients = table["clients"]
    out = [table["title"], "", *table["introduction"], ""]
    for heading, asks, direction in _HEADINGS:
        out += [f"## {heading}", ""]
        out.append("| method | " + " | ".join(each["name"] for each in servers) + " | of ours |")
        out.append("|---|" + ":-:|" * len(servers) + "---|")
        for row in table["methods"]:
            method = row["method"]
            if (asks, direction) != kind(method):
                continue
            cells = []
            for server in servers:
                value = row[server["key"]]
                if isinstance(value, list):
                    value = bool(value)
                cells.append(_SIGNS[value])
            newer = " (3.18)" if method in NEWER else ""
            out.append(f"| `{method}`{newer} | {' | '.join(cells)} | {_remark(row, clients)} |")
        out.append("")
    out += ["## How each column was learnt", ""]
    for server in servers:
        name = ", ".join(filter(None, (f"**{server['name']}**", server["version"], server["date"])))
        out.append(f"- {name}: {server['learnt']}")
    return "\n".join(out) + "\n"


def written(table: dict[str, Any]) -> str:
    """The table as JSON, a method in a line."""
    head = json.dumps(
        {name: part for name, part in table.items() if name != "methods"}, indent=2, ensure_ascii=False
    )
    rows = ",\n".join(f"    {json.dumps(row, ensure_ascii=False)}" for row in table["methods"])
    return f'{head[:-2]},\n  "methods": [\n{rows}\n  ]\n}}\n'


def kind(method: str) -> tuple[bool, str]:
    """Whether a method is a request, and which way it goes; of those that go both, progress is a server's."""
    direction: str = types.message_direction(method)
    if direction == "both":
        direction = "serverToClient" if method == types.PROGRESS else "clientToServer"
    return method in _REQUESTS, direction


_REQUESTS = frozenset(method for method, parts in types.METHOD_TO_TYPES.items() if parts[1] is not None)


def _remark(row: dict[str, Any], clients: dict[str, str]) -> str:
    """The note, and for whom it is where it isn't for all."""
    note: str = row.get("note", "")
    offered = row["qvr"]
    if isinstance(offered, list) and offered and set(offered) != set(clients):
        missing = ", ".join(clients[each] for each in clients if each not in offered)
        return f"{note} (not for {missing})".strip()
    return note


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--client", type=Path, default=CLIENT, help="JSON with a client's capabilities")
    parser.add_argument("--language", default="qvr")
    parser.add_argument("--file", type=Path, help="what to open; by default an empty file")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to listen")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--table", action="store_true", help="write protocol.md from protocol.json")
    parser.add_argument("command", nargs="*", help="the server, after --")
    given = parser.parse_args()
    if given.table:
        text = page(json.loads(TABLE.read_text(encoding="utf-8")))
        TABLE.with_suffix(".md").write_text(text, encoding="utf-8")
        return
    client = json.loads(given.client.read_text(encoding="utf-8"))["capabilities"]
    with tempfile.TemporaryDirectory() as folder:
        path = given.file or Path(folder, f"empty.{given.language}")
        if given.file is None:
            path.write_text("", encoding="utf-8")
        column = ask(given.command, client, path.resolve(), given.language, given.seconds)
    if given.json:
        shown = {
            "name": column.name,
            "version": column.version,
            "takes": sorted(column.takes),
            "sends": sorted(column.sends),
        }
        print(json.dumps(shown, indent=1))
        return
    print(column.name, column.version)
    for method in types.METHOD_TO_TYPES:
        sends = kind(method)[1] == "serverToClient"
        print(f"{_SIGNS[method in (column.sends if sends else column.takes)]} {method}")


if __name__ == "__main__":
    main()
