"""The canonical layout of a file, and the edits to its declarations that lead there.

Formatting moves tokens and comments and never changes what a text says; formatted text stays as it
is. A declaration with a syntax error is left byte for byte, and what is around it is formatted.

- A block is indented by 4 columns. Blanks between tokens are those of `format_spacing`, and a line
  of more than 100 columns breaks inside its brackets as in `format_breaking`; what fits is joined.
- In consecutive steps of one keyword that draw single values, the arrows are aligned, and so are the
  colons of consecutive `object`s and of consecutive `data`. A draw over a plate is not: its name is
  part of a type. Comments of their own line and documentation don't end a run; a blank line does, and
  so does a name that would leave more than 10 blanks.
- Comments behind consecutive lines of one block are aligned too, two blanks after the longest of
  these lines; a line more than 24 columns shorter or longer starts anew.
- One blank line follows a program. All other blank lines are the author's, joined to one; none
  stands under a header or at the start or end of the file.
- Lines end with LF, unless all end with CRLF, and so does the last.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.division import divide
from quivers.syntax.document import Document
from quivers.syntax.format_breaking import INDENTATION, LONGEST_LINE, broken
from quivers.syntax.format_items import (
    BLANK,
    Item,
    Remark,
    Statement,
    UnclearError,
    Verbatim,
    items_below,
    readable_items,
)
from quivers.syntax.format_spacing import columns
from quivers.syntax.lower import Lowered, lower
from quivers.syntax.problems import Diagnostic, Edit

# Problems of layout, which formatting mends. A text with any other syntax problem is left alone.
_MENDED = frozenset(("QVR104", "QVR105", "QVR115"))

_MOST_PADDING = 10
_MOST_COMMENT_PADDING = 24
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@record
class Formatted:
    """A text's canonical layout.

    `edits` make it of the text: at most one for each declaration with what stands below it, of the
    whole lines from the first that differs to the last. `left` are the syntax problems for which
    declarations were left as they are.
    """

    text: bytes
    edits: tuple[Edit, ...]
    left: tuple[Diagnostic, ...]


def formatted(document: Document, lowered: Lowered | None = None) -> Formatted:
    """The canonical layout of `document`; `lowered` is what `lower` says of it, where that is known."""
    source = document.source
    problems = (lowered if lowered is not None else lower(document)).diagnostics
    pieces = divide(source).pieces
    starts = list(accumulate((len(piece.text) for piece in pieces), initial=0))
    places = [bisect_right(starts, problem.span.start, hi=len(pieces)) - 1 for problem in problems]
    unreadable = {
        place for place, problem in zip(places, problems, strict=True) if problem.code not in _MENDED
    }
    mark = _BYTE_ORDER_MARK if source.startswith(_BYTE_ORDER_MARK) else b""

    regions: list[list[Item] | None] = []
    for number, piece in enumerate(pieces):
        skipped = len(mark) if number == 0 else 0
        text, content = piece.text[skipped:], max(piece.content - skipped, 0)
        items = None if number in unreadable else _readable_items(text)
        if items is None:
            unreadable.add(number)
            items = _items_below(text, content)
        regions.append(items)
    if regions and regions[-1] and regions[-1][-1] is BLANK:
        regions[-1].pop()
    _align_signs(item for items in regions for item in items or (Verbatim(b""),))

    written = _written(regions, b"\r\n" if _ends_with_crlf(source) else b"\n")
    texts = [piece.text if new is None else new for piece, new in zip(pieces, written, strict=True)]
    if mark and written[0] is not None:
        texts[0] = mark + texts[0]
    edits = tuple(
        difference(piece.text, text, start)
        for piece, text, start in zip(pieces, texts, starts, strict=False)
        if piece.text != text
    )
    left = tuple(problem for place, problem in zip(places, problems, strict=True) if place in unreadable)
    return Formatted(b"".join(texts), edits, left)


def format_source(document: Document, lowered: Lowered | None = None) -> bytes:
    """The text of `document` in its canonical layout."""
    return formatted(document, lowered).text


def _readable_items(text: bytes) -> list[Item] | None:
    """What stands in a declaration's text and below it; None where the layout leaves it unclear."""
    try:
        return _with_blank_below(readable_items(text))
    except UnclearError:
        return None


def _items_below(text: bytes, content: int) -> list[Item] | None:
    """A declaration left as it is and what stands below it; None where all of it is to be left."""
    try:
        return items_below(text, content)
    except UnclearError:
        return None


def _with_blank_below(items: list[Item]) -> list[Item]:
    """The items, with a blank line after the block of a program."""
    if not items or not isinstance(items[0], Statement) or items[0].keyword != "program":
        return items
    end = len(items)
    while isinstance(last := items[end - 1], Remark) and last.depth == 0:
        end -= 1
    below = items[end:]
    return [*items[:end], BLANK, *(below[1:] if below and below[0] is BLANK else below)]


# ---------------------------------------------------------------------------------------- alignment


