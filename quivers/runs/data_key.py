"""What stands for a file of data, so that a saved run can be held against it without reading its values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

NO_DATA = "none"


def together(keys: Sequence[str]) -> str:
    """What stands for several files, of which each has a key."""
    return keys[0] if len(keys) == 1 else json.dumps(list(keys))


def data_key(path: Path, renames: Mapping[str, str]) -> str:
    """A digest of a file's bytes, or of when a directory's files were written, with the names they are given.

    `renames` has the data's names by those of the program. Raises OSError, and QvrError for a directory whose
    files can't be told.
    """
    if path.is_dir():
        from quivers.data.together import data_files

        states = [(file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in data_files(path)]
        return json.dumps([states, dict(renames)])
    import hashlib

    with path.open("rb") as stream:
        key = hashlib.file_digest(stream, "sha256").hexdigest()
    return f"{key} {json.dumps(dict(renames))}" if renames else key
