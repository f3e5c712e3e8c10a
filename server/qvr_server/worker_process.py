"""The server's end of the worker: starts `python -m quivers.worker`, talks to it, outlives its crashes."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import itertools
import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

logger = logging.getLogger(__name__)

# `-P` keeps the current folder off the path, so that no `torch.py` of an opened folder is ever run.
COMMAND = (sys.executable, "-P", "-m", "quivers.worker")
SECONDS_TO_CANCEL = 3.0
FIRST_PAUSE, LONGEST_PAUSE, MOST_FAILURES = 0.5, 30.0, 5
LONGEST_MESSAGE = 1 << 28

Report = Callable[[dict[str, Any]], None]


class RunError(Exception):
    """A run without a result. `kind` is the worker's word for why, `problems` what is wrong with the data."""

    def __init__(self, kind: str, message: str, problems: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.kind = kind
        self.problems = tuple(problems)


class WorkerProcess:
    """One worker at a time, started when asked for and started anew after a crash.

    All methods are called on the event loop. `command` is what is run, for tests to replace.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._command = tuple(command)
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()
        self._identities = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reports: dict[int, Report] = {}
        self._deadlines: dict[int, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._restart: asyncio.TimerHandle | None = None
        self._last_words: collections.deque[str] = collections.deque(maxlen=20)
        self._failures = 0
        self._closed = False

    @property
    def process_id(self) -> int | None:
        return self._process.pid if self._process is not None else None

    def warm_up(self) -> None:
        """Start the worker in the background if none runs."""
        if self._process is None and not self._closed:
            self._spawn(self._start())

    async def run(self, params: dict[str, Any], report: Report) -> dict[str, Any]:
        """The summary of one run; raises RunError. Cancelling the awaiting task stops the run."""
        await self._start()
        identity = next(self._identities)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[identity], self._reports[identity] = answer, report
        try:
            self._send({"id": identity, "method": "run", "params": params})
            message = await answer
        except asyncio.CancelledError:
            self._cancel(identity)
            raise
        finally:
            self._reports.pop(identity, None)
        if "error" in message:
            error = message["error"]
            data = error.get("data") or {}
            if "traceback" in data:
                logger.error("a run failed in the worker\n%s", data["traceback"])
            raise RunError(data.get("kind", "internal"), error["message"], data.get("problems", ()))
        result: dict[str, Any] = message["result"]
        return result

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
        for task in list(self._tasks):
            task.cancel()

    def kill(self) -> None:
        """End the worker that runs now; its runs fail, and the next one gets a fresh worker."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    # --------------------------------------------------------------- process

    async def _start(self) -> None:
        async with self._starting:
            if self._process is not None:
                return
            if self._closed:
                raise RunError("internal", "The server is ending; no run can start.")
            self._last_words.clear()
            try:
                process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    limit=LONGEST_MESSAGE,
                )
            except OSError as error:
                reason = error.strerror or str(error)
                raise RunError("internal", f"The worker can't be started: {reason}.") from error
            self._process = process
            self._spawn(self._listen(process))

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        words = asyncio.create_task(self._overhear(process))
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

    def _ended(self, process: asyncio.subprocess.Process) -> None:
        self._process = None
        for deadline in self._deadlines.values():
            deadline.cancel()
        self._deadlines.clear()
        if self._closed:
            sentence = "The server ended before the run did."
        else:
            sentence = _obituary(process.returncode, list(self._last_words))
            logger.warning("%s", sentence)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(RunError("internal", sentence))
        self._answers.clear()
        self._failures += 1
        if not self._closed and self._failures <= MOST_FAILURES:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (self._failures - 1))
            self._restart = asyncio.get_running_loop().call_later(pause, self.warm_up)

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
        identity = message.get("id")
        match message.get("method"):
            case "ready":
                self._failures = 0
            case "progress":
                params = message["params"]
                if report := self._reports.get(params["id"]):
                    report(params)
            case None if identity is not None:
                if deadline := self._deadlines.pop(identity, None):
                    deadline.cancel()
                answer = self._answers.pop(identity, None)
                if answer is not None and not answer.done():
                    answer.set_result(message)

    def _cancel(self, identity: int) -> None:
        """Ask for the end of a run, and end the worker if it doesn't answer in time."""
        if identity not in self._answers:
            return
        self._send({"method": "cancel", "params": {"id": identity}})
        loop = asyncio.get_running_loop()
        self._deadlines[identity] = loop.call_later(SECONDS_TO_CANCEL, self.kill)

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s", error)


def _obituary(code: int | None, last_words: list[str]) -> str:
    """How the worker ended, in one sentence."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "unknown"
        reason = f"The worker was killed (signal {-code}, {name})"
        if name == "SIGKILL":
            reason += ", as happens when memory runs out"
        return f"{reason}; the next run gets a fresh one."
    said = next((words for words in reversed(last_words) if words.strip()), "")
    said = f", saying “{said}”" if said else ""
    return f"The worker ended by itself (exit code {code}){said}; the next run gets a fresh one."
