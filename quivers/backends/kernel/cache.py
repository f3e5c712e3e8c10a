"""Kernels kept on disk: a folder for each, named by what its machine code depends on.

An entry appears whole or not at all, so processes may share the folder. Where it can't be written, kernels
are compiled in each process. The folder is `QVR_CACHE_DIR`, else `qvr` in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

SOURCE, CODE = "kernel.py", "kernel.o"
DIGEST_SIZE = 32

# Kernels to keep; those used longest ago go first.
LIMIT = 200


def folder() -> Path | None:
    """Where kernels are kept; None where the user has no home."""
    chosen = os.environ.get("QVR_CACHE_DIR")
    if chosen:
        return Path(chosen) / "kernels"
    try:
        if sys.platform == "win32" and os.environ.get("LOCALAPPDATA"):
            return Path(os.environ["LOCALAPPDATA"]) / "qvr" / "kernels"
        user = os.environ.get("XDG_CACHE_HOME")
        return (Path(user) if user else Path.home() / ".cache") / "qvr" / "kernels"
    except RuntimeError:
        return None


def load(key: str) -> bytes | None:
    """The machine code kept under `key`; None where there is none, or it is damaged."""
    place = folder()
    if place is None:
        return None
    try:
        data = (place / key / CODE).read_bytes()
    except OSError:
        remove(key)  # an entry that lacks its code would stand in the way of a new one
        return None
    digest, code = data[:DIGEST_SIZE], data[DIGEST_SIZE:]
    if hashlib.blake2b(code, digest_size=DIGEST_SIZE).digest() != digest:
        remove(key)
        return None
    with contextlib.suppress(OSError):
        os.utime(place / key)  # used now
    return code


def store(key: str, source: str, code: bytes) -> None:
    """Keep a kernel, and drop those used longest ago beyond the limit; in vain where nothing can be kept."""
    place = folder()
    if place is None:
        return
    made: str | None = None
    try:
        place.mkdir(parents=True, exist_ok=True)
        made = tempfile.mkdtemp(prefix=".new-", dir=place)
        (Path(made) / SOURCE).write_text(source, encoding="utf-8")
        digest = hashlib.blake2b(code, digest_size=DIGEST_SIZE).digest()
        (Path(made) / CODE).write_bytes(digest + code)
        os.rename(made, place / key)
        made = None
        _shrink(place)
    except OSError:
        pass  # another process was first, or the folder is full or not ours: what is there stays
    finally:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)


def remove(key: str) -> None:
    """Drop a kernel, if it is there."""
    place = folder()
    if place is not None:
        shutil.rmtree(place / key, ignore_errors=True)


def _shrink(place: Path) -> None:
    """Remove what was used longest ago, and what processes that died left half made a day ago."""
    times: list[tuple[float, Path]] = []
    for entry in place.iterdir():
        try:
            times.append((entry.stat().st_mtime, entry))
        except OSError:
            continue  # another process removed it
    kept = sorted(item for item in times if not item[1].name.startswith(".new-"))
    newest = kept[-1][0] if kept else 0.0
    stale = [entry for time, entry in times if entry.name.startswith(".new-") and time < newest - 86400]
    for entry in [*stale, *(entry for _, entry in kept[: max(0, len(kept) - LIMIT)])]:
        shutil.rmtree(entry, ignore_errors=True)
