"""Reads a data file into values by name. Each format has a module of its own, chosen by the file's ending."""

from __future__ import annotations

import importlib
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from quivers.data.codes import UNREADABLE
from quivers.errors import DataError, DataProblem

Reader = Callable[[Path], dict[str, Any]]

# By ending, the module whose `read` reads such a file. Files beside a model are looked for in this order.
READERS: Mapping[str, str] = {
    ".json": "quivers.data.read_json",
    ".csv": "quivers.data.read_table",
    ".tsv": "quivers.data.read_table",
    ".parquet": "quivers.data.read_parquet",
}
_COMPRESSED = frozenset((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"))


def read(path: Path) -> dict[str, Any]:
    """The values of a data file, by name: numbers and lists from JSON, `Column`s from a table.

    A file without an ending is read as JSON. Values are only checked as far as the format goes; whether they
    fit a program is for `bind`.

    Raises:
        DataError: the file can't be read, or is not what its ending says, with the place and the reason.
    """
    ending = path.suffix.lower()
    module = READERS.get(ending or ".json")
    with readable(path):
        if module is None:
            with path.open("rb"):
                pass
            raise unreadable(f"{path} {_unknown(ending)}")
        reader: Reader = importlib.import_module(module).read
        return reader(path)


def _unknown(ending: str) -> str:
    known = ", ".join(list(READERS)[:-1])
    names = f"a data file's name ends in {known} or {list(READERS)[-1]}."
    if ending in _COMPRESSED:
        return f"is compressed: unpack it, as {names}"
    return f"is of no kind that can be read: {names}"


def unreadable(message: str) -> DataError:
    """A file that can't be used at all."""
    return DataError([DataProblem(UNREADABLE, message)])


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what the system says against a path into a sentence."""
    try:
        yield
    except FileNotFoundError:
        raise unreadable(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise unreadable(f"{path} is a directory, not a data file.") from None
    except PermissionError:
        raise unreadable(f"{path} cannot be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise unreadable(f"{path} cannot be read: {reason.lower()}.") from None
    except MemoryError:
        raise unreadable(f"{path} cannot be read: it needs more memory than there is.") from None


def weight(path: Path) -> int:
    """About how many bytes a file has when it is read, without reading it.

    Raises:
        DataError: the file can't be looked at, or has no end, as a device has none.
    """
    with readable(path):
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
            raise unreadable(f"{path} is a device or a pipe, not a data file.")
        size = status.st_size
        if path.suffix.lower() != ".parquet" or size == 0:
            return size
        from quivers.data.read_parquet import weight_of

        return max(size, weight_of(path))
