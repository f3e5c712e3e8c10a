"""How the text of a file divides into declarations, and that of a declaration into lines and blocks.

These are the rules of grammar/src/scanner.c, applied to bytes: a line that starts with a
declaration's keyword ends all before it, whatever is open; a line that starts as a step does ends
open brackets; the line after a header opens its block. So what one declaration or one line says
never depends on a slip in another.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache

from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.reading import DECLARATION_KEYWORDS, STEP_KEYWORDS

TAB_WIDTH = 4
MOST_BLOCKS = 64

# White space other than CR and LF, in UTF-8; the same characters as in grammar.js.
_WIDE_SPACE = (
    rb"\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80|\xef\xbb\xbf"
)
SPACE = rb"(?:[ \t\f\v]|" + _WIDE_SPACE + rb")"
# ← → ⊗ ≠ ≤ ≥
_SIGN = rb"\xe2\x86[\x90\x92]|\xe2\x8a\x97|\xe2\x89[\xa0\xa4\xa5]"
WORD_BYTE = rb"(?:[A-Za-z0-9_]|(?!" + _WIDE_SPACE + rb"|" + _SIGN + rb")[\x80-\xff])"

_DECLARATIONS = "|".join(DECLARATION_KEYWORDS).encode()
_STEPS = "|".join(STEP_KEYWORDS).encode()

_DECLARATION_LINE = re.compile(
    rb"[\r\n](?:[ \t\f\v]|" + _WIDE_SPACE + rb")*+(" + _DECLARATIONS + rb")(?!" + WORD_BYTE + rb")"
)
_LINE = re.compile(
    rb"(?P<indentation>" + SPACE + rb"*+)"
    rb"(?:(?:(?P<declaration>" + _DECLARATIONS + rb")|(?P<step>" + _STEPS + rb"))(?!" + WORD_BYTE + rb")"
    rb"|(?P<comment>\#)"
    rb"|(?P<other>[^\r\n]))?"
)
_BRACKET = re.compile(rb"[()\[\]]")
_TRAILING_SPACE = re.compile(SPACE + rb"*+\Z")


class Start(Enum):
    """How a line starts."""

    DECLARATION = "declaration"
    STEP = "step"
    OTHER = "other"


@record
class Line:
    """One statement or header: a line of text, or several where brackets stay open.

    `span` runs from the first character that is no indentation to the end of what it says,
    `indentation` over the white space before it. `column` is how far it is indented, with a tab
    stop every four columns. `depth` counts the blocks it stands in, and `opens` tells whether it
    is the first line of the innermost of them.
    """

    span: Span
    indentation: Span
    column: int
    start: Start
    keyword: str
    depth: int
    opens: bool


def declaration_starts(source: bytes, start: int, end: int) -> list[int]:
    """Where each line between `start` and `end` that starts with a declaration's keyword has that keyword."""
    starts = [match.start(1) for match in _DECLARATION_LINE.finditer(source, start, end)]
    first = _LINE.match(source, 0, end) if start == 0 else None
    if first is not None and first["declaration"]:
        starts.insert(0, first.start("declaration"))
    return starts


def documentation_above(source: bytes, offset: int, lower: int = 0) -> tuple[str | None, int]:
    """The `##` lines directly above the line of `offset`, and where the first of them starts.

    Without any, None and the start of the line of `offset`. Nothing above `lower` is looked at.
    """
    start = line_start(source, offset, lower)
    texts: list[str] = []
    while start > lower:
        above = line_start(source, _before_line_end(source, start), lower)
        text = source[above:start].strip(b" \t\f\v\r\n")
        if not text.startswith(b"##") or text.startswith(b"###"):
            break
        texts.append(text[2:].decode(errors="replace").strip())
        start = above
    return ("\n".join(reversed(texts)), start) if texts else (None, start)


def content_end(source: bytes, start: int, end: int) -> int:
    """Where what `source[start:end]` says ends: before the blank lines and comment lines at its end."""
    while end > start:
        line = line_start(source, end, start)
        if line <= start:
            break
        content = source[line:end].lstrip(b" \t\f\v")
        if content and not content.startswith(b"#"):
            break
        end = _before_line_end(source, line)
    return end


