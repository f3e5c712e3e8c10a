"""Reads JSON: one object of names with their values, as cmdstan writes and reads it too."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from quivers.data.pieces import kinds
from quivers.data.read import readable, unreadable
from quivers.data.table_faults import other_encoding
from quivers.data.wording import kind_text

# From here on numbers are made by Python, which takes twice as long and lets other threads have their turn.
LARGE_FILE = 100_000
_STAN = {
    "NaN": math.nan,
    **dict.fromkeys(("Inf", "+Inf", "Infinity", "+Infinity"), math.inf),
    **dict.fromkeys(("-Inf", "-Infinity"), -math.inf),
}


def read(path: Path) -> dict[str, Any]:
    """The values of a JSON data file, by name.

    Raises:
        DataError: when the file cannot be read or does not hold one JSON object, with where and why.
    """
    return content(path)


def content(path: Path, name: str | None = None) -> dict[str, Any]:
    """The values of a JSON data file, by name; one value at the top is called `name` where that is given.

    Names must be unique; NaN and Infinity are left for `bind`. So are "NaN", "Inf" and "-Inf" in quotes, as
    Stan's data have them, where numbers stand beside them.

    Raises:
        DataError: as `read`.
    """
    with readable(path):
        written = path.read_bytes()
    if (encoding := other_encoding(written)) is not None:
        raise unreadable(f"{path} is {encoding} text: save it as UTF-8.")
    try:
        text = written.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(
            f"{path} is not UTF-8 text: byte {error.start + 1} is 0x{written[error.start]:02X}."
        ) from None
    if not text.strip():
        raise unreadable(f'{path} is empty: it should hold a JSON object, such as {{"y": [1.5, 2]}}.')
    whole, number = (_whole, _number) if len(text) > LARGE_FILE else (None, None)
    try:
        value = json.loads(text, object_pairs_hook=_unique, parse_int=whole, parse_float=number)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and text[error.pos : error.pos + 1] == "{":
            raise unreadable(
                f"{path} holds several objects, as lines of records do, but should hold one, with a list for "
                'each name: {"y": [1.5, 2]}.'
            ) from None
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
        if name is not None and not isinstance(value, str | None):
            return {name: _numbers_from_stan(value)}
        if isinstance(value, list) and value and kinds(value) == {dict}:
            raise unreadable(
                f"{path} holds a list of records, but should hold one object, with a list for each name: "
                '{"y": [1.5, 2]}. In pandas, `to_dict("list")` gives it; in R, `as.list(frame)`.'
            )
        raise unreadable(
            f"{path} holds {kind_text(value)} at the top, "
            'where names with values belong, such as {"y": [1.5, 2]}.'
        )
    return {name: _numbers_from_stan(item) for name, item in value.items()}


def _numbers_from_stan(value: Any) -> Any:
    """A value with the words for what JSON has no numbers for as numbers, if nothing else in it is text."""
    if isinstance(value, str):
        return _STAN.get(value, value)
    if not isinstance(value, list) or not (words := _words(value)) or not words <= _STAN.keys():
        return value
    return _replaced(value)


def _words(value: list[Any]) -> set[str]:
    """All text in nested lists."""
    found = kinds(value)
    words = {item for item in value if isinstance(item, str)} if str in found else set()
    if list in found:
        words.update(*(_words(item) for item in value if isinstance(item, list)))
    return words


def _replaced(value: list[Any]) -> list[Any]:
    return [
        _replaced(item) if isinstance(item, list) else _STAN[item] if isinstance(item, str) else item
        for item in value
    ]


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
