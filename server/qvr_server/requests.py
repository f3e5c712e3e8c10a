"""What the server answers: each function takes a request's parameters and returns the protocol's answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.ide.hover import hover as hover_at
from quivers.ide.runs import RunTarget, run_targets
from quivers.syntax.ast import Span
from quivers.syntax.problems import Severity
from qvr_server import from_lsp, to_lsp

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

CANCEL_RUN = "qvr.cancelRun"
RUN_KIND = "source.qvr.run"


def register(server: QvrServer) -> None:
    """Tell pygls which function answers which message."""
    saved = types.SaveOptions(include_text=False)
    actions = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, RUN_KIND])
    features: list[tuple[str, Any, Any]] = [
        (types.INITIALIZE, initialize, None),
        (types.INITIALIZED, initialized, None),
        (types.TEXT_DOCUMENT_DID_SAVE, did_save, saved),
        (types.TEXT_DOCUMENT_HOVER, hover, None),
        (types.TEXT_DOCUMENT_CODE_LENS, code_lens, None),
        (types.TEXT_DOCUMENT_CODE_ACTION, code_action, actions),
        (types.WORKSPACE_DID_CHANGE_CONFIGURATION, did_change_configuration, None),
        (types.WORKSPACE_DID_CHANGE_WATCHED_FILES, did_change_watched_files, None),
    ]
    for method, function, options in features:
        server.feature(method, options)(function)
    server.command(to_lsp.RUN)(server.runs.run_command())
    server.command(CANCEL_RUN)(server.runs.cancel_command())


# ------------------------------------------------------------------- session


def initialize(ls: QvrServer, params: types.InitializeParams) -> None:
    """Take the options; the position encoding is settled by now."""
    settled = types.PositionEncodingKind(ls.workspace.position_encoding or "utf-16")
    ls.initialized(params.initialization_options, settled.value)


async def initialized(ls: QvrServer, params: types.InitializedParams) -> None:
    """Do what had to wait until the client had its answer."""
    await ls.ready()


def did_save(ls: QvrServer, params: types.DidSaveTextDocumentParams) -> None:
    """Publish again, and look at the data file again."""
    ls.did_save(params.text_document.uri)


def did_change_configuration(ls: QvrServer, params: types.DidChangeConfigurationParams) -> None:
    """Apply new settings at once."""
    ls.configure(params.settings)


def did_change_watched_files(ls: QvrServer, params: types.DidChangeWatchedFilesParams) -> None:
    """Look again at the models that a changed file is for."""
    ls.files_changed([change.uri for change in params.changes])


# ------------------------------------------------------------------ requests


def hover(ls: QvrServer, params: types.HoverParams) -> types.Hover | None:
    """What the name under the cursor is."""
    if (opened := ls.session.documents.get(params.text_document.uri)) is None:
        return None
    lines, encoding = opened.document.lines, ls.session.encoding
    found = hover_at(opened.checked, opened.document, from_lsp.offset(lines, params.position, encoding))
    if found is None:
        return None
    capabilities = ls.client_capabilities.text_document
    formats = capabilities.hover.content_format if capabilities and capabilities.hover else None
    markdown = bool(formats) and types.MarkupKind.Markdown in (formats or ())
    return to_lsp.hover(found, lines, encoding, markdown=markdown)


def code_lens(ls: QvrServer, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """`▶ Run` on each program."""
    if (opened := ls.session.documents.get(params.text_document.uri)) is None:
        return None
    shown = lenses(ls, opened)
    ls.lenses_shown(opened, shown)
    return shown


def lenses(ls: QvrServer, opened: OpenDocument) -> list[types.CodeLens]:
    """A document's lenses as they are now."""
    lines, encoding = opened.document.lines, ls.session.encoding
    return [to_lsp.run_lens(target, opened.uri, lines, encoding) for target in targets(opened)]


def targets(opened: OpenDocument) -> list[RunTarget]:
    """A document's programs; none can run while there is an error anywhere in the file."""
    broken = any(found.severity is Severity.ERROR for found in opened.checked.diagnostics)
    elsewhere = "another declaration of the file has an error."
    return [
        replace(target, runnable=False, reason=elsewhere) if broken and target.runnable else target
        for target in run_targets(opened.checked)
    ]


def code_action(
    ls: QvrServer, params: types.CodeActionParams
) -> list[types.Command | types.CodeAction] | None:
    """The fixes of the problems in the range, and the run of a program whose header is in it."""
    if (opened := ls.session.documents.get(params.text_document.uri)) is None:
        return None
    lines, encoding = opened.document.lines, ls.session.encoding
    asked = from_lsp.span(lines, params.range, encoding)
    literals = ls.client_supports("text_document.code_action.code_action_literal_support")
    answers: list[types.Command | types.CodeAction] = []
    if literals and _wanted(types.CodeActionKind.QuickFix.value, params.context.only):
        identity = types.OptionalVersionedTextDocumentIdentifier(uri=opened.uri, version=opened.version)
        versioned = ls.client_supports("workspace.workspace_edit.document_changes")
        related = ls.shows_related_places
        answers += [
            to_lsp.fix_action(fix, found, identity, lines, encoding, related=related, versioned=versioned)
            for found in opened.diagnostics()
            if _touch(found.span, asked)
            for fix in found.fixes
        ]
    if _wanted(RUN_KIND, params.context.only):
        for target in targets(opened):
            if not target.runnable:
                continue
            program = opened.checked.programs[target.program]
            if _touch(program.declaration.header_span.shifted(program.offset), asked):
                command = to_lsp.run_command(target, opened.uri)
                action = types.CodeAction(title=target.title, kind=RUN_KIND, command=command)
                answers.append(action if literals else command)
    return answers


def _touch(left: Span, right: Span) -> bool:
    return left.start <= right.end and right.start <= left.end


def _wanted(kind: str, only: Any) -> bool:
    """Whether a client that asks for `only` these kinds wants `kind`; `source` covers `source.fixAll`."""
    if not only:
        return True
    wanted = [str(getattr(entry, "value", entry)) for entry in only]
    return any(not each or kind == each or kind.startswith(f"{each}.") for each in wanted)
