"""The server's end of the worker: starts `python -m quivers.worker`, talks to it, outlives its ends.

However the worker ends (a crash, a kill, memory running out, a hang), its runs fail with one sentence that
says so, and the next run gets a fresh one. `quivers.worker.messages` lists what the two say to each other.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

logger = logging.getLogger(__name__)

# `-P` keeps the current folder off the path, so that no `torch.py` of an opened folder is ever run.
COMMAND = (sys.executable, "-P", "-m", "quivers.worker")
SECONDS_TO_CANCEL = 3.0
SECONDS_TO_CLOSE = 1.0
FIRST_PAUSE, LONGEST_PAUSE, MOST_FAILURES = 0.5, 30.0, 5
LONGEST_MESSAGE = 1 << 28
NO_DRAWS = "The worker that had the draws of this run has ended: run the model again to see the trace."
NO_DRAWS_TO_REPORT = (
    "The worker that had the draws of this run has ended: run the model again to see all charts."
)
# A worker that held more than this share of its limit when it was killed was so for its memory, it seems.
NEAR_THE_LIMIT = 0.7
# One that lived for so many seconds did not fail for how it was started.
LONG_LIFE = 60.0

Report = Callable[[dict[str, Any]], None]


class RunError(Exception):
    """A run without a result. `kind` is the worker's word for why, `problems` what is wrong with the data."""

    def __init__(self, kind: str, message: str, problems: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.problems = tuple(problems)


def ignore(_: Any) -> None:
    """Take no notice."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the worker may take, in seconds.

    To become `ready`; between two pulses during a run, before it counts as hung (`hang`); without a step of
    the sampler, before the run is told of once (`stall`).
    """

    ready: float = 120.0
    hang: float = 30.0
    stall: float = 300.0


@dataclass(frozen=True, slots=True)
class Pulse:
    """The worker's last sign of life: its memory in bytes, the run's leapfrog steps, and which run it is."""

    rss: int | None = None
    steps: int | None = None
    running: int | None = None


@dataclass(slots=True)
class Waiting:
    """A request without an answer so far. The functions take what the worker says of it."""

    answer: asyncio.Future[dict[str, Any]]
    report: Report
    partial: Report
    remark: Callable[[str], None]
    saving: Callable[[str], None] = ignore
    deadline: asyncio.TimerHandle | None = None


class WorkerProcess:
    """One worker at a time, started when asked for and started anew after a crash.

    All methods are called on the event loop. `command` is what is run, for tests to replace;
    `memory_limit` the bytes that it may hold, by default what it chooses itself.
    """

    def __init__(
        self,
        command: Sequence[str] = COMMAND,
        *,
        patience: Patience | None = None,
        memory_limit: int | None = None,
    ) -> None:
        self._command = tuple(command)
        self._patience = patience or Patience()
        self._chosen_limit = memory_limit
        self._limit: int | None = memory_limit
        self._process: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._identities = itertools.count(1)
        self._waiting: dict[int, Waiting] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._restart: asyncio.TimerHandle | None = None
        self._last_words: collections.deque[str] = collections.deque(maxlen=20)
        self._pulse = Pulse()
        self._ready = False
        # Seconds without a pulse, and without a step, during a run.
        self._silent = self._unmoved = 0.0
        self._reason: str | None = None
        self._last_end: str | None = None
        self._failures = 0
        self._starts = 0
        self._started = 0.0
        self._closed = False

    def limit(self, *, memory: int | None, hang: float) -> None:
        """Set what the next worker may hold, in bytes or as it chooses, and when it counts as hung."""
        self._chosen_limit = memory
        self._patience = replace(self._patience, hang=hang)

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None else None

    @property
    def state(self) -> str:
        """What the worker does: "stopped", "starting", "idle" or "running"."""
        if self._process is None:
            return "stopped"
        if not self._ready:
            return "starting"
        return "running" if self._waiting else "idle"

    def memory(self) -> int | None:
        """The bytes that the worker held at its last pulse; None where they are not known."""
        return self._pulse.rss if self._process is not None else None

    def facts(self) -> dict[str, Any]:
        """What there is to know about the worker, as plain JSON, for who looks into a problem."""
        return {
            "state": self.state,
            "pid": self.process_id,
            "memory": self.memory(),
            "memory_limit": self._limit,
            "steps": self._pulse.steps if self._process is not None else None,
            "runs": len(self._waiting),
            "starts": self._starts,
            "last_end": self._last_end,
        }

    def warm_up(self) -> None:
        """Start the worker in the background if none runs."""
        if self._process is None and not self._closed:
            self._spawn(self._start())

    async def run(
        self,
        params: dict[str, Any],
        report: Report,
        *,
        partial: Report = ignore,
        remark: Callable[[str], None] = ignore,
        saving: Callable[[str], None] = ignore,
    ) -> dict[str, Any]:
        """The result of one run; raises RunError. Cancelling the awaiting task stops the run.

        `report` takes its progress and `partial` what its draws say so far, as the worker sends them;
        `remark` a sentence about its course, such as that it makes no headway, and `saving` the folder that
        it is saved in.
        """
        return await self._request("run", params, report, partial, remark, saving)

    async def prior_predictive(self, params: dict[str, Any]) -> dict[str, Any]:
        """Draws from a program's prior, in figures; raises RunError. Cancelling the task stops it."""
        return await self._request("prior_predictive", params, ignore, ignore, ignore)

    async def trace(self, params: dict[str, Any]) -> dict[str, Any]:
        """One number's draws; raises RunError, of the kind `no_draws` where they are gone.

        It starts a worker only where the run is saved: a fresh one has no draws of its own.
        """
        return await self._of_draws("trace", params, NO_DRAWS)

    async def report(self, params: dict[str, Any]) -> dict[str, Any]:
        """Have a run's page written; raises RunError, of the kind `no_draws` where its draws are gone.

        It starts a worker only where the run is saved.
        """
        return await self._of_draws("report", params, NO_DRAWS_TO_REPORT)

    async def _of_draws(self, method: str, params: dict[str, Any], gone: str) -> dict[str, Any]:
        if params.get("folder") is not None:
            return await self._of_saved_draws(method, params)
        process = self._process
        if process is None or process.returncode is not None or self._reason is not None:
            raise RunError("no_draws", gone)
        try:
            return await self._request(method, params, ignore, ignore, ignore)
        except RunError:
            if self._process is not process:  # it ended before it answered
                raise RunError("no_draws", gone) from None
            raise

    async def _of_saved_draws(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        before = self._starts, self._process
        try:
            return await self._request(method, params, ignore, ignore, ignore)
        except RunError as failure:
            if failure.kind != "internal" or before == (self._starts, self._process):
                raise
        # It ended before it answered; what it had is on the disk.
        return await self._request(method, params, ignore, ignore, ignore)

    async def restart(self) -> None:
        """End the worker that runs, failing its runs, and wait until a fresh one has been started."""
        self._failures = 0
        self._kill("The worker was restarted, which ended this run.")
        await self._start()

    async def close(self) -> None:
        """End the worker for good."""
        self._closed = True
        if self._restart is not None:
            self._restart.cancel()
        process = self._process
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._listener is not None:  # which tells the runs that wait
            await asyncio.wait([self._listener], timeout=SECONDS_TO_CLOSE)
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    def _kill(self, reason: str) -> None:
        """End the worker that runs now; its runs fail with `reason`, and the next one gets a fresh worker."""
        if self._process is not None and self._reason is None:
            self._reason = reason
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _request(
        self, method: str, params: dict[str, Any], report: Report, partial: Report,
        remark: Callable[[str], None], saving: Callable[[str], None] = ignore,
    ) -> dict[str, Any]:  # fmt: skip
        await self._start()
        identity = next(self._identities)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        if not self._waiting:
            self._silent = self._unmoved = 0.0
        self._waiting[identity] = waiting = Waiting(answer, report, partial, remark, saving)
        try:
            self._send({"id": identity, "method": method, "params": params})
            message = await answer
        except asyncio.CancelledError:
            self._cancel(identity)
            raise
        finally:
            waiting.report = waiting.partial = waiting.remark = waiting.saving = ignore
        if "error" in message:
            error = message["error"]
            data = error.get("data") or {}
            if "traceback" in data:
                logger.error("a run failed in the worker\n%s", data["traceback"])
            raise RunError(data.get("kind", "internal"), error["message"], data.get("problems", ()))
        result: dict[str, Any] = message["result"]
        return result

    # --------------------------------------------------------------- process

    async def _start(self) -> None:
        async with self._starting:
            process = self._process
            if process is not None:
                if self._reason is None and process.returncode is None:
                    return
                assert self._listener is not None
                await asyncio.shield(self._listener)  # it is at its end: wait for that
            if self._closed:
                raise RunError("internal", "The server is ending; no run can start.")
            self._last_words.clear()
            environment = dict(os.environ)
            if self._chosen_limit is not None:
                environment["QVR_WORKER_MEMORY"] = str(self._chosen_limit)
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LONGEST_MESSAGE,
                    env=environment,
                )
            except OSError as error:
                reason = error.strerror or str(error)
                raise RunError("internal", f"The worker can't be started: {reason}.") from error
            self._process = process
            self._pulse, self._ready, self._reason = Pulse(), False, None
            self._silent = self._unmoved = 0.0
            self._starts += 1
            self._started = asyncio.get_running_loop().time()
            self._listener = self._spawn(self._listen(process))
            self._spawn(self._watch(process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        words = self._spawn(self._overhear(process))
        try:
            while line := await process.stdout.readline():
                self._receive(line)
        except ValueError:
            logger.exception("the worker sent a message that is too long")
            process.kill()
        await process.wait()
        await words
        self._ended(process)

    async def _overhear(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        with contextlib.suppress(ValueError):
            while line := await process.stderr.readline():
                words = line.decode(errors="replace").rstrip()
                self._last_words.append(words)
                logger.info("worker: %s", words)

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """End a worker that does not become ready or hangs, and tell of a run that makes no headway.

        Time counts by what this loop has slept, so that a machine that was asleep ends no worker.
        """
        patience = self._patience
        pause = min(1.0, patience.ready / 4, patience.hang / 4, patience.stall / 4)
        waited = 0.0
        while self._process is process and process.returncode is None:
            await asyncio.sleep(pause)
            if not self._ready:
                waited += pause
                if waited >= patience.ready:
                    self._kill(f"The worker did not become ready within {patience.ready:g} s and was ended.")
            elif self._waiting:
                self._silent += pause
                if self._silent >= patience.hang:
                    self._kill(
                        f"The run was ended because the worker hung: it gave no sign of life for"
                        f" {patience.hang:g} s."
                    )
                before = self._unmoved
                self._unmoved += pause
                if before < patience.stall <= self._unmoved and self._pulse.steps:
                    waiting = self._waiting.get(self._pulse.running or 0)
                    if waiting is not None:
                        waiting.remark(
                            f"The sampler has taken no step for {patience.stall:g} s: the density may take"
                            " very long to compute."
                        )

    def _ended(self, process: asyncio.subprocess.Process) -> None:
        if self._closed:
            sentence = "The server ended before the run did."
        elif self._reason is not None:
            sentence = self._reason
        else:
            sentence = _obituary(process.returncode, list(self._last_words), self._near_limit())
        if not self._closed:
            self._last_end = sentence
            logger.warning("%s", sentence)
        self._process, self._ready, self._reason = None, False, None
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            if each.deadline is not None:
                each.deadline.cancel()
            if not each.answer.done():
                each.answer.set_exception(RunError("internal", sentence))
        lived = asyncio.get_running_loop().time() - self._started
        self._failures = 1 if lived > LONG_LIFE else self._failures + 1
        if not self._closed and self._failures <= MOST_FAILURES:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._failures - 1))
            self._restart = asyncio.get_running_loop().call_later(pause, self.warm_up)

    def _near_limit(self) -> bool:
        rss, limit = self._pulse.rss, self._limit
        return rss is not None and limit is not None and rss >= NEAR_THE_LIMIT * limit

    # -------------------------------------------------------------- messages

    def _send(self, message: dict[str, Any]) -> None:
        process = self._process
        if process is None or process.stdin is None or process.stdin.is_closing():
            return  # its end has been or will be told to every run that waits
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode("ascii") + b"\n")

    def _receive(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            logger.error("the worker sent a line that is no message: %r", line[:200])
            return
        if not isinstance(message, dict):
            logger.error("the worker sent a line that is no message: %r", line[:200])
            return
        identity, params = message.get("id"), message.get("params") or {}
        match message.get("method"):
            case "ready":
                self._ready = True
                self._limit = params.get("memory_limit")
                self._silent = self._unmoved = 0.0
            case "pulse":
                self._take_pulse(Pulse(params.get("rss"), params.get("steps"), params.get("running")))
            case "progress" if waiting := self._waiting.get(params.get("id", 0)):
                waiting.report(params)
            case "partial" if waiting := self._waiting.get(params.get("id", 0)):
                waiting.partial(params)
            case "saving" if waiting := self._waiting.get(params.get("id", 0)):
                waiting.saving(params["folder"])
            case "remark" if waiting := self._waiting.get(params.get("id", 0)):
                waiting.remark(params["message"])
            case None if identity is not None:
                self._failures = 0
                waiting = self._waiting.pop(identity, None)
                if waiting is not None and waiting.deadline is not None:
                    waiting.deadline.cancel()
                if waiting is not None and not waiting.answer.done():
                    waiting.answer.set_result(message)

    def _take_pulse(self, pulse: Pulse) -> None:
        self._silent = 0.0
        if (pulse.steps, pulse.running) != (self._pulse.steps, self._pulse.running):
            self._unmoved = 0.0
        self._pulse = pulse

    def _cancel(self, identity: int) -> None:
        """Ask for the end of a run, and end the worker if it doesn't answer in time."""
        if (waiting := self._waiting.get(identity)) is not None:
            self._send({"method": "cancel", "params": {"id": identity}})
            self._expect_end(identity, waiting)

    def _expect_end(self, identity: int, waiting: Waiting) -> None:
        loop = asyncio.get_running_loop()
        waiting.deadline = loop.call_later(SECONDS_TO_CANCEL, self._overdue, identity)

    def _overdue(self, identity: int) -> None:
        """End the worker for a cancelled run; not while the run waits for a slow start or for another run."""
        waiting = self._waiting.get(identity)
        if waiting is None:
            return
        before = any(number < identity and not each.answer.done() for number, each in self._waiting.items())
        if before or not self._ready:
            self._expect_end(identity, waiting)
        else:
            self._kill("The worker was ended because a run that was cancelled did not stop; run this again.")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s", error)


def _obituary(code: int | None, last_words: list[str], near_limit: bool) -> str:
    """How the worker ended, in one sentence."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        if name == "SIGKILL" and near_limit:
            reason = "The worker was killed by the system, as happens when memory runs out"
        elif name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP"):
            reason = f"The worker was killed (signal {-code}, {name})"
        else:
            reason = f"The worker crashed (signal {-code}, {name})"
        return f"{reason}; the next run gets a fresh one."
    said = next((words for words in reversed(last_words) if words.strip()), "")
    said = f", saying “{said}”" if said else ""
    return f"The worker ended by itself (exit code {code}){said}; the next run gets a fresh one."
