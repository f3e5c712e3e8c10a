"""A statement's tokens and the blanks between them, which are the same however it was typed.

One blank stands around every operator, `^` included, around `<-`, `->` and the `:` of a plate, a
space or a binder, after a comma and before options; none inside brackets, before a call's `(` and
an index's `[`, around the `=` of a keyword argument or an option, before a label's `:` and after a
sign. Each token keeps the spelling that its author chose, `⊗` or `*`.
"""

from __future__ import annotations

import re
import unicodedata

_NUMBER = r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_WORD = r"[^\s\ufeff()\[\],:=<>+\-*/@^#!.←→⊗≠≤≥]+"
_SIGN = r"<-|->|>>|==|!=|<=|>="
_TOKEN = rf"{_NUMBER}|{_WORD}|{_SIGN}|[^\s\ufeff#]"
_TOKENS = re.compile(_TOKEN)
_LAST_COMMA = re.compile(r",[\s\ufeff]*(?=[)\]])")
_COMMENTED = re.compile(rf"(?P<line>[\r\n])|(?P<comment>\#[^\r\n]*)|(?P<token>{_TOKEN})")

# What a token is to its neighbours. After the first two an operand is complete, so that a `-` there
# is a difference; nothing stands between the last ones and what follows them.
_WORD_KIND, _CLOSE, _SPACED, _SEPARATOR, _COLON, _EQUALS, _PLUS, _IN, _BINDING, _ROUND, _SQUARE, _TIGHT = (
    range(12)
)
_KINDS = {
    ")": _CLOSE, "]": _CLOSE, "(": _ROUND, "[": _SQUARE, ",": _SEPARATOR, ":": _COLON, "=": _EQUALS,
    "+": _PLUS, "-": _PLUS, "in": _IN, "factor": _BINDING, "scan": _BINDING,
    **dict.fromkeys(("*", "⊗", "/", "@", "^", "==", "!=", "≠", "<", "<=", "≤", ">", ">=", "≥"), _SPACED),
    **dict.fromkeys(("->", "→", "<-", "←", ">>", "and", "or", "not", "if", "then", "else"), _SPACED),
    **dict.fromkeys(("sample", "observe", "marginalize", "let", "score", "return"), _SPACED),
    **dict.fromkeys(("object", "data", "program", "define", "export"), _SPACED),
}  # fmt: skip

# What stands between brackets, or outside all: expressions, spaces, or the two sides of a draw.
_EXPRESSIONS, _SPACES, _DRAW = range(3)
_CONTENTS = {
    **dict.fromkeys(("object", "data", "program"), _SPACES),
    **dict.fromkeys(("sample", "observe", "marginalize", ""), _DRAW),
}

Comment = tuple[bool, str]
"""Whether a comment has a line of its own, and its text."""


def tokens_of(statement: str) -> list[str]:
    """The tokens of a statement without comments; a comma before a closing bracket says nothing."""
    return _TOKENS.findall(_LAST_COMMA.sub("", statement))


def commented_tokens(statement: str) -> tuple[list[str], dict[int, list[Comment]]]:
    """The tokens of a statement, and the comments before each, by the token's place."""
    tokens: list[str] = []
    comments: dict[int, list[Comment]] = {}
    own_line = False
    for match in _COMMENTED.finditer(statement):
        if match.lastgroup == "line":
            own_line = True
        elif match.lastgroup == "comment":
            comments.setdefault(len(tokens), []).append((own_line, tidy_comment(match[0])))
        else:
            own_line = False
            tokens.append(match[0])
    return tokens, comments


def gaps(tokens: list[str], keyword: str) -> list[str]:
    """What stands before each token of a statement that starts with `keyword`: one blank or nothing."""
    found: list[str] = []
    contents = _CONTENTS.get(keyword, _EXPRESSIONS)
    unbound = 0  # how many `factor` and `scan` wait for their `in`
    around: list[tuple[int, int]] = []
    previous = _TIGHT
    for token in tokens:
        kind = _KINDS.get(token, _WORD_KIND)
        gap = "" if previous >= _ROUND else " "
        if kind <= _SPACED:
            if kind == _CLOSE:
                gap = ""
                if around:
                    contents, unbound = around.pop()
        elif kind == _SEPARATOR:
            gap = ""
        elif kind == _EQUALS:
            if around and not unbound:
                gap, kind = "", _TIGHT
        elif kind == _PLUS:
            if previous > _CLOSE:
                kind = _TIGHT
        elif kind >= _ROUND:
            if kind == _ROUND:
                is_applied = previous == _WORD_KIND
            else:
                is_applied = previous <= _CLOSE and contents == _EXPRESSIONS
            if is_applied:
                gap = ""
            around.append((contents, unbound))
            unbound = 0
            if contents == _DRAW or kind == _SQUARE:
                contents = _EXPRESSIONS
        elif kind == _COLON:
            if around and contents == _EXPRESSIONS and not unbound:
                gap = ""
        elif kind == _BINDING:
            unbound += 1
        elif unbound:
            unbound -= 1
        found.append(gap)
        previous = kind
    return found


def tidy_comment(text: str) -> str:
    """A comment without blanks at its end, and with one between `#` or `##` and its first word."""
    text = text.rstrip(" \t\f\v")
    marks = 2 if text.startswith("##") else 1
    if text[marks : marks + 1].isalnum():
        return f"{text[:marks]} {text[marks:]}"
    return text


def columns(text: str) -> int:
    """How many columns `text` takes in an editor: none for a combining mark, two for a wide character."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )
