"""The real worker killed, stopped and filling memory, and what becomes of its runs, within one session."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qvr_server.worker_process import Patience, RunError, WorkerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory and processes are read from /proc")

MODEL = Path(__file__).parents[2] / "examples/eight_schools/noncentred.qvr"
MEGABYTE = 2**20
QUICK = {"warmup": 100, "draws": 100}
ENDLESS = {"warmup": 100, "draws": 3_000_000}

# A worker whose run holds memory and heeds no cancel.
HOARDER = """
import time
from quivers.worker import process

def run(request, *_):
    hoard = [bytearray(b"x" * 2**20) for _ in range(400)]
    time.sleep(60)

process.load_runtime, process.run = lambda: None, run
process.SECONDS_TO_SHRINK = 0.3
process.main()
"""

BARE = """
from quivers.worker import process

def load():
    import no_such_torch

process.load_runtime = load
process.main()
"""

# A server with a run under way, which tells its worker's number.
SERVER = """
import asyncio, sys
from pathlib import Path
from qvr_server.worker_process import WorkerProcess

async def main():
    worker = WorkerProcess()
    def report(_):
        print(worker.process_id, flush=True)
    await worker.run({params}, report)

asyncio.run(main())
"""


def params(settings: dict[str, Any]) -> dict[str, Any]:
    return {"source": MODEL.read_text(encoding="utf-8"), "name": str(MODEL), "settings": settings}


def nothing(_: Any) -> None:
    """Take no notice."""


def with_worker(worker: WorkerProcess, use: Callable[[WorkerProcess], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        try:
            return await asyncio.wait_for(use(worker), 200)
        finally:
            await worker.close()

    return asyncio.run(main())


@dataclass(frozen=True)
class Session:
    """One warm worker and the loop that it is talked to on, for test after test."""

    worker: WorkerProcess
    runner: asyncio.Runner

    def __call__(self, use: Callable[[WorkerProcess], Coroutine[Any, Any, Any]]) -> Any:
        return self.runner.run(asyncio.wait_for(use(self.worker), 200))


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    worker = WorkerProcess(patience=Patience(hang=3.0))
    with asyncio.Runner() as runner:
        yield Session(worker, runner)
        runner.run(worker.close())


async def ended_by(worker: WorkerProcess, settings: dict[str, Any], act: Callable[[int], None]) -> RunError:
    """How a run fails when `act` is done to its worker once it draws."""
    drawing = asyncio.Event()

    def report(progress: dict[str, Any]) -> None:
        if progress["phase"] == "sampling":
            drawing.set()

    running = asyncio.ensure_future(worker.run(params(settings), report))
    await drawing.wait()
    assert worker.process_id is not None
    act(worker.process_id)
    with pytest.raises(RunError) as caught:
        await running
    return caught.value


async def works(worker: WorkerProcess) -> None:
    result = await worker.run(params(QUICK), nothing)
    assert result["sites"]["theta"]["shape"] == [8]


def resident(process: int) -> int:
    pages = int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def gone(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
    return status.rpartition(")")[2].split()[0] in "ZX"


def test_a_run_that_keeps_its_memory_ends_its_worker_with_the_reason(tmp_path: Path) -> None:
    script = tmp_path / "hoarder.py"
    script.write_text(HOARDER, encoding="utf-8")

    async def use(worker: WorkerProcess) -> tuple[RunError, int | None]:
        with pytest.raises(RunError) as caught:
            await worker.run(params(QUICK), nothing)
        before = worker.facts()["starts"]
        while worker.facts()["starts"] == before:
            await asyncio.sleep(0.05)
        return caught.value, worker.process_id

    worker = WorkerProcess([sys.executable, str(script)], memory_limit=250 * MEGABYTE)
    error, fresh = with_worker(worker, use)
    assert error.kind == "memory"
    assert str(error).startswith("The run was ended because it took more than the worker's 250 MiB of memory")
    assert fresh is not None


def test_runs_in_a_row_hold_no_more_memory_than_the_first_ones(session: Session) -> None:
    async def use(worker: WorkerProcess) -> list[int]:
        held = []
        for _ in range(50):
            await worker.run(params({**QUICK, "seed": 1}), nothing)
            assert worker.process_id is not None
            held.append(resident(worker.process_id))
        return held

    held = session(use)
    first, later = held[:10], held[10:]
    # What the first runs differ by is the allocator's play; it allows no growth with each run.
    bound = max(first) + max(2 * (max(first) - min(first)), 4 * MEGABYTE)
    assert max(later) <= bound, held


@pytest.mark.parametrize("stopped", [False, True], ids=["drawing", "stopped"])
def test_a_worker_in_the_middle_of_a_run_does_not_outlive_a_server_that_is_killed(stopped: bool) -> None:
    code = SERVER.replace("{params}", repr(params(ENDLESS)))
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        assert not gone(worker)
        # When memory runs out, the kernel is to choose the worker, not the editor.
        assert int(Path(f"/proc/{worker}/oom_score_adj").read_text(encoding="ascii")) > 0
        if stopped:  # it can't see its input end, so that the system must end it
            os.kill(worker, signal.SIGSTOP)
        server.kill()
        server.wait(60)
        end = time.monotonic() + 60
        while not gone(worker) and time.monotonic() < end:
            time.sleep(0.05)
        assert gone(worker)
    finally:
        server.kill()
        server.wait(60)


def test_a_worker_that_can_not_load_its_runtime_says_what_is_missing(tmp_path: Path) -> None:
    script = tmp_path / "bare.py"
    script.write_text(BARE, encoding="utf-8")

    async def use(worker: WorkerProcess) -> str:
        with pytest.raises(RunError) as caught:
            await worker.run(params(QUICK), nothing)
        return str(caught.value)

    told = with_worker(WorkerProcess([sys.executable, str(script)]), use)
    assert told == (
        "The worker ended by itself (exit code 1), saying “ModuleNotFoundError: No module named"
        " 'no_such_torch'”; the next run gets a fresh one."
    )


def test_a_second_run_waits_for_the_first_and_a_cancel_frees_the_worker(session: Session) -> None:
    async def use(worker: WorkerProcess) -> None:
        drawing = asyncio.Event()
        first = asyncio.ensure_future(worker.run(params(ENDLESS), lambda _: drawing.set()))
        await drawing.wait()
        process = worker.process_id
        second = asyncio.ensure_future(worker.run(params(QUICK), nothing))
        prior = asyncio.ensure_future(worker.prior_predictive({**params({"draws": 200, "seed": 4})}))
        first.cancel()
        assert (await second)["draws"] == 100
        drawn = await prior
        assert (drawn["draws"], drawn["seed"]) == (200, 4)
        assert drawn["sites"]["y"]["observed"]["mean"] == pytest.approx(8.75)
        assert worker.process_id == process

    session(use)


def test_killed_stopped_and_filling_memory_each_run_fails_and_the_next_one_works(session: Session) -> None:
    async def use(worker: WorkerProcess) -> None:
        await works(worker)
        killed = await ended_by(worker, ENDLESS, lambda process: os.kill(process, signal.SIGKILL))
        assert str(killed) == "The worker was killed (signal 9, SIGKILL); the next run gets a fresh one."
        await works(worker)
        stopped = await ended_by(worker, ENDLESS, lambda process: os.kill(process, signal.SIGSTOP))
        assert str(stopped) == ("The run was ended because the worker hung: it gave no sign of life for 3 s.")
        await works(worker)
        assert worker.process_id is not None
        worker._chosen_limit = resident(worker.process_id) + 100 * MEGABYTE
        await worker.restart()
        await works(worker)
        process = worker.process_id
        full = await ended_by(worker, ENDLESS, nothing)
        assert full.kind == "memory"
        assert str(full).startswith("The run was ended because it took more than the worker's ")
        await works(worker)
        assert worker.process_id == process  # the memory was given back, so that the worker could stay

    session(use)
