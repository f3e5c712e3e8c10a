"""How source text looks in a terminal: what each character is shown as, and how many cells it takes."""

from __future__ import annotations

import unicodedata

from quivers.records import record

TAB = 4


@record
class Shown:
    """A line ready to print: `cells[i]` is where character i starts, and the last one is the line's end."""

    text: str
    cells: tuple[int, ...]


def shown(line: str) -> Shown:
    """Tabs run to the next multiple of four; control and direction characters become visible signs."""
    parts: list[str] = []
    cells = [0]
    for character in line:
        if character == "\t":
            text, width = " " * (TAB - cells[-1] % TAB), TAB - cells[-1] % TAB
        else:
            text = visible(character)
            width = cell_width(text)
        parts.append(text)
        cells.append(cells[-1] + width)
    return Shown("".join(parts), tuple(cells))


def visible(character: str) -> str:
    """The character itself, or a sign for one that would move the cursor or turn the text's direction."""
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    category = unicodedata.category(character)
    if category in ("Cc", "Cs", "Zl", "Zp") or 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069:
        return "�"
    return character


def safe(text: str) -> str:
    """`text` with every control and direction character made visible, line breaks aside."""
    return "".join(character if character == "\n" else visible(character) for character in text)


def cell_width(text: str) -> int:
    """Cells that `text` takes: two for wide characters, none for marks that sit on the one before."""
    width = 0
    for character in text:
        if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
            continue
        width += 2 if unicodedata.east_asian_width(character) in "WF" else 1
    return width
