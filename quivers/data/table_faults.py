"""What is wrong with the text of a table, in words and with its place: quotes, encoding, separators."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from pathlib import Path

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_OTHER_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_PIECE = 2**16


def quote_fault(record: Sequence[str], line: int, delimiter: str) -> str:
    """What is wrong with the quotes of a row that can't be split, whose lines begin with `line`."""
    text = "".join(record)
    place = opened = 0
    while place < len(text):
        if text[place] == '"':
            opened = place
            place += 1
            while place < len(text) and (text[place] != '"' or text[place + 1 : place + 2] == '"'):
                place += 2 if text[place] == '"' else 1
            if place >= len(text):
                return f"{_place(text, opened, line)}: the quote that opens here is never closed."
            place += 1
            if place < len(text) and text[place] not in (delimiter, "\r", "\n"):
                return (
                    f"{_place(text, place, line)}: a cell goes on after its closing quote; "
                    'a quote inside a cell is written twice, `""`.'
                )
        while place < len(text) and text[place] not in (delimiter, "\r", "\n"):
            place += 1
        place += 1
    return f"line {line}: this row can't be split into cells."


def _place(text: str, index: int, line: int) -> str:
    before = text[:index].replace("\r\n", "\n").replace("\r", "\n")
    return f"line {line + before.count(chr(10))}, column {len(before) - before.rfind(chr(10))}"


def delimiter_fault(names: Sequence[str], delimiter: str) -> str | None:
    """What a header of one column says that is written with other separators."""
    if len(names) != 1:
        return None
    other = next((sign for sign in _NAMES if sign in names[0] and sign != delimiter), None)
    if other is None:
        return None
    return (
        f"the columns seem to be separated by {_NAMES[other]}, where a file of this name has "
        f"{_NAMES[delimiter]}."
    )


def other_encoding(start: bytes) -> str | None:
    """The encoding that a file's first bytes say it has, where it is not UTF-8."""
    return next((name for mark, name in _OTHER_ENCODINGS if start.startswith(mark)), None)


def encoding_fault(path: Path) -> str:
    """Where a file that is no UTF-8 text stops being one, or what else it is."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, column, start = 1, 1, b""
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE)
            if piece.endswith(b"\r"):  # whose line feed belongs to it
                piece += file.read(1)
            if not start:
                start = piece
                if (name := other_encoding(piece)) is not None:
                    return f"{path} is {name} text: save it as UTF-8."
            kept = decoder.getstate()[0]
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                whole = kept + piece
                before = whole[: error.start].decode()
                line, column = _moved(line, column, before)
                return (
                    f"{path}, line {line}, column {column}: this is not UTF-8 text, as the byte "
                    f"0x{whole[error.start]:02X} stands here: save it as UTF-8."
                )
            if not piece:  # written anew in between
                return f"{path} is not UTF-8 text."
            line, column = _moved(line, column, text)


def _moved(line: int, column: int, text: str) -> tuple[int, int]:
    """The place after some text; LF, CRLF and CR end a line."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.count("\n")
    return (line + lines, len(text) - text.rfind("\n")) if lines else (line, column + len(text))
