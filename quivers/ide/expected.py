"""What can stand at a place: read from the words before it, since a half-typed line has no tree yet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache

from quivers.check.objects import MATRICES, VECTORS
from quivers.check.program import Checked
from quivers.records import field, record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import SPACE, WORD_BYTE, Line, line_start, lines
from quivers.syntax.reading import DECLARATION_KEYWORDS, KEYWORDS, STEP_KEYWORDS, identifier


class Slot(Enum):
    """What a place takes. DONE follows what is whole: only a sign or a word such as `and` can go on."""

    DECLARATION = "a declaration"
    STEP = "a step"
    NEW_NAME = "a new name"
    OBSERVED = "what is observed"
    PLATE = "an object of a plate"
    DRAW = "a distribution or a program"
    EXPRESSION = "a value"
    OBJECT = "an object"
    SPACE = "a space"
    OPTION = "an option's name"
    PROGRAM = "a program"
    DONE = "nothing"


class Around(Enum):
    """What a bracket is for."""

    CALL = "a call's arguments"
    INDEX = "indices"
    OPTIONS = "options"
    LIST = "an option's list"
    PARAMETERS = "a program's parameters"
    GROUP = "a group"


@record
class Token:
    """A word, number or sign of the text. `text` has a sign's ASCII spelling, and a name as it is meant."""

    text: str
    kind: str
    span: Span

    @property
    def is_name(self) -> bool:
        return self.kind == "word" and self.text not in KEYWORDS


@record(frozen=False)
class Bracket:
    """An open bracket before the place. `called` is the name before it, at `named`.

    `arguments` has one list of tokens for each argument so far, the last being the one at the place; without
    the `keyword=`, which is in `keywords`. `alone` tells that nothing but `called` stands before it in the
    value that it is in.
    """

    around: Around
    called: str
    named: Span
    span: Span
    alone: bool
    arguments: list[list[Token]] = field(default_factory=list)
    keywords: list[str | None] = field(default_factory=list)

    @property
    def position(self) -> int:
        """Which argument the place is in, from 0."""
        return len(self.arguments) - 1

    @property
    def keyword(self) -> str | None:
        """The name of the argument or the option at the place."""
        return self.keywords[-1]

    @property
    def tokens(self) -> list[Token]:
        """What the argument at the place says so far."""
        return self.arguments[-1]


@record
class Place:
    """A place with what was typed before it. Offsets are absolute.

    `word` covers the word that the place is in or at the end of, of which `prefix` stands before the place.
    `statement` is where the step or declaration begins, `keyword` its first word if that is a keyword, and
    `tokens` are what it says before the word. `depth` counts the blocks around, whose headers begin at
    `headers`, outermost first; the innermost begins with the word `block`. `declaration` is the one that
    the place is in. `after` has the tokens from the word's end to that of the innermost bracket or statement.
    """

    offset: int
    word: Span
    prefix: str
    statement: int
    keyword: str
    tokens: tuple[Token, ...]
    brackets: tuple[Bracket, ...]
    depth: int
    headers: tuple[int, ...]
    block: str
    starts_line: bool
    declaration: ast.Placed | None
    after: tuple[Token, ...]

    @property
    def slot(self) -> Slot:
        """What the place takes."""
        return _slot(self)

    @property
    def call(self) -> Bracket | None:
        """The innermost call that the place is in."""
        return next((each for each in reversed(self.brackets) if each.around is Around.CALL), None)

    @property
    def name(self) -> str:
        """The name that the statement binds or observes; empty before it is typed."""
        rest = self.tokens[1:] if self.keyword else self.tokens
        return rest[0].text if rest and rest[0].is_name else ""

    @property
    def plate(self) -> tuple[str, ...]:
        """The objects in the plate of a draw."""
        names: list[str] = []
        for token in self.tokens[2 if self.keyword else 1 :]:
            if token.is_name:
                names.append(token.text)
            elif token.text not in (":", "*"):
                break
        return tuple(names)

    @property
    def said(self) -> Sequence[Token]:
        """What stands before the place of the argument or the value that it is in."""
        if self.brackets:
            return self.brackets[-1].tokens
        return self.tokens[_VALUE_FROM.get(self.keyword, 0) :]

    @property
    def draws(self) -> bool:
        """Whether the statement is a draw: `sample`, `observe`, `marginalize`, or one without such a word."""
        return self.keyword in _DRAWS


