"""The log of a run: records that are only ever appended, each with a checksum over all of it.

A record is a head of 20 bytes, `QVR1`, its kind, the length of what follows and the CRC-32 of both, then
named arrays behind a description of them in JSON. What a killed process or a damaged disk leaves of a log is
read up to the first record that is not whole.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.records import record

if TYPE_CHECKING:  # listing runs needs no NumPy
    import numpy as np

_HEAD = struct.Struct("<4sIQI")
_MARK = b"QVR1"
_DESCRIBED = struct.Struct("<I")
_COPIED = 2**20  # bytes at a time
LONGEST = 2**40  # no record is longer: what says so is damaged


class Kind(IntEnum):
    """What a record holds: the data, what was settled before the chains, a chain's warm-up, its draws."""

    DATA = 1
    BEGUN = 2
    WARMED = 3
    DRAWS = 4


@record
class Entry:
    """A record of a log: its kind, what it says in plain values, and the bytes of its arrays by name.

    `shapes` has their shapes; all numbers are float64, the least significant byte first.
    """

    kind: Kind
    values: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]
    content: memoryview
    places: Mapping[str, int]

    def array(self, name: str) -> np.ndarray[Any, Any]:
        """One of the arrays; KeyError where the record has none of that name."""
        import math

        import numpy as np

        shape, start = self.shapes[name], self.places[name]
        numbers = np.frombuffer(self.content, "<f8", math.prod(shape), start)
        return numbers.astype(np.float64).reshape(shape)


def packed(kind: Kind, values: Mapping[str, Any], arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    """A record as it is appended."""
    import numpy as np

    plain = {name: np.ascontiguousarray(value, dtype="<f8") for name, value in arrays.items()}
    shapes = {name: list(np.shape(value)) for name, value in arrays.items()}
    described = json.dumps({"values": values, "arrays": shapes}, allow_nan=False).encode()
    parts = [_DESCRIBED.pack(len(described)), described, *(value.tobytes() for value in plain.values())]
    content = b"".join(parts)
    checked = zlib.crc32(content, zlib.crc32(_HEAD.pack(_MARK, kind, len(content), 0)))
    return _HEAD.pack(_MARK, kind, len(content), checked) + content


class Appender:
    """The end of a log, to write records to. One that can't be written whole is taken back."""

    def __init__(self, path: Path, at: int | None = None) -> None:
        """Opens a new log, or with `at` an old one, which is cut there. Raises OSError."""
        flags = os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        self._file = os.open(path, flags | (os.O_CREAT | os.O_EXCL if at is None else 0), 0o666)
        self._at = at or 0
        if at is not None:
            os.ftruncate(self._file, at)
            os.lseek(self._file, at, os.SEEK_SET)

    def append(self, content: bytes) -> None:
        """Writes a record; raises OSError, and then what there was before stays whole."""
        rest = memoryview(content)
        try:
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError:
            os.ftruncate(self._file, self._at)
            raise
        self._at += len(content)

    def copy(self, path: Path, length: int) -> None:
        """Writes the records of another log, as far as `length`; raises OSError."""
        with path.open("rb") as file:
            while length > 0 and (part := file.read(min(length, _COPIED))):
                self.append(part)
                length -= len(part)

    def sync(self) -> None:
        """Waits until the disk has all of it; raises OSError."""
        os.fsync(self._file)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def entries(path: Path) -> Iterator[tuple[Entry, int]]:
    """The whole records at the start of a log, each with the place where it ends. Raises OSError."""
    size = path.stat().st_size
    end = 0
    with path.open("rb") as file:
        while True:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                return
            mark, kind, length, checked = _HEAD.unpack(head)
            end += _HEAD.size + length
            if mark != _MARK or length > LONGEST or end > size:
                return
            content = file.read(length)
            if len(content) < length:
                return
            if zlib.crc32(content, zlib.crc32(_HEAD.pack(mark, kind, length, 0))) != checked:
                return
            entry = _unpacked(kind, content)
            if entry is None:
                return
            yield entry, end


def _unpacked(kind: int, content: bytes) -> Entry | None:
    """None for a record of another version of QVR."""
    try:
        known = Kind(kind)
        start = _DESCRIBED.size + _DESCRIBED.unpack_from(content)[0]
        described = json.loads(content[_DESCRIBED.size : start])
        shapes = {name: tuple(shape) for name, shape in described["arrays"].items()}
        places = {}
        for name, shape in shapes.items():
            places[name] = start
            numbers = 8
            for length in shape:
                if type(length) is not int or length < 0:
                    return None
                numbers *= length
            start += numbers
        whole = start == len(content)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error):
        return None
    if not isinstance(described["values"], dict):
        return None
    return Entry(known, described["values"], shapes, memoryview(content), places) if whole else None
