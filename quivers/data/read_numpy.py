"""Reads NumPy's files: `.npz`, arrays by name, and `.npy`, one array under the file's name. No pickles."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from quivers.data.read import readable, unreadable
from quivers.data.wording import shape_text
from quivers.errors import DataError

# An archive that would grow by so much, to so much, is refused before it is unpacked.
LARGEST_GROWTH = 100
LARGEST_GROWN = 2**30
_ARRAY, _ARCHIVE, _NO_FILES = b"\x93NUMPY", b"PK\x03\x04", b"PK\x05\x06"
_ENCRYPTED = 1


def read(path: Path) -> dict[str, Any]:
    """The arrays of a NumPy file, by name; one without axes as a number.

    Raises:
        DataError: the file cannot be read or is no such file, or an array in it is pickled.
    """
    with readable(path):
        with path.open("rb") as file:
            first = file.read(len(_ARRAY))
        if not first:
            raise unreadable(f"{path} is empty.")
        if path.suffix.lower() == ".npy":
            return _read_array(path, first)
        return _read_archive(path, first)


def unpacked_size(path: Path) -> int:
    """How many bytes the arrays of an archive have, as its list of contents says.

    Raises:
        DataError: they are so many more than the file's that it can't be meant.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except (zipfile.BadZipFile, NotImplementedError):
        return 0  # which `read` says
    _check_growth(path, size)
    return size


def _read_array(path: Path, first: bytes) -> dict[str, Any]:
    if first.startswith(_ARCHIVE[:4]):
        raise unreadable(f"{path} holds several arrays: give it a name that ends in .npz.")
    with path.open("rb") as file:
        return {path.stem: _array(file, path.stat().st_size, f"{path}")}


def _read_archive(path: Path, first: bytes) -> dict[str, Any]:
    if first.startswith(_ARRAY):
        raise unreadable(f"{path} holds one array: give it a name that ends in .npy.")
    if not first.startswith((_ARCHIVE, _NO_FILES)):
        raise unreadable(f"{path} is no .npz file.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_growth(path, sum(member.file_size for member in members))
            arrays: dict[str, Any] = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise unreadable(f"{path} has two arrays called `{name}`.")
                if member.flag_bits & _ENCRYPTED:
                    raise unreadable(f"{path} is encrypted: save it without a password.")
                if name == member.filename:
                    raise unreadable(f"{path} holds the file `{name}`, which is no array.")
                with archive.open(member) as file:
                    arrays[name] = _array(file, member.file_size, f"{path}, array `{name}`")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        reason = (str(error) or "it ends too soon").rstrip(".")
        raise unreadable(f"{path} is damaged: {reason[0].lower()}{reason[1:]}.") from None
    if not arrays:
        raise unreadable(f"{path} holds no array.")
    return arrays


def _check_growth(path: Path, size: int) -> None:
    packed = max(1, path.stat().st_size)
    if size > LARGEST_GROWN and size > LARGEST_GROWTH * packed:
        raise unreadable(
            f"{path} would grow from {packed / 2**20:,.1f} MB to {size / 2**20:,.0f} MB when it is unpacked; "
            "if that is meant, save it with numpy.savez, which doesn't compress."
        )


def _array(file: IO[bytes], size: int, place: str) -> Any:
    """One array from a file of `size` bytes, which its header must account for to the last."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, by_columns, kind = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, by_columns, kind = np.lib.format.read_array_header_2_0(file)
        else:
            raise _not_numbers(place, "records of several values")
    except (ValueError, TypeError, SyntaxError, TokenError, RecursionError, MemoryError, OverflowError):
        raise unreadable(f"{place} is damaged: its first bytes are not those of an array.") from None
    if kind.hasobject:
        raise unreadable(
            f"{place} holds Python objects, which are not read, as they could run any program: "
            "save numbers or text."
        )
    if kind.names is not None or kind.kind == "V":
        raise _not_numbers(place, "records of several values")
    wanted, there = math.prod(shape) * kind.itemsize, size - file.tell()
    if any(count < 0 for count in shape) or wanted != there:
        what = shape_text(shape) or "1"
        raise unreadable(
            f"{place} is damaged: {what} values of {kind.itemsize} bytes are {wanted:,} bytes, "
            f"but {max(0, there):,} are there."
        )
    content = file.read(wanted)
    if len(content) < wanted:
        raise unreadable(f"{place} is damaged: it ends too soon.")
    array = np.frombuffer(content, dtype=kind) if wanted else np.empty(math.prod(shape), kind)
    array = array.reshape(shape, order="F" if by_columns else "C")
    if kind.kind == "S":
        array = _decoded(array, place)
    return array.item() if array.ndim == 0 else array


def _decoded(array: np.ndarray, place: str) -> np.ndarray:
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise unreadable(f"{place} holds bytes that are not UTF-8 text, such as 0x{byte:02X}.") from None


def _not_numbers(place: str, what: str) -> DataError:
    return unreadable(f"{place} holds {what}: save an array of numbers or text for each.")
