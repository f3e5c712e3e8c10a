"""Reads a data file: JSON, one object of names with their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quivers.data.codes import UNREADABLE
from quivers.data.wording import kind_text
from quivers.errors import DataError, DataProblem


def read(path: Path) -> dict[str, Any]:
    """The values of a JSON data file, by name. Names must be unique; NaN and Infinity are left for `bind`.

    Raises:
        DataError: when the file cannot be read or does not hold one JSON object, with where and why.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _unreadable(f"{path} does not exist.") from None
    except IsADirectoryError:
        raise _unreadable(f"{path} is a directory, not a data file.") from None
    except PermissionError:
        raise _unreadable(f"{path} cannot be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreadable(f"{path} cannot be read: {reason.lower()}.") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(
            f"{path} is not UTF-8 text: byte {error.start + 1} is 0x{content[error.start]:02X}."
        ) from None
    if not text.strip():
        raise _unreadable(f'{path} is empty: it should hold a JSON object, such as {{"y": [1.5, 2]}}.')
    try:
        value = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise _unreadable(
            f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {reason}."
        ) from None
    except _TwiceError as error:
        raise _unreadable(f"{path} gives `{error.name}` twice.") from None
    except RecursionError:
        raise _unreadable(f"{path} nests lists too deeply to be data.") from None
    except ValueError:
        raise _unreadable(f"{path} holds a whole number with thousands of digits.") from None
    if not isinstance(value, dict):
        raise _unreadable(
            f"{path} holds {kind_text(value)} at the top, "
            'where names with values belong, such as {"y": [1.5, 2]}.'
        )
    return value


def default_path(model: Path) -> Path:
    """Where a model's data are when nobody says: `model.data.json` beside `model.qvr`."""
    return model.with_suffix(".data.json")


class _TwiceError(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        seen: set[str] = set()
        raise _TwiceError(next(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return values


def _unreadable(message: str) -> DataError:
    return DataError([DataProblem(UNREADABLE, message)])
