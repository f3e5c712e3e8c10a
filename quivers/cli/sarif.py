"""`qvr check --output-format sarif`: SARIF 2.1.0, which code hosts and editors read.

Lines and columns count from 1, and columns are UTF-16 code units, as the log itself says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import quivers
from quivers.codes import CODES
from quivers.explanations import page
from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Fix, Severity

VERSION = "2.1.0"
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning"}  # information and hints are notes

Entry = tuple[str, bytes | None, Sequence[Diagnostic]]
"""A file's name, its text where it could be read, and what is wrong with it."""


def sarif(entries: Sequence[Entry]) -> dict[str, Any]:
    """One run with a rule for each code that was found, and a result for each diagnostic."""
    used = sorted({each.code for _, _, found in entries for each in found})
    places = {code: place for place, code in enumerate(used)}
    return {
        "$schema": SCHEMA,
        "version": VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "qvr",
                        "version": quivers.__version__,
                        "rules": [_rule(code) for code in used],
                    }
                },
                "columnKind": "utf16CodeUnits",
                "results": [
                    _result(each, places[each.code], _Text(name, source))
                    for name, source, found in entries
                    for each in found
                ],
            }
        ],
    }


class _Text:
    """A file that results lie in; its regions are the whole first line where it can't be read."""

    def __init__(self, name: str, source: bytes | None) -> None:
        self._uri = _uri(name)
        self._lines = None if source is None else LineIndex(source)

    @property
    def artifact(self) -> dict[str, str]:
        return {"uri": self._uri}

    def region(self, span: Span) -> dict[str, int]:
        if self._lines is None:
            return {"startLine": 1}
        start, end = (self._lines.position(offset, Encoding.UTF16) for offset in (span.start, span.end))
        return {
            "startLine": start.line + 1,
            "startColumn": start.character + 1,
            "endLine": end.line + 1,
            "endColumn": end.character + 1,
        }

    def location(self, span: Span) -> dict[str, Any]:
        return {"physicalLocation": {"artifactLocation": self.artifact, "region": self.region(span)}}


def _rule(code: str) -> dict[str, Any]:
    known = CODES[code]
    text = page(code)
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in known.title.replace("'", "").replace("-", " ").split()),
        "shortDescription": {"text": f"{known.title}."},
        "fullDescription": {"text": known.summary},
        "help": {"text": text, "markdown": text},
        "defaultConfiguration": {"level": _LEVELS.get(known.severity, "note")},
    }


def _result(diagnostic: Diagnostic, rule: int, text: _Text) -> dict[str, Any]:
    hint = f" {diagnostic.hint[0].upper()}{diagnostic.hint[1:]}" if diagnostic.hint else ""
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": _LEVELS.get(diagnostic.severity, "note"),
        "message": {"text": diagnostic.message + hint},
        "locations": [text.location(diagnostic.span)],
    }
    if diagnostic.labels:
        result["relatedLocations"] = [
            {"id": place, "message": {"text": label.message}, **text.location(label.span)}
            for place, label in enumerate(diagnostic.labels)
        ]
    if diagnostic.fixes:
        result["fixes"] = [_fix(fix, text) for fix in diagnostic.fixes]
    return result


def _fix(fix: Fix, text: _Text) -> dict[str, Any]:
    replacements = [
        {"deletedRegion": text.region(edit.span), "insertedContent": {"text": edit.text}}
        for edit in fix.edits
    ]
    change = {"artifactLocation": text.artifact, "replacements": replacements}
    return {"description": {"text": fix.title}, "artifactChanges": [change]}


def _uri(name: str) -> str:
    """A relative reference for a file under the working folder, so that the log fits any checkout."""
    path = Path(name)
    if path.is_absolute():
        near = os.path.relpath(name)
        if near.startswith(os.pardir):
            return path.as_uri()
        path = Path(near)
    return quote(path.as_posix())
