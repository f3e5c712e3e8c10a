"""What the worker and the server say to each other: JSON-RPC 2.0, one message a line, in ASCII.

To the worker:
- request `run` {source, name, program?, data?, renames?, settings?: `Settings`, key?, place?: `Place`};
  `data` is a file's or directory's path, a list of them, values by name, or null for the file beside the
  model; `renames` has names in a file by the program's; under `key` its draws are kept, and in `place` the
  run is saved while it is made. Its result is `quivers.json_output.run` and `quivers.json_output.run_details`
  in one, with the folder that it is saved in as `saved`, or null.
- request `prior_predictive` {source, name, program?, data?, renames?, settings?: `PriorSettings`}. Its result
  is `quivers.json_output.prior_predictive`.
- request `trace` {key, site, index, folder?}: one number's draws in the run of that key, be it under way or
  done; `index` has its subscripts, from 0. Draws that are not here are read from the `folder` that the run is
  saved in. Its result is `quivers.worker.traces.trace`; it waits for no run.
- request `report` {path, key, folder, source, answer, file, data, finished, stale}: writes the page of a run
  with all its charts to a file, as `quivers.worker.reports.ReportRequest` has it; it waits for no run. Its
  result has the `seconds` that this took.
- notification `cancel` {id}: ends that request, which answers with the kind `cancelled`.
- request `shutdown`.

From the worker:
- `ready` {pid, memory_limit: bytes or null}, once the runtime is loaded.
- `progress` {id, chain, chains, phase: "warm-up"|"sampling", done, total, divergences, draws_per_second,
  seconds_left}, ten times a second for each chain that moved: `done` of `total` transitions, warm-up's among
  them; draws that are kept per second, null in warm-up; seconds to the end of this chain, null until known.
- `partial` {id, done, total, labels, sites: {name: {axes, shape, mean, sd, histogram}}} about twice a
  second while drawing, less often where that would slow the run by 1 %: what the `done` of `total` draws of
  all chains say so far; mean and sd are flat, the histogram is null where there is none, and `labels` has
  what the elements of objects are called, for those that the data name.
- `saving` {id, folder}: the run is saved there; its draws stay, however the worker ends.
- `remark` {id, message}: a sentence for the user on the run's course, such as that it can't be saved.
- `pulse` {rss: bytes or null, steps: leapfrog steps of the run or null, running: id or null} every second,
  and at once when memory grows fast.

A histogram is {low, high, counts}: 24 counts of the numbers from `low` to `high`, all elements in one; the
farthest half per cent at each end is left out. Of whole numbers each bin holds as many.

A failed request's error has a sentence as `message` and `data.kind`: `program`, `data` (with `data.problems`,
each {code, message, input, near}), `sampling`, `memory`, `cancelled`, `no_draws` or `internal` (with
`data.traceback`).
Requests wait for one another. The process ends with its standard input, so it can't outlive the server.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from quivers.errors import Cancelled, DataError, ProgramError, QvrError, SamplingError
from quivers.sampling_defaults import (
    ALGORITHMS,
    CHAINS,
    DEEPEST,
    DRAWS,
    ENGINE,
    ENGINES,
    MASS_MATRICES,
    REPARAMETERIZATION,
    REPARAMETERIZATIONS,
    STARTS,
    TARGET_ACCEPT,
    WARMUP,
)

Kind = Literal["program", "data", "sampling", "memory", "cancelled", "no_draws", "internal"]

INTERNAL_ERROR, INVALID_PARAMS, METHOD_NOT_FOUND, PARSE_ERROR = -32603, -32602, -32601, -32700
RUN_FAILED, RUN_CANCELLED = -32803, -32800

PRIOR_DRAWS = 1000
LARGEST_SEED = 2**64 - 1
GONE = "The draws of this run are no longer kept: run the model again to see the trace."
OUT_OF_MEMORY = "The run needs more memory than there is: ask for fewer draws."


class NoDrawsError(QvrError):
    """The draws that were asked for are not here; the text is a sentence for the user."""


class MemoryLimitError(MemoryError):
    """The worker passed its memory limit; the text is a sentence for the user."""


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
    reparameterize: str = REPARAMETERIZATION


@dataclass(frozen=True, slots=True)
class PriorSettings:
    """How many draws from the prior; `seed` None draws one, which the result reports."""

    seed: int | None = None
    draws: int = PRIOR_DRAWS


@dataclass(frozen=True, slots=True)
class Subject:
    """What a request is about, complete in itself: the program's text and the data.

    `name` is the model's file name in messages, and where the default data file is looked for.
    `program` None means the exported program. `data` is a file or several, the values themselves, or None
    for the file beside the model. `renames` has names in a file by those of the program.
    """

    source: str
    name: str
    program: str | None = None
    data: Path | tuple[Path, ...] | Mapping[str, Any] | None = None
    renames: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run is saved, and what its folder tells of it.

    `runs` is the folder of runs, `file` the model's whole path, None where data came with the request.
    `data_files` are whole paths of data that were named, `data_name` is what they are shown as, and
    `data_key` stands for the file as it was. A run that is cancelled is kept with `keep_interrupted`; one
    that finishes takes the place of the run in the folder `instead`.
    """

    runs: Path
    file: str | None = None
    data_name: str | None = None
    data_files: tuple[str, ...] | None = None
    data_key: str | None = None
    keep_interrupted: bool = True
    instead: Path | None = None


