"""Reads a data file into values by name. Each format has a module of its own, chosen by the file's ending."""

from __future__ import annotations

import difflib
import importlib
import itertools
import os
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
    ".arrow": "quivers.data.read_arrow",
    ".feather": "quivers.data.read_arrow",
    ".npz": "quivers.data.read_numpy",
    ".npy": "quivers.data.read_numpy",
}
COMPRESSED = frozenset((".gz", ".bz2", ".xz", ".zst", ".zip", ".7z"))
_NAMES_LOOKED_AT = 10_000


def read(path: Path) -> dict[str, Any]:
    """The values of a data file or of a directory of them, by name.

    They are numbers and lists from JSON, arrays from NumPy's files, `Column`s from tables. A file without an
    ending is read as JSON. Values are only checked as far as the format goes; whether they fit a program is
    for `bind`.

    Raises:
        DataError: the file can't be read, or is not what its ending says, with the place and the reason.
    """
    ending = path.suffix.lower()
    module = READERS.get(ending or ".json")
    with readable(path):
        if _is_directory(path) and ending not in READERS:
            from quivers.data.together import of_directory

            return of_directory(path)
        with path.open("rb"):
            pass
        if module is None:
            raise unreadable(f"{path} {_unknown(ending)}")
        reader: Reader = importlib.import_module(module).read
        return reader(path)


def _is_directory(path: Path) -> bool:
    """Whether it is one; what would never end, or keep us waiting, is refused."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
        return stat.S_ISDIR(mode)
    raise unreadable(f"{path} is a device or a pipe, not a data file: write what it gives to a file.")


def _unknown(ending: str) -> str:
    known = ", ".join(list(READERS)[:-1])
    names = f"a data file's name ends in {known} or {list(READERS)[-1]}."
    if ending in COMPRESSED:
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
        raise unreadable(_absent(path)) from None
    except IsADirectoryError:
        raise unreadable(f"{path} is a directory, not a data file.") from None
    except PermissionError:
        raise unreadable(f"{path} cannot be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).rstrip(".")
        raise unreadable(f"{path} cannot be read: {reason.lower()}.") from None
    except MemoryError:
        raise unreadable(f"{path} cannot be read: it needs more memory than there is.") from None


def _absent(path: Path) -> str:
    """That a file is not there, with the one beside it that may have been meant."""
    if path.is_symlink():
        return f"{path} is a link to {os.readlink(path)}, which does not exist."
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in itertools.islice(entries, _NAMES_LOOKED_AT)]
    except OSError:
        return f"{path} does not exist, nor does the directory {path.parent}."
    readable_ones = [name for name in names if Path(name).suffix.lower() in READERS]
    near = difflib.get_close_matches(path.name, readable_ones, n=1, cutoff=0.75)
    return f"{path} does not exist" + (f"; did you mean `{near[0]}`?" if near else ".")


def weight(path: Path) -> int:
    """About how many bytes a file or a directory has when it is read, without reading it.

    Raises:
        DataError: the file can't be looked at, or has no end, as a device has none.
    """
    with readable(path):
        if _is_directory(path):
            from quivers.data.together import data_files

            return 0 if path.suffix.lower() in READERS else sum(map(weight, data_files(path)))
        size, ending = path.stat().st_size, path.suffix.lower()
        if size == 0:
            return size
        if ending == ".parquet":
            from quivers.data.read_parquet import weight_of

            return max(size, weight_of(path))
        if ending == ".npz":
            from quivers.data.read_numpy import unpacked_size

            return max(size, unpacked_size(path))
        return size


def written(path: Path) -> tuple[int, int] | None:
    """When a file, or one in a directory, was written last, in ns, and its size; None where there is none."""
    try:
        status = path.stat()
        if not stat.S_ISDIR(status.st_mode):
            return status.st_mtime_ns, status.st_size
        from quivers.data.together import data_files

        parts = [(0, 0), *filter(None, map(written, data_files(path)))]
        return max(status.st_mtime_ns, *(time for time, _ in parts)), sum(size for _, size in parts)
    except (OSError, ValueError, DataError):
        return None
