"""Start a language server over stdio and time it: start, open, edits to diagnostics, hover."""

from __future__ import annotations

import itertools
import json
import queue
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Latency:
    """Milliseconds; `edit` and `hover` are medians, `edit_p95` the 95 % quantile."""

    start: float
    opened: float
    edit: float
    edit_p95: float
    hover: float


class Client:
    """A JSON-RPC client that answers every request of the server with null."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.inbox: queue.Queue[tuple[float, dict[str, Any]]] = queue.Queue()
        self.numbers = itertools.count(1)
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

    def _write(self, message: dict[str, Any]) -> None:
        stream = self.process.stdin
        assert stream
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stream.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        stream.flush()

    def notify(self, method: str, params: dict[str, Any]) -> None:
        self._write({"method": method, "params": params})

    def request(self, method: str, params: dict[str, Any]) -> tuple[float, Any]:
        """The moment the answer came, and the answer."""
        number = next(self.numbers)
        self._write({"id": number, "method": method, "params": params})
        at, message = self.wait(lambda m: m.get("id") == number and "method" not in m)
        return at, message.get("result")

    def wait(self, wanted: Any, seconds: float = 60.0) -> tuple[float, dict[str, Any]]:
        end = time.perf_counter() + seconds
        while True:
            at, message = self.inbox.get(timeout=max(0.01, end - time.perf_counter()))
            if "method" in message and "id" in message:
                self._write({"id": message["id"], "result": None})
            elif wanted(message):
                return at, message


def measure(command: list[str], path: Path, language: str, edits: int = 60) -> Latency:
    """Open `path`, then insert and remove one character in its middle line, in turn."""
    text = path.read_text(encoding="utf-8")
    uri = path.resolve().as_uri()
    began = time.perf_counter()
    client = Client(command)
    capabilities = {
        "textDocument": {
            "publishDiagnostics": {"versionSupport": True},
            "hover": {"contentFormat": ["markdown"]},
        }
    }
    at, _ = client.request(
        "initialize",
        {"processId": None, "rootUri": path.resolve().parent.as_uri(), "capabilities": capabilities},
    )
    start = at - began
    client.notify("initialized", {})

    def diagnostics(version: int) -> float:
        def published(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            right = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
            return right and (params.get("version") is None or params["version"] >= version)

        return client.wait(published)[0]

    began = time.perf_counter()
    document = {"uri": uri, "languageId": language, "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})
    opened = diagnostics(1) - began
    lines = text.split("\n")
    line = next(number for number in range(len(lines) // 2, len(lines)) if lines[number].strip())
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
    hovers = []
    for _ in range(15):
        began = time.perf_counter()
        position = {"line": line, "character": column - 1}
        at, _ = client.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})
        hovers.append(at - began)
    client.process.kill()
    client.process.wait()
    return Latency(
        *(
            1e3 * seconds
            for seconds in (
                start,
                opened,
                statistics.median(taken),
                sorted(taken)[int(0.95 * len(taken))],
                statistics.median(hovers),
            )
        )
    )
