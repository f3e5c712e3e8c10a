"""Reads Arrow's own files, also called Feather, with the optional package pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quivers.data.arrow_columns import arrow_table, damaged, pyarrow_for
from quivers.data.read import readable, unreadable

_FILE, _STREAM, _FEATHER_1 = b"ARROW1", b"\xff\xff\xff\xff", b"FEA1"


def read(path: Path) -> dict[str, Any]:
    """The columns of an Arrow file, an Arrow stream or a Feather file, by name.

    Raises:
        DataError: the file cannot be read or is none of these, or pyarrow is not installed.
    """
    with readable(path), path.open("rb") as file:
        first = file.read(len(_FILE))
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - len(_FILE)))
        last = file.read()
    if not first:
        raise unreadable(f"{path} is empty.")
    if not first.startswith((_FILE, _STREAM, _FEATHER_1)):
        raise unreadable(f"{path} is no Arrow file.")
    if first == _FILE and (last != _FILE or size < 3 * len(_FILE)):
        raise unreadable(f"{path} is only the beginning of an Arrow file: its end is missing.")
    pa = pyarrow_for(path)
    try:
        table = _table(path, first)
        table.validate(full=True)
    except pa.ArrowMemoryError:
        raise unreadable(f"{path} cannot be read: it needs more memory than there is.") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, "Arrow", error) from None
    return arrow_table(path, table)


def _table(path: Path, first: bytes) -> Any:
    import pyarrow as pa
    import pyarrow.feather

    if first.startswith(_FEATHER_1):
        return pyarrow.feather.read_table(path)
    with pa.OSFile(str(path)) as file:
        opened = pa.ipc.open_file(file) if first == _FILE else pa.ipc.open_stream(file)
        with opened:
            return opened.read_all()
