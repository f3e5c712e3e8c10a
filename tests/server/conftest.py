"""An editor in a few lines: a real `qvr-lsp` over stdio, and what it says."""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60.0
ROOT = Path(__file__).resolve().parents[2]
RUNS = "QVR_RUNS_DIR"


@pytest.fixture(autouse=True)
def _runs_beside_their_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each model has the runs of its own folder, so that no test finds another's."""
    monkeypatch.delenv(RUNS, raising=False)


@pytest.fixture(scope="session", autouse=True)
def _no_runs_in_the_checkout() -> Iterator[None]:
    places = [ROOT, *(ROOT / name for name in ("examples", "docs", "tests", "server"))]
    before = {found for place in places for found in place.glob("**/.qvr" if place != ROOT else ".qvr")}
    yield
    after = {found for place in places for found in place.glob("**/.qvr" if place != ROOT else ".qvr")}
    assert after <= before, f"tests left runs in {after - before}"


class ServerError(Exception):
    """An error answer."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code = error["code"]
        self.data = error.get("data")


class Editor:
    """Speaks with one server. Messages that nobody waits for yet are kept in order."""

    def __init__(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **{name: value for name, value in os.environ.items() if name != RUNS},
                **(environment or {}),
            },
        )
        self._inbox: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.kept: list[dict[str, Any]] = []
        self._identity = 0
        self.versions: dict[str, int] = {}
        self.errors: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._read_errors, daemon=True).start()

    def _read(self) -> None:
        stream = self.process.stdout
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if not length:
                self._inbox.put(None)
                return
            self._inbox.put(json.loads(stream.read(length)))

    def _read_errors(self) -> None:
        self.errors.extend(self.process.stderr)

    def send_bytes(self, body: bytes) -> None:
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        self.send_bytes(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, params: Any = None) -> int:
        """Send a request; `answer` waits for what comes of it."""
        self._identity += 1
        self.send({"id": self._identity, "method": method, "params": params})
        return self._identity

    def answer(self, identity: int) -> Any:
        message = self.wait(lambda message: message.get("id") == identity and "method" not in message)
        if "error" in message:
            raise ServerError(message["error"])
        return message["result"]

    def request(self, method: str, params: Any = None) -> Any:
        return self.answer(self.ask(method, params))

    def wait(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = SECONDS) -> dict[str, Any]:
        """The first message that is `wanted`, among those kept and those to come."""
        for message in self.kept:
            if wanted(message):
                self.kept.remove(message)
                return message
        end = time.monotonic() + seconds
        while True:
            try:
                message = self._inbox.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                others = [str(message)[:300] for message in self.kept[-5:]]
                raise AssertionError(f"no such message came; the last others: {others}") from None
            if message is None:
                raise AssertionError(f"the server ended: {b''.join(self.errors).decode()}")
            if "method" in message and "id" in message:
                answer = [None] if message["method"] == "workspace/configuration" else None
                self.send({"id": message["id"], "result": answer})
            if wanted(message):
                return message
            self.kept.append(message)

    def initialize(self, encoding: str = "utf-16", **capabilities: Any) -> dict[str, Any]:
        settings = {"general": {"positionEncodings": [encoding]}, **capabilities}
        options = {"worker": {"warm": False}}
        result = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": None,
                "capabilities": settings,
                "initializationOptions": options,
            },
        )
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, language: str = "qvr") -> list[dict[str, Any]]:
        """Open a document and wait for its problems."""
        self.versions[uri] = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        return self.problems(uri)

    def change(self, uri: str, *changes: dict[str, Any]) -> list[dict[str, Any]]:
        """Change a document and wait for its problems."""
        self.versions[uri] += 1
        document = {"uri": uri, "version": self.versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": list(changes)})
        return self.problems(uri)

    def problems(self, uri: str) -> list[dict[str, Any]]:
        """The problems published for the newest version of a document."""
        newest = self.versions[uri]

        def published(message: dict[str, Any]) -> bool:
            if message.get("method") != "textDocument/publishDiagnostics":
                return False
            params = message["params"]
            return params["uri"] == uri and params.get("version") == newest

        return self.wait(published)["params"]["diagnostics"]

    def hover(self, uri: str, line: int, character: int) -> Any:
        position = {"line": line, "character": character}
        return self.request("textDocument/hover", {"textDocument": {"uri": uri}, "position": position})

    def command(self, name: str, *arguments: Any) -> Any:
        return self.request("workspace/executeCommand", {"command": name, "arguments": list(arguments)})

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(SECONDS)


@pytest.fixture
def editors() -> Iterator[Callable[..., Editor]]:
    """Starts editors; all are closed after the test."""
    yield from _editors()


@pytest.fixture(scope="module")
def lasting_editor() -> Iterator[Editor]:
    """One editor for a module's tests, with one warm worker behind it; its client shows progress."""
    for start in _editors():
        editor = start()
        editor.initialize(window={"workDoneProgress": True})
        yield editor


def _editors() -> Iterator[Callable[..., Editor]]:
    started: list[Editor] = []

    def start(**environment: str) -> Editor:
        started.append(Editor([sys.executable, "-m", "qvr_server", "--stdio"], environment))
        return started[-1]

    yield start
    for each in started:
        each.close()


@pytest.fixture
def editor(editors: Callable[..., Editor]) -> Editor:
    """An editor whose server is initialized, with columns in UTF-16 and Markdown hovers."""
    started = editors()
    started.initialize(textDocument={"hover": {"contentFormat": ["markdown"]}})
    return started


@pytest.fixture(scope="session")
def eight_schools() -> str:
    root = Path(__file__).resolve().parent.parent.parent
    return (root / "examples/eight_schools/centred.qvr").read_text(encoding="utf-8")


@contextmanager
def eventually(seconds: float = SECONDS) -> Iterator[Callable[[Callable[[], bool]], None]]:
    """Gives a function that waits until a condition holds."""

    def wait(condition: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    yield wait
