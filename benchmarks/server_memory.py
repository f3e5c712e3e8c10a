"""Draw the memory of one server and of its worker over 10,000 edits and 200 runs, and look for orphans.

Each edit types a word that was never there before into one of the programs of a file of 1,000 lines, or takes
it out again; each run samples the eight schools with a seed of its own. Then a client is killed with signal 9
in the middle of a run, and another says `exit`: neither server nor worker may be left. With `--output FOLDER`
the plot goes into `server_memory.svg` there. Ends with 1 if a process is left over.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commands import DATA, MODEL, qvr_source
from language_server import Client, Message, children, resident

LINES = 1_000
URI = "file:///models/memory.qvr"
QUICK = {"chains": 2, "warmup": 50, "draws": 50}
LONG = {"chains": 1, "warmup": 1_000, "draws": 10_000_000}
SECONDS_TO_END = 15.0


@dataclass(frozen=True)
class Sample:
    """Mebibytes after so many edits or runs."""

    after: int
    server: float
    worker: float


def sample(client: Client, after: int) -> Sample:
    process = client.process.pid
    return Sample(after, resident(process), sum(map(resident, children(process))))


def greet(client: Client, process: int | None = None, *, warm: bool = False) -> None:
    client.request(
        "initialize",
        {
            "processId": process,
            "rootUri": None,
            "capabilities": {"textDocument": {"publishDiagnostics": {"versionSupport": True}}},
            "initializationOptions": {"worker": {"warm": warm}},
        },
    )
    client.notify("initialized", {})


def show(client: Client, uri: str, text: str) -> None:
    """Open a document and wait for its problems."""
    document = {"uri": uri, "languageId": "qvr", "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": document})
    client.wait(lambda message: _published(message, uri, 1))


def _published(message: Message, uri: str, version: int) -> bool:
    params: Any = message.get("params")
    right = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
    return right and params.get("version") == version


def after_edits(client: Client, text: str, edits: int, every: int) -> Iterator[Sample]:
    """Type into `text`, which is open as URI, and give the memory after every so many edits."""
    places = [
        (line, len(content))
        for line, content in enumerate(text.split("\n"))
        if content.lstrip().startswith("let")
    ]
    version = itertools.count(2)
    for number in range(0, edits, 2):
        line, column = places[(number * 7) % len(places)]
        word = f" + typed{number}"
        at = {"line": line, "character": column}
        end = {"line": line, "character": column + len(word)}
        for range_, new in (((at, at), word), ((at, end), "")):
            now = next(version)
            change = {"range": {"start": range_[0], "end": range_[1]}, "text": new}
            params = {"textDocument": {"uri": URI, "version": now}, "contentChanges": [change]}
            client.notify("textDocument/didChange", params)
            client.wait(lambda message, now=now: _published(message, URI, now))  # type: ignore[misc]
        if (number + 2) % every == 0:
            yield sample(client, number + 2)


def after_runs(client: Client, runs: int) -> Iterator[Sample]:
    """Sample the eight schools again and again, and give the memory after each run."""
    for number in range(runs):
        run = {"uri": MODEL.as_uri(), "data": str(DATA), "seed": number, **QUICK}
        client.request("workspace/executeCommand", {"command": "qvr.run", "arguments": [run]})
        yield sample(client, number + 1)


def slope(samples: list[tuple[int, float]]) -> float:
    """Theil and Sen's: the median of the slopes between all pairs, in kibibytes an edit or run."""
    slopes = [
        1024 * (right[1] - left[1]) / (right[0] - left[0])
        for left, right in itertools.combinations(samples, 2)
    ]
    return statistics.median(slopes)


# -------------------------------------------------------------------- orphans


def left_over(command: list[str], how: str) -> list[int]:
    """The processes that are left of a server in the middle of a run whose client ends in this way."""
    arguments = [sys.executable, __file__, "--be-client", *command]
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as runs,  # a worker may still write
        subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "QVR_RUNS_DIR": runs},
        ) as client,
    ):
        assert client.stdin
        assert client.stdout
        processes = [int(each) for each in client.stdout.readline().split()]
        assert processes, "the client did not get as far as a run"
        if how == "killed":
            client.send_signal(signal.SIGKILL)
        else:
            client.stdin.write("exit\n")
            client.stdin.close()
        client.wait()
    end = time.monotonic() + SECONDS_TO_END
    while time.monotonic() < end and any(map(_alive, processes)):
        time.sleep(0.1)
    return [each for each in processes if _alive(each)]


def _alive(process: int) -> bool:
    told = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return bool(told.stdout.strip()) and not told.stdout.startswith("Z")


def be_client(command: list[str]) -> None:
    """Start a server and a long run, tell the processes, and wait for a line of input to say `exit`."""
    client = Client(command)
    greet(client, os.getpid())
    run = {"uri": MODEL.as_uri(), "data": str(DATA), **LONG}
    token = "run"
    params = {"command": "qvr.run", "arguments": [run], "workDoneToken": token}
    client._write({"id": "long", "method": "workspace/executeCommand", "params": params})
    client.wait(
        lambda message: (
            message.get("method") == "$/progress" and message["params"]["value"]["kind"] == "report"
        )
    )
    print(client.process.pid, *children(client.process.pid), flush=True)
    sys.stdin.readline()
    client.request("shutdown")
    client.notify("exit")
    client.process.wait()


# ----------------------------------------------------------------------- plot


def draw(edits: list[Sample], runs: list[Sample], path: Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "qvr"
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(1, 2, figsize=(9, 3.4), constrained_layout=True)
    for panel, samples, what in zip(panels, (edits, runs), ("edits", "runs"), strict=True):
        at = [each.after for each in samples]
        panel.plot(at, [each.server for each in samples], label="server")
        if any(each.worker for each in samples):
            panel.plot(at, [each.worker for each in samples], label="worker")
        panel.set_xlabel(what)
        panel.set_ylim(0, 1.2 * max(max(each.server, each.worker) for each in samples))
        panel.grid(alpha=0.3)
        panel.legend()
    panels[0].set_ylabel("MiB")
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def report(what: str, samples: list[Sample], name: str, after: int) -> None:
    late = [(each.after, getattr(each, name)) for each in samples if each.after > after]
    first, last = late[0][1], late[-1][1]
    grows = f", {slope(late):+.3f} KiB each" if len(late) > 1 else ""
    over = f"{name} over {samples[-1].after} {what}, after the first {after}"
    print(f"{over}: {first:.1f} → {last:.1f} MiB{grows}", flush=True)


def main() -> int:
    if sys.argv[1:2] == ["--be-client"]:
        be_client(sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    default = str(Path(sys.executable).parent / "qvr-lsp")
    parser.add_argument("--server", default=default, help="our server's executable")
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--output", type=Path, help="folder for server_memory.svg")
    given = parser.parse_args()
    command = [given.server]
    client = Client(command)
    try:
        greet(client)
        text = qvr_source(LINES)
        show(client, URI, text)
        edits = list(after_edits(client, text, given.edits, every=max(2, given.edits // 200 // 2 * 2)))
        report("edits", edits, "server", given.edits // 10)
        runs = list(after_runs(client, given.runs))
        report("runs", runs, "server", given.runs // 10)
        report("runs", runs, "worker", given.runs // 10)
    finally:
        client.end()
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        draw(edits, runs, given.output / "server_memory.svg")
    left = {how: left_over(command, how) for how in ("killed", "exit")}
    for how, processes in left.items():
        print(f"after the client's end ({how}): {len(processes)} processes left over")
    return int(any(left.values()))


if __name__ == "__main__":
    sys.exit(main())