def line_start(source: bytes, offset: int, lower: int = 0) -> int:
    """Where the line of `offset` starts, at `lower` at the earliest."""
    line_feed = source.rfind(b"\n", lower, offset) + 1 or lower
    return source.rfind(b"\r", line_feed, offset) + 1 or line_feed


def column_after(indentation: bytes) -> int:
    """How many columns `indentation` is wide."""
    if indentation.isspace() and b"\t" not in indentation:
        return len(indentation)
    column = 0
    for character in indentation.decode(errors="replace"):
        column += TAB_WIDTH - column % TAB_WIDTH if character == "\t" else 1
    return column


def lines(text: bytes, *, is_program: bool = False) -> list[Line]:
    """The statements and headers of `text`, in order, each with the blocks around it.

    With `is_program`, the first line counts as a program's header, whatever it starts with.
    """
    found: list[Line] = []
    columns = [0]
    header = ""
    for span, match, start, keyword in _statements(text):
        column = column_after(match["indentation"])
        opens = False
        if is_program and not found:
            start, keyword = Start.DECLARATION, "program"
        if start is Start.DECLARATION:
            columns = [0]
        elif _opens_block(header, start, column, columns):
            columns.append(column)
            opens = True
        else:
            blocks = len(columns) - 1
            while blocks > 0 and columns[blocks] > column:
                blocks -= 1
            if blocks == 0 and len(columns) > 1 and (start is Start.STEP or column > 0):
                blocks = 1
            del columns[blocks + 1 :]
        header = keyword
        indentation = Span(match.start("indentation"), match.end("indentation"))
        found.append(Line(span, indentation, column, start, keyword, len(columns) - 1, opens))
    return found


def _opens_block(header: str, start: Start, column: int, columns: list[int]) -> bool:
    if len(columns) > MOST_BLOCKS:
        return False
    if header == "program":
        return start is Start.STEP or column > 0
    return header == "marginalize" and column > columns[-1]


@cache
def _bare_draw() -> re.Pattern[bytes]:
    """How a draw without the word `sample` starts. Few files have one, and this takes 2 ms to compile."""
    return re.compile(
        WORD_BYTE + rb"++" + SPACE + rb"*+"
        rb"(?::(?:" + SPACE + rb"|" + WORD_BYTE + rb"|\*|\xe2\x8a\x97)*+)?(?:<-|\xe2\x86\x90|~)"
    )


def _start_of(text: bytes, match: re.Match[bytes]) -> tuple[Start, str]:
    if match["declaration"]:
        return Start.DECLARATION, match["declaration"].decode()
    if match["step"]:
        return Start.STEP, match["step"].decode()
    is_draw = _bare_draw().match(text, match.end("indentation")) is not None
    return (Start.STEP if is_draw else Start.OTHER), ""


def _statements(text: bytes) -> Iterator[tuple[Span, re.Match[bytes], Start, str]]:
    """Each statement's span, and how its first line starts, joining lines while brackets are open."""
    current: tuple[re.Match[bytes], Start, str] | None = None
    start = end = brackets = offset = 0
    for line in text.splitlines(keepends=True):
        match = _LINE.match(text, offset)
        assert match is not None, "every line matches"
        line_end = offset + len(line)
        comment = text.find(b"#", offset, line_end)
        content = text[offset : comment if comment >= 0 else line_end].rstrip(b"\r\n")
        offset_after = line_end
        if match.lastgroup not in (None, "indentation", "comment"):
            kind, keyword = _start_of(text, match)
            if current is None or brackets == 0 or kind is not Start.OTHER:
                if current is not None:
                    yield Span(start, end), *current
                current, start, brackets = (match, kind, keyword), match.end("indentation"), 0
            end = offset + len(content)
            trailing = _TRAILING_SPACE.search(content)
            if trailing is not None:
                end = offset + trailing.start()
            for bracket in _BRACKET.findall(content):
                brackets = brackets + 1 if bracket in b"([" else max(brackets - 1, 0)
        offset = offset_after
    if current is not None:
        yield Span(start, end), *current


def _before_line_end(source: bytes, line: int) -> int:
    """The end of the line above the one that starts at `line`, before its line ending."""
    end = line - 1
    return end - 1 if end > 0 and source[end - 1 : line] == b"\r\n" else end
