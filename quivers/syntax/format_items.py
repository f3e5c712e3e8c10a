"""What a declaration's text consists of: its statements, the comments between them and blank lines."""

from __future__ import annotations

import re

from quivers.records import record
from quivers.syntax.format_breaking import MOST_BRACKETS, bracket_depth
from quivers.syntax.format_spacing import (
    Comment,
    commented_tokens,
    gaps,
    tidy_comment,
    tokens_of,
)
from quivers.syntax.layout import SPACE, Line, column_after, lines

_INDENTATION = re.compile(SPACE + rb"*+")
_PLAIN_INDENTATION = re.compile(rb"[ \t\f\v]*+")


@record(frozen=False)
class Statement:
    """A step, a header or a declaration of one line, in as many blocks as `depth` says.

    `inner` are the comments inside its brackets, by the token that they stand before, and `comment`
    is the one behind it. `gaps[i]` are the blanks before `tokens[i]`.
    """

    tokens: list[str]
    gaps: list[str]
    inner: dict[int, list[Comment]]
    keyword: str
    depth: int
    comment: str = ""


@record
class Remark:
    """A comment with a line of its own; without any text, a blank line."""

    text: str
    depth: int


@record
class Verbatim:
    """Text that is left byte for byte as it is."""

    text: bytes


Item = Statement | Remark | Verbatim

BLANK = Remark("", 0)


class UnclearError(Exception):
    """A text whose layout leaves open what it means, or that cannot be read."""


def readable_items(text: bytes) -> list[Item]:
    """The items of a declaration without syntax errors and of what stands below it, up to the next.

    Raises
    ------
    UnclearError
        If a line is indented between two blocks, so that either may be meant; if brackets nest too
        deeply to be laid out; or if the text is not UTF-8.
    """
    items: list[Item] = []
    columns = [0]  # how far each block is indented
    end = 0
    last: Line | None = None
    for line in lines(text):
        gap = text[end : line.indentation.start]
        if last is not None and gap != b"\n":
            _between(gap, line.depth, columns[: last.depth + 1], items)
        if line.opens:
            columns[line.depth :] = [line.column]
        elif last is not None and line.depth < last.depth and line.column > columns[line.depth]:
            raise UnclearError
        items.append(_statement(text[line.span.start : line.span.end], line))
        end, last = line.span.end, line
    depth = last.depth if last is not None else 0
    _between(text[end:], 0, columns[: depth + 1], items)
    return items


def items_below(text: bytes, content: int) -> list[Item]:
    """A declaration that stays as it is, and the items below it.

    `content` is how many bytes the declaration takes; the comments indented under it stay with it.

    Raises
    ------
    UnclearError
        If the text is not UTF-8, or a comment below has white space before it that is no indentation.
    """
    _decoded(text)
    end = offset = content
    below = text[content:].splitlines(keepends=True)
    for line in below[: _documentation_start(below)]:
        offset += len(line)
        is_comment = line.strip().startswith(b"#")
        if is_comment and not line[:1].isspace():
            break
        if is_comment:
            end = offset - len(line) + len(line.rstrip(b"\r\n"))
    items: list[Item] = [Verbatim(text[:end])] if end else []
    _between(text[end:], 0, [0], items)
    return items


def _statement(text: bytes, line: Line) -> Statement:
    decoded = _decoded(text)
    inner: dict[int, list[Comment]] = {}
    if "#" in decoded:
        tokens, inner = commented_tokens(decoded)
    else:
        tokens = tokens_of(decoded)
    if len(tokens) > MOST_BRACKETS and bracket_depth(tokens) > MOST_BRACKETS:
        raise UnclearError
    return Statement(tokens, gaps(tokens, line.keyword), inner, line.keyword, line.depth)


def _between(gap: bytes, depth: int, columns: list[int], items: list[Item]) -> None:
    """Add the items of the text after the last one of `items` and before the next statement.

    That statement stands at `depth`, and `columns` are how far the blocks still open are indented. A
    comment belongs to the innermost block that it is indented as far as; the `##` lines directly
    above a statement belong to it. A block does not start with a blank line.
    """
    following = gap.splitlines(keepends=True)
    if items and following:
        behind = following.pop(0)
        start = _comment_start(behind)
        if start < len(behind) and isinstance(items[-1], Statement):
            items[-1].comment = _comment(behind, start)
    documentation = _documentation_start(following)
    deepest = max(len(columns) - 1, depth)
    header = items[-1] if items and depth >= len(columns) else BLANK
    for number, line in enumerate(following):
        start = _comment_start(line)
        if start == len(line):
            if line.endswith((b"\n", b"\r")) and items and items[-1] is not BLANK and items[-1] is not header:
                items.append(BLANK)
            continue
        if number >= documentation:
            deepest = depth
        else:
            column = column_after(line[:start])
            while deepest > depth and columns[deepest] > column:
                deepest -= 1
        items.append(Remark(_comment(line, start), deepest))


def _comment_start(line: bytes) -> int:
    """Where the comment of a line starts that holds nothing else; the line's length where it is blank."""
    start = _end_of(_INDENTATION, line)
    if line[start : start + 1] != b"#":
        return len(line)
    if start != _end_of(_PLAIN_INDENTATION, line):  # it keeps a `##` from being documentation
        raise UnclearError
    return start


def _end_of(pattern: re.Pattern[bytes], line: bytes) -> int:
    match = pattern.match(line)
    return match.end() if match is not None else 0


def _comment(line: bytes, start: int) -> str:
    return tidy_comment(_decoded(line[start:]).rstrip("\r\n"))


def _documentation_start(following: list[bytes]) -> int:
    """The first of the lines at the end of `following` that document what comes next."""
    start = len(following)
    while start > 0 and _is_documentation(following[start - 1]):
        start -= 1
    return start


def _is_documentation(line: bytes) -> bool:
    start = _end_of(_PLAIN_INDENTATION, line)
    return line.startswith(b"##", start) and not line.startswith(b"###", start)


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError:
        raise UnclearError from None
