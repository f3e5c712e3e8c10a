"""From QVR's plain answers to the protocol's terms: byte offsets to positions, records to LSP types."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lsprotocol import types

from quivers.ide.runs import RunTarget
from quivers.syntax.problems import Diagnostic, Edit, Severity
from qvr_server.places import Places

RUN = "qvr.run"

# What is declared and that nothing needs, which editors grey out.
_UNNECESSARY = frozenset({"QVR708", "QVR709", "QVR710"})

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFORMATION: types.DiagnosticSeverity.Information,
    Severity.HINT: types.DiagnosticSeverity.Hint,
}
# What a Markdown reader would take for the start of an HTML tag, outside code.
_TAG_OR_CODE = re.compile(r"(`+)(?:.*?)\1|<(?=[A-Za-z/!?])", re.DOTALL)
_FENCE = re.compile(r"^```.*\n?|\n```$", re.MULTILINE)
_MARKUP = re.compile(r"(`+|\*\*)(.+?)\1", re.DOTALL)


def diagnostic(found: Diagnostic, places: Places, *, related: bool, tags: bool = False) -> types.Diagnostic:
    """`related` says that the client shows related places; else they are told in the message."""
    message = found.message
    if found.hint:
        message += f"\n{found.hint}"
    information = None
    if found.labels and related:
        information = [
            types.DiagnosticRelatedInformation(places.location(label.span), label.message)
            for label in found.labels
        ]
    elif found.labels:
        message += "".join(
            f"\n{label.message} (line {places.lines.line_at(label.span.start) + 1})" for label in found.labels
        )
    return types.Diagnostic(
        range=places.range(found.span),
        severity=_SEVERITIES[found.severity],
        code=found.code,
        source="qvr",
        message=message,
        related_information=information,
        tags=[types.DiagnosticTag.Unnecessary] if tags and found.code in _UNNECESSARY else None,
    )


def markup(parts: Sequence[str], formats: Sequence[types.MarkupKind]) -> types.MarkupContent:
    """Paragraphs of Markdown as the first of the client's formats that is ours; plain text without one."""
    wanted = next((kind for kind in formats if kind in tuple(types.MarkupKind)), types.MarkupKind.PlainText)
    if wanted is types.MarkupKind.Markdown:
        return types.MarkupContent(wanted, "\n\n".join(_without_tags(part) for part in parts))
    return types.MarkupContent(wanted, "\n\n".join(_unquoted(_FENCE.sub("", part)) for part in parts))


def _unquoted(note: str) -> str:
    return _MARKUP.sub(r"\2", note)


def _without_tags(note: str) -> str:
    return _TAG_OR_CODE.sub(lambda match: "\\<" if match.group() == "<" else match.group(), note)


def run_command(target: RunTarget, uri: str) -> types.Command:
    """The command of a program's lens; where it can't run, running it says which errors it has."""
    title = (
        target.title if target.runnable else f"Can't run {target.program}: {_unquoted(target.reason or '')}"
    )
    return types.Command(title=title, command=RUN, arguments=[{"uri": uri, "program": target.program}])


def text_edits(edits: Iterable[Edit], places: Places) -> list[types.TextEdit]:
    """Edits of one text."""
    return [types.TextEdit(places.range(edit.span), edit.text) for edit in edits]
