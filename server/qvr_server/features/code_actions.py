"""`textDocument/codeAction`: the fixes of the problems in a range, and the run of a program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.syntax.ast import Span
from qvr_server import to_lsp
from qvr_server.feature import Feature
from qvr_server.features.lenses import targets

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

RUN_KIND = "source.qvr.run"
Answer = types.Command | types.CodeAction


def code_action(ls: QvrServer, opened: OpenDocument, params: types.CodeActionParams) -> list[Answer]:
    """The fixes of the problems in the range, and the run of a program whose header is in it."""
    asked = opened.places.span(params.range)
    literals = bool(ls.capability("text_document.code_action.code_action_literal_support"))
    answers: list[Answer] = []
    if literals and _wanted(types.CodeActionKind.QuickFix.value, params.context.only):
        answers += _fixes(ls, opened, asked)
    if _wanted(RUN_KIND, params.context.only):
        answers += _runs(opened, asked, literals=literals)
    return answers


def _fixes(ls: QvrServer, opened: OpenDocument, asked: Span) -> list[types.CodeAction]:
    related = ls.shows_related_places
    return [
        types.CodeAction(
            title=fix.title,
            kind=types.CodeActionKind.QuickFix,
            diagnostics=[to_lsp.diagnostic(found, opened.places, related=related)],
            edit=ls.workspace_edit(opened, fix.edits),
        )
        for found in opened.diagnostics()
        if _touch(found.span, asked)
        for fix in found.fixes
    ]


def _runs(opened: OpenDocument, asked: Span, *, literals: bool) -> list[Answer]:
    answers: list[Answer] = []
    for target in targets(opened):
        program = opened.checked.programs[target.program]
        if target.runnable and _touch(program.declaration.header_span.shifted(program.offset), asked):
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


_OPTIONS = types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, RUN_KIND])
FEATURES = (Feature(types.TEXT_DOCUMENT_CODE_ACTION, code_action, _OPTIONS),)
