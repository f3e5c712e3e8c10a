"""Pygments knows exactly the language's words, and leaves no character of a model out."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Comment, Error, Keyword, Name, Number, Operator, String, Token, _TokenType
from tree_sitter import Query, QueryCursor

from quivers.check.objects import CONSTRUCTORS
from quivers.ide.vocabulary import EFFECTS
from quivers.pygments_lexer import QvrLexer
from quivers.syntax.parse import LANGUAGE, tree
from quivers.syntax.reading import DECLARATION_KEYWORDS, EXPRESSION_KEYWORDS, KEYWORDS, STEP_KEYWORDS

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted([*(ROOT / "examples").glob("*/[!.]*.qvr"), *(ROOT / "quivers/templates").glob("*.qvr")])

# Which classes of Pygments stand for what tree-sitter's query calls a token.
CLASSES = {
    "comment": {Comment.Single},
    "comment.documentation": {String.Doc},
    "keyword": {Keyword, Keyword.Declaration},
    "keyword.return": {Keyword},
    "keyword.conditional": {Keyword},
    "keyword.operator": {Operator.Word},
    "type.builtin": {Keyword.Type},
    "constant": {Keyword.Constant},
    "number": {Number.Float, Number.Integer},
    "operator": {Operator},
    "punctuation.bracket": {Token.Punctuation},
    "punctuation.delimiter": {Token.Punctuation},
    "constructor": {Name.Class},
    "function": {Name.Function, Name},  # in a composition it is a name like any other
    "function.call": {Name.Function},
}


def tokens(text: str) -> list[tuple[_TokenType, str]]:
    return list(QvrLexer(stripnl=False, ensurenl=False).get_tokens(text))


def kind(word: str) -> _TokenType:
    [(found, _)] = tokens(word)
    return found


def test_each_word_of_the_language_has_its_class() -> None:
    assert {kind(word) for word in DECLARATION_KEYWORDS} == {Keyword.Declaration}
    assert {kind(word) for word in STEP_KEYWORDS} == {Keyword}
    assert {kind(word) for word in EXPRESSION_KEYWORDS} == {Keyword, Operator.Word}
    assert {kind(word) for word in CONSTRUCTORS} == {Keyword.Type}
    assert {kind(word) for word in EFFECTS} == {Keyword.Constant}


@pytest.mark.parametrize("word", ["samples", "Realm", "θ", "_in", "x₁", "notes", "if_", "in2", "𝒩"])
def test_what_only_begins_like_a_word_is_a_name(word: str) -> None:
    assert word not in KEYWORDS
    assert kind(word) is Name


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_model_is_coloured_as_tree_sitter_does(path: Path) -> None:
    text = path.read_text("utf-8")
    found = tokens(text)
    assert "".join(piece for _, piece in found) == text
    assert not [piece for each, piece in found if each in Error]
    starts, at = {}, 0
    for each, piece in found:
        starts[at] = each
        at += len(piece.encode())
    query = Query(LANGUAGE, (ROOT / "grammar/queries/highlights.scm").read_text("utf-8"))
    captured: dict[int, str] = {}
    for _, captures in sorted(
        QueryCursor(query).matches(tree(text.encode()).root_node), key=lambda match: match[0]
    ):
        for name, nodes in captures.items():
            captured |= {node.start_byte: name for node in nodes}
    compared = {start: name for start, name in captured.items() if name in CLASSES}
    assert len(compared) > 20
    differing = [
        (text.encode()[start : start + 20].decode(errors="replace"), name, starts.get(start))
        for start, name in compared.items()
        if starts.get(start) not in CLASSES[name]
    ]
    assert differing == []


def test_documentation_is_told_from_comments() -> None:
    found = [each for each, piece in tokens("## a\n# b\n### c") if piece.strip()]
    assert found == [String.Doc, Comment.Single, Comment.Single]


def test_pygments_finds_it_by_its_entry_point() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    entry = project["entry-points"]["pygments.lexers"]["qvr"]
    module, _, name = entry.partition(":")
    assert getattr(import_module(module), name) is QvrLexer
    assert entry in {each.value for each in entry_points(group="pygments.lexers")}
    assert isinstance(get_lexer_by_name("qvr"), QvrLexer)
    assert isinstance(get_lexer_for_filename("model.qvr"), QvrLexer)


def test_html_has_a_class_for_each_token() -> None:
    page = highlight("sample mu <- Normal(0.0, 5.0)", QvrLexer(), HtmlFormatter())
    assert re.findall(r'<span class="(\w+)">(\w+)</span>', page) == [
        ("k", "sample"),
        ("n", "mu"),
        ("nc", "Normal"),
    ]
