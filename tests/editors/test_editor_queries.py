"""The tree-sitter queries: each editor's copy is derived from the one original, fits the grammar and uses the
names that the editor knows; the colours cover every token and agree with the server's."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tree_sitter import Node, Query, QueryCursor

from quivers.check.analysis import check_source
from quivers.check.objects import CONSTRUCTORS
from quivers.ide.semantic_tokens import KINDS, WIDTH, SemanticTokens
from quivers.syntax.document import Document
from quivers.syntax.lines import Encoding
from quivers.syntax.parse import LANGUAGE, tree

ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = ROOT / "grammar"
EDITORS = ROOT / "editors"
EXAMPLES = sorted((ROOT / "examples").glob("*/[!.]*.qvr"))
ASSERTED = GRAMMAR / "test/highlight/model.qvr"
QUERIES = sorted(
    [
        *(GRAMMAR / "queries").glob("*.scm"),
        *(p for p in EDITORS.rglob("*.scm") if "node_modules" not in p.parts),
    ]
)
copies: Callable[[], dict[Path, str]] = runpy.run_path(str(EDITORS / "queries.py"))["copies"]

HELIX_COLOURS = (
    "comment.line",
    "comment.line.documentation",
    "constant",
    "constant.numeric",
    "constructor",
    "function",
    "keyword",
    "keyword.control.conditional",
    "keyword.control.return",
    "keyword.operator",
    "operator",
    "punctuation.bracket",
    "punctuation.delimiter",
    "type",
    "type.builtin",
    "variable",
    "variable.other.member",
    "variable.parameter",
)
ZED_COLOURS = (
    "comment",
    "comment.doc",
    "constant",
    "constructor",
    "function",
    "keyword",
    "number",
    "operator",
    "property",
    "punctuation.bracket",
    "punctuation.delimiter",
    "type",
    "type.builtin",
    "variable",
    "variable.parameter",
)
NEOVIM_COLOURS = (
    "comment",
    "comment.documentation",
    "constant",
    "constructor",
    "function",
    "function.call",
    "keyword",
    "keyword.conditional",
    "keyword.operator",
    "keyword.return",
    "number",
    "operator",
    "property",
    "punctuation.bracket",
    "punctuation.delimiter",
    "type",
    "type.builtin",
    "type.definition",
    "variable",
    "variable.parameter",
)
ZED_OBJECTS = [f"{what}.{part}" for what in ("function", "class", "comment") for part in ("around", "inside")]
HELIX_OBJECTS = [
    f"{what}.{part}"
    for what in ("function", "class", "test", "parameter", "comment", "entry")
    for part in ("around", "inside", "movement")
]
NEOVIM_OBJECTS = [
    f"{what}.{part}"
    for what in ("block", "call", "class", "comment", "function", "parameter", "statement")
    for part in ("inner", "outer")
]
# What may be captured in each editor's file; a name with a leading underscore is nobody's.
KNOWN = {
    "neovim/queries/qvr/highlights": NEOVIM_COLOURS,
    "neovim/queries/qvr/textobjects": NEOVIM_OBJECTS,
    "neovim/queries/qvr/indents": ["indent.begin", "indent.branch", "indent.end", "indent.auto"],
    "neovim/queries/qvr/folds": ["fold"],
    "neovim/queries/qvr/injections": ["injection.content"],
    "neovim/queries/qvr/locals": [
        *("local.scope", "local.reference"),
        *(f"local.definition.{kind}" for kind in ("type", "var", "function", "parameter")),
    ],
    "helix/runtime/queries/qvr/highlights": HELIX_COLOURS,
    "helix/runtime/queries/qvr/textobjects": HELIX_OBJECTS,
    "helix/runtime/queries/qvr/indents": ["indent", "outdent", "extend"],
    "helix/runtime/queries/qvr/tags": [
        "name",
        *(f"definition.{k}" for k in ("type", "constant", "function")),
    ],
    "helix/runtime/queries/qvr/injections": ["injection.content"],
    "helix/runtime/queries/qvr/locals": [
        *("local.scope", "local.reference"),
        *(f"local.definition.{kind}" for kind in ("type", "variable", "function", "variable.parameter")),
    ],
    "zed/languages/qvr/highlights": ZED_COLOURS,
    "zed/languages/qvr/textobjects": ZED_OBJECTS,
    "zed/languages/qvr/indents": ["indent", "end"],
    "zed/languages/qvr/brackets": ["open", "close"],
    "zed/languages/qvr/outline": ["name", "item", "context", "annotation"],
    "zed/languages/qvr/injections": ["injection.content"],
    "zed/languages/qvr/overrides": ["comment.inclusive"],
    "zed/languages/qvr/runnables": ["run", "program"],
}
# The kinds of the server that a colour may stand for. What a name in an expression is, only the server knows.
KIND_OF = {
    "comment": {"comment"},
    "comment.documentation": {"comment"},
    "constant": {"enumMember"},
    "constructor": {"function"},
    "function": {"function"},
    "function.call": {"function"},
    "keyword": {"keyword"},
    "keyword.conditional": {"keyword"},
    "keyword.operator": {"keyword"},
    "keyword.return": {"keyword"},
    "number": {"number"},
    "operator": {"operator"},
    "property": {"property"},
    "type": {"type"},
    "type.builtin": {"type"},
    "type.definition": {"type"},
    "variable": {"variable"},
    "variable.parameter": {"parameter"},
}


def test_each_copy_is_as_it_is_derived() -> None:
    derived = copies()
    assert len(derived) >= 18
    for path, text in derived.items():
        assert path.read_text("utf-8") == text, f"{path} is not up to date: run `make queries`"


@pytest.mark.parametrize("path", QUERIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_query_fits_the_grammar(path: Path) -> None:
    assert Query(LANGUAGE, path.read_text("utf-8")).pattern_count > 0


@pytest.mark.parametrize("name", KNOWN)
def test_each_capture_is_one_that_the_editor_knows(name: str) -> None:
    query = Query(LANGUAGE, (EDITORS / f"{name}.scm").read_text("utf-8"))
    found = {query.capture_name(number) for number in range(query.capture_count)}
    assert {each for each in found if not each.startswith("_")} <= set(KNOWN[name])


def test_every_editor_file_is_held_against_its_editor() -> None:
    files = {str(path.relative_to(EDITORS).with_suffix("")) for path in QUERIES if EDITORS in path.parents}
    assert files == set(KNOWN)


def colours(text: bytes, query: Query) -> dict[tuple[int, int], str]:
    """The colour of each token by where it is, a later pattern winning over an earlier one."""
    found: dict[tuple[int, int], str] = {}
    for _, captures in sorted(QueryCursor(query).matches(tree(text).root_node), key=lambda match: match[0]):
        for name, nodes in captures.items():
            found |= {(node.start_byte, node.end_byte): name for node in nodes}
    return found


def leaves(node: Node) -> Iterator[Node]:
    """The tokens of a tree."""
    if not node.children and node.end_byte > node.start_byte:
        yield node
    for child in node.children:
        yield from leaves(child)


@pytest.fixture(scope="module")
def original() -> Query:
    return Query(LANGUAGE, (GRAMMAR / "queries/highlights.scm").read_text("utf-8"))


@pytest.mark.parametrize("path", [*EXAMPLES, ASSERTED], ids=lambda path: path.name)
def test_every_token_of_a_model_is_coloured(path: Path, original: Query) -> None:
    text = path.read_bytes()
    found = colours(text, original)
    bare = [
        node.text for node in leaves(tree(text).root_node) if (node.start_byte, node.end_byte) not in found
    ]
    assert bare == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_colours_agree_with_the_server_s(path: Path, original: Query) -> None:
    text = path.read_bytes()
    found = colours(text, original)
    bound = {
        text[start:end]
        for (start, end), name in found.items()
        if name in ("variable.parameter", "type.definition", "type")
    }
    data = SemanticTokens(Encoding.UTF8).all(check_source(text.decode()), Document(text)).tolist()
    starts = [0, *(match.end() for match in re.finditer(rb"\r\n?|\n", text))]
    line = column = compared = 0
    for at in range(0, len(data), WIDTH):
        down, right, length, kind, _ = data[at : at + WIDTH]
        line, column = line + down, right if down else column + right
        start = starts[line] + column
        word = text[start : start + length]
        colour = found.pop((start, start + length))
        wanted = KIND_OF[colour] | (
            {"parameter", "type"} if colour == "variable" and word in bound else set()
        )
        assert KINDS[kind] in wanted, (path.name, line + 1, word, colour)
        compared += 1
    assert compared > 20
    assert set(found.values()) <= {"punctuation.bracket", "punctuation.delimiter"}


def test_the_assertions_of_the_highlight_test_hold(original: Query) -> None:
    text = ASSERTED.read_text("utf-8")
    found = colours(text.encode(), original)
    lines = text.split("\n")
    held = asserted_line = 0
    for number, line in enumerate(lines):
        assertion = re.match(r"#(?: *(\^)| (<-)) ([a-z.]+)$", line)
        if assertion is None:
            asserted_line = number
            continue
        column = 0 if assertion[2] else assertion.start(1)
        offset = len("\n".join(lines[:asserted_line]).encode()) + (asserted_line > 0)
        place = offset + len(lines[asserted_line][:column].encode())
        [name] = [name for (start, end), name in found.items() if start <= place < end]
        assert name == assertion[3], (asserted_line + 1, column)
        held += 1
    assert held >= 60


def test_the_built_in_spaces_are_the_language_s() -> None:
    text = (GRAMMAR / "queries/highlights.scm").read_text("utf-8")
    listed = re.search(r"#any-of\? @type\.builtin([^)]*)\)", text)
    assert listed is not None
    assert set(re.findall(r'"(\w+)"', listed[1])) == set(CONSTRUCTORS)


def test_the_grammar_s_description_names_files_that_are_there() -> None:
    [grammar] = json.loads((GRAMMAR / "tree-sitter.json").read_text())["grammars"]
    assert (grammar["name"], grammar["scope"], grammar["file-types"]) == ("qvr", "source.qvr", ["qvr"])
    listed: list[Any] = [grammar[kind] for kind in ("highlights", "locals", "injections", "tags")]
    assert all((GRAMMAR / path).is_file() for paths in listed for path in paths)
    node = json.loads((GRAMMAR / "package.json").read_text())
    assert (GRAMMAR / node["main"] / "index.js").is_file()
    assert LANGUAGE.abi_version == 14
