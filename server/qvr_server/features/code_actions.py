"""`textDocument/codeAction` and its resolve: fixes, refactorings, all safe fixes, and the run of a program.

A refactoring is found in a moment and worked out, with its proof, when it is chosen; at once for a client
that can't ask again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types
from pygls.exceptions import JsonRpcContentModified, JsonRpcInvalidParams

from quivers.check.analysis import Analysis
from quivers.check.program import Checked
from quivers.configuration import shown
from quivers.ide.actions import REFACTORINGS, Offer, change, offers
from quivers.ide.actions.fixing import fix_all, ignoring, preferred, safe_fix
from quivers.ide.actions.selection import Change, Obstacle, Selection
from quivers.ide.runs import run_target
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Fix, Severity
from qvr_server import to_lsp
from qvr_server.feature import Feature
from qvr_server.protocol import RequestFailed
from qvr_server.publishing import lsp_diagnostics
from qvr_server.trouble_actions import trouble_actions

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

QUICK_FIX = "quickfix"
RUN_KIND = "source.qvr.run"
FIX_ALL_KIND = "source.fixAll.qvr"
_FIX_ALL = "fix-all"
Answer = types.Command | types.CodeAction


@record
class _Asked:
    """A request: what is selected, which kinds are wanted, and what the client can do with the answers.

    `lazy` says that it asks for a chosen action's edit later; `automatic` that nobody has asked, the cursor
    has only moved.
    """

    span: Span
    only: tuple[str, ...]
    automatic: bool
    lazy: bool
    disabled: bool

    def wants(self, kind: str) -> bool:
        """Whether a kind is wanted; `source` covers `source.fixAll`."""
        return not self.only or any(self._covers(each, kind) for each in self.only)

    def names(self, kind: str) -> bool:
        """Whether a kind is asked for by its name, or by a part of it such as `refactor`."""
        return any(each and self._covers(each, kind) for each in self.only)

    @staticmethod
    def _covers(asked: str, kind: str) -> bool:
        return not asked or kind == asked or kind.startswith(f"{asked}.")


def code_action(
    ls: QvrServer, opened: OpenDocument, params: types.CodeActionParams
) -> list[Answer] | Awaitable[list[Answer]]:
    """All that can be done about a range; for a client without code actions, the commands among it."""
    asked = _asked(ls, opened, params)
    if not ls.capability("text_document.code_action.code_action_literal_support"):
        return [action.command for action in _runs(opened, asked) if action.command is not None]
    if opened.is_large and not asked.automatic:
        return asyncio.to_thread(_actions, ls, _Subject(opened.snapshot(), _memory(opened).copy()), asked)
    return _actions(ls, _Subject(opened, _memory(opened)), asked)


def code_action_resolve(
    ls: QvrServer, action: types.CodeAction
) -> types.CodeAction | Awaitable[types.CodeAction]:
    """The chosen action with its edit.

    Raises
    ------
    JsonRpcContentModified
        If the text has changed since the action was offered.
    RequestFailed
        If the action can't be done after all, with the reason.
    """
    opened, name, span = _remembered(ls, action)
    subject = _Subject(opened.snapshot(), _memory(opened).copy())
    if opened.is_large:
        return asyncio.to_thread(_resolved, ls, subject, action, name, span)
    return _resolved(ls, subject, action, name, span)


@record
class _Subject:
    """A document, and the memory of its checks to try changes out with."""

    opened: OpenDocument
    analysis: Analysis

    def selection(self, span: Span) -> Selection:
        return Selection(self.opened.checked, self.opened.document, span, self.analysis)

    def change(self, name: str, span: Span) -> Change | Obstacle | None:
        """What a refactoring or the fix of all makes of the document."""
        selection = self.selection(span)
        if name != _FIX_ALL:
            return change(selection, name)
        configuration = self.opened.configuration

        def seen(checked: Checked, source: bytes) -> Sequence[Diagnostic]:
            return shown(checked.diagnostics, source, configuration)

        return fix_all(selection, seen)


def _memory(opened: OpenDocument) -> Analysis:
    # Another thread may be at work with the memory of the last check.
    return Analysis() if opened.is_busy else opened.analysis


def _asked(ls: QvrServer, opened: OpenDocument, params: types.CodeActionParams) -> _Asked:
    context = params.context
    properties = ls.capability("text_document.code_action.resolve_support.properties") or ()
    return _Asked(
        opened.places.span(params.range),
        tuple(str(getattr(kind, "value", kind)) for kind in context.only or ()),
        context.trigger_kind is types.CodeActionTriggerKind.Automatic and not context.only,
        "edit" in properties and ls.client_supports("text_document.code_action.data_support"),
        ls.client_supports("text_document.code_action.disabled_support"),
    )


def _actions(ls: QvrServer, subject: _Subject, asked: _Asked) -> list[Answer]:
    found: list[types.CodeAction] = []
    problems = subject.opened.diagnostics()
    if asked.wants(QUICK_FIX):
        found += _fixes(ls, subject, asked, problems)
        found += trouble_actions(ls, subject.opened, subject.analysis, asked.span, problems)
        found += _silencing(ls, subject, asked, problems)
    titles = {action.title for action in found}
    if any(asked.wants(refactoring.kind.value) for refactoring in REFACTORINGS.values()):
        found += [each for each in _refactorings(ls, subject, asked) if each.title not in titles]
    found += _all_fixed(ls, subject, asked, problems)
    if asked.wants(RUN_KIND):
        found += _runs(subject.opened, asked)
    return list(found)


# -------------------------------------------------------------------------- fixes


def _fixes(
    ls: QvrServer, subject: _Subject, asked: _Asked, problems: Sequence[Diagnostic]
) -> list[types.CodeAction]:
    """The fixes of the problems in the range."""
    opened = subject.opened
    touched = [problem for problem in problems if _touch(problem.span, asked.span)]
    found = [
        _fix(ls, opened, problem, fix, is_preferred=fix is preferred(problem))
        for problem in touched
        for fix in problem.fixes
    ]
    for problem in touched:
        if problem.code == "QVR208":
            found += _declarations(ls, subject, asked, problem)
    return found


def _silencing(
    ls: QvrServer, subject: _Subject, asked: _Asked, problems: Sequence[Diagnostic]
) -> Iterator[types.CodeAction]:
    """The comments that would silence the problems in the range, each once."""
    opened = subject.opened
    silenced: set[Fix] = set()
    for problem in problems:
        if _touch(problem.span, asked.span):
            fix = ignoring(problem, opened.document.source, opened.document.lines)
            if fix is not None and fix not in silenced:
                silenced.add(fix)
                yield _fix(ls, opened, problem, fix)


def _fix(
    ls: QvrServer, opened: OpenDocument, problem: Diagnostic, fix: Fix, *, is_preferred: bool = False
) -> types.CodeAction:
    shows = ls.client_supports("text_document.code_action.is_preferred_support")
    return types.CodeAction(
        title=fix.title,
        kind=QUICK_FIX,
        diagnostics=lsp_diagnostics(ls, [problem], opened.places),
        is_preferred=True if is_preferred and shows else None,
        edit=ls.workspace_edit(opened, fix.edits),
    )


def _declarations(
    ls: QvrServer, subject: _Subject, asked: _Asked, problem: Diagnostic
) -> Iterator[types.CodeAction]:
    """What looks misspelt may be an input after all, which its declaration says."""
    for offer in offers(subject.selection(problem.span)):
        if offer.name == "declare" and offer.obstacle is None:
            action = _refactoring(ls, subject, asked, problem.span, offer)
            if action is not None:
                action.kind = QUICK_FIX
                action.diagnostics = lsp_diagnostics(ls, [problem], subject.opened.places)
                yield action


def _all_fixed(
    ls: QvrServer, subject: _Subject, asked: _Asked, problems: Sequence[Diagnostic]
) -> list[types.CodeAction]:
    """All safe fixes of the document in one; unasked only where that is more than one."""
    if not asked.wants(FIX_ALL_KIND) or asked.automatic:
        return []
    count = sum(safe_fix(problem) is not None for problem in problems)
    if count < (1 if asked.names(FIX_ALL_KIND) else 2):
        return []
    action = types.CodeAction(title="Fix all that can be fixed safely", kind=FIX_ALL_KIND)
    found = _with_edit(ls, subject, asked, action, _FIX_ALL, asked.span)
    return [] if found is None else [found]


# ------------------------------------------------------------------- refactorings


def _refactorings(ls: QvrServer, subject: _Subject, asked: _Asked) -> Iterator[types.CodeAction]:
    """The refactorings of the selection; while the cursor moves, only those that can be worked out later."""
    if asked.automatic and not asked.lazy:
        return
    for offer in offers(subject.selection(asked.span)):
        if asked.wants(offer.kind.value):
            action = _refactoring(ls, subject, asked, asked.span, offer)
            if action is not None:
                yield action


def _refactoring(
    ls: QvrServer, subject: _Subject, asked: _Asked, span: Span, offer: Offer
) -> types.CodeAction | None:
    action = types.CodeAction(title=offer.title, kind=offer.kind.value)
    if offer.obstacle is not None:
        return _disabled(action, asked, offer.obstacle)
    return _with_edit(ls, subject, asked, action, offer.name, span)


def _with_edit(
    ls: QvrServer, subject: _Subject, asked: _Asked, action: types.CodeAction, name: str, span: Span
) -> types.CodeAction | None:
    """The action with its edit, or where the client can ask for that, with what it takes to work it out."""
    opened = subject.opened
    if asked.lazy:
        action.data = {
            "uri": opened.uri,
            "version": opened.version,
            "name": name,
            "start": span.start,
            "end": span.end,
        }
        if asked.automatic:
            return action
    made = subject.change(name, span)
    if isinstance(made, Obstacle):
        return _disabled(action, asked, made.sentence)
    if made is None:
        return None
    if not asked.lazy:
        action.edit = _edit(ls, opened, made)
    return action


def _disabled(action: types.CodeAction, asked: _Asked, reason: str) -> types.CodeAction | None:
    """The action with the reason why it can't be done, for somebody who asks for its kind."""
    if not (asked.disabled and action.kind is not None and asked.names(str(action.kind))):
        return None
    action.data = None
    action.disabled = types.CodeActionDisabled(reason)
    return action


