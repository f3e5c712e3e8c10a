"""Reads JSON: one object of names with their values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from quivers.data.read import readable, unreadable
from quivers.data.wording import kind_text

# From here on numbers are made by Python, which takes twice as long and lets other threads have their turn.
LARGE_FILE = 100_000


def read(path: Path) -> dict[str, Any]:
    """The values of a JSON data file, by name. Names must be unique; NaN and Infinity are left for `bind`.

    Raises:
        DataError: when the file cannot be read or does not hold one JSON object, with where and why.
    """
    with readable(path):
        content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(
            f"{path} is not UTF-8 text: byte {error.start + 1} is 0x{content[error.start]:02X}."
        ) from None
    if not text.strip():
        raise unreadable(f'{path} is empty: it should hold a JSON object, such as {{"y": [1.5, 2]}}.')
    whole, number = (_whole, _number) if len(text) > LARGE_FILE else (None, None)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=whole, parse_float=number)
    except json.JSONDecodeError as error:
        reason = error.msg[0].lower() + error.msg[1:]
        raise unreadable(
            f"{path} is not valid JSON: line {error.lineno}, column {error.colno}: {reason}."
        ) from None
    except _TwiceError as error:
        raise unreadable(f"{path} gives `{error.name}` twice.") from None
    except RecursionError:
        raise unreadable(f"{path} nests lists too deeply to be data.") from None
    except ValueError:
        raise unreadable(f"{path} holds a whole number with thousands of digits.") from None
    if not isinstance(value, dict):
        raise unreadable(
            f"{path} holds {kind_text(value)} at the top, "
            'where names with values belong, such as {"y": [1.5, 2]}.'
        )
    return value


def _whole(text: str) -> int:
    return int(text)


def _number(text: str) -> float:
    return float(text)


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
