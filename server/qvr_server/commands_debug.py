"""`qvr.debugInfo`: what there is to know about this server when something is wrong with it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.check.analysis import check_source
from qvr_server import options

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

_PARTS = (
    *("qvr", "pygls", "lsprotocol", "lark", "tree-sitter"),
    *("numpy", "torch", "llvmlite", "scipy"),
)


async def debug_info(
    ls: QvrServer, arguments: Mapping[str, Any], token: types.ProgressToken | None
) -> dict[str, Any]:
    """Versions, the Python that runs this, options, documents, the worker and the last errors, as plain JSON.

    Nothing of a document's text is in it, so that it can be sent to others.
    """
    import platform  # only where somebody asks

    client = ls.client_info
    documents = list(ls.session.documents.values())
    texts = [opened.document.source for opened in documents]
    return {
        "versions": _versions(),
        "python": {
            "executable": sys.executable,
            "version": platform.python_version(),
            "path": list(sys.path),
        },
        "processId": os.getpid(),
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "client": None if client is None else {"name": client.name, "version": client.version},
        "positionEncoding": ls.session.encoding.value,
        "root": ls.workspace.root_uri,
        "options": options.plain(ls.options),
        "documents": [
            {
                "uri": opened.uri,
                "version": opened.version,
                "bytes": len(opened.document.source),
                "lines": opened.document.lines.line_count,
                "dataFile": None if opened.data_path is None else str(opened.data_path),
                "checkSeconds": seconds,
                "results": sum(1 for _ in ls.runs.results.of(opened.uri)),
            }
            for opened, seconds in zip(documents, await asyncio.to_thread(_seconds, texts), strict=True)
        ],
        "worker": ls.worker.facts(),
        "memory": _memory(),
        "results": len(ls.runs.results),
        "errors": list(ls.last_errors),
    }


def _seconds(texts: Iterable[bytes]) -> list[float]:
    """How long a check of each text takes when nothing of it is remembered."""
    found = []
    for text in texts:
        began = time.perf_counter()
        check_source(text)
        found.append(round(time.perf_counter() - began, 4))
    return found


def _versions() -> dict[str, str | None]:
    from importlib import metadata

    from quivers import __version__

    found: dict[str, str | None] = {"qvr-lsp": __version__}
    for name in _PARTS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def _memory() -> int | None:
    """The bytes that the server holds; None where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return None