def _edit(ls: QvrServer, opened: OpenDocument, made: Change) -> types.WorkspaceEdit:
    """The edits of a change; a fresh name in them is a field to fill in, where the client has such fields."""
    edit = ls.workspace_edit(opened, made.edits)
    if (
        made.fresh is None
        or not edit.document_changes
        or not ls.client_supports("workspace.workspace_edit.snippet_edit_support")
    ):
        return edit
    fresh, changes = made.fresh, edit.document_changes[0]
    assert isinstance(changes, types.TextDocumentEdit), "a document's edits are the only change"
    changes.edits = [
        types.SnippetTextEdit(
            opened.places.range(each.span),
            types.StringValue(
                f"{_escaped(each.text[:at])}${{1:{fresh}}}{_escaped(each.text[at + len(fresh) :])}"
            ),
        )
        for each, at in zip(made.edits, made.places, strict=True)
    ]
    return edit


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")


# ------------------------------------------------------------------ chosen later


def _remembered(ls: QvrServer, action: types.CodeAction) -> tuple[OpenDocument, str, Span]:
    """What an action that was offered was about."""
    match action.data:
        case {
            "uri": str(uri),
            "version": int(version),
            "name": str(name),
            "start": int(start),
            "end": int(end),
        }:
            span = Span(start, end)
        case _:
            raise JsonRpcInvalidParams("This action does not come from this server, or its data are lost.")
    if name != _FIX_ALL and name not in REFACTORINGS:
        raise JsonRpcInvalidParams(f"There is no action `{name}`.")
    opened = ls.session.documents.get(uri)
    if opened is None:
        raise JsonRpcInvalidParams(f"{uri} is not open any more.")
    if opened.version != version:
        raise JsonRpcContentModified("The text has changed since this was offered; ask for it again.")
    return opened, name, span


