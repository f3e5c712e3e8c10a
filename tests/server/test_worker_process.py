"""The server's end of the worker, against small workers that behave, crash, hang and babble."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from qvr_server import worker_process
from qvr_server.worker_process import RunError, WorkerProcess

OBEDIENT = """
import json, os, sys
print(json.dumps({"jsonrpc": "2.0", "method": "ready"}), flush=True)
waiting = {}
for line in sys.stdin:
    message = json.loads(line)
    method, params, identity = message["method"], message.get("params"), message.get("id")
    if method == "cancel":
        error = {"code": -32800, "message": "The run was cancelled.", "data": {"kind": "cancelled"}}
        print(json.dumps({"jsonrpc": "2.0", "id": params["id"], "error": error}), flush=True)
    elif params["program"] == "fails":
        error = {"code": -32803, "message": "y has nine values.", "data": {"kind": "data", "problems": [{}]}}
        print(json.dumps({"jsonrpc": "2.0", "id": identity, "error": error}), flush=True)
    elif params["program"] == "succeeds":
        report = {"id": identity, "chain": 0, "done": 1}
        print(json.dumps({"jsonrpc": "2.0", "method": "progress", "params": report}), flush=True)
        print(json.dumps({"jsonrpc": "2.0", "id": identity, "result": {"pid": os.getpid()}}), flush=True)
"""
BROKEN = "import sys; sys.exit('no torch here')"


def with_worker(tmp_path: Path, script: str, use: Callable[[WorkerProcess], Awaitable[Any]]) -> Any:
    """What `use` gives on a worker that runs `script`."""
    file = tmp_path / "worker.py"
    file.write_text(script, encoding="utf-8")

    async def main() -> Any:
        worker = WorkerProcess([sys.executable, str(file)])
        try:
            return await asyncio.wait_for(use(worker), 60)
        finally:
            await worker.close()

    return asyncio.run(main())


def nothing(_: dict[str, Any]) -> None:
    """Ignore a report."""


def test_a_result_comes_back_after_its_reports(tmp_path: Path) -> None:
    reports: list[dict[str, Any]] = []

    async def use(worker: WorkerProcess) -> dict[str, Any]:
        return await worker.run({"program": "succeeds"}, reports.append)

    assert with_worker(tmp_path, OBEDIENT, use)["pid"] > 0
    assert [report["done"] for report in reports] == [1]


def test_one_worker_serves_run_after_run(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> list[int]:
        return [(await worker.run({"program": "succeeds"}, nothing))["pid"] for _ in range(3)]

    assert len(set(with_worker(tmp_path, OBEDIENT, use))) == 1


def test_a_failed_run_says_why(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> None:
        await worker.run({"program": "fails"}, nothing)

    with pytest.raises(RunError, match=r"y has nine values\.") as caught:
        with_worker(tmp_path, OBEDIENT, use)
    assert caught.value.kind == "data"
    assert caught.value.problems == ({},)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
def test_a_killed_worker_fails_its_run_and_the_next_run_gets_a_fresh_one(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> tuple[str, int, int]:
        run = asyncio.ensure_future(worker.run({"program": "hangs"}, nothing))
        while worker.process_id is None:
            await asyncio.sleep(0.01)
        killed = worker.process_id
        os.kill(killed, signal.SIGKILL)
        with pytest.raises(RunError) as caught:
            await run
        return str(caught.value), killed, (await worker.run({"program": "succeeds"}, nothing))["pid"]

    message, killed, fresh = with_worker(tmp_path, OBEDIENT, use)
    assert message.startswith("The worker was killed (signal 9, SIGKILL)")
    assert fresh != killed


def test_a_worker_that_can_not_start_fails_the_run_with_its_last_words(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> None:
        await worker.run({"program": "succeeds"}, nothing)

    with pytest.raises(RunError, match=r"exit code 1.*no torch here"):
        with_worker(tmp_path, BROKEN, use)


def test_a_command_that_is_not_there_fails_the_run() -> None:
    async def use() -> None:
        await WorkerProcess(["/no/such/python"]).run({}, nothing)

    with pytest.raises(RunError, match="can't be started: No such file"):
        asyncio.run(use())


def test_a_crashing_worker_is_started_again_a_few_times_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "FIRST_PAUSE", 0.0)
    starts = tmp_path / "starts"
    script = f"open({str(starts)!r}, 'a').write('x')"

    async def use(worker: WorkerProcess) -> None:
        worker.warm_up()
        before = ""
        while not before or before != starts.read_text():
            before = starts.read_text() if starts.exists() else ""
            await asyncio.sleep(0.5)

    with_worker(tmp_path, script, use)
    assert len(starts.read_text()) == worker_process.MOST_FAILURES + 1


def test_cancelling_the_task_stops_the_run_and_keeps_the_worker(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> tuple[int | None, int]:
        run = asyncio.ensure_future(worker.run({"program": "waits"}, nothing))
        await asyncio.sleep(0.3)
        before = worker.process_id
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        return before, (await worker.run({"program": "succeeds"}, nothing))["pid"]

    before, after = with_worker(tmp_path, OBEDIENT, use)
    assert before == after


def test_a_worker_that_does_not_heed_a_cancel_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_process, "SECONDS_TO_CANCEL", 0.1)
    deaf = "import time\nwhile True: time.sleep(1)"

    async def use(worker: WorkerProcess) -> None:
        run = asyncio.ensure_future(worker.run({"program": "waits"}, nothing))
        await asyncio.sleep(0.3)
        before = worker.process_id
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        while worker.process_id == before:
            await asyncio.sleep(0.02)

    with_worker(tmp_path, deaf, use)


def test_a_worker_that_babbles_is_survived(tmp_path: Path) -> None:
    babbling = "print('hello'); import sys; sys.stderr.write('x' * 200000)\n" + OBEDIENT

    async def use(worker: WorkerProcess) -> dict[str, Any]:
        return await worker.run({"program": "succeeds"}, nothing)

    assert with_worker(tmp_path, babbling, use)["pid"] > 0
