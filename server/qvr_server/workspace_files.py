"""The models in the workspace's folders that are not open: found, read and checked on another thread."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pygls.uris import from_fs_path

from quivers.check.analysis import check_source
from quivers.configuration import configuration_for, shown
from quivers.errors import QvrError
from quivers.syntax.document import decoded
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic
from qvr_server import from_lsp
from qvr_server.places import Places

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

MOST_MODELS = 2_000
MOST_FOLDERS = 20_000
LONGEST_MODEL = 4 << 20
PASSED_BY = frozenset({"node_modules", "__pycache__", "site-packages", "venv", "build", "dist"})


def roots(ls: QvrServer) -> tuple[Path, ...]:
    """The workspace's folders on this disk: none, one or many; a root may also be a single file."""
    uris = [folder.uri for folder in ls.workspace.folders.values()]
    if not uris and ls.workspace.root_uri:
        uris = [ls.workspace.root_uri]
    return tuple(path for uri in uris if (path := from_lsp.path(uri)) is not None)


def model_files(places: Iterable[Path]) -> Iterator[Path]:
    """Every `.qvr` file under some folders, a bounded number, hidden and installed ones passed by."""
    seen: set[Path] = set()
    folders = 0
    for place in places:
        if place.is_file():
            found: Iterable[Path] = [place] if place.suffix == ".qvr" else []
            seen.update(found)
            yield from found
            continue
        for folder, inner, files in os.walk(place):
            folders += 1
            inner[:] = sorted(name for name in inner if name not in PASSED_BY and not name.startswith("."))
            for name in sorted(files):
                path = Path(folder, name)
                if name.endswith(".qvr") and path not in seen:
                    seen.add(path)
                    yield path
            if folders >= MOST_FOLDERS or len(seen) >= MOST_MODELS:
                return


@dataclass(frozen=True, slots=True)
class ClosedModel:
    """A model on the disk with its problems; `result_id` stays while text and problems do."""

    path: Path
    uri: str
    source: bytes
    diagnostics: tuple[Diagnostic, ...]
    result_id: str

    def places(self, encoding: Encoding) -> Places:
        """The text's places as the client counts them."""
        return Places(self.uri, LineIndex(self.source), encoding)


@dataclass(slots=True)
class ClosedModels:
    """Checks each model once for every time it was written. Its methods may be called on any thread."""

    _known: dict[Path, tuple[tuple[int, int], bytes, tuple[Diagnostic, ...]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, places: Iterable[Path], given_up: threading.Event) -> list[ClosedModel]:
        """Every model in some folders that can be read; what there is when it is `given_up`."""
        with self._lock:
            found = {}
            for path in model_files(places):
                if given_up.is_set():
                    break
                if (model := self._model(path)) is not None:
                    found[path] = model
            if not given_up.is_set():
                self._known = {path: entry for path, entry in self._known.items() if path in found}
        return list(found.values())

    def _model(self, path: Path) -> ClosedModel | None:
        try:
            status = path.stat()
            written = (status.st_mtime_ns, status.st_size)
            known = self._known.get(path)
            if known is None or known[0] != written:
                if status.st_size > LONGEST_MODEL:
                    return None
                source = decoded(path.read_bytes(), str(path))
                known = self._known[path] = (written, source, check_source(source).diagnostics)
        except (OSError, QvrError):
            self._known.pop(path, None)
            return None
        _, source, diagnostics = known
        diagnostics = shown(diagnostics, source, configuration_for(path))
        digest = hashlib.blake2b(source + repr(diagnostics).encode(), digest_size=12).hexdigest()
        return ClosedModel(path, from_fs_path(str(path)) or "", source, diagnostics, digest)