def _resolved(
    ls: QvrServer, subject: _Subject, action: types.CodeAction, name: str, span: Span
) -> types.CodeAction:
    made = subject.change(name, span)
    if not isinstance(made, Change):
        reason = made.sentence if isinstance(made, Obstacle) else "There is nothing to change."
        raise RequestFailed(f"{action.title}: {reason}")
    action.edit = _edit(ls, subject.opened, made)
    return action


# --------------------------------------------------------------------------- runs


def _runs(opened: OpenDocument, asked: _Asked) -> list[types.CodeAction]:
    """The run of each program whose header is in the range."""
    if not asked.wants(RUN_KIND):
        return []
    checked = opened.checked
    headers = _headers(checked, asked.span)
    if not headers or any(found.severity is Severity.ERROR for found in checked.diagnostics):
        return []
    targets = [run_target(checked, name) for name in headers if name in checked.programs]
    return [
        types.CodeAction(title=target.title, kind=RUN_KIND, command=to_lsp.run_command(target, opened.uri))
        for target in targets
        if target.runnable
    ]


def _headers(checked: Checked, span: Span) -> dict[str, None]:
    """The programs and compositions whose headers a span touches."""
    placed = checked.module.declarations
    number = max(placed.at(span.start), 0)
    found: dict[str, None] = {}
    for item in placed[number:]:
        if item.offset > span.end:
            break
        declaration = item.declaration
        if isinstance(declaration, ast.ProgramDeclaration):
            header = declaration.header_span
        elif isinstance(declaration, ast.DefineDeclaration):
            header = declaration.span
        else:
            continue
        if _touch(header.shifted(item.offset), span):
            found[declaration.name.text] = None
    return found


def _touch(left: Span, right: Span) -> bool:
    return left.start <= right.end and right.start <= left.end


_OPTIONS = types.CodeActionOptions(
    code_action_kinds=[
        QUICK_FIX,
        *sorted({each.kind.value for each in REFACTORINGS.values()}),
        FIX_ALL_KIND,
        RUN_KIND,
    ],
    resolve_provider=True,
)
FEATURES = (
    Feature(types.TEXT_DOCUMENT_CODE_ACTION, code_action, _OPTIONS),
    Feature(types.CODE_ACTION_RESOLVE, code_action_resolve, document=False),
)