_DRAWS = ("sample", "observe", "marginalize", "")
_NUMBER = rb"(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?"
_ASCII = {"←": "<-", "→": "->", "⊗": "*", "≠": "!=", "≤": "<=", "≥": ">="}
_CLOSES = {")": "(", "]": "["}
# How many tokens stand before the value of a `let x = …` and the like.
_VALUE_FROM = {"let": 3, "score": 3, "return": 1}
_NO_OPERAND = frozenset({"if", "then", "else", "in", "and", "or", "not", "factor", "scan", "return"})
_LONGEST_AFTER = 2000


@cache
def _token() -> re.Pattern[bytes]:
    """A token, a comment or white space. It takes some milliseconds to compile, which no start waits for."""
    return re.compile(
        rb"(?P<comment>#[^\r\n]*+)|(?P<number>" + _NUMBER + rb")|(?P<word>" + WORD_BYTE + rb"++)"
        rb"|(?P<sign><-|->|>>|==|!=|<=|>=|\xe2\x86[\x90\x92]|\xe2\x8a\x97|\xe2\x89[\xa0\xa4\xa5]|[!-~])"
        rb"|(?P<space>(?:" + SPACE + rb"|[\r\n])++)"
    )


def tokens_of(source: bytes, start: int, end: int) -> Iterator[Token]:
    """The words, numbers and signs between two offsets, comments among them."""
    for match in _token().finditer(source, start, end):
        kind = str(match.lastgroup)
        if kind == "space":
            continue
        text = match.group().decode(errors="replace")
        text = identifier(text) if kind == "word" else _ASCII.get(text, text)
        yield Token(text, kind, Span(match.start(), match.end()))


def place_at(checked: Checked, source: bytes, offset: int) -> Place | None:
    """What surrounds a byte offset; None inside a comment."""
    offset = min(max(offset, 0), len(source))
    here = list(tokens_of(source, line_start(source, offset), offset))
    if here and here[-1].kind == "comment":
        return None
    start = offset
    if here and here[-1].kind in ("word", "number") and here[-1].span.end == offset:
        start = here[-1].span.start
        here.pop()
    placed = _declaration(checked, start)
    base = 0 if placed is None else placed.offset
    is_program = placed is not None and isinstance(placed.declaration, ast.ProgramDeclaration)
    layout = lines(source[base:start] + b"x", is_program=is_program and start > base)
    current = layout[-1]
    statement = base + current.span.start
    before = tuple(token for token in tokens_of(source, statement, start) if token.kind != "comment")
    keyword = before[0].text if before and before[0].kind == "word" and before[0].text in KEYWORDS else ""
    headers = _headers(layout, base)
    word = Span(start, _word_end(source, start, offset))
    return Place(
        offset,
        word,
        source[start:offset].decode(errors="replace"),
        statement,
        keyword,
        before,
        _brackets(before, keyword),
        current.depth,
        tuple(header.span.start + base for header in headers),
        headers[-1].keyword if headers else "",
        not here,
        placed,
        tuple(_after(source, word.end)),
    )


def _declaration(checked: Checked, offset: int) -> ast.Placed | None:
    """The declaration in whose text a place is; of those with one offset the first, which is the program."""
    declarations = checked.module.declarations
    number = declarations.at(offset)
    while number > 0 and declarations[number - 1].offset == declarations[number].offset:
        number -= 1
    return declarations[number] if number >= 0 else None


def _headers(layout: Sequence[Line], base: int) -> list[Line]:
    """The headers of the blocks around the last line, outermost first."""
    depth = layout[-1].depth
    found: list[Line] = []
    for line in reversed(layout[:-1]):
        if depth == 0:
            break
        if line.depth < depth:
            found.append(line)
            depth = line.depth
    return found[::-1]


def _word_end(source: bytes, start: int, offset: int) -> int:
    """The end of the word that begins at `start`, which goes on at `offset` or begins there."""
    match = _token().match(source, start)
    return max(offset, match.end()) if match is not None and match.lastgroup in ("word", "number") else offset


def _after(source: bytes, start: int) -> Iterator[Token]:
    """The tokens after a word, to the bracket that closes around it; a new statement ends them too."""
    depth = 0
    end = min(len(source), start + _LONGEST_AFTER)
    line = line_start(source, start)
    for token in tokens_of(source, start, end):
        if token.kind == "comment":
            continue
        if token.text in ("(", "["):
            depth += 1
        elif token.text in _CLOSES:
            depth -= 1
            if depth < 0:
                return
        elif token.text in STEP_KEYWORDS or token.text in DECLARATION_KEYWORDS:
            begins = line_start(source, token.span.start)
            if begins != line and not source[begins : token.span.start].strip():
                return
        yield token


# ----------------------------------------------------------------------------------------- brackets


def _brackets(tokens: Sequence[Token], keyword: str) -> tuple[Bracket, ...]:
    """The brackets that are open after `tokens`, outermost first."""
    opened: list[Bracket] = []
    previous: Token | None = None
    for number, token in enumerate(tokens):
        if token.kind == "sign" and token.text in "([":
            around = _around(token.text, previous, number, keyword, opened)
            named = previous if previous is not None and previous.is_name else None
            said = opened[-1].tokens if opened else tokens[_VALUE_FROM.get(keyword, 0) : number]
            bracket = Bracket(
                around,
                "" if named is None else named.text,
                token.span if named is None else named.span,
                token.span,
                len(said) <= (named is not None),
                [[]],
                [None],
            )
            if opened:
                opened[-1].tokens.append(token)
            opened.append(bracket)
        elif token.text in _CLOSES and token.kind == "sign":
            if opened:
                opened.pop()
            if opened:
                opened[-1].tokens.append(token)
        elif opened:
            _put(opened[-1], token)
        previous = token
    return tuple(opened)


def _put(bracket: Bracket, token: Token) -> None:
    """Take a token into the argument in hand."""
    said = bracket.tokens
    if token.text == "," and not _is_binding(said):
        bracket.arguments.append([])
        bracket.keywords.append(None)
    elif (
        token.text == "="
        and bracket.around in (Around.CALL, Around.OPTIONS)
        and bracket.keyword is None
        and len(said) == 1
    ):
        bracket.keywords[-1] = said.pop().text
    else:
        said.append(token)


def _is_binding(said: Sequence[Token]) -> bool:
    """Whether a `factor` or a `scan` has begun whose `in` is still to come: its commas are its own."""
    return bool(_binder(said))


def _binder(said: Sequence[Token]) -> Sequence[Token]:
    """The words of a `factor` or `scan` whose `in` is to come; none elsewhere."""
    waiting: list[int] = []
    for number, token in enumerate(said):
        if token.kind == "word" and token.text in ("factor", "scan"):
            waiting.append(number)
        elif token.kind == "word" and token.text == "in" and waiting:
            waiting.pop()
    return said[waiting[-1] :] if waiting else ()


def _around(
    sign: str, previous: Token | None, number: int, keyword: str, opened: Sequence[Bracket]
) -> Around:
    after_value = previous is not None and (
        previous.is_name or previous.kind == "number" or previous.text in (")", "]")
    )
    if sign == "(":
        if keyword == "program" and number == 2 and not opened:
            return Around.PARAMETERS
        is_call = previous is not None and previous.is_name and keyword not in ("object", "data", "program")
        return Around.CALL if is_call else Around.GROUP
    if opened and opened[-1].around is Around.OPTIONS:
        return Around.LIST if not after_value else Around.INDEX
    if keyword in DECLARATION_KEYWORDS or (not opened and keyword in _DRAWS):
        return Around.OPTIONS
    return Around.INDEX if after_value else Around.GROUP


