"""Pages of runs with all their charts, from the draws of the last runs or from where a run is saved."""

from __future__ import annotations

import collections
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.errors import QvrError
from quivers.worker.messages import NoDrawsError

if TYPE_CHECKING:
    from quivers.inference import MCMCResult

MOST_BYTES = 128 * 2**20
# Of the worker's own limit, kept runs take no more than this.
LARGEST_SHARE = 1 / 8
MOST_RUNS = 8

GONE = "The draws of this run are no longer kept: run the model again to see all charts."


@dataclass(frozen=True, slots=True)
class ReportRequest:
    """A page to write to `path`, of the run of that key, or the one that is saved in `folder`.

    `answer` is what the run was answered with, as JSON; `file` and `data` are what the page calls the model
    and its data, `finished` is when the run ended, in seconds since 1970, and `stale` says that model or data
    have changed since.
    """

    path: Path
    key: str | None
    folder: Path | None
    source: str
    answer: str
    file: str
    data: str | None
    finished: float
    stale: bool


def report_request(params: object) -> ReportRequest:
    """A request for a page from the parameters of a message; ValueError says what is wrong with them."""
    if not isinstance(params, dict):
        raise ValueError("a report takes its parameters by name")
    kinds: dict[str, tuple[type, ...]] = {
        "path": (str,),
        "key": (str, type(None)),
        "folder": (str, type(None)),
        "source": (str,),
        "answer": (str,),
        "file": (str,),
        "data": (str, type(None)),
        "finished": (int, float),
        "stale": (bool,),
    }
    for name, kind in kinds.items():
        if not isinstance(params.get(name), kind):
            raise ValueError(f"a report needs `{name}`")
    given: dict[str, Any] = {name: params.get(name) for name in kinds}
    folder = params.get("folder")
    given |= {"path": Path(params["path"]), "folder": None if folder is None else Path(folder)}
    return ReportRequest(**given)


class Reports:
    """The last runs as they ended, within a bound, and their pages. `limit` is the worker's own."""

    def __init__(self, limit: int | None = None) -> None:
        self._most = MOST_BYTES if limit is None else min(MOST_BYTES, int(limit * LARGEST_SHARE))
        self._runs: collections.OrderedDict[str, tuple[MCMCResult, int]] = collections.OrderedDict()
        self._lock = threading.Lock()

    def keep(self, key: str, result: MCMCResult) -> None:
        """Keep a run, where it is not larger than the bound alone."""
        size = sum(values.nbytes for values in (*result.samples.values(), *result.statistics.values()))
        size += result.run.draws.positions.nbytes
        if size > self._most:
            return
        with self._lock:
            self._runs[key] = result, size
            while len(self._runs) > MOST_RUNS or sum(each for _, each in self._runs.values()) > self._most:
                self._runs.popitem(last=False)

    def write(self, request: ReportRequest) -> dict[str, Any]:
        """Write the page; what it was made with: `seconds`.

        Raises:
            NoDrawsError: the run is neither kept nor saved.
            QvrError: the page can't be written.
        """
        from quivers.report.full import full_page
        from quivers.runs.identity import versions

        began = time.perf_counter()
        text = full_page(
            self._result(request),
            json.loads(request.answer),
            request.source.encode(errors="replace"),
            file=request.file,
            data=request.data,
            finished=request.finished,
            stale=request.stale,
            versions={name: value for name, value in versions().items() if name != "sampler"},
        )
        beside = request.path.with_name(f".{request.path.name}.{threading.get_ident()}")
        try:
            beside.write_text(text, encoding="utf-8", newline="\n")
            os.replace(beside, request.path)
        except OSError as error:
            beside.unlink(missing_ok=True)
            raise QvrError(f"The report can't be written: {error.strerror or error}.") from None
        return {"seconds": time.perf_counter() - began}

    def _result(self, request: ReportRequest) -> MCMCResult:
        with self._lock:
            kept = None if request.key is None else self._runs.get(request.key)
        if kept is not None:
            return kept[0]
        if request.folder is None:
            raise NoDrawsError(GONE)
        from quivers.runs.saved import read_run

        try:
            return read_run(request.folder).result()
        except QvrError as error:
            raise NoDrawsError(f"{error} Run the model again to see all charts.") from None
