"""How a file divides into declarations, kept from one version of the text to the next.

A piece runs from one declaration's keyword to the next one's; the first holds what stands above
all declarations. After an edit only the pieces around it are looked for anew, since comparing the
others with the text costs next to nothing.
"""

from __future__ import annotations

from itertools import pairwise

from quivers.records import record
from quivers.syntax.layout import content_end, declaration_starts, documentation_above


@record
class Piece:
    """One declaration's text with what follows it up to the next declaration.

    `content` is how many of its bytes the declaration itself takes; `documentation` are the `##`
    lines above it, which stand in the piece before, and `below` are those at this piece's end.
    """

    text: bytes
    content: int
    documentation: str | None
    below: str | None


@record
class Division:
    """The pieces of a text, and how many at its start and end are those of the version before."""

    pieces: list[Piece]
    same_at_start: int
    same_at_end: int


def divide(source: bytes, before: list[Piece]) -> Division:
    """The pieces of `source`; `before` are those of an earlier version of it, or none."""
    first, offset = 0, 0
    while first < len(before) and source.startswith(before[first].text, offset):
        offset += len(before[first].text)
        first += 1
    if before and first == len(before) and offset == len(source):
        return Division(before, len(before), 0)
    last, end = len(before), len(source)
    # The first piece starts no line of its own, so what stands before it now may have become part of it.
    while (
        last > max(first, 1)
        and end - len(before[last - 1].text) >= offset
        and source.endswith(before[last - 1].text, 0, end)
    ):
        last -= 1
        end -= len(before[last].text)
    # What touches a changed piece is looked for anew too: the change may have moved their boundary.
    if first > 0:
        first -= 1
        offset -= len(before[first].text)
    if last < len(before):
        end += len(before[last].text)
        last += 1
    documentation = before[first - 1].below if first > 0 else None
    new = _pieces(source, offset, end, documentation, is_start=first == 0)
    # A declaration's line that became part of a comment may now document the declaration below it.
    if last < len(before) and new[-1].below != before[last].documentation:
        end += len(before[last].text)
        last += 1
        new = _pieces(source, offset, end, documentation, is_start=first == 0)
    return Division([*before[:first], *new, *before[last:]], first, len(before) - last)


def _pieces(source: bytes, start: int, end: int, documentation: str | None, *, is_start: bool) -> list[Piece]:
    starts = [start, *(at for at in declaration_starts(source, start, end) if is_start or at > start), end]
    pieces: list[Piece] = []
    for this, following in pairwise(starts):
        below, above = documentation_above(source, following, this)
        if following == len(source):
            below, above = None, following
        content = content_end(source, this, above) - this
        pieces.append(Piece(source[this:following], content, documentation, below))
        documentation = below
    return pieces
