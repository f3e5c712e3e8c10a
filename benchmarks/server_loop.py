"""How long each message holds the server's event loop, in processor time, by the length of the file.

While the loop is held no keystroke is taken in, so the longest time should be a few milliseconds and hardly
grow with the file: what takes longer is sliced or done on another thread. Prints a table.
"""

from __future__ import annotations

import asyncio
import asyncio.events
import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from commands import qvr_source

from quivers.syntax.reference import grammar
from qvr_server.server import QvrServer

URI = "file:///models/models.qvr"
LENGTHS = (300, 1_000, 10_000)
ROUNDS = 5
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {
        "hover": {"contentFormat": ["markdown"]},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "completion": {"completionItem": {"snippetSupport": True}},
        "codeAction": {
            "codeActionLiteralSupport": {"codeActionKind": {"valueSet": []}},
            "resolveSupport": {"properties": ["edit"]},
            "dataSupport": True,
        },
        "rename": {"prepareSupport": True},
    },
    "workspace": {"workspaceEdit": {"documentChanges": True}},
}


class Writer:
    """Takes what the server sends and looks only at whose answer it is."""

    def __init__(self) -> None:
        self.answered: set[int] = set()
        self.published = 0

    def write(self, data: bytes) -> None:
        head = data[:200].partition(b"\r\n\r\n")[2]
        if b'"publishDiagnostics"' in head or b"publishDiagnostics" in data[-200:]:
            self.published += 1
        if b'"id":' in head:
            number = head.partition(b'"id":')[2].split(b",")[0].strip()
            if number.isdigit():
                self.answered.add(int(number))

    def close(self) -> None: ...


class Driver:
    """A client that measures: `held` has the longest time the loop was held since it was last emptied."""

    def __init__(self) -> None:
        self.held = 0.0
        self.server = QvrServer()
        self.writer = Writer()
        self.server.protocol.set_writer(self.writer)  # type: ignore[arg-type]
        self.identity = 0

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Time every callback of the loop, in this thread's processor time."""
        run = asyncio.events.Handle._run

        def timed(handle: asyncio.Handle) -> None:
            began = time.thread_time()
            run(handle)
            self.held = max(self.held, time.thread_time() - began)

        asyncio.events.Handle._run = timed  # type: ignore[method-assign]
        try:
            yield
        finally:
            asyncio.events.Handle._run = run  # type: ignore[method-assign]

    def _receive(self, message: dict[str, Any]) -> None:
        arrived = self.server.protocol.arrived(json.dumps({"jsonrpc": "2.0", **message}).encode())
        asyncio.get_running_loop().call_soon(self.server.protocol.receive, arrived)

    async def ask(self, method: str, params: Any) -> None:
        self.identity += 1
        self._receive({"id": self.identity, "method": method, "params": params})
        while self.identity not in self.writer.answered:
            await asyncio.sleep(0)

    async def tell(self, method: str, params: Any) -> None:
        """Send a notification and wait until problems are published."""
        before = self.writer.published
        self._receive({"method": method, "params": params})
        while self.writer.published == before:
            await asyncio.sleep(0)


async def measured(lines: int) -> dict[str, float]:
    """The milliseconds that each message held the loop, the median over the rounds."""
    text = qvr_source(lines)
    rows = text.split("\n")
    row = next(number for number, line in enumerate(rows) if "theta" in line and number > len(rows) // 2)
    here = {"line": row, "character": rows[row].index("theta")}
    there = {"line": row, "character": here["character"] + len("theta")}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": len(rows), "character": 0}}
    word = {"start": here, "end": there}
    top = {"line": 0, "character": len("object ")}
    document = {"textDocument": {"uri": URI}}
    layout = {"options": {"tabSize": 4, "insertSpaces": True}}
    about: dict[str, dict[str, Any]] = {
        **{
            name: {"position": here}
            for name in ("hover", "completion", "signatureHelp", "definition", "typeDefinition")
        },
        **{
            name: {"position": top} for name in ("documentHighlight", "prepareRename", "prepareCallHierarchy")
        },
        "references": {"position": top, "context": {"includeDeclaration": True}},
        "rename": {"position": top, "newName": "Academy"},
        "codeAction": {"range": word, "context": {"diagnostics": [], "triggerKind": 1}},
        "inlayHint": {"range": whole},
        "semanticTokens/range": {"range": whole},
        "selectionRange": {"positions": [here]},
        "rangeFormatting": {"range": word, **layout},
        "formatting": layout,
        **{
            name: {}
            for name in ("documentSymbol", "codeLens", "documentLink", "foldingRange", "semanticTokens/full")
        },
    }
    driver = Driver()
    await driver.ask(
        "initialize",
        {
            "processId": None,
            "rootUri": None,
            "capabilities": CAPABILITIES,
            "initializationOptions": {"worker": {"warm": False}},
        },
    )
    gc.collect()
    gc.freeze()
    gc.set_threshold(2_000, 10, 1_000)  # as `qvr_server.stdio` sets it
    found: dict[str, list[float]] = {}

    def note(name: str) -> None:
        found.setdefault(name, []).append(driver.held * 1e3)
        driver.held = 0.0

    with driver.measuring():
        item = {"uri": URI, "languageId": "qvr", "version": 1, "text": text}
        await driver.tell("textDocument/didOpen", {"textDocument": item})
        note("didOpen")
        version = 1
        for _ in range(ROUNDS):
            for new, end in (("x", there), ("", {**there, "character": there["character"] + 1})):
                version += 1
                change = {"range": {"start": there, "end": end}, "text": new}
                changed = {"textDocument": {"uri": URI, "version": version}, "contentChanges": [change]}
                await driver.tell("textDocument/didChange", changed)
                note("didChange")
            for name, params in about.items():
                await driver.ask(f"textDocument/{name}", {**document, **params})
                note(name)
    await driver.server.close()
    return {name: sorted(times)[len(times) // 2] for name, times in found.items()}


def main() -> None:
    grammar()  # the server loads it beside the loop
    by_length = {lines: asyncio.run(measured(lines)) for lines in LENGTHS}
    print(
        f"{'milliseconds of processor time on the loop':44s}", *(f"{lines:>8,d} lines" for lines in LENGTHS)
    )
    for name in by_length[LENGTHS[0]]:
        print(f"{name:44s}", *(f"{by_length[lines][name]:14.1f}" for lines in LENGTHS))


if __name__ == "__main__":
    main()
