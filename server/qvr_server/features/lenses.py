"""`textDocument/codeLens`: `▶ Run` over each program."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.runs import RunTarget, run_targets
from quivers.syntax.problems import Severity
from qvr_server import to_lsp
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


def code_lens(ls: QvrServer, opened: OpenDocument, params: types.CodeLensParams) -> list[types.CodeLens]:
    """The lenses of a document."""
    return lenses(opened) if ls.options.lens.enable else []


def lenses(opened: OpenDocument) -> list[types.CodeLens]:
    """A document's lenses as they are now."""
    places = opened.places
    return [
        types.CodeLens(places.range(target.span), to_lsp.run_command(target, opened.uri))
        for target in targets(opened)
    ]


def targets(opened: OpenDocument) -> list[RunTarget]:
    """A document's programs; none can run while there is an error anywhere in the file."""
    broken = any(found.severity is Severity.ERROR for found in opened.checked.diagnostics)
    elsewhere = "another declaration of the file has an error."
    return [
        replace(target, runnable=False, reason=elsewhere) if broken and target.runnable else target
        for target in run_targets(opened.checked)
    ]


FEATURES = (Feature(types.TEXT_DOCUMENT_CODE_LENS, code_lens, whole=True),)
