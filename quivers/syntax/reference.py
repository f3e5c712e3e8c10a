"""The reference grammar, grammar/qvr.lark, loaded when it is first asked for.

Only an error asks for it: what it takes to load is more than a file without one costs altogether.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token
from lark.exceptions import LarkError, UnexpectedCharacters, UnexpectedToken
from lark.lark import PostLex

from quivers.records import record

_OPENING = frozenset(("LPAR", "LSQB"))
_CLOSING = frozenset(("RPAR", "RSQB"))


class TabError(LarkError):
    """A tab in the indentation of a line; `position` is that of the line end before it, in characters."""

    def __init__(self, position: int) -> None:
        super().__init__("a tab in the indentation")
        self.position = position


class _Indenter(PostLex):
    """Drops line ends inside brackets and marks where the indentation changes."""

    always_accept = ("_NL",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        brackets = 0
        columns = [0]
        token: Token | None = None
        for token in stream:
            if token.type != "_NL":
                brackets += (token.type in _OPENING) - (token.type in _CLOSING)
                yield token
            elif brackets <= 0:
                indentation = token.value[max(token.value.rfind("\n"), token.value.rfind("\r")) + 1 :]
                if "\t" in indentation:
                    raise TabError(token.start_pos or 0)
                yield token
                yield from _changes(columns, len(indentation), token)
        if token is not None:
            yield from _changes(columns, 0, token)


def _changes(columns: list[int], column: int, near: Token) -> Iterator[Token]:
    if column > columns[-1]:
        columns.append(column)
        yield Token.new_borrow_pos("_INDENT", "", near)
        return
    while column < columns[-1]:
        columns.pop()
        yield Token.new_borrow_pos("_DEDENT", "", near)
    if column != columns[-1]:  # between two blocks
        yield Token.new_borrow_pos("_INDENT", "", near)


_loading = threading.Lock()


@cache
def _loaded() -> Lark:
    return Lark(
        files("quivers.grammar").joinpath("qvr.lark").read_text("utf-8"),
        parser="lalr",
        lexer="basic",
        start=["file", "declaration_line", "step_line"],
        postlex=_Indenter(),
        maybe_placeholders=False,
    )


def grammar() -> Lark:
    """The grammar with an LALR parser for a file, a declaration's line and a step's line."""
    with _loading:  # a second thread waits for the first instead of loading it too
        return _loaded()


def is_loaded() -> bool:
    """Whether `grammar` gives its answer at once."""
    return _loaded.cache_info().currsize > 0


def accepts(text: str) -> bool:
    """Whether `text` is a `.qvr` file of this grammar."""
    try:
        # The first line's indentation counts as any other's, so a line end comes before it.
        grammar().parse("\n" + text.removeprefix("\ufeff") + "\n", start="file")
    except LarkError:
        return False
    return True


@record
class Stop:
    """Where reading a line stopped, in characters; at the line's end `start` and `end` are both its length.

    `previous` is the kind of the token before, empty at the start; `expected` the kinds of
    token that could have followed, by their names in the grammar.
    """

    start: int
    end: int
    previous: str
    expected: frozenset[str]


def first_stop(line: str, kind: str) -> Stop | None:
    """Where reading `line` as a `step` or a `declaration` stops before its end; None if it does not."""
    # Lark's interactive parser has no types of its own.
    interactive: Any = grammar().parse_interactive(line, start=f"{kind}_line")
    tokens: list[Token] = []
    start, end = len(line), len(line)
    try:
        for token in interactive.lexer_thread.lex(interactive.parser_state):
            start, end = token.start_pos or 0, token.end_pos or 0
            interactive.feed_token(token)
            tokens.append(token)
        start, end = len(line), len(line)
        interactive.feed_eof()
    except UnexpectedCharacters as error:
        start = error.pos_in_stream or 0
        end = start + 1
    except TabError as error:
        start = error.position
        end = start + 1
    except UnexpectedToken:
        pass
    else:
        return None
    # The failed token may have taken the parser through reductions; a second run stops just before it.
    again: Any = grammar().parse_interactive(line, start=f"{kind}_line")
    for token in tokens:
        again.feed_token(token)
    previous = tokens[-1].type if tokens else ""
    return Stop(start, end, previous, frozenset(again.accepts()))
