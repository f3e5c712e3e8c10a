"""What can be done about a trouble of the last run: a rewrite of the draw, or another, longer run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.check.analysis import Analysis
from quivers.ide import troubles
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic
from qvr_server import to_lsp
from qvr_server.publishing import lsp_diagnostics

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def trouble_actions(
    ls: QvrServer, opened: OpenDocument, analysis: Analysis, asked: Span, problems: Sequence[Diagnostic]
) -> Iterator[types.CodeAction]:
    """The actions for the troubles in a range. A rewrite is tried out with `analysis`.

    `problems` are those that the document shows: one that is silenced there has no actions.
    """
    told = {(each.code, each.span): each for each in problems if each.code.startswith(troubles.FAMILY)}
    titles: set[str] = set()
    for name, standing in ls.runs.standings(opened).items() if told else ():
        if standing.model_changed:
            continue
        program = opened.checked.programs[name]
        settings = standing.result.answer["settings"]
        for trouble in standing.troubles():
            span = troubles.place_of(program, trouble)
            problem = told.get((troubles.CODES.get(trouble["kind"], ""), span))
            if problem is None or span.start > asked.end or asked.start > span.end:
                continue
            action = types.CodeAction(
                title="",
                kind=types.CodeActionKind.QuickFix,
                diagnostics=lsp_diagnostics(ls, [problem], opened.places),
            )
            fix = troubles.rewrite(opened.checked, program, opened.document, analysis, trouble)
            if fix is not None and fix.title not in titles:
                titles.add(fix.title)
                action.title, action.edit = fix.title, ls.workspace_edit(opened, fix.edits)
                yield action
            again = troubles.run_again(trouble, settings)
            if again is not None and again.title not in titles:
                titles.add(again.title)
                about = {"uri": opened.uri, "program": name, **again.settings}
                command = types.Command(title=again.title, command=to_lsp.RUN, arguments=[about])
                yield types.CodeAction(
                    title=again.title, kind=action.kind, diagnostics=action.diagnostics, command=command
                )