def _align_signs(items: Iterable[Item]) -> None:
    """Pad the names in runs of draws and of declarations, so that what comes after them is aligned."""
    run: list[tuple[Statement, int]] = []
    key: tuple[str, int] | None = None
    narrowest = widest = 0
    for item in items:
        if isinstance(item, Remark) and item is not BLANK:
            continue
        place = _sign(item) if isinstance(item, Statement) else 0
        if not place or not isinstance(item, Statement):
            _pad(run, widest)
            run = []
            continue
        width = sum(map(columns, item.tokens[:place]))
        narrowest, widest_so_far, widest = min(narrowest, width), widest, max(widest, width)
        if not run or key != (item.keyword, item.depth) or widest - narrowest > _MOST_PADDING:
            _pad(run, widest_so_far)
            run, key = [], (item.keyword, item.depth)
            narrowest = widest = width
        run.append((item, width))
    _pad(run, widest)


def _sign(statement: Statement) -> int:
    """The place of the token to align in a draw of a single value, an object or an input; 0 in all else."""
    tokens = statement.tokens
    match statement.keyword:
        case "sample" | "observe":
            return 2 if len(tokens) > 2 and tokens[2] in ("<-", "←") else 0
        case "":
            return 1 if len(tokens) > 1 and tokens[1] in ("<-", "←") else 0
        case "object" | "data":
            return 2 if len(tokens) > 2 and tokens[2] == ":" else 0
    return 0


def _pad(run: list[tuple[Statement, int]], widest: int) -> None:
    for statement, width in run:
        if width < widest:
            place = _sign(statement)
            statement.gaps[place] = " " * (1 + widest - width)


# ------------------------------------------------------------------------------------------ writing


def _written(regions: list[list[Item] | None], line_end: bytes) -> list[bytes | None]:
    """The text of each region; None where it stays as it is."""
    comments = _Comments()
    written: list[tuple[bytes, list[str]] | None] = []
    for items in regions:
        if items is None:
            comments.align()
            written.append(None)
            continue
        verbatim = b""
        result: list[str] = []
        for item in items:
            if isinstance(item, Statement):
                statement = _statement_lines(item)
                result += statement
                if item.comment:
                    comments.add(item, result, is_single=len(statement) == 1)
                    continue
            elif isinstance(item, Remark):
                result.append(" " * (INDENTATION * item.depth) + item.text if item.text else "")
            else:
                verbatim = item.text + line_end
            comments.align()
        written.append((verbatim, result))
    comments.align()
    end = line_end.decode()
    return [
        None if entry is None else entry[0] + "".join(line + end for line in entry[1]).encode()
        for entry in written
    ]


def _statement_lines(statement: Statement) -> list[str]:
    indentation = INDENTATION * statement.depth
    if not statement.inner:
        parts = [" " * indentation]
        for gap, token in zip(statement.gaps, statement.tokens, strict=True):
            parts += (gap, token)
        line = "".join(parts)
        if len(line) <= LONGEST_LINE and (line.isascii() or columns(line) <= LONGEST_LINE):
            return [line]
    return broken(statement.tokens, statement.gaps, statement.inner, indentation)


class _Comments:
    """Comments behind consecutive lines, waiting to be aligned."""

    def __init__(self) -> None:
        self._run: list[tuple[list[str], int, int, str]] = []
        self._narrowest = self._widest = self._depth = 0

    def add(self, statement: Statement, lines: list[str], *, is_single: bool) -> None:
        """Put a statement's comment behind the last of `lines`, in a column with those added before it."""
        if not is_single or statement.depth != self._depth:
            self.align()
        width = columns(lines[-1])
        narrowest, widest = min(self._narrowest, width), max(self._widest, width)
        if not self._run or widest - narrowest > _MOST_COMMENT_PADDING:
            self.align()
            narrowest = widest = width
        self._narrowest, self._widest, self._depth = narrowest, widest, statement.depth
        self._run.append((lines, len(lines) - 1, width, statement.comment))
        if not is_single:
            self.align()

    def align(self) -> None:
        """Write the comments that wait."""
        for lines, number, width, text in self._run:
            lines[number] += " " * (self._widest - width + 2) + text
        self._run.clear()


# -------------------------------------------------------------------------------------------- edits


def _ends_with_crlf(source: bytes) -> bool:
    count = source.count(b"\r\n")
    return 0 < count == source.count(b"\n") == source.count(b"\r")


def difference(old: bytes, new: bytes, start: int) -> Edit:
    """The edit that makes `new` of `old`, which starts at `start`, without the lines that are equal."""
    before = old.splitlines(keepends=True)
    after = new.splitlines(keepends=True)
    shorter = min(len(before), len(after))
    first = 0
    while first < shorter and before[first] == after[first]:
        first += 1
    last = 0
    while last < shorter - first and before[-1 - last] == after[-1 - last]:
        last += 1
    from_start = sum(map(len, before[:first]))
    from_end = sum(map(len, before[len(before) - last :]))
    text = b"".join(after[first : len(after) - last])
    return Edit(Span(start + from_start, start + len(old) - from_end), text.decode())
