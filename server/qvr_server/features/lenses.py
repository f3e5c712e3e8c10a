"""`textDocument/codeLens`: `▶ Run` over each program with its last answer, or `■ Stop` while it runs."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.runs import RunTarget, answer_text, clock_text, lens_title, run_targets
from quivers.syntax.problems import Severity
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

STOP = "qvr.cancelRun"


def code_lens(ls: QvrServer, opened: OpenDocument, params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of a document; without their commands for a client that resolves them as they are seen."""
    if not ls.options.lens.enable:
        return []
    lazy = "command" in (ls.capability("text_document.code_lens.resolve_support.properties") or ())
    places = opened.places
    return [
        types.CodeLens(
            places.range(target.span),
            None if lazy else command(ls, opened, target),
            {"uri": opened.uri, "program": target.program},
        )
        for target in targets(opened)
    ]


def code_lens_resolve(ls: QvrServer, lens: types.CodeLens) -> types.CodeLens:
    """The lens with the command of now; as it is where its program is gone."""
    about = lens.data if isinstance(lens.data, dict) else {}
    opened = ls.session.documents.get(str(about.get("uri")))
    if opened is not None:
        for target in targets(opened):
            if target.program == about.get("program"):
                lens.command = command(ls, opened, target)
    return lens


def command(ls: QvrServer, opened: OpenDocument, target: RunTarget) -> types.Command:
    """What a program's lens says and does."""
    runs = ls.runs
    if (running := runs.running(opened.uri).get(target.program)) is not None:
        title = lens_title(target, running=running.progress.percentage)
        about = {"uri": opened.uri, "program": target.program}
        return types.Command(title=title, command=STOP, arguments=[about])
    found = to_lsp.run_command(target, opened.uri)
    last = runs.standings(opened).get(target.program)
    if last is not None and target.runnable:
        result = last.result
        when = clock_text(result.finished, time.time()) if result.restored else None
        found.title = lens_title(target, last=answer_text(result.answer), when=when, stale=last.stale)
    return found


def targets(opened: OpenDocument) -> list[RunTarget]:
    """A document's programs; none can run while there is an error anywhere in the file."""
    broken = any(found.severity is Severity.ERROR for found in opened.checked.diagnostics)
    elsewhere = "another declaration of the file has an error."
    return [
        replace(target, runnable=False, reason=elsewhere) if broken and target.runnable else target
        for target in run_targets(opened.checked)
    ]


FEATURES = (
    Feature(
        types.TEXT_DOCUMENT_CODE_LENS, code_lens, types.CodeLensOptions(resolve_provider=True), whole=True
    ),
    Feature(types.CODE_LENS_RESOLVE, code_lens_resolve, document=False),
)
