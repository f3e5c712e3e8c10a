"""From the protocol's terms to QVR's: text, changes, URIs to paths, commands to requests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lsprotocol import types
from pygls.uris import to_fs_path

from quivers.syntax.lines import Encoding, Position
from qvr_server.options import RunOptions
from qvr_server.session import Change

SCHEMES = frozenset({"file", "untitled", "inmemory", "vscode-notebook-cell"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_SETTINGS = {
    "chains": "chains",
    "warmup": "warmup",
    "draws": "draws",
    "targetAccept": "target_accept",
    "seed": "seed",
}


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


# ------------------------------------------------------------------- commands


@dataclass(frozen=True, slots=True)
class RunCommand:
    """What a client asks of `qvr.run`. `data` is a file's path as written, or the values by name."""

    uri: str
    program: str | None = None
    data: str | dict[str, Any] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def run_command(arguments: Sequence[Any] | None, defaults: RunOptions) -> RunCommand:
    """The run that `qvr.run`'s arguments ask for; ValueError says what is wrong with them."""
    given = arguments[0] if arguments else None
    if isinstance(given, str):
        given = {"uri": given}
    if not isinstance(given, dict) or not isinstance(given.get("uri"), str):
        raise ValueError('qvr.run needs the model\'s URI: {"uri": …}, or the URI alone.')
    program, data = given.get("program"), given.get("data")
    if program is not None and not isinstance(program, str):
        raise ValueError("`program` must be a program's name.")
    if data is not None and not isinstance(data, str | dict):
        raise ValueError("`data` must be a file's path, or the values by name.")
    settings: dict[str, Any] = {
        "chains": defaults.chains,
        "warmup": defaults.warmup,
        "draws": defaults.draws,
        "target_accept": defaults.target_accept,
    }
    for name, value in given.items():
        if name in _SETTINGS:
            if value is not None:
                settings[_SETTINGS[name]] = value
        elif name not in {"uri", "program", "data"}:
            known = ", ".join(["uri", "program", "data", *_SETTINGS])
            raise ValueError(f"qvr.run has no argument called {name}; it takes {known}.")
    return RunCommand(given["uri"], program, data, settings)


def cancel_command(arguments: Sequence[Any] | None) -> str | None:
    """The URI whose runs `qvr.cancelRun` stops; None for all of them."""
    given = arguments[0] if arguments else None
    if isinstance(given, dict):
        given = given.get("uri")
    if given is not None and not isinstance(given, str):
        raise ValueError("qvr.cancelRun takes a model's URI, or nothing.")
    return given
