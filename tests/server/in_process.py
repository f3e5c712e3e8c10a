"""An editor and its server in one process: messages as JSON both ways, through the protocol's own edge."""

import asyncio
import json
import re
import time
from collections.abc import Callable
from typing import Any

from qvr_server.server import QvrServer

EVERYTHING: dict[str, Any] = {"textDocument": {"hover": {"contentFormat": ["markdown", "plaintext"]}}}
_MARK = re.compile("⟦(.*?)⟧", re.DOTALL)


class Answered(Exception):
    """An error answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code, self.data = error["code"], error.get("data")


class _Outbox:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data.partition(b"\r\n\r\n")[2]))

    def close(self) -> None: ...


class Client:
    """A client of a server of its own, which has no worker until a run asks for one.

    Requests of the server are answered with null. `sent` has all that came from the server, in order.
    """

    def __init__(
        self,
        encoding: str = "utf-16",
        capabilities: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        root: str | None = None,
    ) -> None:
        self.encoding = encoding
        self.loop = asyncio.new_event_loop()
        self.server = self.loop.run_until_complete(self._made())
        self._out = _Outbox()
        self.server.protocol.set_writer(self._out)  # type: ignore[arg-type]
        self._next = 0
        self._identity = 0
        self.sent: list[dict[str, Any]] = []
        self.versions: dict[str, int] = {}
        wanted = {"general": {"positionEncodings": [encoding]}, **(capabilities or EVERYTHING)}
        self.initialized = self.request(
            "initialize",
            {
                "processId": None,
                "rootUri": root,
                "capabilities": wanted,
                "initializationOptions": {"worker": {"warm": False}, **(options or {})},
            },
        )
        self.notify("initialized", {})

    async def _made(self) -> QvrServer:
        server = QvrServer()
        server.ended = asyncio.get_running_loop().create_future()
        return server

    # ------------------------------------------------------------------ messages

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        protocol = self.server.protocol
        arrived = protocol.arrived(body)
        self.loop.call_soon(protocol.receive, arrived)

    def turn(self, pause: float = 0.0) -> list[dict[str, Any]]:
        """Let the server act on what has arrived, and wait a little; the messages that came of it."""
        self.loop.run_until_complete(asyncio.sleep(pause))
        new = self._out.messages[self._next :]
        self._next = len(self._out.messages)
        self.sent += new
        for message in new:
            if "method" in message and "id" in message:
                items = message["params"].get("items", []) if isinstance(message.get("params"), dict) else []
                answer = [None] * len(items) if message["method"] == "workspace/configuration" else None
                self.send({"id": message["id"], "result": answer})
        return new

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params})
        self.turn()

    def request(self, method: str, params: Any = None, seconds: float = 60.0) -> Any:
        self._identity += 1
        identity = self._identity
        self.send({"id": identity, "method": method, "params": params})
        message = self.wait(lambda each: each.get("id") == identity and "method" not in each, seconds)
        if "error" in message:
            raise Answered(message["error"])
        return message["result"]

    def wait(self, wanted: Any, seconds: float = 60.0) -> dict[str, Any]:
        """The first new message that is `wanted`."""
        began = time.monotonic()
        while (waited := time.monotonic() - began) < seconds:
            # What takes long is done by another process, which needs the processor.
            for message in self.turn(0.0 if waited < 0.1 else 0.002):
                if wanted(message):
                    return message
        raise AssertionError(f"no such message came; the last were {self.sent[-3:]}")

    def wait_until(self, holds: Callable[[], bool], seconds: float = 60.0) -> None:
        """Let the server go on until something holds."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"it did not come to hold; the last were {self.sent[-3:]}"
            self.turn(0.002)

    # ----------------------------------------------------------------- documents

    def open(self, uri: str, text: str, language: str = "qvr") -> list[dict[str, Any]]:
        """Open a document; its problems."""
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        return self._published(uri)

    def change(self, uri: str, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        """Change a document; its problems."""
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        params = {"textDocument": document, "contentChanges": list(changes)}
        self.send({"method": "textDocument/didChange", "params": params})
        return self._published(uri)

    def _published(self, uri: str) -> list[dict[str, Any]]:
        def newest(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return params["uri"] == uri and params.get("version") == self.versions[uri]

        found: list[dict[str, Any]] = self.wait(newest)["params"]["diagnostics"]
        return found

    def at(self, method: str, uri: str, position: dict[str, int], **others: Any) -> Any:
        """Ask about a place: `textDocument/<method>`."""
        return self.request(
            f"textDocument/{method}", {"textDocument": {"uri": uri}, "position": position, **others}
        )

    def close(self) -> None:
        self.loop.run_until_complete(self.server.close())
        self.loop.close()


# -------------------------------------------------------------------------- texts with marks


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` without its marks `⟦…⟧`, and the characters from and to of each."""
    spans: list[tuple[int, int]] = []
    plain = ""
    end = 0
    for match in _MARK.finditer(text):
        plain += text[end : match.start()]
        spans.append((len(plain), len(plain) + len(match[1])))
        plain += match[1]
        end = match.end()
    return plain + text[end:], spans


def position(text: str, index: int, encoding: str) -> dict[str, int]:
    """Where the character `index` of `text` is; LF, CRLF and CR end a line, nothing else does."""
    before = text[:index]
    if before.endswith("\r") and text[index : index + 1] == "\n":
        before = before[:-1]
    flat = before.replace("\r\n", "\n").replace("\r", "\n")
    line = flat[flat.rfind("\n") + 1 :]
    unit = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    width = len(line.encode(encoding if unit == 1 else f"{encoding}-le")) // unit
    return {"line": flat.count("\n"), "character": width}


def place(text: str, span: tuple[int, int], encoding: str) -> dict[str, Any]:
    """The range of some of the characters of `text`."""
    return {"start": position(text, span[0], encoding), "end": position(text, span[1], encoding)}


def character(text: str, position: dict[str, int], encoding: str) -> int:
    """The character of `text` that a position of the server's is; the opposite of `position`."""
    starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", text))]
    index = starts[position["line"]]
    unit = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    width = 0
    while width < position["character"]:
        one = text[index].encode(encoding if unit == 1 else f"{encoding}-le")
        width += len(one) // unit
        index += 1
    assert width == position["character"], f"{position} is inside a character"
    return index
