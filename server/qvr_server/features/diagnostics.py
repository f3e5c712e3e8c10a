"""`textDocument/diagnostic` and `workspace/diagnostic`: problems for a client that asks for them.

Every report has a result id; a client that has it already hears that nothing changed.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.syntax.problems import Diagnostic
from qvr_server.feature import Feature
from qvr_server.protocol import Encoded, ServerCancelled
from qvr_server.publishing import MANY, lsp_diagnostics
from qvr_server.workspace_files import roots

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

Report = types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport
WorkspaceReport = (
    types.WorkspaceFullDocumentDiagnosticReport | types.WorkspaceUnchangedDocumentDiagnosticReport
)


def document_diagnostic(ls: QvrServer, params: types.DocumentDiagnosticParams) -> Any:
    """The problems of an open document; of a text that is not open, or not ours, there are none to tell.

    A pull that an edit overtakes is cancelled with the wish to be asked again, never answered with nothing.
    """
    opened = ls.session.documents.get(params.text_document.uri)
    if opened is None:
        return types.RelatedFullDocumentDiagnosticReport(items=[])
    if opened.is_checked and len(found := opened.diagnostics()) <= MANY:
        return _report(ls, opened, found, params.previous_result_id)
    return _in_time(ls, opened, opened.version, params.previous_result_id)


async def _in_time(
    ls: QvrServer, opened: OpenDocument, version: int, previous: str | None
) -> Report | Encoded:
    """The report once the text is checked; one of many problems is put together on another thread."""
    await ls.analyses.ready(opened)
    _refuse_old(opened, version)
    found = opened.diagnostics()
    if len(found) <= MANY:
        return _report(ls, opened, found, previous)
    encoded = await asyncio.to_thread(
        lambda: ls.protocol.encoded(_report(ls, opened.snapshot(), found, previous))
    )
    _refuse_old(opened, version)
    return encoded


def _refuse_old(opened: OpenDocument, version: int) -> None:
    if opened.version != version or opened.is_closed:
        raise ServerCancelled


def _report(
    ls: QvrServer, opened: OpenDocument, found: tuple[Diagnostic, ...], previous: str | None
) -> Report:
    identity, items = _reported(ls, opened, found)
    if identity == previous:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=identity)
    return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=identity)


def _reported(
    ls: QvrServer, opened: OpenDocument, found: tuple[Diagnostic, ...]
) -> tuple[str, list[types.Diagnostic]]:
    """A document's problems with their result id, which stays while they do."""
    items = lsp_diagnostics(ls, found, opened.places)
    last: tuple[str, list[types.Diagnostic]] | None = opened.kept.get(__name__)
    if last is None or last[1] != items:
        last = opened.kept[__name__] = (ls.next_result_id(), items)
    return last


async def workspace_diagnostic(ls: QvrServer, params: types.WorkspaceDiagnosticParams) -> Encoded:
    """The problems of every model in the workspace's folders, of those that are open as they are typed."""
    known = {entry.uri: entry.value for entry in params.previous_result_ids}
    reports: list[WorkspaceReport] = []
    for opened in list(ls.session.documents.values()):
        await ls.analyses.ready(opened)
        if opened.is_closed:
            continue
        identity, items = _reported(ls, opened, opened.diagnostics())
        reports.append(_entry(opened.uri, opened.version, identity, items, known))
    given_up = threading.Event()
    try:
        closed = await asyncio.to_thread(_of_closed, ls, roots(ls), known, given_up)
    finally:
        given_up.set()
    open_now = {each.path for each in ls.session.documents.values()}
    reports += [report for path, report in closed if path not in open_now]
    gone = known.keys() - {report.uri for report in reports}
    reports += [types.WorkspaceFullDocumentDiagnosticReport(uri=uri, items=[]) for uri in sorted(gone)]
    return await asyncio.to_thread(ls.protocol.encoded, types.WorkspaceDiagnosticReport(items=reports))


def _of_closed(
    ls: QvrServer, places: Iterable[Path], known: dict[str, str], given_up: threading.Event
) -> list[tuple[Path, WorkspaceReport]]:
    """The reports of the models on the disk; only those that are news to the client are worked out."""
    found: list[tuple[Path, WorkspaceReport]] = []
    for model in ls.closed_models.check(places, given_up):
        items: list[types.Diagnostic] = []
        if known.get(model.uri) != model.result_id:
            items = lsp_diagnostics(ls, model.diagnostics, model.places(ls.session.encoding))
        found.append((model.path, _entry(model.uri, None, model.result_id, items, known)))
    return found


def _entry(
    uri: str, version: int | None, identity: str, items: list[types.Diagnostic], known: dict[str, str]
) -> WorkspaceReport:
    if known.get(uri) == identity:
        return types.WorkspaceUnchangedDocumentDiagnosticReport(uri=uri, result_id=identity, version=version)
    return types.WorkspaceFullDocumentDiagnosticReport(
        uri=uri, items=items, result_id=identity, version=version
    )


_OPTIONS = types.DiagnosticOptions(
    inter_file_dependencies=False, workspace_diagnostics=True, identifier="qvr"
)
FEATURES = (
    Feature(types.TEXT_DOCUMENT_DIAGNOSTIC, document_diagnostic, _OPTIONS, document=False),
    Feature(types.WORKSPACE_DIAGNOSTIC, workspace_diagnostic, document=False),
)
