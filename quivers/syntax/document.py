"""A text being edited: its UTF-8 bytes, its lines and its tree-sitter tree, kept in step edit by edit."""

from __future__ import annotations

from tree_sitter import Point, Tree

from quivers.errors import QvrError
from quivers.syntax.ast import Span
from quivers.syntax.lines import LineIndex
from quivers.syntax.parse import tree as parse_tree


class Document:
    """An editable text. `lines` and `tree` are brought up to date when they are next asked for."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        self._lines: LineIndex | None = None
        self._tree: Tree | None = None
        self._tree_is_current = False

    @property
    def source(self) -> bytes:
        return self._source

    @property
    def lines(self) -> LineIndex:
        if self._lines is None:
            self._lines = LineIndex(self._source)
        return self._lines

    @property
    def tree(self) -> Tree:
        """The syntax tree. Equal texts have equal trees, however they were typed.

        What tree-sitter makes of an error depends on the tree before the edit, so a text with
        errors is parsed afresh; only a text without is parsed incrementally.
        """
        if self._tree is None or not self._tree_is_current:
            parsed = parse_tree(self._source, self._tree)
            if self._tree is not None and parsed.root_node.has_error:
                parsed = parse_tree(self._source)
            self._tree = parsed
            self._tree_is_current = True
        return self._tree

    def edit(self, span: Span, text: str) -> None:
        """Put `text` in the place of the bytes of `span`, which is cut to the document's length."""
        start = min(max(span.start, 0), len(self._source))
        end = min(max(span.end, start), len(self._source))
        new = encoded(text)
        old_source = self._source
        self._source = b"".join((old_source[:start], new, old_source[end:]))
        if self._lines is not None:
            self._lines = self._lines.edited(self._source, Span(start, end), len(new))
        if self._tree is not None:
            if self._tree_is_current and self._tree.root_node.has_error:
                self._tree = None
            else:
                new_end = start + len(new)
                self._tree.edit(
                    start,
                    end,
                    new_end,
                    _point(old_source, start),
                    _point(old_source, end),
                    _point(self._source, new_end),
                )
        self._tree_is_current = False

    def copy(self) -> Document:
        """The text as it is now, which later edits leave alone."""
        copied = Document(self._source)
        copied._lines = self._lines
        return copied

    def replace(self, text: str) -> None:
        """Put `text` in the place of the whole document."""
        self._source = encoded(text)
        self._lines = None
        self._tree = None
        self._tree_is_current = False


def decoded(data: bytes, where: str) -> bytes:
    """`data` as UTF-8 text; `where` names the file in the sentence of the error.

    Raises
    ------
    QvrError
        If `data` is not UTF-8, or holds a NUL byte, which no text does.
    """
    try:
        data.decode()
    except UnicodeDecodeError as error:
        hint = _other_encoding(data)
        raise QvrError(
            f"{where} is not UTF-8 text: byte {error.start} (0x{data[error.start]:02X}), in line "
            f"{_line(data, error.start)}, cannot be read{hint}."
        ) from None
    nul = data.find(b"\0")
    if nul >= 0:
        raise QvrError(
            f"{where} is not a text file: byte {nul}, in line {_line(data, nul)}, is NUL"
            f"{_other_encoding(data)}."
        )
    return data


def encoded(text: str) -> bytes:
    """`text` as UTF-8; a lone surrogate, which UTF-8 has no bytes for, becomes `?`."""
    return text.encode(errors="replace")


def _other_encoding(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[1:2] == b"\0" or data[:1] == b"\0":
        return "; it looks like UTF-16, so save it as UTF-8"
    return ""


def _line(data: bytes, offset: int) -> int:
    """The line of `offset` as people count, from 1."""
    return LineIndex(data).line_at(offset) + 1


def _point(source: bytes, offset: int) -> Point:
    """`offset` in tree-sitter's terms: rows that LF alone ends, columns in bytes."""
    return Point(source.count(b"\n", 0, offset), offset - source.rfind(b"\n", 0, offset) - 1)
