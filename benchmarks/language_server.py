"""Start a language server over stdio and time it: start, open, edits to diagnostics, and its answers."""

from __future__ import annotations

import itertools
import json
import queue
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Message = dict[str, Any]
SERVER_CANCELLED, CONTENT_MODIFIED = -32802, -32801


@dataclass(frozen=True)
class Latency:
    """Milliseconds, and mebibytes of memory at the end. `edit` and the answers to requests are medians,
    `edit_p95` the 95 % quantile; what the server does not offer is None.

    `memory` is of the server's process alone, `memory_of_children` of all processes that it started.
    """

    start: float
    opened: float
    edit: float
    edit_p95: float
    hover: float | None
    completion: float | None
    symbols: float | None
    tokens: float | None
    memory: float
    memory_of_children: float


class Refused(Exception):
    """An error answer."""

    def __init__(self, error: Message) -> None:
        super().__init__(error.get("message", ""))
        self.code: int = error["code"]
        self.data = error.get("data")


class Client:
    """A JSON-RPC client that agrees to every request of the server and has no settings for it.

    `came` has the method of every request and notification that the server sent, in order, and
    `registrations` what it registered after `initialize`.
    """

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.inbox: queue.Queue[tuple[float, Message | None]] = queue.Queue()
        self.numbers = itertools.count(1)
        self.came: list[str] = []
        self.registrations: list[Message] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream
        length = 0
        while line := stream.readline():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
            elif not line.strip():
                self.inbox.put((time.perf_counter(), json.loads(stream.read(length))))
        self.inbox.put((time.perf_counter(), None))

    def _write(self, message: Message) -> None:
        stream = self.process.stdin
        assert stream
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stream.flush()

    def notify(self, method: str, params: Any = None) -> None:
        self._write({"method": method, "params": params})

    def request(self, method: str, params: Any = None, seconds: float = 60.0) -> tuple[float, Any]:
        """The moment the answer came, and the answer; raises Refused for an error."""
        number = next(self.numbers)
        self._write({"id": number, "method": method, "params": params})
        at, message = self.wait(lambda m: m.get("id") == number and "method" not in m, seconds)
        if "error" in message:
            raise Refused(message["error"])
        return at, message.get("result")

    def wait(self, wanted: Callable[[Message], bool], seconds: float = 60.0) -> tuple[float, Message]:
        end = time.perf_counter() + seconds
        while True:
            at, message = self.inbox.get(timeout=max(0.01, end - time.perf_counter()))
            if message is None:
                raise EOFError(f"The server ended: {self.process.args!r}.")
            if "method" in message:
                self.came.append(message["method"])
                if "id" in message:
                    self._agree(message)
            if wanted(message):
                return at, message

    def _agree(self, message: Message) -> None:
        params = message.get("params")
        answer = None
        if message["method"] == "workspace/configuration":
            answer = [None] * len(params["items"])
        elif message["method"] == "client/registerCapability":
            self.registrations += params["registrations"]
        self._write({"id": message["id"], "result": answer})

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def capabilities(pull: bool) -> Message:
    """A plain client that takes diagnostics one way only."""
    document: Message = {
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "semanticTokens": {
            "requests": {"full": True},
            "tokenTypes": ["variable", "function", "class", "parameter", "keyword", "number"],
            "tokenModifiers": ["declaration"],
            "formats": ["relative"],
        },
    }
    if not pull:
        return {"textDocument": {**document, "publishDiagnostics": {"versionSupport": True}}}
    again = {"diagnostics": {"refreshSupport": True}}
    return {"textDocument": {**document, "diagnostic": {}}, "workspace": again}


def measure(command: list[str], path: Path, language: str, edits: int = 60, *, pull: bool = False) -> Latency:
    """Open `path`, then insert and remove one character in its middle line, in turn; then ask about the
    last word of that line, and for completions behind its first letter.

    Diagnostics are waited for as they are published, or asked for right behind the change with `pull`.
    """
    text = path.read_text(encoding="utf-8")
    uri = path.resolve().as_uri()
    root = path.resolve().parent.as_uri()
    began = time.perf_counter()
    client = Client(command)
    try:
        at, answer = client.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "workspaceFolders": [{"uri": root, "name": "models"}],
                "capabilities": capabilities(pull),
            },
        )
        start = at - began
        offered = answer["capabilities"]
        if pull and not offered.get("diagnosticProvider"):
            raise ValueError(f"{command[0]} does not offer textDocument/diagnostic.")
        client.notify("initialized", {})

        def diagnostics(version: int) -> float:
            if pull:
                return _pulled(client, uri)

            def published(message: Message) -> bool:
                params = message.get("params") or {}
                right = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
                return right and (params.get("version") is None or params["version"] >= version)

            return client.wait(published)[0]

        began = time.perf_counter()
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        client.notify("textDocument/didOpen", {"textDocument": document})
        opened = diagnostics(1) - began
        lines = text.split("\n")
        line = next(at for at in range(len(lines) // 2, len(lines)) if re.search("[a-z]{3}", lines[at]))
        column = len(lines[line])
        taken = []
        for version in range(2, edits + 2):
            inserting = version % 2 == 0
            change = {
                "range": {
                    "start": {"line": line, "character": column},
                    "end": {"line": line, "character": column + (not inserting)},
                },
                "text": "x" if inserting else "",
            }
            began = time.perf_counter()
            client.notify(
                "textDocument/didChange",
                {"textDocument": {"uri": uri, "version": version}, "contentChanges": [change]},
            )
            taken.append(diagnostics(version) - began)
            time.sleep(0.01)

        def answered(provider: str, method: str, **params: Any) -> float | None:
            if not offered.get(provider):
                return None
            times = []
            for _ in range(15):
                began = time.perf_counter()
                at, _ = client.request(method, {"textDocument": {"uri": uri}, **params})
                times.append(at - began)
            return 1e3 * statistics.median(times)

        name = list(re.finditer(r"[a-z]{3,}", lines[line]))[-1]
        on_it = {"line": line, "character": name.start()}
        in_it = {"line": line, "character": name.start() + 1}
        hover = answered("hoverProvider", "textDocument/hover", position=on_it)
        completion = answered("completionProvider", "textDocument/completion", position=in_it)
        symbols = answered("documentSymbolProvider", "textDocument/documentSymbol")
        tokens = answered("semanticTokensProvider", "textDocument/semanticTokens/full")
        return Latency(
            1e3 * start,
            1e3 * opened,
            1e3 * statistics.median(taken),
            1e3 * sorted(taken)[int(0.95 * len(taken))],
            hover,
            completion,
            symbols,
            tokens,
            resident(client.process.pid),
            sum(map(resident, children(client.process.pid))),
        )
    finally:
        client.end()


def _pulled(client: Client, uri: str) -> float:
    """When the answer came; a server that gave up for something newer is asked again."""
    while True:
        try:
            return client.request("textDocument/diagnostic", {"textDocument": {"uri": uri}})[0]
        except Refused as refused:
            if refused.code not in (SERVER_CANCELLED, CONTENT_MODIFIED):
                raise


# ------------------------------------------------------------------ processes


def resident(process: int) -> float:
    """Mebibytes of memory that a process has; 0 for one that is gone."""
    told = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return int(told.stdout or 0) / 1024


def children(process: int) -> list[int]:
    """All processes that a process started, and those that they did."""
    told = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = dict(map(int, line.split()) for line in told.stdout.splitlines())
    found = [process]
    for parent in found:
        found += [child for child, of in parents.items() if of == parent]
    return found[1:]
