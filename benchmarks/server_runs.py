"""Time a run from the lens: a real server with a warm worker, on eight schools, from command to result.

Prints the median of several runs, with the settings that the server has by itself, and what of it the
sampler took. The goal is one second.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "examples" / "eight_schools" / "noncentred.qvr"
GOAL = 1.0


class Server:
    """A server over standard input and output, and the few messages that this needs."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "qvr_server", "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._identity = 0

    def send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        message: dict[str, Any] = json.loads(self._process.stdout.read(length))
        return message

    def request(self, method: str, params: Any) -> Any:
        self._identity += 1
        self.send({"id": self._identity, "method": method, "params": params})
        while True:
            message = self.receive()
            if "method" in message and "id" in message:
                self.send({"id": message["id"], "result": None})
            elif message.get("id") == self._identity:
                if "error" in message:
                    raise SystemExit(message["error"]["message"])
                return message["result"]

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


def measure(runs: int) -> list[tuple[float, float]]:
    """For each run the seconds from the command to the result, and those of sampling."""
    server = Server()
    taken = []
    try:
        server.request("initialize", {"processId": os.getpid(), "rootUri": None, "capabilities": {}})
        server.send({"method": "initialized", "params": {}})
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "schools.qvr"
            model.write_bytes(MODEL.read_bytes())
            model.with_suffix(".data.json").write_bytes(MODEL.with_suffix(".data.json").read_bytes())
            uri = model.as_uri()
            document = {"uri": uri, "languageId": "qvr", "version": 1, "text": model.read_text("utf-8")}
            server.send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
            [lens] = server.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
            command = {name: lens["command"][name] for name in ("command", "arguments")}
            for number in range(runs + 1):
                began = time.perf_counter()
                result = server.request("workspace/executeCommand", command)
                if number:  # the first waits for the worker to start
                    taken.append((time.perf_counter() - began, result["seconds"]["sample"]))
    finally:
        server.close()
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=9, help="how many runs to time after the first")
    taken = measure(parser.parse_args().runs)
    whole = statistics.median(seconds for seconds, _ in taken)
    sampling = statistics.median(seconds for _, seconds in taken)
    print(
        f"run from the lens, eight schools, warm worker: median {whole * 1000:.0f} ms of {len(taken)} runs "
        f"(fastest {min(taken)[0] * 1000:.0f}, slowest {max(taken)[0] * 1000:.0f}; "
        f"sampling {sampling * 1000:.0f}); goal {GOAL * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main()
