"""`textDocument/documentSymbol` and `workspace/symbol`: the outline of a model, and of all models' names."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.uris import from_fs_path

from quivers.errors import QvrError
from quivers.ide.symbols import Kind, Symbol, closeness, flat, matches, outline
from quivers.syntax.document import Document, decoded
from quivers.syntax.lines import Encoding
from quivers.syntax.lower import lower
from qvr_server.feature import Feature
from qvr_server.places import Places
from qvr_server.protocol import Plain
from qvr_server.workspace_files import LONGEST_MODEL, model_files, roots

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

MOST_SYMBOLS = 500

_KINDS = {
    Kind.OBJECT: types.SymbolKind.Class,
    Kind.DATA: types.SymbolKind.Field,
    Kind.PROGRAM: types.SymbolKind.Function,
    Kind.LATENT: types.SymbolKind.Variable,
    Kind.OBSERVE: types.SymbolKind.Field,
    Kind.LET: types.SymbolKind.Constant,
    Kind.SCORE: types.SymbolKind.Number,
}

Named = types.SymbolInformation


def document_symbol(
    ls: QvrServer, opened: OpenDocument, params: types.DocumentSymbolParams
) -> Plain | list[Named]:
    """A document's outline; as a flat list for a client that knows no other."""
    found = outline(opened.checked.module, opened.checked)
    places = opened.places
    if ls.client_supports("text_document.document_symbol.hierarchical_document_symbol_support"):
        return Plain([_entry(symbol, places) for symbol in found])
    return _named(found, places)


def _entry(symbol: Symbol, places: Places) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "name": symbol.name,
        "kind": _KINDS[symbol.kind].value,
        "range": places.plain_range(symbol.span),
        "selectionRange": places.plain_range(symbol.name_span),
    }
    if symbol.detail is not None:
        entry["detail"] = symbol.detail
    if symbol.children:
        entry["children"] = [_entry(child, places) for child in symbol.children]
    return entry


def _named(symbols: tuple[Symbol, ...], places: Places) -> list[Named]:
    return [
        Named(
            name=symbol.name,
            kind=_KINDS[symbol.kind],
            location=places.location(symbol.span),
            container_name=container,
        )
        for symbol, container in flat(symbols)
    ]


# --------------------------------------------------------------------------------------- workspace


@dataclass(slots=True)
class WorkspaceSymbols:
    """The names in models on the disk, read once for every time a file was written, on any thread."""

    encoding: Encoding
    _known: dict[Path, tuple[tuple[int, int], list[Named]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def named(self, places: Iterable[Path], given_up: threading.Event) -> dict[Path, list[Named]]:
        """The names in each model of some folders; what there is when it is `given_up`."""
        found: dict[Path, list[Named]] = {}
        with self._lock:
            for path in model_files(places):
                if given_up.is_set():
                    return found
                if (names := self._of_file(path)) is not None:
                    found[path] = names
            self._known = {path: entry for path, entry in self._known.items() if path in found}
        return found

    def _of_file(self, path: Path) -> list[Named] | None:
        try:
            status = path.stat()
            written = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is None or known[0] != written:
                if status.st_size > LONGEST_MODEL:
                    return None
                document = Document(decoded(path.read_bytes(), str(path)))
                uri = from_fs_path(str(path)) or ""
                found = outline(lower(document).module)
                known = (written, _named(found, Places(uri, document.lines, self.encoding)))
                self._known[path] = known
        except (OSError, QvrError):  # gone, unreadable or no text: not a model to tell of
            self._known.pop(path, None)
            return None
        return known[1]


async def workspace_symbol(ls: QvrServer, params: types.WorkspaceSymbolParams) -> list[Named]:
    """The names that fit a query, the closest first; of an open document those of its newest text."""
    opened: list[OpenDocument] = []
    for each in list(ls.session.documents.values()):
        await ls.analyses.ready(each)
        if not each.is_closed:
            opened.append(each.snapshot())
    given_up = threading.Event()
    try:
        return await asyncio.to_thread(_fitting, ls, opened, params.query, given_up)
    finally:
        given_up.set()


def _fitting(
    ls: QvrServer, opened: Sequence[OpenDocument], query: str, given_up: threading.Event
) -> list[Named]:
    kept = ls.session.kept.setdefault(__name__, WorkspaceSymbols(ls.session.encoding))
    found: list[Named] = []
    for each in opened:
        found += _named(outline(each.checked.module), each.places)
    shadowed = {each.path for each in opened}
    for path, names in kept.named(roots(ls), given_up).items():
        if path not in shadowed:
            found += names
    fitting = [each for each in found if matches(query, each.name)]
    fitting.sort(key=lambda each: closeness(query, each.name))
    return fitting[:MOST_SYMBOLS]


FEATURES = (
    Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, document_symbol, whole=True),
    Feature(types.WORKSPACE_SYMBOL, workspace_symbol, document=False),
)
