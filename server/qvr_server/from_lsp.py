"""From the protocol's terms to QVR's: text, changes, URIs to paths."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from lsprotocol import types
from pygls.uris import to_fs_path

from quivers.syntax.lines import Encoding, Position
from qvr_server.session import Change

SCHEMES = frozenset({"file", "untitled", "inmemory", "vscode-notebook-cell"})
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(received: str) -> str:
    """`received` with U+FFFD for each lone surrogate, which UTF-8 can't hold and which is as wide."""
    return _SURROGATE.sub("\ufffd", received) if not received.isascii() else received


def changes(events: Sequence[types.TextDocumentContentChangeEvent]) -> list[Change]:
    """A change without a range replaces the whole text."""
    return [
        Change(
            text(event.text),
            None
            if isinstance(event, types.TextDocumentContentChangeWholeDocument)
            else (
                Position(event.range.start.line, event.range.start.character),
                Position(event.range.end.line, event.range.end.character),
            ),
        )
        for event in events
    ]


def encoding(negotiated: str) -> Encoding:
    """The unit of positions' columns."""
    return Encoding(negotiated)


def is_ours(uri: str, language: str) -> bool:
    """Whether a document is a model in a place we serve; a git or diff view of one is not."""
    parts = urlsplit(uri)
    return parts.scheme in SCHEMES and (language == "qvr" or parts.path.endswith(".qvr"))


def path(uri: str) -> Path | None:
    """The file of a `file:` URI; None for a document that is no file."""
    if urlsplit(uri).scheme != "file":
        return None
    found = to_fs_path(uri)
    return Path(found) if found else None
