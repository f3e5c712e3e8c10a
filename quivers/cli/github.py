"""`qvr check --output-format github`: workflow commands, which GitHub shows at the lines of a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning"}  # information and hints are notices


def workflow_commands(found: Iterable[Diagnostic], source: bytes | None, file: str) -> Iterator[str]:
    """A line for each diagnostic; lines and columns count from 1, columns characters.

    Columns are left out where a diagnostic spans lines: GitHub takes them for one line alone.
    """
    lines = None if source is None else LineIndex(source)
    for each in found:
        properties = {"title": f"qvr ({each.code})", "file": file}
        if lines is not None:
            start, end = (lines.position(at, Encoding.UTF32) for at in (each.span.start, each.span.end))
            properties |= {"line": str(start.line + 1), "endLine": str(end.line + 1)}
            if start.line == end.line:
                properties |= {"col": str(start.character + 1), "endColumn": str(end.character + 1)}
        text = each.message + (f"\nhint: {each.hint}" if each.hint else "")
        written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
        yield f"::{_COMMANDS.get(each.severity, 'notice')} {written}::{_message(text)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
