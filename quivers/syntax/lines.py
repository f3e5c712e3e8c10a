"""Lines and columns of a text held as UTF-8 bytes, in each of the three encodings that editors count in.

LF, CRLF and CR end a line and nothing else does: form feeds and U+2028 are characters like any other.
"""

from __future__ import annotations

from bisect import bisect_right
from enum import Enum
from itertools import accumulate

from quivers.records import record
from quivers.syntax.ast import Span


class Encoding(Enum):
    """What a column counts: bytes, UTF-16 code units or code points."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


@record
class Position:
    """A place in a text; `line` and `character` count from 0."""

    line: int
    character: int


class LineIndex:
    """Where each line of `source` starts. A place outside the text stands for the nearest one in it."""

    __slots__ = ("_source", "_starts")

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._starts = _starts(source, 0)

    def edited(self, source: bytes, span: Span, length: int) -> LineIndex:
        """The lines of `source`, which is this text with `length` other bytes in the place of `span`.

        Only the lines around the edit are looked for; those below are moved.
        """
        old = self._starts
        # The line above counts as touched, since a CR at its end may now be half of a CRLF.
        first = max(self.line_at(span.start) - 1, 0)
        after = self.line_at(span.end) + 2
        moved = length - (span.end - span.start)
        end = old[after] + moved if after < len(old) else len(source)
        new = LineIndex.__new__(LineIndex)
        new._source = source
        new._starts = old[:first] + _starts(source[old[first] : end], old[first])
        if after < len(old):
            new._starts[-1:] = [start + moved for start in old[after:]]
        return new

    @property
    def line_count(self) -> int:
        """How many lines there are; an empty text has one, and so has the text after a last line end."""
        return len(self._starts)

    def line_at(self, offset: int) -> int:
        """The line that the byte at `offset` is in."""
        return bisect_right(self._starts, min(max(offset, 0), len(self._source))) - 1

    def line_span(self, line: int) -> Span:
        """The bytes of `line` without its line ending."""
        line = min(max(line, 0), len(self._starts) - 1)
        start = self._starts[line]
        end = self._starts[line + 1] if line + 1 < len(self._starts) else len(self._source)
        if line + 1 < len(self._starts):
            end -= 2 if self._source[start:end].endswith(b"\r\n") else 1
        return Span(start, end)

    def position(self, offset: int, encoding: Encoding) -> Position:
        """The position of the byte `offset`; inside a character, that character's start."""
        line = self.line_at(offset)
        before = self._source[self._starts[line] : max(offset, 0)]
        if before.isascii() and not before.endswith((b"\r", b"\n")):
            return Position(line, len(before))
        span = self.line_span(line)
        end = min(max(offset, span.start), span.end)
        before = self._source[span.start : end]
        if before.isascii():
            return Position(line, len(before))
        while end < span.end and self._source[end] & 0xC0 == 0x80:
            end -= 1
        before = self._source[span.start : end]
        return Position(line, _width(before, encoding))

    def offset(self, position: Position, encoding: Encoding) -> int:
        """The byte offset of `position`; a column past the line's end is the line's end."""
        if position.line < 0:
            return 0
        if position.line >= len(self._starts):
            return len(self._source)
        span = self.line_span(position.line)
        column = max(position.character, 0)
        line = self._source[span.start : span.end]
        if line.isascii():
            return span.start + min(column, len(line))
        if encoding is Encoding.UTF8:
            end = min(column, len(line))
            while 0 < end < len(line) and line[end] & 0xC0 == 0x80:
                end -= 1
            return span.start + end
        return span.start + _bytes_before(line.decode(errors="replace"), column, encoding)


def _starts(text: bytes, offset: int) -> list[int]:
    """Where the lines of `text` start, counted from `offset`."""
    # bytes.splitlines, unlike str.splitlines, ends lines at LF, CRLF and CR alone.
    lines = text.splitlines(keepends=True)
    starts = [*accumulate(map(len, lines), initial=offset)]
    if lines and not text.endswith((b"\n", b"\r")):
        starts.pop()
    return starts


def _width(text: bytes, encoding: Encoding) -> int:
    if encoding is Encoding.UTF8:
        return len(text)
    characters = text.decode(errors="replace")
    if encoding is Encoding.UTF32:
        return len(characters)
    return len(characters) + sum(character > "\uffff" for character in characters)


def _bytes_before(line: str, column: int, encoding: Encoding) -> int:
    """How many bytes of `line` stand before `column`; inside a surrogate pair, before the character."""
    if encoding is Encoding.UTF32:
        return len(line[:column].encode())
    units = 0
    for index, character in enumerate(line):
        units += 2 if character > "\uffff" else 1
        if units > column:
            return len(line[:index].encode())
    return len(line.encode())
