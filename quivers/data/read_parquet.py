"""Reads Parquet, with the optional package pyarrow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quivers.data.arrow_columns import arrow_table, damaged, pyarrow_for
from quivers.data.read import readable, unreadable

_MAGIC = b"PAR1"


def read(path: Path) -> dict[str, Any]:
    """The columns of a Parquet file, by name.

    Raises:
        DataError: the file cannot be read or is no Parquet file, or pyarrow is not installed.
    """
    _check_ends(path)
    pa, pq = _packages(path)
    try:
        with pq.ParquetFile(path) as opened:
            table = opened.read()
    except pa.ArrowMemoryError:
        raise unreadable(f"{path} cannot be read: it needs more memory than there is.") from None
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, "Parquet", error) from None
    return arrow_table(path, table)


def weight_of(path: Path) -> int:
    """How many bytes the values of a file take at least, eight for each; told by its last lines alone.

    Raises:
        DataError: as `read`.
    """
    _check_ends(path)
    pa, pq = _packages(path)
    try:
        with pq.ParquetFile(path) as opened:
            return 8 * int(opened.metadata.num_rows) * int(opened.metadata.num_columns)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise damaged(path, "Parquet", error) from None


def _packages(path: Path) -> tuple[Any, Any]:
    pa = pyarrow_for(path)
    import pyarrow.parquet as pq

    return pa, pq


def _check_ends(path: Path) -> None:
    """Parquet begins and ends with the same four bytes."""
    with readable(path), path.open("rb") as file:
        first = file.read(len(_MAGIC))
        file.seek(0, 2)
        size = file.tell()
        file.seek(max(0, size - len(_MAGIC)))
        last = file.read()
    if size == 0:
        raise unreadable(f"{path} is empty.")
    if first != _MAGIC:
        raise unreadable(f"{path} is no Parquet file.")
    if last != _MAGIC or size < 3 * len(_MAGIC):
        raise unreadable(f"{path} is only the beginning of a Parquet file: its end is missing.")
