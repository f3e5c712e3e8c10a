"""The edits that lay out a file, or the steps that a selection touches, as the house does.

Edits are of the lines that change and no others, so that cursors, folds and marks stay where they are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

from quivers.check.program import Checked
from quivers.records import record, replace
from quivers.syntax.ast import Span
from quivers.syntax.division import divide
from quivers.syntax.document import Document
from quivers.syntax.format import difference, formatted
from quivers.syntax.layout import line_start, lines
from quivers.syntax.lower import Lowered, lower
from quivers.syntax.problems import Edit

# In a text of more bytes, a range is laid out with no more of the text than it depends on.
LARGE_BYTES = 10_000


def format_document(document: Document, checked: Checked, *, final_line_end: bool = True) -> list[Edit]:
    """The edits of a whole file, in order; what can't be read stays as it is. `checked` is of this text.

    Without `final_line_end` the text may end without one, as a notebook's cell does.
    """
    found: list[Edit] = []
    for piece in _changed_pieces(document.source, _lowered(checked)):
        found += [entry.edit for entry in _edits(piece)]
    if not final_line_end:
        found = _without_final_line_end(document.source, found)
    return found


def format_ranges(document: Document, spans: Sequence[Span]) -> list[Edit]:
    """The edits of the steps and declarations that any of `spans` touches, in order.

    Where a step alone can't be laid out without changing what the text says, as when its block has to be
    indented anew, its whole declaration is.
    """
    found: list[Edit] = []
    start, end = _surroundings(document.source, spans)
    for piece in _changed_pieces(document.source[start:end]):
        piece = replace(piece, start=piece.start + start)
        edits = _edits(piece)
        wanted = [entry.edit for entry in edits if any(_touch(entry.of, span) for span in spans)]
        if wanted and len(wanted) < len(edits) and not _leads_there(piece, wanted):
            wanted = [entry.edit for entry in edits]
        found += wanted
    if b"\r" in document.source and b"\n" not in document.source:
        return list(_with_carriage_returns(document.source, found))
    return found


def _with_carriage_returns(source: bytes, edits: Sequence[Edit]) -> Iterator[Edit]:
    """Edits whose lines end as all others of the file do; only a whole layout changes its ends."""
    for edit in edits:
        old, new = source[edit.span.start : edit.span.end], edit.text.replace("\n", "\r").encode()
        if old != new:
            yield difference(old, new, edit.span.start)


@record
class _Piece:
    """A declaration's text with what stands below it, before and after; `segments` are where its statements,
    and what stands between them, start, relative to `start`."""

    start: int
    old: bytes
    new: bytes
    segments: tuple[int, ...]


def _lowered(checked: Checked) -> Lowered:
    """What the check was told of the text's syntax."""
    problems = tuple(problem for problem in checked.diagnostics if problem.code.startswith("QVR1"))
    return Lowered(checked.module, problems)


def _surroundings(source: bytes, spans: Sequence[Span]) -> tuple[int, int]:
    """The part of a text that the layout of what `spans` touch depends on.

    Nothing is aligned over the end of a program. One more declaration is taken in, so that the text's end is
    not taken for the file's.
    """
    if len(source) < LARGE_BYTES or b"\r" in source or not spans:
        return 0, len(source)
    division = divide(source)
    starts, pieces = division.starts, division.pieces
    first = max(bisect_right(starts, min(span.start for span in spans)) - 1, 0)
    while first > 0 and not pieces[first - 1].text.startswith(b"program"):
        first -= 1
    last = max(bisect_right(starts, max(span.end for span in spans)) - 1, 0)
    while last < len(pieces) - 1 and not pieces[last].text.startswith(b"program"):
        last += 1
    start = starts[first]
    if start and source[start - 1 : start] != b"\n":
        return 0, len(source)
    return start, starts[last + 2] if last + 2 < len(pieces) else len(source)


def _changed_pieces(source: bytes, lowered: Lowered | None = None) -> Iterator[_Piece]:
    edits = formatted(Document(source), lowered).edits
    if not edits:
        return
    division = divide(source)
    for edit in edits:
        number = bisect_right(division.starts, edit.span.start) - 1
        while number > 0 and division.starts[number] + len(division.pieces[number].text) < edit.span.end:
            number += 1
        start, old = division.starts[number], division.pieces[number].text
        if edit.span.start < start:
            yield _Piece(edit.span.start, source[edit.span.start : edit.span.end], edit.text.encode(), (0,))
            continue
        new = old[: edit.span.start - start] + edit.text.encode() + old[edit.span.end - start :]
        yield _Piece(start, old, new, tuple(_segments(old)))


def _segments(text: bytes) -> list[int]:
    """Where each statement starts, and what stands below it, in whole lines: 0, 1st, below it, 2nd, …"""
    found = [0]
    for line in lines(text):
        start = line_start(text, line.span.start)
        found += (max(start, found[-1]), _next_line(text, line.span.end))
    return found


def _next_line(text: bytes, offset: int) -> int:
    """The start of the line below that of `offset`."""
    ends = [end for end in (text.find(b"\n", offset), text.find(b"\r", offset)) if end >= 0]
    if not ends:
        return len(text)
    end = min(ends)
    return end + 2 if text[end : end + 2] == b"\r\n" else end + 1


@record
class _StepEdit:
    """An edit, and the statement that it is of, or what stands between two."""

    edit: Edit
    of: Span


def _edits(piece: _Piece) -> list[_StepEdit]:
    """The edits of a piece: at most one for each statement, and for what stands between two."""
    before, after = list(piece.segments), _segments(piece.new)
    if len(before) != len(after):
        before, after = [0], [0]
    before.append(len(piece.old))
    after.append(len(piece.new))
    found: list[_StepEdit] = []
    for (start, end), (new_start, new_end) in zip(pairwise(before), pairwise(after), strict=True):
        old, new = piece.old[start:end], piece.new[new_start:new_end]
        if old != new:
            of = Span(piece.start + start, piece.start + end)
            found.append(_StepEdit(difference(old, new, of.start), of))
    return found


def _touch(segment: Span, span: Span) -> bool:
    """Whether two spans share a place; one that ends where the next line starts does not touch that line."""
    if span.start == span.end:
        return segment.start <= span.start < segment.end or segment.start == span.start == segment.end
    return segment.start < span.end and span.start < segment.end


def _leads_there(piece: _Piece, edits: list[Edit]) -> bool:
    """Whether the text after these edits says what it said: it has no new problem, and laid out as a whole it
    is the same."""
    text = piece.old
    for edit in reversed(edits):
        start, end = edit.span.start - piece.start, edit.span.end - piece.start
        text = text[:start] + edit.text.encode() + text[end:]
    old, new = Document(piece.old), Document(text)
    said, says = lower(old), lower(new)
    if len(says.diagnostics) > len(said.diagnostics):
        return False
    return formatted(new, says).text == formatted(old, said).text


def _without_final_line_end(source: bytes, edits: list[Edit]) -> list[Edit]:
    if source.endswith((b"\n", b"\r")) or not edits or edits[-1].span.end < len(source):
        return edits
    last = edits[-1]
    edit = Edit(last.span, last.text.rstrip("\r\n"))
    unchanged = source[edit.span.start : edit.span.end] == edit.text.encode()
    return edits[:-1] if unchanged else [*edits[:-1], edit]