@dataclass(frozen=True, slots=True)
class RunRequest(Subject):
    """A posterior to sample. Its draws are kept under `key` and saved in `place`, where there are any."""

    settings: Settings = field(default_factory=Settings)
    key: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class PriorRequest(Subject):
    """A prior to draw from, with all that the program would then observe."""

    settings: PriorSettings = field(default_factory=PriorSettings)


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """A number to trace: the run's key, the site, and the subscripts of the number, which count from 0.

    `folder` is where the run is saved, if it is.
    """

    key: str
    site: str
    index: tuple[int, ...]
    folder: Path | None = None


def run_request(params: object) -> RunRequest:
    """A run request from the parameters of a message; ValueError says what is wrong with them."""
    subject, settings = _subject(params)
    assert isinstance(params, dict)
    key = params.get("key")
    if key is not None and not isinstance(key, str):
        raise ValueError("`key` is text")
    used = settings_from(settings)
    return RunRequest(**_parts(subject), settings=used, key=key, place=_place(params.get("place")))


def _place(given: object) -> Place | None:
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("runs"), str):
        raise ValueError("`place` says by names where the run is saved")
    known = {entry.name for entry in fields(Place)}
    for name in given:
        if name not in known:
            raise ValueError(f"there is no {name} of a place")
    files, instead = given.get("data_files"), given.get("instead")
    values = {
        "runs": Path(given["runs"]),
        "data_files": None if files is None else tuple(files),
        "instead": None if instead is None else Path(instead),
    }
    return Place(**{**given, **values})


def prior_request(params: object) -> PriorRequest:
    """A request for prior draws from the parameters of a message; ValueError says what is wrong with them."""
    subject, values = _subject(params)
    settings = PriorSettings(**_known(values, PriorSettings))
    _check_count("draws", settings.draws, 1)
    _check_seed(settings.seed)
    return PriorRequest(**_parts(subject), settings=settings)


def trace_request(params: object) -> TraceRequest:
    """A request for a trace from the parameters of a message; ValueError says what is wrong with them."""
    if not isinstance(params, dict):
        raise ValueError("a trace takes its parameters by name")
    key, site, index = params.get("key"), params.get("site"), params.get("index")
    if not isinstance(key, str) or not isinstance(site, str):
        raise ValueError("a trace needs `key` and `site`, both text")
    if not isinstance(index, list) or not all(type(place) is int for place in index):
        raise ValueError("`index` is a list of whole numbers")
    folder = params.get("folder")
    if folder is not None and not isinstance(folder, str):
        raise ValueError("`folder` is a saved run's path")
    return TraceRequest(key, site, tuple(index), None if folder is None else Path(folder))


def _subject(params: object) -> tuple[Subject, object]:
    """What a message's parameters say of the program and the data, and their settings."""
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
    elif isinstance(data, list) and data and all(isinstance(each, str) for each in data):
        data = tuple(map(Path, data))
    elif data is not None and not isinstance(data, dict):
        raise ValueError("`data` is a file's path, a list of paths, or the values by name")
    renames = params.get("renames") or {}
    if not isinstance(renames, dict) or not all(isinstance(old, str) for old in renames.values()):
        raise ValueError("`renames` has the data's names by the program's")
    return Subject(source, name, program, data, renames), params.get("settings") or {}


def _parts(subject: Subject) -> dict[str, Any]:
    return {entry.name: getattr(subject, entry.name) for entry in fields(Subject)}


def _known(values: object, settings: type[Settings] | type[PriorSettings]) -> dict[str, Any]:
    if not isinstance(values, dict):
        raise ValueError("`settings` are given by name")
    known = {entry.name for entry in fields(settings)}
    for name in values:
        if name not in known:
            raise ValueError(f"there is no setting called {name}")
    return values


def settings_from(values: object) -> Settings:
    """Settings from a message; ValueError names the one that is out of range."""
    settings = Settings(**_known(values, Settings))
    for name, least in (("chains", 1), ("warmup", 0), ("draws", 1), ("thin", 1)):
        _check_count(name, getattr(settings, name), least)
    _check_seed(settings.seed)
    accept = settings.target_accept
    if not isinstance(accept, int | float) or not 0 < accept < 1:
        raise ValueError(f"target_accept must lie between 0 and 1, not {accept!r}")
    choices = {
        "algorithm": ALGORITHMS,
        "mass_matrix": MASS_MATRICES,
        "init": STARTS,
        "engine": ENGINES,
        "reparameterize": REPARAMETERIZATIONS,
    }
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


def _check_count(name: str, value: object, least: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}")


def _check_seed(seed: object) -> None:
    if seed is None:
        return
    _check_count("seed", seed, 0)
    assert isinstance(seed, int)
    if seed > LARGEST_SEED:
        raise ValueError(f"seed must be at most {LARGEST_SEED}, not {seed}")


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
                {
                    "code": problem.code,
                    "message": problem.message,
                    "input": problem.input,
                    **({} if problem.near is None else {"near": problem.near}),
                }
                for problem in error.problems
            ]
            return _failed("data", str(error), problems=problems)
        case ProgramError():
            return _failed("program", str(error))
        case NoDrawsError():
            return _failed("no_draws", str(error))
        case SamplingError() | QvrError():
            return _failed("sampling", str(error))
        case MemoryLimitError():
            return _failed("memory", str(error))
        case MemoryError():
            return _failed("memory", OUT_OF_MEMORY)
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


def finite(value: Any) -> Any:
    """`value` with null for what JSON can't write: an R-hat of a constant is not a number."""
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
