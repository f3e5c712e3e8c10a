"""The runs under way and the results that they left, with all that shows them kept up to date."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcRequestCancelled

from quivers.check.fingerprint import fingerprint
from quivers.check.program import CheckedProgram
from quivers.element_names import axis_labels, element_name
from quivers.errors import DataProblem
from quivers.ide import troubles
from quivers.ide.posteriors import Posterior, posterior
from quivers.ide.runs import ending_text
from quivers.syntax.problems import Diagnostic
from qvr_server import publishing
from qvr_server.commands_arguments import run_settings
from qvr_server.protocol import RequestFailed
from qvr_server.results import Result, Results, Standing, data_used
from qvr_server.run_progress import RunProgress
from qvr_server.run_subjects import (
    Data,
    Model,
    chosen_program,
    data_of,
    model_of,
    renames_of,
)
from qvr_server.saved_runs import looked, place_of, with_what_is_saved
from qvr_server.session import DataVerdict, OpenDocument
from qvr_server.worker_process import RunError, WorkerProcess

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

logger = logging.getLogger(__name__)

UNTRUSTED = (
    "This workspace is not trusted, so QVR runs nothing of it; checking goes on."
    " Trust it in your editor to run its models."
)
SECONDS_BETWEEN_HINTS = 0.5
SECONDS_BETWEEN_LENSES = 0.5


@dataclass(slots=True)
class Running:
    """A run under way, whose draws the worker has under `key`.

    `sites` has what its draws say so far, `labels` what their elements are called, `done` the share of them
    that are made. It is saved in `folder` meanwhile, if at all.
    """

    uri: str
    program: str
    task: asyncio.Task[Any]
    progress: RunProgress
    key: str
    live: bool = False
    sites: Mapping[str, Any] = field(default_factory=dict)
    labels: Mapping[str, list[str]] = field(default_factory=dict)
    done: float = 0.0
    folder: Path | None = None


class Runs:
    """A run is one task; cancelling the task, from wherever, stops the run and keeps the last result."""

    def __init__(self, server: QvrServer, worker: WorkerProcess) -> None:
        self._server = server
        self._worker = worker
        self._running: dict[int, Running] = {}
        self._numbers = itertools.count(1)
        self._asked = asyncio.Lock()
        self._hinted = self._lensed = 0.0
        self._standings: dict[str, tuple[Any, dict[str, Standing]]] = {}
        self._posteriors: dict[str, tuple[Any, dict[tuple[str, str], Posterior]]] = {}
        self._shown_stale: dict[str, dict[str, bool]] = {}
        self.results = Results()

    # ----------------------------------------------------------------- commands

    async def run(
        self, arguments: Mapping[str, Any], token: types.ProgressToken | None, *, live: bool = False
    ) -> dict[str, Any]:
        """The summary of the run that a `qvr.run` asks for, or an error with a sentence for the user."""
        self.check_trust()
        async with self._asked:  # runs are made in the order in which they were asked for
            model = await model_of(self._server, arguments["uri"])
            program = chosen_program(model, arguments.get("program"))
            chosen = arguments.get("data")
            data = await data_of(self._server, chosen, model)
            renames = renames_of(model.path)
            used = await asyncio.to_thread(data_used, data, None, renames)
            used = replace(used, chosen=chosen is not None)
            last = self.results.get(model.uri, program.name)
            instead = last.saved if live and last is not None and last.live else None
            place = await place_of(self._server, model, data, used, live=live, instead=instead)
        params = {
            "source": model.source.decode(),
            "name": model.name,
            "program": program.name,
            "data": data,
            "renames": renames,
            "settings": run_settings(arguments, self._server.options.run),
            "place": place,
        }
        task = asyncio.current_task()
        assert task is not None
        number = next(self._numbers)
        params["key"] = key = f"run-{number}"
        progress = RunProgress(self._server, f"Sampling {program.name}", token, f"qvr-run-{number}")
        running = Running(model.uri, program.name, task, progress, key, live)
        self._running[number] = running
        self._server.refresh_lenses()
        ending = "failed"
        try:
            answer = await self._sampled(params, running, arguments.get("partialResultToken"))
            folder = answer.get("saved")
            result = Result(
                model.uri,
                program.name,
                fingerprint(model.checked, program),
                model.source,
                used,
                answer,
                time.time(),
                key=key,
                saved=None if folder is None else Path(folder),
                live=live,
            )
            ending = ending_text(result.answer)
        except asyncio.CancelledError:
            ending = "cancelled"
            raise JsonRpcRequestCancelled("The run was cancelled.") from None
        except RunError as failure:
            if failure.kind == "data":
                self._judge(model, program, chosen, failure)
            if running.folder is not None:
                failure = await asyncio.to_thread(with_what_is_saved, failure, running.folder)
            raise _refusal(failure) from None
        finally:
            del self._running[number]
            progress.end(ending)
            self._server.refresh_lenses()
            if running.sites:
                self._server.refresh_inlay_hints()
        self.results.keep(result)
        self._judge(model, program, chosen, None)
        self._changed(model.uri)
        self._server.spawn(self._look_at_data([result]))
        return result.answer

    async def _sampled(
        self, params: dict[str, Any], running: Running, token: types.ProgressToken | None
    ) -> dict[str, Any]:
        def report(params: dict[str, Any]) -> None:
            before = running.progress.percentage
            running.progress.report(params)
            now = time.monotonic()
            if running.progress.percentage != before and now - self._lensed >= SECONDS_BETWEEN_LENSES:
                self._lensed = now
                self._server.refresh_lenses()

        def partial(params: dict[str, Any]) -> None:
            running.sites, running.labels = params["sites"], params["labels"]
            running.done = params["done"] / params["total"] if params["total"] else 1.0
            if token is not None:
                told = {name: params[name] for name in ("done", "total", "labels", "sites")}
                self._server.progress(types.ProgressParams(token, {"kind": "partial", **told}))
            now = time.monotonic()
            if now - self._hinted >= SECONDS_BETWEEN_HINTS:
                self._hinted = now
                self._server.refresh_inlay_hints()

        def remark(sentence: str) -> None:
            self._server.show_once(types.MessageType.Warning, sentence)

        def saving(folder: str) -> None:
            running.folder = Path(folder)

        return await self._worker.run(params, report, partial=partial, remark=remark, saving=saving)

    async def prior_predictive(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Draws from a program's prior and of what it would observe, in figures."""
        self.check_trust()
        model = await model_of(self._server, arguments["uri"])
        program = chosen_program(model, arguments.get("program"))
        settings = {name: arguments[name] for name in ("seed", "draws") if name in arguments}
        if self._server.options.run.seed is not None:
            settings.setdefault("seed", self._server.options.run.seed)
        params = {
            "source": model.source.decode(),
            "name": model.name,
            "program": program.name,
            "data": await data_of(self._server, arguments.get("data"), model),
            "renames": renames_of(model.path),
            "settings": settings,
        }
        try:
            return await self._worker.prior_predictive(params)
        except asyncio.CancelledError:
            raise JsonRpcRequestCancelled("The draws from the prior were cancelled.") from None
        except RunError as failure:
            raise _refusal(failure) from None

    def cancel(self, uri: str | None = None, program: str | None = None) -> int:
        """Stop the runs of one model or one of its programs, or all; how many there were."""
        stopped = [
            each
            for each in self._running.values()
            if (uri is None or each.uri == uri) and (program is None or each.program == program)
        ]
        for each in stopped:
            each.task.cancel()
        return len(stopped)

    def cancel_progress(self, token: types.ProgressToken) -> None:
        """Stop the run whose progress has this token."""
        for each in list(self._running.values()):
            if each.progress.token == token:
                each.task.cancel()

    async def last(self, uri: str, name: str | None) -> Standing:
        """The last result of a program, the exported one where none is named; RequestFailed without one."""
        model = await model_of(self._server, uri)
        await looked(model.opened)
        program = model.checked.program_to_run(name)
        standings = self.results.standings(uri, model.checked)
        found = standings.get(name or (program.name if program is not None else ""))
        if found is None:
            what = name or (program.name if program is not None else "this model")
            raise RequestFailed(
                f"There is no result of {what} yet: run it first.", data={"kind": "no_result"}
            )
        return found

    async def trace(self, uri: str, name: str | None, site: str, index: list[int]) -> dict[str, Any]:
        """One number's draws, chain by chain: of the run under way once it has some, else of the last one.

        RequestFailed of the kind `no_draws` where the worker has them no longer, `no_result` without a run.
        """
        running = self.running(uri)
        under_way = running.get(name) if name is not None else next(iter(running.values()), None)
        if under_way is not None and under_way.sites:
            found = await self._traced(under_way.key, site, index)
            about = {"program": under_way.program, "running": True, "finished": None}
            labels, entry = under_way.labels, under_way.sites.get(site, {})
        else:
            last = await self.last(uri, name)
            found = await self._traced(last.result.key, last.named_then(site), index, last.result.saved)
            about = {"program": last.program, "running": False, "finished": last.finished}
            labels, entry = last.labels(), last.sites().get(site, {})
        shown = axis_labels(entry.get("axes", ()), entry.get("shape", ()), labels)
        called = element_name(site, index, shown if len(shown) == len(index) else ())
        return {**about, "site": site, "index": index, "name": called, **found}

    async def _traced(
        self, key: str | None, site: str, index: list[int], saved: Path | None = None
    ) -> dict[str, Any]:
        folder = None if saved is None else str(saved)
        try:
            return await self._worker.trace({"key": key, "site": site, "index": index, "folder": folder})
        except asyncio.CancelledError:
            raise JsonRpcRequestCancelled("The trace was cancelled.") from None
        except RunError as failure:
            raise _refusal(failure) from None

    def check_trust(self) -> None:
        """Refuse what would run something of a workspace that is not trusted."""
        if not self._server.options.trusted:
            raise RequestFailed(UNTRUSTED, data={"kind": "untrusted"})

    # --------------------------------------------------------------- live runs

    def saved(self, uri: str) -> None:
        """Run a saved model where the user wants that, instead of an older such run."""
        options = self._server.options
        if not (options.live_inference and options.trusted) or uri not in self._server.session.documents:
            return
        for each in self._running.values():
            if each.uri == uri and each.live:
                each.task.cancel()
        self._server.spawn(self._live(uri))

    async def _live(self, uri: str) -> None:
        with contextlib.suppress(JsonRpcRequestCancelled):
            try:
                await self.run({"uri": uri}, None, live=True)
            except JsonRpcException as refused:  # a model that can't run has its problems shown already
                logger.info("no live run: %s", refused)

    # ------------------------------------------------------------ what is shown

    def running(self, uri: str) -> dict[str, Running]:
        """The newest run under way of each of a document's programs; asked for on any thread."""
        return {each.program: each for each in list(self._running.values()) if each.uri == uri}

    def standings(self, opened: OpenDocument) -> dict[str, Standing]:
        """How the results of an open document stand to its newest text, by program."""
        checked = opened.checked
        kept = self._standings.get(opened.uri)
        if kept is None or kept[0] is not checked:
            kept = checked, self.results.standings(opened.uri, checked)
            self._standings[opened.uri] = kept
        return kept[1]

    def posteriors(self, opened: OpenDocument) -> dict[tuple[str, str], Posterior]:
        """What is known of each site, by program and name: of a run under way, else of the last one."""
        checked = opened.checked
        kept = self._posteriors.get(opened.uri)
        if kept is None or kept[0] is not checked:
            found = {
                (program, name): entry
                for program, standing in self.standings(opened).items()
                for name, entry in standing.posteriors().items()
            }
            kept = self._posteriors[opened.uri] = checked, found
        running = self.running(opened.uri)
        if not running:
            return kept[1]
        return kept[1] | {
            (program, name): posterior(name, entry, each.labels, done=each.done)
            for program, each in running.items()
            for name, entry in each.sites.items()
        }

    def posterior(self, opened: OpenDocument, program: str, name: str) -> Posterior | None:
        """What is known of one site."""
        return self.posteriors(opened).get((program, name))

    def diagnostics(self, opened: OpenDocument) -> tuple[Diagnostic, ...]:
        """The troubles of the last runs of programs that say the same now as they did then."""
        found: list[Diagnostic] = []
        for name, standing in self.standings(opened).items():
            if not standing.model_changed:
                program = opened.checked.programs[name]
                found += troubles.diagnostics(opened.checked, program, standing.troubles())
        return tuple(found)

    def adopt(self, opened: OpenDocument) -> None:
        """Show what is known of a document that has been opened again."""
        for result in self.results.of(opened.uri):
            if result.data.chosen and opened.data_path is None:
                opened.data_path = result.data.file
        self._attach(opened)

    def restore(self, opened: OpenDocument, results: Iterable[Result]) -> None:
        """Show saved results of a document's programs, except those that have one of this session by now."""
        under_way = self.running(opened.uri)
        found = [
            each
            for each in results
            if self.results.get(opened.uri, each.program) is None and each.program not in under_way
        ]
        for result in found:
            self.results.keep(result)
        if found:
            self.adopt(opened)
            self._changed(opened.uri)

    def after_check(self, opened: OpenDocument) -> None:
        """Show anew what has become stale, or is no longer so, with a new text."""
        before = self._shown_stale.get(opened.uri)
        if before is None:
            return
        now = {name: each.stale for name, each in self.standings(opened).items()}
        if now != before:
            self._shown_stale[opened.uri] = now
            self._server.refresh_lenses()
            self._server.refresh_inlay_hints()

    def forget(self, uri: str) -> None:
        """A document was closed; its results stay."""
        self._standings.pop(uri, None)
        self._posteriors.pop(uri, None)
        self._shown_stale.pop(uri, None)

    def data_changed(self, uris: Iterable[str]) -> None:
        """Look again at the data of some documents' results: a file of theirs may say something else now."""
        wanted = [result for uri in uris for result in self.results.of(uri)]
        if wanted:
            self._server.spawn(self._look_at_data(wanted))

    async def _look_at_data(self, results: Iterable[Result]) -> None:
        for result in results:
            if result.data.chosen and result.data.file is None:
                continue  # values that came with the command are nowhere else
            opened = self._server.session.documents.get(result.uri)
            if result.data.chosen or opened is None:
                data: Data = None if result.data.file is None else str(result.data.file)
            else:
                data = await data_of(self._server, None, _model(opened))
            before = result.data_changed
            known = result.data_now or result.data
            result.data_now = await asyncio.to_thread(
                data_used, data, known, known.renames if opened is None else renames_of(opened.path)
            )
            if result.data_changed != before:
                self._changed(result.uri)

    def _attach(self, opened: OpenDocument) -> None:
        if any(True for _ in self.results.of(opened.uri)):
            opened.from_runs = self.diagnostics
            self._shown_stale.setdefault(opened.uri, {})

    def _changed(self, uri: str) -> None:
        """Show a document's results anew."""
        self._standings.pop(uri, None)
        self._posteriors.pop(uri, None)
        self._server.refresh_lenses()
        self._server.refresh_inlay_hints()
        if (opened := self._server.session.documents.get(uri)) is not None:
            self._attach(opened)
            publishing.after_news(self._server, opened)

    def _judge(self, model: Model, program: CheckedProgram, chosen: Data, failure: RunError | None) -> None:
        """Keep with the open document what the run found of its data, and which file was named for them."""
        opened = model.opened
        if opened is None or self._server.session.documents.get(opened.uri) is not opened:
            return
        if isinstance(chosen, str):
            file = _whole(chosen, model, self._server.workspace.root_path)
            if failure is not None and not file.exists():
                return  # the answer says so; later runs must not look for a name that was mistyped
            opened.data_path = file
        problems = () if failure is None else tuple(DataProblem(**problem) for problem in failure.problems)
        self._server.judge(opened, DataVerdict(program.name, problems, isinstance(chosen, dict)))


def _whole(chosen: str, model: Model, root: str | None) -> Path:
    folder = model.path.parent if model.path is not None else Path(root or ".")
    return (folder / Path(chosen).expanduser()).resolve()


def _model(opened: OpenDocument) -> Model:
    return Model(opened.uri, opened.name, opened.path, opened.document.source, opened.checked, opened)


def _refusal(failure: RunError) -> JsonRpcException:
    data: dict[str, Any] = {"kind": failure.kind}
    if failure.problems:
        data["problems"] = list(failure.problems)
    if failure.kind == "cancelled":
        return JsonRpcRequestCancelled("The run was cancelled.")
    return RequestFailed(str(failure), data=data)
