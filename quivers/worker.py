"""The process that runs inference for an editor: `python -m quivers.worker`.

It speaks JSON-RPC 2.0 on its standard input and output, one message a line. Requests: `run`, whose
parameters are the fields of `RunRequest`, and `shutdown`. Notifications to it: `cancel {id}`. From it:
`ready` once the runtime is loaded, `progress {id, chain, chains, phase, done, total, divergences}`. A
failed run's error carries `data.kind`, one of `program`, `data`, `sampling`, `cancelled`, `internal`.
Runs wait for one another; the process ends with its standard input, so it can't outlive the server.
"""

from __future__ import annotations

import json
import math
import os
import queue
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

from quivers.errors import Cancelled, DataError, ProgramError, QvrError, SamplingError
from quivers.sampling_defaults import (
    ALGORITHMS,
    CHAINS,
    DEEPEST,
    DRAWS,
    ENGINE,
    ENGINES,
    MASS_MATRICES,
    STARTS,
    TARGET_ACCEPT,
    WARMUP,
)
from quivers.syntax.problems import Severity

if TYPE_CHECKING:
    from quivers.check.program import Checked, CheckedProgram
    from quivers.inference import ChainProgress

Progress = Callable[["ChainProgress"], None]
Kind = Literal["program", "data", "sampling", "cancelled", "internal"]

# A seed that is drawn fits a JavaScript number, so that a client can send it back.
SEEDS = 2**32
INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR = -32603, -32602, -32601, -32700
RUN_FAILED, RUN_CANCELLED = -32803, -32800


@dataclass(frozen=True, slots=True)
class Settings:
    """How to sample. `seed` None draws one, which the result reports; `max_tree_depth` is of NUTS alone."""

    seed: int | None = None
    chains: int = CHAINS
    warmup: int = WARMUP
    draws: int = DRAWS
    thin: int = 1
    target_accept: float = TARGET_ACCEPT
    algorithm: str = ALGORITHMS[0]
    max_tree_depth: int | None = None
    mass_matrix: str = MASS_MATRICES[0]
    init: str = STARTS[0]
    engine: str = ENGINE


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One run, complete in itself: the program's text, the data and how to sample.

    `name` is the model's file name in messages, and where the default data file is looked for.
    `program` None means the exported program. `data` is a file, the values themselves, or None for
    the file beside the model.
    """

    source: str
    name: str
    program: str | None = None
    data: Path | Mapping[str, Any] | None = None
    settings: Settings = field(default_factory=Settings)


def run(
    request: RunRequest, on_progress: Progress | None = None, cancel: threading.Event | None = None
) -> dict[str, Any]:
    """Sample the program's posterior; the summary as `qvr run --output-format json` prints it.

    Raises ProgramError, DataError, SamplingError, or Cancelled once `cancel` is set.
    """
    began = time.perf_counter()
    from quivers import json_output
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference import MCMC
    from quivers.inference.kernels import kernel_of

    settings = request.settings
    checked, program = checked_program(request)
    values, file = data_values(request, program)
    seed = secrets.randbelow(SEEDS) if settings.seed is None else settings.seed
    mcmc = MCMC(
        kernel_of(
            settings.algorithm,
            target_accept=settings.target_accept,
            mass_matrix=settings.mass_matrix,
            max_tree_depth=settings.max_tree_depth,
        ),
        num_warmup=settings.warmup,
        num_samples=settings.draws,
        num_chains=settings.chains,
        init_strategy=settings.init,
        seed=seed,
        thin=settings.thin,
        engine=settings.engine,
    )
    module = ProgramModule(checked, program)
    built = time.perf_counter()
    try:
        result = mcmc.run(module, None, values, progress=on_progress, cancel=cancel)
    except DataError as error:
        raise (error if file is None else error.in_file(file.name)) from None
    if result.cancelled:
        raise Cancelled("The run was cancelled.")
    rows = result.summary()
    seconds = {
        "compile": built - began + result.seconds["compile"],
        "sample": result.seconds["sample"],
        "total": time.perf_counter() - began,
    }
    return json_output.run(
        program.name,
        seed=seed,
        chains=settings.chains,
        warmup=settings.warmup,
        draws=settings.draws,
        seconds=seconds,
        divergences=result.total_divergences,
        engine=result.engine,
        engine_reason=result.engine_reason,
        problems=result.check(),
        rows=rows,
    )


def checked_program(request: RunRequest) -> tuple[Checked, CheckedProgram]:
    """The checked file and the program to run; raises ProgramError where the file has errors or lacks it."""
    from quivers.check.analysis import check_source

    source = request.source.encode(errors="replace")
    checked = check_source(source)
    errors = [found for found in checked.diagnostics if found.severity is Severity.ERROR]
    if errors:
        from quivers.terminal.frames import render

        raise ProgramError(render(errors, source, request.name, False), errors)
    if not checked.programs:
        raise ProgramError(f"{request.name} has no program to run.")
    program = checked.program_to_run(request.program)
    if program is None:
        known = ", ".join(f"`{name}`" for name in checked.programs)
        raise ProgramError(f"{request.name} has no program `{request.program}`, only {known}.")
    return checked, program


def data_values(request: RunRequest, program: CheckedProgram) -> tuple[dict[str, Any], Path | None]:
    """The values of the program's inputs and the file they are from; none where nothing asks for any."""
    from quivers import data

    if isinstance(request.data, Mapping):
        return dict(request.data), None
    path = request.data or data.default_path(Path(request.name))
    if request.data is None and not path.exists() and not program.inputs:
        return {}, None
    return data.read(path), path


