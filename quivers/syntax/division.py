"""How a file divides into declarations, kept from one version of the text to the next.

A piece runs from one declaration's keyword to the next one's; the first holds what stands above
all declarations. After an edit only the pieces around it are looked for anew, since comparing the
others with the text costs next to nothing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate, pairwise

from quivers.records import record
from quivers.syntax.layout import content_end, declaration_starts, documentation_above


@record
class Piece:
    """One declaration's text with what follows it up to the next declaration.

    `content` is how many of its bytes the declaration itself takes; `documentation` are the `##`
    lines above it, which stand in the piece before, and `below` are those at this piece's end.
    `ends_line` says that what follows starts a line of its own.
    """

    text: bytes
    content: int
    documentation: str | None
    below: str | None
    ends_line: bool


@record
class Division:
    """A text in pieces, and where each starts.

    `same_at_start` and `same_at_end` say how many pieces are those of the version before.
    """

    source: bytes
    pieces: list[Piece]
    starts: list[int]
    same_at_start: int = 0
    same_at_end: int = 0


UNDIVIDED = Division(b"", [], [])


def divide(source: bytes, before: Division = UNDIVIDED) -> Division:
    """The pieces of `source`; `before` is an earlier version of it."""
    known, starts = before.pieces, before.starts
    moved = len(source) - len(before.source)
    same = _same_at_start(source, before.source)
    if known and same == len(source) and moved == 0:
        return Division(source, known, starts, len(known), 0)
    first = len(known) if same == len(before.source) else bisect_right(starts, same) - 1
    offset = starts[first] if first < len(known) else len(before.source)
    # The first piece starts no line of its own, so what stands before it now may have become part of it.
    unchanged = len(before.source) - _same_at_end(source, before.source)
    last = max(bisect_left(starts, max(unchanged, offset - moved)), first, 1 if known else 0)
    # What touches a changed piece is looked for anew too: the change may have moved their boundary.
    if first > 0:
        first -= 1
    if last < len(known):
        last += 1

    def start(number: int) -> int:
        return starts[number] if number < len(known) else len(before.source)

    offset = start(first)
    documentation = known[first - 1].below if first > 0 else None
    new = _pieces(source, offset, start(last) + moved, documentation, is_start=first == 0)
    # A declaration's line that became part of a comment may now document the declaration below it.
    if last < len(known) and new[-1].below != known[last].documentation:
        last += 1
        new = _pieces(source, offset, start(last) + moved, documentation, is_start=first == 0)
    return Division(
        source,
        [*known[:first], *new, *known[last:]],
        [
            *starts[:first],
            *accumulate((len(piece.text) for piece in new[:-1]), initial=offset),
            *(at + moved for at in starts[last:]),
        ],
        first,
        len(known) - last,
    )


def _same_at_start(left: bytes, right: bytes) -> int:
    """How many bytes two texts have in common from their start."""
    low, high = 0, min(len(left), len(right))
    if left[:high] == right[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _same_at_end(left: bytes, right: bytes) -> int:
    """How many bytes two texts have in common to their end."""
    low, high = 0, min(len(left), len(right))
    if left.endswith(right[len(right) - high :]):
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if left[len(left) - middle : len(left) - low] == right[len(right) - middle : len(right) - low]:
            low = middle
        else:
            high = middle
    return low


def _pieces(source: bytes, start: int, end: int, documentation: str | None, *, is_start: bool) -> list[Piece]:
    starts = [start, *(at for at in declaration_starts(source, start, end) if is_start or at > start), end]
    pieces: list[Piece] = []
    for this, following in pairwise(starts):
        below, above = documentation_above(source, following, this)
        if following == len(source):
            below, above = None, following
        content = content_end(source, this, above) - this
        text = source[this:following]
        ends_line = not text or text[-1] in b"\r\n"
        pieces.append(Piece(text, content, documentation, below, ends_line))
        documentation = below
    return pieces