# -------------------------------------------------------------------------------------------- slots


def _slot(place: Place) -> Slot:
    if place.prefix[:1].isdigit() or place.prefix[:1] == ".":
        return Slot.DONE
    tokens, keyword = place.tokens, place.keyword
    if not tokens:
        return Slot.STEP if place.depth else Slot.DECLARATION
    if tokens[-1].text == ".":  # a number's, or a name that no text can hold
        return Slot.DONE
    if keyword in DECLARATION_KEYWORDS:
        return _slot_of_declaration(place)
    if keyword in ("let", "score"):
        return _after_name(tokens[1:], "=") or _slot_of_value(place)
    if keyword == "return":
        return _slot_of_value(place)
    rest = tokens[1:] if keyword else tokens
    if keyword in _DRAWS:
        arrow = next((number for number, token in enumerate(rest) if token.text == "<-"), None)
        if arrow is not None:
            if arrow == len(rest) - 1:
                return Slot.DRAW
            return _slot_of_value(place) if place.brackets else Slot.DONE
        if not rest:
            return Slot.OBSERVED if keyword == "observe" else Slot.NEW_NAME
        in_plate = len(rest) > 1 and rest[1].text == ":" and rest[-1].text in (":", "*")
        return Slot.PLATE if in_plate else Slot.DONE
    return Slot.DONE


def _after_name(rest: Sequence[Token], sign: str) -> Slot | None:
    """The slot before the sign that follows a new name; None after it."""
    if not rest:
        return Slot.NEW_NAME
    return Slot.DONE if len(rest) == 1 or rest[1].text != sign else None


def _slot_of_value(place: Place) -> Slot:
    """Inside a draw's brackets, or in a `let`, a `score` or a `return`."""
    bracket = place.brackets[-1] if place.brackets else None
    said = place.tokens if bracket is None else bracket.tokens
    if bracket is not None:
        if bracket.around is Around.OPTIONS and bracket.keyword is None:
            return Slot.DONE if said else Slot.OPTION
        wants_object = bracket.keyword == "over" or (
            bracket.around is Around.GROUP
            and len(place.brackets) > 1
            and place.brackets[-2].keyword == "over"
            and len(place.brackets[-2].tokens) == 1
        )
        if wants_object:
            return Slot.DONE if said else Slot.OBJECT
    binder = _binder(said)
    last = said[-1] if said else None
    if binder and last is not None:
        if last.text == ":" and last.kind == "sign":
            return Slot.OBJECT
        if last.text in ("factor", "scan", ","):
            return Slot.NEW_NAME
    if last is None or last.text in _NO_OPERAND:
        return Slot.EXPRESSION
    return Slot.EXPRESSION if last.kind == "sign" and last.text not in _CLOSES else Slot.DONE


def _slot_of_declaration(place: Place) -> Slot:
    keyword, rest = place.keyword, place.tokens[1:]
    if keyword == "export":
        return Slot.DONE if rest else Slot.PROGRAM
    if keyword == "define":
        early = _after_name(rest, "=")
        if early is not None:
            return early
        return Slot.PROGRAM if rest[-1].text in ("=", ">>", "*", "(") else Slot.DONE
    bracket = place.brackets[-1] if place.brackets else None
    if bracket is not None and bracket.around in (Around.OPTIONS, Around.LIST):
        if bracket.around is Around.OPTIONS and bracket.keyword is None:
            return Slot.DONE if bracket.tokens else Slot.OPTION
        return Slot.DONE if bracket.tokens else Slot.EXPRESSION
    said = bracket.tokens if bracket is not None and bracket.around is Around.PARAMETERS else rest
    if bracket is not None and bracket.around is Around.PARAMETERS and not said:
        return Slot.NEW_NAME
    if not said:
        return Slot.NEW_NAME
    last = said[-1].text
    if last in (":", "*", "->") or (last == "(" and bracket is not None and bracket.around is Around.GROUP):
        return Slot.SPACE
    return Slot.OBJECT if last in VECTORS or last in MATRICES else Slot.DONE