# ------------------------------------------------------------------- messages


def request_from(params: object) -> RunRequest:
    """A run request from the parameters of a message; ValueError says what is wrong with them."""
    if not isinstance(params, dict):
        raise ValueError("a run takes its parameters by name")
    source, name, program = params.get("source"), params.get("name"), params.get("program")
    if not isinstance(source, str) or not isinstance(name, str):
        raise ValueError("a run needs `source` and `name`, both text")
    if program is not None and not isinstance(program, str):
        raise ValueError("`program` is a program's name")
    data = params.get("data")
    if isinstance(data, str):
        data = Path(data)
    elif data is not None and not isinstance(data, dict):
        raise ValueError("`data` is a file's path, or the values by name")
    return RunRequest(source, name, program, data, settings_from(params.get("settings") or {}))


def settings_from(values: object) -> Settings:
    """Settings from a message; ValueError names the one that is out of range."""
    if not isinstance(values, dict):
        raise ValueError("`settings` are given by name")
    known = {entry.name for entry in fields(Settings)}
    for name in values:
        if name not in known:
            raise ValueError(f"there is no setting called {name}")
    settings = Settings(**values)
    for name, least in (("chains", 1), ("warmup", 0), ("draws", 1), ("thin", 1)):
        value = getattr(settings, name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")
    if settings.seed is not None and (not isinstance(settings.seed, int) or settings.seed < 0):
        raise ValueError(f"seed must be a whole number of at least 0, not {settings.seed!r}")
    accept = settings.target_accept
    if not isinstance(accept, int | float) or not 0 < accept < 1:
        raise ValueError(f"target_accept must lie between 0 and 1, not {accept!r}")
    choices = {"algorithm": ALGORITHMS, "mass_matrix": MASS_MATRICES, "init": STARTS, "engine": ENGINES}
    for name, known_choices in choices.items():
        value = getattr(settings, name)
        if value not in known_choices:
            raise ValueError(f"{name} must be one of {', '.join(known_choices)}, not {value!r}")
    depth = settings.max_tree_depth
    if depth is not None:
        if not isinstance(depth, int) or isinstance(depth, bool) or not 1 <= depth <= DEEPEST:
            raise ValueError(f"max_tree_depth must be a whole number from 1 to {DEEPEST}, not {depth!r}")
        if settings.algorithm != "nuts":
            raise ValueError("max_tree_depth is of nuts alone")
    return settings


def failure(error: BaseException) -> dict[str, Any]:
    """The error object of a failed run."""
    match error:
        case Cancelled():
            return {
                "code": RUN_CANCELLED,
                "message": "The run was cancelled.",
                "data": {"kind": "cancelled"},
            }
        case DataError():
            problems = [
                {"code": problem.code, "message": problem.message, "input": problem.input}
                for problem in error.problems
            ]
            return _failed("data", str(error), problems=problems)
        case ProgramError():
            return _failed("program", str(error))
        case SamplingError() | QvrError():
            return _failed("sampling", str(error))
        case MemoryError():
            return _failed("sampling", "The run needs more memory than there is: ask for fewer draws.")
        case _:
            report = "".join(traceback.format_exception(error))
            message = f"The run failed inside QVR: {type(error).__name__}: {error}"
            return {
                "code": INTERNAL_ERROR,
                "message": message,
                "data": {"kind": "internal", "traceback": report},
            }


def _failed(kind: Kind, message: str, **details: object) -> dict[str, Any]:
    return {"code": RUN_FAILED, "message": message, "data": {"kind": kind, **details}}


def _finite(value: Any) -> Any:
    """`value` with null for what JSON can't write: an R-hat of a constant is not a number."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


# -------------------------------------------------------------------- process


class Worker:
    """Reads requests on the calling thread and runs them, one after another, on a second one."""

    def __init__(self, reader: IO[bytes], writer: IO[bytes]) -> None:
        self._reader = reader
        self._writer = writer
        self._writing = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[Any, RunRequest] | None] = queue.SimpleQueue()
        self._cancels: dict[Any, threading.Event] = {}

    def serve(self) -> None:
        """Answer until `shutdown` or the end of input; runs under way are cancelled then."""
        runner = threading.Thread(target=self._run_all, name="runs", daemon=True)
        runner.start()
        for line in self._reader:
            if line.strip() and not self._receive(line):
                break
        for cancel in list(self._cancels.values()):
            cancel.set()
        self._waiting.put(None)

    def send(self, message: dict[str, Any]) -> None:
        line = json.dumps(_finite({"jsonrpc": "2.0", **message}), separators=(",", ":"), allow_nan=False)
        with self._writing:
            self._writer.write(line.encode("ascii") + b"\n")
            self._writer.flush()

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
        if method == "run" and identity is not None:
            try:
                request = request_from(params)
            except (ValueError, TypeError) as error:
                self._refuse(identity, INVALID_PARAMS, f"This run can't start: {error}.")
                return True
            self._cancels[identity] = threading.Event()
            self._waiting.put((identity, request))
        elif method == "cancel":
            cancel = self._cancels.get(params.get("id")) if isinstance(params, dict) else None
            if cancel is not None:
                cancel.set()
        elif method == "shutdown":
            if identity is not None:
                self.send({"id": identity, "result": None})
            return False
        elif identity is not None:
            self._refuse(identity, METHOD_NOT_FOUND, f"the worker has no method {method!r}")
        return True

    def _refuse(self, identity: object, code: int, message: str) -> None:
        self.send({"id": identity, "error": {"code": code, "message": message}})

    def _run_all(self) -> None:
        load_runtime()
        self.send({"method": "ready"})
        while (waiting := self._waiting.get()) is not None:
            identity, request = waiting
            answer = self._answer(identity, request, self._cancels[identity])
            del self._cancels[identity]
            self.send({"id": identity, **answer})

    def _answer(self, identity: object, request: RunRequest, cancel: threading.Event) -> dict[str, Any]:
        def report(progress: ChainProgress) -> None:
            params = {entry.name: getattr(progress, entry.name) for entry in fields(progress)}
            self.send({"method": "progress", "params": {"id": identity, **params}})

        try:
            if cancel.is_set():
                raise Cancelled("The run was cancelled.")
            return {"result": run(request, report, cancel)}
        except BaseException as error:
            if not isinstance(error, QvrError):
                traceback.print_exc()
            return {"error": failure(error)}


def load_runtime() -> None:
    """Import torch and the sampler now, so that the first run doesn't wait for them."""
    import quivers.backends.torch.module
    import quivers.check.analysis
    import quivers.data  # noqa: F401
    from quivers.inference.machine_code import compiled_chain

    compiled_chain()


def main() -> None:
    """Serve on the standard streams, which are taken away from everything else in the process.

    A library that prints, in Python or in C, writes to standard error instead of into the protocol.
    """
    reader = os.fdopen(os.dup(0), "rb")
    writer = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        Worker(reader, writer).serve()
    except (BrokenPipeError, KeyboardInterrupt):
        pass
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    # A chain may be inside compiled code that no exception reaches: leave without waiting for it.
    os._exit(0)


if __name__ == "__main__":
    main()
