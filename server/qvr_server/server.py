"""The language server: keeps documents in step, checks them after each burst of edits, publishes problems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.lsp.server import LanguageServer

from quivers import __version__
from quivers.configuration import PROJECT_FILE, QVR_FILE
from quivers.syntax.problems import Edit
from qvr_server import features, from_lsp, life_cycle, options, to_lsp
from qvr_server.data_files import DataFiles
from qvr_server.features.lenses import lenses
from qvr_server.options import Options
from qvr_server.protocol import QvrProtocol
from qvr_server.runs import Runs
from qvr_server.session import DataVerdict, OpenDocument, Session
from qvr_server.worker_process import WorkerProcess

logger = logging.getLogger(__name__)

CANCEL_RUN = "qvr.cancelRun"
SECONDS_BEFORE_DATA_CHECK = 0.3
SECONDS_BEFORE_GRAMMAR = 0.2


class QvrServer(LanguageServer):
    """One client's server. Everything happens on the event loop, but for reading data files.

    `on_answer` is called once the answer to `initialize` is on its way.
    """

    protocol: QvrProtocol

    def __init__(
        self, worker: WorkerProcess | None = None, on_answer: Callable[[], None] | None = None
    ) -> None:
        super().__init__("qvr-lsp", __version__, protocol_cls=QvrProtocol)
        self.session = Session()
        self.options = Options()
        self.data_files = DataFiles()
        self.worker = worker or WorkerProcess()
        self.runs = Runs(self, self.worker)
        self.ended: asyncio.Future[int] | None = None
        self._to_analyse: dict[str, None] = {}
        self._data_timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._lenses: dict[str, tuple[types.CodeLens, ...]] = {}
        self._reported: set[str] = set()
        self._on_answer = on_answer
        self._grammar_wanted = False
        for feature in life_cycle.FEATURES:
            feature.register(self)
        features.register(self)
        self.command(to_lsp.RUN)(self.runs.run_command())
        self.command(CANCEL_RUN)(self.runs.cancel_command())

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
        for warning in warnings:
            self._show_once(types.MessageType.Warning, warning)
        if not initial and self.options != before:
            self._options_changed()

    def _options_changed(self) -> None:
        """Have the client ask again for what the options decide."""
        self.refresh_lenses()
        self.refresh_inlay_hints()
        for opened in self.session.documents.values():
            self.analyse_later(opened.uri)

    def refresh_lenses(self) -> None:
        """Have the client ask for its lenses again, where it can."""
        self._lenses.clear()
        if self.client_supports("workspace.code_lens.refresh_support"):
            self.workspace_code_lens_refresh(None)

    def refresh_inlay_hints(self) -> None:
        """Have the client ask for its inlay hints again, where it can."""
        if self.client_supports("workspace.inlay_hint.refresh_support"):
            self.workspace_inlay_hint_refresh(None)

    async def ready(self) -> None:
        """What is done once, after the client has its answer to `initialize`."""
        if self.client_supports("workspace.did_change_watched_files.dynamic_registration"):
            watchers = [
                types.FileSystemWatcher(glob_pattern=f"**/{name}")
                for name in ("*.data.json", QVR_FILE, PROJECT_FILE)
            ]
            registration = types.Registration(
                "qvr-files",
                types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                types.DidChangeWatchedFilesRegistrationOptions(watchers),
            )
            self.client_register_capability(types.RegistrationParams([registration]))
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
        for timer in self._data_timers.values():
            timer.cancel()
        for task in list(self._tasks):
            task.cancel()
        await self.worker.close()

    # -------------------------------------------------------------- documents

    def did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        opened = params.text_document
        if not from_lsp.is_ours(opened.uri, opened.language_id):
            return
        path = from_lsp.path(opened.uri)
        self.session.open(opened.uri, opened.version, from_lsp.text(opened.text), path)
        self.analyse_later(opened.uri)
        if self.options.worker.warm:
            asyncio.get_running_loop().call_later(0.0, self.worker.warm_up)

    def did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        uri = params.text_document.uri
        if (opened := self.session.documents.get(uri)) is None:
            return
        changes = from_lsp.changes(params.content_changes)
        opened.apply(params.text_document.version, changes)
        self.analyse_later(uri)

    def did_save(self, uri: str) -> None:
        if uri in self.session.documents:
            self.analyse_later(uri)

    def did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        if self.session.close(uri) is None:
            return
        self._to_analyse.pop(uri, None)
        self._lenses.pop(uri, None)
        if (timer := self._data_timers.pop(uri, None)) is not None:
            timer.cancel()
        self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))

    # --------------------------------------------------------------- checking

    def analyse_later(self, uri: str) -> None:
        """Check a document once all messages that have arrived are acted on; it then has its newest text."""
        if not self._to_analyse:
            asyncio.get_running_loop().call_soon(self._analyse)
        self._to_analyse[uri] = None

    def _analyse(self) -> None:
        waiting, self._to_analyse = self._to_analyse, {}
        if waiting and not self._grammar_wanted:
            self._grammar_wanted = True
            asyncio.get_running_loop().call_later(SECONDS_BEFORE_GRAMMAR, self.spawn_thread, _load_grammar)
        for uri in waiting:
            if (opened := self.session.documents.get(uri)) is None:
                continue
            try:
                self.publish(opened)
                self._refresh_lenses(opened)
            except Exception as error:
                self.internal_error(f"{opened.name} can't be checked", error)
            self.check_data_later(opened)

    def publish(self, opened: OpenDocument) -> None:
        """Send everything that is wrong with a document's newest text."""
        for sentence in opened.configuration.warnings:
            self._show_once(types.MessageType.Warning, sentence)
        related = self.shows_related_places
        places = opened.places
        diagnostics = [to_lsp.diagnostic(found, places, related=related) for found in opened.diagnostics()]
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(opened.uri, diagnostics, opened.version)
        )

    @property
    def shows_related_places(self) -> bool:
        return self.client_supports("text_document.publish_diagnostics.related_information")

    def _refresh_lenses(self, opened: OpenDocument) -> None:
        """Ask the client for the lenses again when one that it showed says something else now."""
        if (shown := self._lenses.get(opened.uri)) is None:
            return
        titles = [lens.command.title for lens in lenses(opened) if lens.command]
        if titles != [lens.command.title for lens in shown if lens.command]:
            del self._lenses[opened.uri]
            if self.client_supports("workspace.code_lens.refresh_support"):
                self.workspace_code_lens_refresh(None)

    def lenses_shown(self, opened: OpenDocument, lenses: list[types.CodeLens]) -> None:
        self._lenses[opened.uri] = tuple(lenses)

    # ------------------------------------------------------------------- data

    def check_data_later(self, opened: OpenDocument, pause: float = SECONDS_BEFORE_DATA_CHECK) -> None:
        """Compare a document with its data file when the typing pauses."""
        if (timer := self._data_timers.pop(opened.uri, None)) is not None:
            timer.cancel()
        if not self.options.data.check or opened.path is None:
            return
        if opened.verdict is not None and opened.verdict.of_values:
            return
        loop = asyncio.get_running_loop()
        self._data_timers[opened.uri] = loop.call_later(
            pause, lambda: self.spawn(self._check_data(opened.uri))
        )

    async def _check_data(self, uri: str) -> None:
        if (opened := self.session.documents.get(uri)) is None:
            return
        assert opened.path is not None
        version, checked = opened.version, opened.checked
        program = checked.program_to_run()
        if program is None or program.has_errors:
            return
        problems = await asyncio.to_thread(
            self.data_files.problems, opened.path, opened.data_path, checked, program
        )
        if self.session.documents.get(uri) is opened and opened.version == version:
            self.judge(opened, DataVerdict(program.name, problems))

    def judge(self, opened: OpenDocument, verdict: DataVerdict) -> None:
        """Show what is wrong with a document's data, if that is news."""
        before = opened.verdict.problems if opened.verdict is not None else ()
        opened.verdict = verdict
        if before != verdict.problems:
            self.publish(opened)

    def files_changed(self, uris: list[str]) -> None:
        """A data file or a configuration on disk was written, made or deleted."""
        if any(uri.endswith((f"/{QVR_FILE}", f"/{PROJECT_FILE}")) for uri in uris):
            for opened in self.session.documents.values():
                self.analyse_later(opened.uri)
        folders = {path.parent for uri in uris if (path := from_lsp.path(uri)) is not None}
        for opened in self.session.documents.values():
            places = {path.parent for path in (opened.path, opened.data_path) if path is not None}
            if places & folders:
                self.check_data_later(opened, 0.0)

    # ------------------------------------------------------------------- runs

    def cancel_progress(self, token: types.ProgressToken) -> None:
        self.runs.cancel_progress(token)

    # ----------------------------------------------------------------- errors

    def internal_error(self, what: str, error: BaseException) -> None:
        """Log a failure of ours in full, and tell the user of it once."""
        logger.error("%s", what, exc_info=error)
        sentence = f"{what}, because of an error inside QVR: {type(error).__name__}: {error}"
        self._show_once(types.MessageType.Error, sentence)

    def _show_once(self, kind: types.MessageType, sentence: str) -> None:
        if sentence not in self._reported:
            self._reported.add(sentence)
            self.window_show_message(types.ShowMessageParams(kind, sentence))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A failed request has its own answer; a failed notification is told once."""
        if source.__name__ != "FeatureRequestError":
            self.internal_error("A message could not be acted on", error)

    def spawn_thread(self, function: Callable[[], object]) -> None:
        """Run a function beside the event loop, whatever it returns."""
        self.spawn(asyncio.to_thread(function))

    def spawn(self, work: Any) -> None:
        """Run a coroutine on its own; its failure is logged."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

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
