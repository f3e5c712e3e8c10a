"""The worker's process: requests are read on one thread, run on a second, and watched from a third.

Traces are looked up on a fourth, so that a run under way can be looked at, and pages written on a fifth.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import IO, TYPE_CHECKING, Any

from quivers.errors import Cancelled, QvrError
from quivers.worker import memory
from quivers.worker.course import Course
from quivers.worker.messages import (
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    RUN_FAILED,
    MemoryLimitError,
    NoDrawsError,
    PriorRequest,
    RunRequest,
    TraceRequest,
    failure,
    finite,
    prior_request,
    run_request,
    trace_request,
)
from quivers.worker.reports import ReportRequest, Reports, report_request
from quivers.worker.runs import load_runtime, prior_predictive, run
from quivers.worker.saving import SavedWhileMade, saved_draws

if TYPE_CHECKING:
    from quivers.inference import ChainProgress, MCMCResult
    from quivers.worker.traces import Traces

SECONDS_BETWEEN_PULSES = 1.0
SECONDS_BETWEEN_LOOKS = 0.1
# Seconds that a run has to give its memory back once it is told to end.
SECONDS_TO_SHRINK = 3.0
# A pulse goes out at once when memory has grown by this share of the limit.
TELLING_SHARE = 0.1
OUT_OF_MEMORY_CODE = 70


@dataclass(slots=True)
class Job:
    """A request that waits or runs. `too_large` is set, before `cancel`, where memory ends it."""

    identity: Any
    request: RunRequest | PriorRequest
    cancel: threading.Event = field(default_factory=threading.Event)
    too_large: bool = False
    course: Course | None = None


class Worker:
    """Serves one client; `limit` is the memory that the process may hold, in bytes, None for any amount."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes], limit: int | None = None) -> None:
        self._reader = reader
        self._writer = writer
        self._limit = limit
        self._writing = threading.Lock()
        self._waiting: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._jobs: dict[Any, Job] = {}
        self._running: Job | None = None
        self._looks: queue.SimpleQueue[tuple[Any, TraceRequest] | None] = queue.SimpleQueue()
        self._kept: Traces | None = None
        self._pages: queue.SimpleQueue[tuple[Any, ReportRequest] | None] = queue.SimpleQueue()
        self._reports = Reports(limit)
        self._loaded = threading.Event()
        self._ended = threading.Event()

    def serve(self) -> None:
        """Answer until `shutdown` or the end of input; runs under way are cancelled then."""
        works = (
            *((self._run_all, "runs"), (self._keep_watch, "watch")),
            *((self._trace_all, "traces"), (self._report_all, "reports")),
        )
        for work, name in works:
            threading.Thread(target=work, name=name, daemon=True).start()
        for line in self._reader:
            if line.strip() and not self._receive(line):
                break
        self._ended.set()
        for job in list(self._jobs.values()):
            job.cancel.set()
        self._waiting.put(None)
        self._looks.put(None)
        self._pages.put(None)

    def send(self, message: dict[str, Any]) -> None:
        line = json.dumps(finite({"jsonrpc": "2.0", **message}), separators=(",", ":"), allow_nan=False)
        with self._writing:
            self._writer.write(line.encode("ascii") + b"\n")
            self._writer.flush()

    # -------------------------------------------------------------- requests

    def _receive(self, line: bytes) -> bool:
        """Act on one message; False ends the process."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._refuse(None, PARSE_ERROR, "this line is no JSON-RPC message")
            return True
        method, identity, params = message.get("method"), message.get("id"), message.get("params")
        if method in ("run", "prior_predictive") and identity is not None:
            try:
                request = run_request(params) if method == "run" else prior_request(params)
            except (ValueError, TypeError) as error:
                self._refuse(identity, INVALID_PARAMS, f"This run can't start: {error}.")
                return True
            self._jobs[identity] = job = Job(identity, request)
            self._waiting.put(job)
        elif method == "trace" and identity is not None:
            try:
                self._looks.put((identity, trace_request(params)))
            except ValueError as error:
                self._refuse(identity, INVALID_PARAMS, f"There is no such trace: {error}.")
        elif method == "report" and identity is not None:
            try:
                self._pages.put((identity, report_request(params)))
            except ValueError as error:
                self._refuse(identity, INVALID_PARAMS, f"There is no such report: {error}.")
        elif method == "cancel":
            wanted = self._jobs.get(params.get("id")) if isinstance(params, dict) else None
            if wanted is not None:
                wanted.cancel.set()
        elif method == "shutdown":
            if identity is not None:
                self.send({"id": identity, "result": None})
            return False
        elif identity is not None:
            self._refuse(identity, METHOD_NOT_FOUND, f"the worker has no method {method!r}")
        return True

    def _refuse(self, identity: object, code: int, message: str) -> None:
        self.send({"id": identity, "error": {"code": code, "message": message}})

    # ------------------------------------------------------------------ runs

    def _run_all(self) -> None:
        try:
            load_runtime()
        except BaseException:  # without it no run can ever be answered; the last line says what is missing
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        from quivers.worker.traces import Traces

        self._kept = Traces(self._limit)
        self._loaded.set()
        self.send({"method": "ready", "params": {"pid": os.getpid(), "memory_limit": self._limit}})
        while (job := self._waiting.get()) is not None:
            self._running = job
            answer = self._answer(job)
            del self._jobs[job.identity]
            self._running = None
            self.send({"id": job.identity, **answer})

    def _answer(self, job: Job) -> dict[str, Any]:
        try:
            if job.cancel.is_set():
                raise Cancelled("The run was cancelled.")
            if isinstance(job.request, PriorRequest):
                return {"result": prior_predictive(job.request, job.cancel)}
            return {"result": self._run(job, job.request)}
        except BaseException as error:
            if job.too_large and isinstance(error, Cancelled):
                error = MemoryLimitError(self._too_large())
            if not isinstance(error, QvrError | MemoryError):
                traceback.print_exc()
            return {"error": failure(error)}

    def _run(self, job: Job, request: RunRequest) -> dict[str, Any]:
        job.course = course = Course(request.settings.warmup, request.settings.thin)

        def report(progress: ChainProgress) -> None:
            told = course.progress(progress)
            self.send({"method": "progress", "params": {"id": job.identity, **told}})
            if (partial := course.partial()) is not None:
                self.send({"method": "partial", "params": {"id": job.identity, **partial}})
                course.sent()

        def keep(result: MCMCResult) -> None:
            if request.key is not None and self._kept is not None:
                samples = {name: drawn.numpy() for name, drawn in result.samples.items()}
                self._kept.keep(request.key, samples, result.divergences.numpy())
                self._reports.keep(request.key, result)

        def tell(method: str, **what: str) -> None:
            self.send({"method": method, "params": {"id": job.identity, **what}})

        saved = None
        if request.place is not None:
            saved = SavedWhileMade(
                request.place,
                lambda folder: tell("saving", folder=folder),
                lambda sentence: tell("remark", message=sentence),
            )
        return run(request, report, job.cancel, course.begin, keep, saved)

    # ---------------------------------------------------------------- traces

    def _trace_all(self) -> None:
        while (look := self._looks.get()) is not None:
            identity, request = look
            self._tell(identity, partial(self._trace, request))

    def _report_all(self) -> None:
        while (wanted := self._pages.get()) is not None:
            identity, request = wanted
            self._tell(identity, partial(self._reports.write, request))

    def _tell(self, identity: object, find: Callable[[], dict[str, Any]]) -> None:
        try:
            answer = {"result": find()}
        except BaseException as error:
            if not isinstance(error, QvrError | MemoryError):
                traceback.print_exc()
            answer = {"error": failure(error)}
        self.send({"id": identity, **answer})

    def _trace(self, request: TraceRequest) -> dict[str, Any]:
        """One number's draws: of the run under way where that is meant, else of one that is kept."""
        job = self._running
        if job is not None and isinstance(job.request, RunRequest) and job.request.key == request.key:
            found = None if job.course is None else job.course.trace(request.site, request.index)
            if found is None:
                raise NoDrawsError("The run has made no draws yet.")
            return found
        self._loaded.wait()
        assert self._kept is not None
        if request.folder is not None and request.key not in self._kept:
            self._kept.keep(request.key, *saved_draws(request.folder))
        return self._kept.trace(request.key, request.site, request.index)

    # ----------------------------------------------------------------- watch

    def _keep_watch(self) -> None:
        """Tell that the process lives, and end what needs more memory than it may have."""
        told, told_at, above_since = 0, time.monotonic(), None
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            now, held = time.monotonic(), memory.resident()
            grown = self._limit is not None and held is not None and held - told > TELLING_SHARE * self._limit
            if grown or now - told_at >= SECONDS_BETWEEN_PULSES:
                told, told_at = held or 0, now
                self._pulse(held)
            if self._limit is None or held is None or held <= self._limit:
                above_since = None
                continue
            if above_since is None:
                above_since = now
            if (job := self._running) is not None and not job.too_large:
                job.too_large = True
                job.cancel.set()
            if now - above_since > SECONDS_TO_SHRINK:
                self._give_up()

    def _pulse(self, held: int | None) -> None:
        job = self._running
        course = None if job is None else job.course
        params = {
            "rss": held,
            "steps": None if course is None else course.steps,
            "running": None if job is None else job.identity,
        }
        try:
            self.send({"method": "pulse", "params": params})
        except (OSError, ValueError):  # the client is gone, which the reading thread sees too
            self._ended.set()

    def _too_large(self) -> str:
        assert self._limit is not None
        return (
            f"The run was ended because it took more than the worker's {_size(self._limit)} of memory: ask"
            " for fewer draws or chains, or thin them."
        )

    def _give_up(self) -> None:
        """End the process, telling the run that did not give its memory back why."""
        sentence = self._too_large()
        print(sentence, file=sys.stderr, flush=True)
        job = self._running
        if job is not None and self._writing.acquire(timeout=1.0):
            error = {"code": RUN_FAILED, "message": sentence, "data": {"kind": "memory"}}
            line = json.dumps({"jsonrpc": "2.0", "id": job.identity, "error": error})
            self._writer.write(line.encode("ascii") + b"\n")
            self._writer.flush()
        os._exit(OUT_OF_MEMORY_CODE)


def _size(count: int) -> str:
    return f"{count / 2**30:.1f} GiB" if count >= 2**30 else f"{count / 2**20:.0f} MiB"


def main() -> None:
    """Serve on the standard streams, which are taken away from everything else in the process.

    A library that prints, in Python or in C, writes to standard error instead of into the protocol.
    """
    memory.die_with_parent()
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        Worker(reader, writer, memory.limit()).serve()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except ValueError as error:  # the memory limit is no number
        print(error, file=sys.stderr)
        os._exit(2)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # A chain may be inside compiled code that no exception reaches: leave without waiting for it.
    os._exit(0)
