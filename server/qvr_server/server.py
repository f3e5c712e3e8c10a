"""The language server: keeps documents in step, checks them after each burst of edits, publishes problems."""

from __future__ import annotations

import asyncio
import collections
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from quivers import __version__
from quivers.configuration import PROJECT_FILE, QVR_FILE
from quivers.syntax.problems import Edit
from qvr_server import (
    commands,
    features,
    from_lsp,
    life_cycle,
    notebooks,
    options,
    publishing,
    saved_runs,
    to_lsp,
)
from qvr_server.analyses import Analyses
from qvr_server.data_checks import WATCHED, DataChecks
from qvr_server.options import Options
from qvr_server.protocol import QvrProtocol
from qvr_server.runs import Runs
from qvr_server.session import DataVerdict, OpenDocument, Session
from qvr_server.worker_process import WorkerProcess
from qvr_server.workspace_files import ClosedModels

logger = logging.getLogger(__name__)

SECONDS_BEFORE_GRAMMAR = 0.2
# So many sentences are remembered as told, so that each is told once.
MOST_SENTENCES = 200


class QvrServer(LanguageServer):
    """One client's server. Everything happens on the event loop, but for reading data files.

    `on_answer` is called once the answer to `initialize` is on its way.
    """

    protocol: QvrProtocol

    def __init__(
        self, worker: WorkerProcess | None = None, on_answer: Callable[[], None] | None = None
    ) -> None:
        super().__init__(
            "qvr-lsp",
            __version__,
            protocol_cls=QvrProtocol,
            notebook_document_sync=notebooks.SYNCHRONISED,
        )
        self.session = Session()
        self.options = Options()
        self.data = DataChecks(self)
        self.worker = worker or WorkerProcess()
        self.runs = Runs(self, self.worker)
        self.ended: asyncio.Future[int] | None = None
        self.analyses = Analyses(self._checked, self._uncheckable)
        self.closed_models = ClosedModels()
        self._result_ids = itertools.count(1)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._reported: collections.deque[str] = collections.deque(maxlen=MOST_SENTENCES)
        self._to_refresh: set[str] = set()
        self.last_errors: collections.deque[str] = collections.deque(maxlen=20)
        self.client_info: types.ClientInfo | None = None
        self._on_answer = on_answer
        self._grammar_wanted = False
        for feature in life_cycle.FEATURES:
            feature.register(self)
        features.register(self)
        commands.register(self)

    # ------------------------------------------------------------- life cycle

    def initialized(self, initialization: Any, encoding: str) -> None:
        """Take over what `initialize` settled."""
        self.session.encoding = from_lsp.encoding(encoding)
        self.configure(initialization, initial=True)
        if self._on_answer is not None:
            asyncio.get_running_loop().call_soon(self._on_answer)

    def configure(self, settings: Any, *, initial: bool = False) -> None:
        """Take options from a client's settings; a bad one is told to the user once and its default used.

        Whether the workspace is trusted is said by `initialize` alone: settings may come from the workspace.
        """
        before = self.options
        taken, warnings = options.read(settings)
        self.options = taken if initial else replace(taken, trusted=before.trusted)
        worker = self.options.worker
        if (worker.memory, worker.hang_seconds) != (before.worker.memory, before.worker.hang_seconds):
            memory = None if worker.memory is None else worker.memory * 2**20
            self.worker.limit(memory=memory, hang=worker.hang_seconds)
        for warning in warnings:
            self.show_once(types.MessageType.Warning, warning)
        if not initial and self.options != before:
            self._options_changed()

    def _options_changed(self) -> None:
        """Have the client ask again for what the options decide."""
        self.refresh_lenses()
        self.refresh_inlay_hints()
        for opened in self.session.documents.values():
            publishing.after_news(self, opened)
            self.data.later(opened, 0.0)

    def refresh_lenses(self) -> None:
        """Have the client ask for its lenses again, where it can; once for all that happens at one time."""
        self._refresh("code_lens", self.workspace_code_lens_refresh)

    def refresh_inlay_hints(self) -> None:
        """Have the client ask for its inlay hints again, where it can."""
        self._refresh("inlay_hint", self.workspace_inlay_hint_refresh)

    def _refresh(self, what: str, ask: Callable[[None], object]) -> None:
        def send() -> None:
            self._to_refresh.discard(what)
            ask(None)

        if what not in self._to_refresh and self.client_supports(f"workspace.{what}.refresh_support"):
            self._to_refresh.add(what)
            asyncio.get_running_loop().call_soon(send)

    async def ready(self) -> None:
        """What is done once, after the client has its answer to `initialize`."""
        if self.client_supports("workspace.did_change_watched_files.dynamic_registration"):
            watchers = [
                types.FileSystemWatcher(glob_pattern=f"**/{name}")
                for name in (*WATCHED, QVR_FILE, PROJECT_FILE)
            ]
            registration = types.Registration(
                "qvr-files",
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                types.DidChangeWatchedFilesRegistrationOptions(watchers),
            )
            self.client_register_capability(types.RegistrationParams([registration]))
        await self.ask_for_settings()

    async def ask_for_settings(self) -> None:
        """Ask the client for its settings, where it can be asked."""
        if self.client_supports("workspace.configuration"):
            item = types.ConfigurationItem(section="qvr")
            answer = await self.workspace_configuration_async(types.ConfigurationParams([item]))
            if answer and answer[0] is not None:
                self.configure(_plain(answer[0]))

    def capability(self, name: str) -> Any:
        """What the client says of itself under a name such as `workspace.workspace_edit`; None if nothing."""
        return get_capability(self.client_capabilities, name, None)

    def client_supports(self, capability: str) -> bool:
        """Whether the client says yes to a capability."""
        return bool(self.capability(capability))

    def pulls_diagnostics(self) -> bool:
        """Whether the client asks for problems itself, and again when it is told that there are news."""
        again = self.client_supports("workspace.diagnostics.refresh_support")
        return again and self.capability("text_document.diagnostic") is not None

    def workspace_edit(self, opened: OpenDocument, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        """Edits of a document; of its newest version alone, where the client can refuse an older one's."""
        changes = to_lsp.text_edits(edits, opened.places)
        if not self.client_supports("workspace.workspace_edit.document_changes"):
            return types.WorkspaceEdit(changes={opened.uri: changes})
        identity = types.OptionalVersionedTextDocumentIdentifier(uri=opened.uri, version=opened.version)
        return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(identity, list(changes))])

    def end(self, code: int) -> None:
        """Leave the main loop, with the exit code of the process."""
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(code)

    async def close(self) -> None:
        """End the worker and all that goes on in the background."""
        self.data.close()
        ending = list(self._tasks)
        for task in ending:
            task.cancel()
        await self.analyses.close()
        await self.worker.close()
        await asyncio.gather(*ending, return_exceptions=True)

    # -------------------------------------------------------------- documents

    def open_document(self, uri: str, version: int, text: str) -> None:
        """Take a text over from the client."""
        if (former := self.session.documents.get(uri)) is not None:
            self.analyses.forget(former)
        opened = self.session.open(uri, version, from_lsp.text(text), from_lsp.path(uri))
        self.runs.adopt(opened)
        self.analyses.want(opened)
        if self.options.worker.warm and self.options.trusted:
            asyncio.get_running_loop().call_later(0.0, self.worker.warm_up)

    def change_document(
        self, uri: str, version: int, changes: Sequence[types.TextDocumentContentChangeEvent]
    ) -> None:
        """Apply one notification's changes at once; the check follows when all that has come is applied."""
        if (opened := self.session.documents.get(uri)) is not None:
            opened.apply(version, from_lsp.changes(changes))
            self.analyses.want(opened)

    def save_document(self, uri: str) -> None:
        """Look again at what may have changed on the disk, and run the model where the user wants that."""
        if (opened := self.session.documents.get(uri)) is not None:
            opened.look_again()
            self.analyses.want(opened)
            self.runs.data_changed([uri])
            self.runs.saved(uri)

    def close_document(self, uri: str) -> None:
        """Give a text back to the client, with its problems taken away."""
        if (opened := self.session.close(uri)) is None:
            return
        self.analyses.forget(opened)
        self.data.forget(uri)
        self.runs.forget(uri)
        publishing.after_close(self, uri)

    # --------------------------------------------------------------- checking

    def _checked(self, opened: OpenDocument) -> None:
        """Show what the check of a document's newest text found."""
        if not self._grammar_wanted:
            self._grammar_wanted = True
            asyncio.get_running_loop().call_later(SECONDS_BEFORE_GRAMMAR, self.spawn_thread, _load_grammar)
        for sentence in opened.configuration.warnings:
            self.show_once(types.MessageType.Warning, sentence)
        try:
            publishing.after_check(self, opened)
            self.runs.after_check(opened)
            if saved_runs.LOOK not in opened.kept:
                opened.kept[saved_runs.LOOK] = self.spawn(saved_runs.look(self, opened))
        except Exception as error:
            self._uncheckable(opened, error)
        self.data.later(opened)

    def _uncheckable(self, opened: OpenDocument, error: Exception) -> None:
        self.internal_error(f"{opened.name} can't be checked", error)

    def next_result_id(self) -> str:
        """An id of a report of problems that no other report of this server has."""
        return f"qvr-{next(self._result_ids)}"

    # ------------------------------------------------------------------- data

    def judge(self, opened: OpenDocument, verdict: DataVerdict) -> None:
        """Show what is wrong with a document's data, if that is news."""
        self.runs.data_changed([opened.uri])
        before = opened.verdict.problems if opened.verdict is not None else ()
        opened.verdict = verdict
        if before != verdict.problems:
            publishing.after_news(self, opened)

    def files_changed(self, uris: list[str]) -> None:
        """A data file or a configuration on disk was written, made or deleted."""
        if any(uri.endswith((f"/{QVR_FILE}", f"/{PROJECT_FILE}")) for uri in uris):
            for opened in self.session.documents.values():
                opened.look_again()
                publishing.after_news(self, opened)
                self.data.later(opened, 0.0)
        self.runs.data_changed(self.session.documents)
        self.data.files_changed(path for uri in uris if (path := from_lsp.path(uri)) is not None)

    # ------------------------------------------------------------------- runs

    def cancel_progress(self, token: types.ProgressToken) -> None:
        self.runs.cancel_progress(token)

    # ----------------------------------------------------------------- errors

    def internal_error(self, what: str, error: BaseException) -> None:
        """Log a failure of ours in full, and tell the user of it once."""
        logger.error("%s", what, exc_info=error)
        sentence = f"{what}, because of an error inside QVR: {type(error).__name__}: {error}"
        self.last_errors.append(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {sentence}")
        self.show_once(types.MessageType.Error, sentence)

    def show_once(self, kind: types.MessageType, sentence: str) -> None:
        """Show a sentence to the user, who is not told the same twice."""
        if sentence not in self._reported:
            self._reported.append(sentence)
            self.window_show_message(types.ShowMessageParams(kind, sentence))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A failed request has its own answer; a failed notification is told once."""
        if source.__name__ != "FeatureRequestError":
            self.internal_error("A message could not be acted on", error)

    def spawn_thread(self, function: Callable[[], object]) -> None:
        """Run a function beside the event loop, whatever it returns."""
        self.spawn(asyncio.to_thread(function))

    def spawn(self, work: Any) -> asyncio.Task[Any]:
        """Run a coroutine on its own; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.internal_error("A task in the background failed", error)


def _load_grammar() -> None:
    """Load the reference grammar, so that the first error in a text is explained as quickly as the next."""
    from quivers.syntax.reference import grammar

    grammar()


def _plain(value: Any) -> Any:
    """Settings as plain dictionaries; pygls makes tuples with names of what it has no type for."""
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
