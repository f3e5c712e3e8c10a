"""What each word, number, sign and comment of a file is, for an editor that colours by meaning.

Kinds and the first modifiers are the protocol's own. The last four say what only a model has: `latent`, a
value that is inferred; `observed`, an input that is scored; `data`, a value that the data give; `discrete`, a
value of whole numbers or of an object's elements. A declaration's tokens count from its first line and are
kept with its text, so that an edit works out one declaration anew. Columns are counted here, in one pass
with the tokens, since asking for each place would take five times as long.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator

from quivers.check.objects import CONSTRUCTORS
from quivers.check.program import Checked, Occurrence, Role
from quivers.check.types import Type
from quivers.families.support import Element, Interval
from quivers.records import record
from quivers.syntax.document import Document
from quivers.syntax.layout import WORD_BYTE
from quivers.syntax.lines import Encoding
from quivers.syntax.reading import KEYWORDS

KINDS = (
    "type",  # objects and spaces
    "function",  # programs, families and built-in functions
    "variable",
    "parameter",  # a program's parameters, the indices and states of `factor` and `scan`
    "property",  # keyword arguments, options and labels
    "enumMember",  # effects
    "keyword",
    "operator",
    "number",
    "comment",
)
MODIFIERS = (
    "declaration",
    "readonly",
    "defaultLibrary",
    "documentation",
    "latent",
    "observed",
    "data",
    "discrete",
)

_KIND = {name: number for number, name in enumerate(KINDS)}
_BIT = {name: 1 << number for number, name in enumerate(MODIFIERS)}

# How many numbers make a token: how many lines and columns it begins after the token before, columns only
# where both are on one line; its length; its kind; its modifiers.
WIDTH = 5

_BUILT_IN = _BIT["defaultLibrary"]
_GIVEN = _BIT["data"] | _BIT["readonly"]
# By value, since an enumeration's own hash takes longer than all else that is asked of a name.
_ROLES = {
    Role.OBJECT._value_: (_KIND["type"], 0),
    Role.PROGRAM._value_: (_KIND["function"], 0),
    Role.FAMILY._value_: (_KIND["function"], _BUILT_IN),
    Role.FUNCTION._value_: (_KIND["function"], _BUILT_IN),
    Role.EFFECT._value_: (_KIND["enumMember"], _BUILT_IN),
    Role.PARAMETER._value_: (_KIND["parameter"], 0),
    Role.INDEX._value_: (_KIND["parameter"], 0),
    Role.STATE._value_: (_KIND["parameter"], 0),
    Role.LATENT._value_: (_KIND["variable"], _BIT["latent"]),
    Role.LET._value_: (_KIND["variable"], 0),
    Role.SCORE._value_: (_KIND["variable"], 0),
    Role.INPUT._value_: (_KIND["variable"], _GIVEN),
    Role.DATA._value_: (_KIND["variable"], _GIVEN),
    Role.OBSERVED._value_: (_KIND["variable"], _GIVEN | _BIT["observed"]),
}
_VARIABLE = (_KIND["variable"], 0)
_PROPERTY = (_KIND["property"], 0)
_KEYWORD = (_KIND["keyword"], 0)
_NUMBER = (_KIND["number"], 0)
_OPERATOR = (_KIND["operator"], 0)
_COMMENT = (_KIND["comment"], 0)
_DOCUMENTATION = (_KIND["comment"], _BIT["documentation"])

# What words are that the checker says nothing of.
_WORDS = {
    **dict.fromkeys((word.encode() for word in KEYWORDS), _KEYWORD),
    **dict.fromkeys((word.encode() for word in CONSTRUCTORS), (_KIND["type"], _BUILT_IN)),
    b"ordered": _PROPERTY,
}
_BINDERS = frozenset((b"let", b"score", b"sample", b"observe", b"marginalize", b"object", b"data", b"define"))

# The groups, by their numbers: a word, the end of a line, an operator, a number, a comment. Most words are of
# ASCII letters alone, which are looked for first.
_TOKEN = re.compile(
    rb"[ \t():,\[\]]*+(?:"
    rb"([A-Za-z_][A-Za-z0-9_]*+(?:" + WORD_BYTE + rb")*+|(?![0-9])(?:" + WORD_BYTE + rb")++)"
    rb"|(\r\n?|\n)"
    rb"|(<-|->|>>|==|!=|<=|>=|[-+*/^@=<>]|\xe2\x86[\x90\x92]|\xe2\x8a\x97|\xe2\x89[\xa0\xa4\xa5])"
    rb"|((?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?)"
    rb"|(\#[^\r\n]*+))"
)
_WORD_GROUP, _LINE_END_GROUP, _OPERATOR_GROUP, _NUMBER_GROUP = range(1, 5)
_GIVES_VALUE = re.compile(rb"[ \t]*+(?:=(?!=)|:)")


@record
class _Tokens:
    """The tokens of some whole lines; the first one's line counts from the first of these.

    `line` is that of the last token. `said` is what the checker said of them, kept so that its identity stays
    its own.
    """

    data: array[int]
    line: int
    said: tuple[tuple[Occurrence, ...], ...]


@record
class _Part:
    """The lines of one declaration, with those below it, up to the next one.

    `line` is the first of them, `shifts` how far into the text the spans of each of `said` are moved.
    """

    text: bytes
    line: int
    said: tuple[tuple[Occurrence, ...], ...]
    shifts: tuple[int, ...]

    @property
    def key(self) -> _Key:
        return (self.text, tuple(map(id, self.said)), self.shifts)


_Key = tuple[bytes, tuple[int, ...], tuple[int, ...]]


class SemanticTokens:
    """The tokens of one document as it changes, with columns in one encoding.

    It keeps the tokens of each declaration of the text that it saw last, and no more.
    """

    def __init__(self, encoding: Encoding) -> None:
        self._encoding = encoding
        self._kept: dict[_Key, _Tokens] = {}

    def all(self, checked: Checked, document: Document) -> array[int]:
        """All tokens."""
        kept: dict[_Key, _Tokens] = {}
        found: array[int] = array("I")
        line = 0
        for part in _parts(checked, document, 0, len(document.source)):
            key = part.key
            tokens = kept[key] = self._kept.get(key) or _tokens(part, self._encoding)
            line = _join(found, tokens, part.line, line)
        self._kept = kept
        return found

    def within(self, checked: Checked, document: Document, first: int, last: int) -> array[int]:
        """The tokens of the lines from `first` to `last`; only the declarations there are read."""
        found: array[int] = array("I")
        line = 0
        lines = document.lines
        start, end = lines.line_span(first).start, lines.line_span(last).end
        for part in _parts(checked, document, start, end):
            tokens = self._kept.get(part.key)
            if tokens is None:
                tokens = self._kept[part.key] = _tokens(part, self._encoding)
            cut = _cut(tokens, first - part.line, last - part.line)
            line = _join(found, cut, part.line, line)
        return found


def _parts(checked: Checked, document: Document, start: int, end: int) -> Iterator[_Part]:
    """The parts of the text that touch `start ≤ i ≤ end`, in order."""
    source, lines = document.source, document.lines
    placed, said = checked.module.declarations, checked.within
    number = max(placed.at(start), 0)
    while number > 0 and _line_start(placed[number].offset, document) > start:
        number -= 1  # the place is in the white space before the declaration's first word
    here = 0 if number == 0 else _line_start(placed[number].offset, document)
    while here <= end:
        first = number
        following = len(source)
        while number < len(placed):
            following = _line_start(placed[number].offset, document)
            if following > here:
                break
            number += 1
            following = len(source)
        yield _Part(
            source[here:following],
            lines.line_at(here),
            tuple(said[first:number]),
            tuple(item.offset - here for item in placed[first:number]),
        )
        if following >= len(source):
            return
        here = following


def _line_start(offset: int, document: Document) -> int:
    if document.source[offset - 1 : offset] in (b"\n", b"\r"):
        return offset
    lines = document.lines
    return lines.line_span(lines.line_at(offset)).start


# ------------------------------------------------------------------------------------------ tokens


def _tokens(part: _Part, encoding: Encoding) -> _Tokens:
    known = {
        occurrence.span.start + shift: _of_occurrence(occurrence)
        for said, shift in zip(part.said, part.shifts, strict=True)
        for occurrence in said
    }
    text = part.text
    # Bytes are columns in UTF-8, and everywhere in a text of ASCII.
    counts_bytes = encoding is Encoding.UTF8 or text.isascii()
    data: list[int] = []
    line = line_start = last_line = last_column = 0
    counted = column_there = 0  # a place in the line, and its column
    previous = b""
    for match in _TOKEN.finditer(text):
        group = match.lastindex
        start, end = match.span(group or 0)
        if group == _WORD_GROUP:
            kind = known.get(start)
            word = match[1]
            if kind is None:
                kind = _WORDS.get(word) or _of_unknown(text, end, previous)
            previous = word
        elif group == _LINE_END_GROUP:
            line += 1
            line_start = counted = end
            column_there = 0
            previous = b""
            continue
        elif group == _OPERATOR_GROUP:
            kind = _OPERATOR
        elif group == _NUMBER_GROUP:
            kind = _NUMBER
        else:
            kind = _DOCUMENTATION if _is_documentation(match[group or 0]) else _COMMENT
        if counts_bytes:
            column, length = start - line_start, end - start
        else:
            column = column_there + _width(text[counted:start], encoding)
            length = _width(text[start:end], encoding)
            counted, column_there = end, column + length
        if line == last_line:
            data += (0, column - last_column, length, *kind)
        else:
            data += (line - last_line, column, length, *kind)
            last_line = line
        last_column = column
    return _Tokens(array("I", data), last_line, part.said)


def _width(text: bytes, encoding: Encoding) -> int:
    decoded = text.decode(errors="replace")
    return len(decoded) if encoding is Encoding.UTF32 else len(decoded.encode("utf-16-le")) // 2


def _of_occurrence(occurrence: Occurrence) -> tuple[int, int]:
    role = occurrence.role
    if role is Role.PARAMETER and occurrence.definition is None:
        return _PROPERTY  # of a family or a function
    known = _ROLES[role._value_]
    modifiers = _BIT["declaration"] if occurrence.binds else 0
    type = occurrence.type
    if type is not None and isinstance(type, Type) and _is_discrete(type.element):
        modifiers |= _BIT["discrete"]
    return (known[0], known[1] | modifiers) if modifiers else known


def _is_discrete(element: Element) -> bool:
    return not isinstance(element, Interval) or element.integer


def _of_unknown(text: bytes, end: int, previous: bytes) -> tuple[int, int]:
    """What a word up to `end` is that nothing is known of; `previous` is the one before it on its line."""
    if previous not in _BINDERS and _GIVES_VALUE.match(text, end):
        return _PROPERTY
    return _VARIABLE


def _is_documentation(comment: bytes) -> bool:
    return comment.startswith(b"##") and not comment.startswith(b"###")


# ----------------------------------------------------------------------------------------- joining


def _join(found: array[int], tokens: _Tokens, start: int, line: int) -> int:
    """Put `tokens`, whose lines count from `start`, behind those `found`, the last of which is on `line`; the
    line of the last one then."""
    if not tokens.data:
        return line
    first = len(found)
    found += tokens.data
    found[first] += start - line
    return start + tokens.line


def _cut(tokens: _Tokens, first: int, last: int) -> _Tokens:
    """The tokens that begin on the lines from `first` to `last`."""
    if first <= 0 and tokens.line <= last:
        return tokens
    data = tokens.data
    cut: array[int] = array("I")
    line = column = at_line = 0
    for at in range(0, len(data), WIDTH):
        down, right = data[at], data[at + 1]
        line, column = line + down, right if down else column + right
        if line > last:
            break
        if line >= first:
            cut.extend((down, right) if cut else (line, column))
            cut += data[at + 2 : at + WIDTH]
            at_line = line
    return _Tokens(cut, at_line, tokens.said)
