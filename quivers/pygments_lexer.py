"""QVR for Pygments, which colours listings in documentation, notebooks and terminals.

The words are the language's own tables, so that the lexer can't fall behind them.
"""

from __future__ import annotations

from typing import ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Whitespace,
)

from quivers.check.objects import CONSTRUCTORS
from quivers.ide.vocabulary import EFFECTS
from quivers.syntax.reading import DECLARATION_KEYWORDS, EXPRESSION_KEYWORDS, STEP_KEYWORDS

_NAME = r"[^\W\d]\w*"
_WORD_OPERATORS = ("and", "or", "not")
_OTHER_KEYWORDS = tuple(word for word in EXPRESSION_KEYWORDS if word not in _WORD_OPERATORS)


def _whole(names: tuple[str, ...]) -> words:
    return words(names, prefix=r"(?<!\w)", suffix=r"(?!\w)")


class QvrLexer(RegexLexer):  # type: ignore[misc]  # Pygments has no types
    """The lexer of `.qvr` files."""

    name = "QVR"
    aliases: ClassVar = ["qvr"]
    filenames: ClassVar = ["*.qvr"]
    mimetypes: ClassVar = ["text/x-qvr"]

    tokens: ClassVar = {
        "root": [
            (r"\s+", Whitespace),
            (r"##(?!#).*", String.Doc),
            (r"#.*", Comment.Single),
            (
                rf"(object)([ \t]+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Class),
            ),
            (
                rf"(program|define|export)([ \t]+)({_NAME})",
                bygroups(Keyword.Declaration, Whitespace, Name.Function),
            ),
            (_whole(DECLARATION_KEYWORDS), Keyword.Declaration),
            (_whole(STEP_KEYWORDS), Keyword),
            (_whole(_WORD_OPERATORS), Operator.Word),
            (_whole(_OTHER_KEYWORDS), Keyword),
            (_whole(tuple(sorted(CONSTRUCTORS))), Keyword.Type),
            (_whole(tuple(EFFECTS)), Keyword.Constant),
            # After an arrow stands a family, or a program that is drawn from.
            (rf"(<-|←)([ \t]*)({_NAME})", bygroups(Operator, Whitespace, Name.Class)),
            (rf"({_NAME})(?=[ \t]*\()", Name.Function),
            (rf"({_NAME})([ \t]*)(=)(?!=)", bygroups(Name.Attribute, Whitespace, Operator)),
            (_NAME, Name),
            (r"\d+\.\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+", Number.Float),
            (r"\d+", Number.Integer),
            (r"<-|->|>>|[=!<>]=|[←→⊗≠≤≥+\-*/^@=<>]", Operator),
            (r"[()\[\],:]", Punctuation),
        ]
    }
