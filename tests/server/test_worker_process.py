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
from qvr_server.worker_process import Patience, RunError, WorkerProcess

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
LIVING = """
import json, os, signal, sys, threading, time
def tell(method, **params):
    print(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}), flush=True)
"""
BROKEN = "import sys; sys.exit('no torch here')"


def with_worker(
    tmp_path: Path,
    script: str,
    use: Callable[[WorkerProcess], Awaitable[Any]],
    patience: Patience | None = None,
) -> Any:
    """What `use` gives on a worker that runs `script`."""
    file = tmp_path / "worker.py"
    file.write_text(script, encoding="utf-8")

    async def main() -> Any:
        worker = WorkerProcess([sys.executable, str(file)], patience=patience)
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
    deaf = LIVING + "tell('ready')\nwhile True: time.sleep(1)"

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


SLOW_TO_START = """
import json, sys, time
time.sleep(1.0)
print(json.dumps({"jsonrpc": "2.0", "method": "ready"}), flush=True)
requests = []
for line in sys.stdin:
    message = json.loads(line)
    if message["method"] == "cancel":
        time.sleep(1.0)  # the run before it
        requests.sort()
        for identity in requests:
            answer = {"jsonrpc": "2.0", "id": identity}
            if identity == message["params"]["id"]:
                answer["error"] = {"code": -32800, "message": "Cancelled.", "data": {"kind": "cancelled"}}
            else:
                answer["result"] = {}
            print(json.dumps(answer), flush=True)
    else:
        requests.append(message["id"])
"""


def test_a_cancelled_run_that_waits_for_its_turn_does_not_end_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither while the worker starts nor while another run goes on, which would fail with it."""
    monkeypatch.setattr(worker_process, "SECONDS_TO_CANCEL", 0.2)

    async def use(worker: WorkerProcess) -> Any:
        first = asyncio.ensure_future(worker.run({"program": "one"}, nothing))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(worker.run({"program": "another"}, nothing))
        while worker.facts()["runs"] < 2:
            await asyncio.sleep(0.01)
        second.cancel()
        return await first, worker.facts()["starts"]

    assert with_worker(tmp_path, SLOW_TO_START, use) == ({}, 1)


def test_a_worker_that_babbles_is_survived(tmp_path: Path) -> None:
    babbling = "print('hello'); import sys; sys.stderr.write('x' * 200000)\n" + OBEDIENT

    async def use(worker: WorkerProcess) -> dict[str, Any]:
        return await worker.run({"program": "succeeds"}, nothing)

    assert with_worker(tmp_path, babbling, use)["pid"] > 0


async def sentence_of_a_run(worker: WorkerProcess) -> str:
    with pytest.raises(RunError) as caught:
        await worker.run({"program": "waits"}, nothing)
    assert caught.value.kind == "internal"
    return str(caught.value)


def test_a_worker_without_a_pulse_during_a_run_is_ended_and_told_to_have_hung(tmp_path: Path) -> None:
    silent = LIVING + 'tell("ready")\nwhile True: time.sleep(1)'
    told = with_worker(tmp_path, silent, sentence_of_a_run, Patience(hang=0.4))
    assert told == "The run was ended because the worker hung: it gave no sign of life for 0.4 s."


def test_an_idle_worker_without_a_pulse_is_left_alone(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> tuple[int, int]:
        first = (await worker.run({"program": "succeeds"}, nothing))["pid"]
        await asyncio.sleep(1.0)
        return first, (await worker.run({"program": "succeeds"}, nothing))["pid"]

    first, second = with_worker(tmp_path, OBEDIENT, use, Patience(hang=0.3))
    assert first == second


def test_a_run_that_makes_no_headway_is_told_of_once_and_goes_on(tmp_path: Path) -> None:
    slow = (
        LIVING
        + """
tell("ready")
identity = json.loads(sys.stdin.readline())["id"]
for _ in range(20):
    time.sleep(0.05)
    tell("pulse", rss=1, steps=0, running=identity)  # compiling still
for _ in range(20):
    time.sleep(0.05)
    tell("pulse", rss=1, steps=8, running=identity)
print(json.dumps({"jsonrpc": "2.0", "id": identity, "result": {}}), flush=True)
sys.stdin.readline()
"""
    )
    remarks: list[str] = []

    async def use(worker: WorkerProcess) -> dict[str, Any]:
        return await worker.run({}, nothing, remark=remarks.append)

    assert with_worker(tmp_path, slow, use, Patience(hang=20.0, stall=0.4)) == {}
    assert remarks == ["The sampler has taken no step for 0.4 s: the density may take very long to compute."]


def test_a_worker_that_does_not_become_ready_is_ended_with_a_sentence(tmp_path: Path) -> None:
    told = with_worker(
        tmp_path, "import time\nwhile True: time.sleep(1)", sentence_of_a_run, Patience(ready=0.4)
    )
    assert told == "The worker did not become ready within 0.4 s and was ended."


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("rss", "signal_name", "sentence"),
    [
        (900, "SIGKILL", "The worker was killed by the system, as happens when memory runs out; "),
        (300, "SIGKILL", "The worker was killed (signal 9, SIGKILL); "),
        (900, "SIGTERM", "The worker was killed (signal 15, SIGTERM); "),
        (300, "SIGSEGV", "The worker crashed (signal 11, SIGSEGV); "),
    ],
)
def test_how_the_worker_ended_is_told_by_signal_and_memory(
    tmp_path: Path, rss: int, signal_name: str, sentence: str
) -> None:
    dying = (
        LIVING
        + f"""
tell("ready", memory_limit=1000)
sys.stdin.readline()
tell("pulse", rss={rss}, steps=None, running=1)
os.kill(os.getpid(), signal.{signal_name})
"""
    )
    assert with_worker(tmp_path, dying, sentence_of_a_run) == sentence + "the next run gets a fresh one."


def test_restarting_fails_the_run_and_gives_a_fresh_worker(tmp_path: Path) -> None:
    async def use(worker: WorkerProcess) -> tuple[str, int | None, int]:
        failing = asyncio.ensure_future(sentence_of_a_run(worker))
        while worker.state != "running":
            await asyncio.sleep(0.01)
        before = worker.process_id
        await worker.restart()
        assert worker.process_id not in (None, before)
        return await failing, before, (await worker.run({"program": "succeeds"}, nothing))["pid"]

    sentence, before, after = with_worker(tmp_path, OBEDIENT, use)
    assert sentence == "The worker was restarted, which ended this run."
    assert before != after


def test_the_facts_follow_the_worker(tmp_path: Path) -> None:
    living = (
        LIVING
        + """
tell("ready", memory_limit=1000)
tell("pulse", rss=700, steps=None, running=None)
sys.stdin.readline()
sys.exit("enough")
"""
    )

    async def use(worker: WorkerProcess) -> None:
        assert worker.facts()["state"] == "stopped"
        assert worker.memory() is None
        worker.warm_up()
        while worker.memory() is None:
            await asyncio.sleep(0.01)
        facts = worker.facts()
        assert (facts["state"], facts["memory"], facts["memory_limit"]) == ("idle", 700, 1000)
        assert (facts["pid"], facts["starts"]) == (worker.process_id, 1)
        sentence = await sentence_of_a_run(worker)
        assert worker.facts()["last_end"] == sentence
        assert "exit code 1), saying “enough”" in sentence

    with_worker(tmp_path, living, use)


def test_draws_from_a_prior_and_partial_results_reach_those_who_asked(tmp_path: Path) -> None:
    answering = (
        LIVING
        + """
tell("ready")
for line in sys.stdin:
    message = json.loads(line)
    tell("partial", id=message["id"], done=5)
    answer = {"method": message["method"], "params": message["params"]}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": answer}), flush=True)
"""
    )
    partials: list[dict[str, Any]] = []

    async def use(worker: WorkerProcess) -> None:
        prior = await worker.prior_predictive({"source": "x"})
        assert prior == {"method": "prior_predictive", "params": {"source": "x"}}
        assert (await worker.run({}, nothing, partial=partials.append))["method"] == "run"

    with_worker(tmp_path, answering, use)
    assert [partial["done"] for partial in partials] == [5]
