"""The one point where byte offsets and a client's positions are turned into each other."""

from __future__ import annotations

from dataclasses import dataclass

from lsprotocol import types

from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex, Position


@dataclass(frozen=True, slots=True)
class Places:
    """The places of one text as one client counts them. A place outside the text is the nearest one in it."""

    uri: str
    lines: LineIndex
    encoding: Encoding

    def position(self, offset: int) -> types.Position:
        """The position of a byte."""
        found = self.lines.position(offset, self.encoding)
        return types.Position(found.line, found.character)

    def range(self, span: Span) -> types.Range:
        """The range of a span of bytes."""
        return types.Range(self.position(span.start), self.position(span.end))

    def plain_range(self, span: Span) -> dict[str, dict[str, int]]:
        """The range in plain JSON, for answers of hundreds of ranges."""
        start = self.lines.position(span.start, self.encoding)
        end = self.lines.position(span.end, self.encoding)
        return {
            "start": {"line": start.line, "character": start.character},
            "end": {"line": end.line, "character": end.character},
        }

    def location(self, span: Span) -> types.Location:
        """The range with the document it is in."""
        return types.Location(self.uri, self.range(span))

    def offset(self, position: types.Position) -> int:
        """The byte offset of a position; one past a line's end or the last line is clamped."""
        return self.lines.offset(Position(position.line, position.character), self.encoding)

    def span(self, place: types.Range) -> Span:
        """The bytes of a range, which some clients give back to front."""
        start, end = self.offset(place.start), self.offset(place.end)
        return Span(min(start, end), max(start, end))
