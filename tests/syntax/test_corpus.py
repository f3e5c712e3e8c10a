"""The grammar's corpus, read by the parser that the package is built with, and its queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from tree_sitter import Node, Query, QueryCursor

from quivers.syntax.parse import LANGUAGE, tree

GRAMMAR = Path(__file__).parents[2] / "grammar"
ENTRY = re.compile(r"^=+\n(?P<title>.*)\n=+\n(?P<text>(?:.*\n)*?.*)\n---\n\n(?P<tree>\([^=]*)", re.MULTILINE)


def entries() -> Iterator[tuple[str, str, str]]:
    for path in sorted((GRAMMAR / "test" / "corpus").glob("*.txt")):
        with path.open(encoding="utf-8", newline="") as file:
            for entry in ENTRY.finditer(file.read()):
                yield f"{path.stem}: {entry['title']}", entry["text"], " ".join(entry["tree"].split())


def drawn(node: Node, field: str | None = None) -> str:
    """The tree as the corpus writes it: named nodes with their fields."""
    label = f"{field}: " if field else ""
    if node.is_missing:
        quoted = node.type if node.is_named else f'"{node.type}"'
        return f"{label}(MISSING {quoted})"
    if node.is_error and not node.children and node.end_byte > node.start_byte:
        text = (node.text or b"").decode()
        return f"{label}(UNEXPECTED '{text}')"
    children = [
        drawn(child, node.field_name_for_child(index))
        for index, child in enumerate(node.children)
        if child.is_named or child.is_missing
    ]
    return f"{label}({' '.join((node.type, *children))})"


@pytest.mark.parametrize(
    ("title", "text", "expected"), list(entries()), ids=[title for title, _, _ in entries()]
)
def test_the_tree_is_the_corpus_s(title: str, text: str, expected: str) -> None:
    assert drawn(tree(text.encode()).root_node).replace("( ", "(") == expected.replace(" )", ")")


def test_the_corpus_is_found() -> None:
    assert len(list(entries())) >= 40


@pytest.mark.parametrize("name", ["highlights", "locals", "folds", "indents", "injections", "textobjects"])
def test_each_query_fits_the_grammar(name: str) -> None:
    Query(LANGUAGE, files("quivers.grammar").joinpath("queries", f"{name}.scm").read_text("utf-8"))


def test_families_and_functions_are_highlighted_apart() -> None:
    query = Query(LANGUAGE, files("quivers.grammar").joinpath("queries/highlights.scm").read_text("utf-8"))
    source = b"program p : A -> A\n    sample x <- Normal(exp(mu), 1)\n"
    captures = QueryCursor(query).captures(tree(source).root_node)
    assert [node.text for node in captures["constructor"]] == [b"Normal"]
    assert b"exp" in [node.text for node in captures["function.call"]]
    assert b"sample" in [node.text for node in captures["keyword"]]
