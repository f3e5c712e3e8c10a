"""VS Code's grammar beside tree-sitter's queries: each token of each example, of the corpus and of the
documentation's listings has the same class in both; and the extension's own tests."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent, indent

import pytest
from tree_sitter import Query, QueryCursor

from quivers.syntax.parse import LANGUAGE, tree

sys.path.append(str(Path(__file__).parent.parent))
from editor_programs import program

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "editors/vscode"
CORPUS = ROOT / "grammar/test"
FENCE = re.compile(r"^( *)```qvr[^\n]*\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^=+\n.*\n=+\n((?:.*\n)*?.*)\n---\n", re.MULTILINE)

pytestmark = pytest.mark.e2e

# What tree-sitter's queries call a token, by the scope that TextMate gives it: the first that fits counts.
CLASSES = {
    "comment.line.documentation": "comment.documentation",
    "comment": "comment",
    "keyword.control.return": "keyword.return",
    "keyword.control.conditional": "keyword.conditional",
    "keyword.operator.word": "keyword.operator",
    "keyword.operator": "operator",
    "keyword": "keyword",
    "punctuation.section": "punctuation.bracket",
    "punctuation.separator": "punctuation.delimiter",
    "constant.numeric": "number",
    "constant.language": "constant",
    "support.type": "type.builtin",
    "entity.name.type": "type",
    "entity.name.function.call": "function.call",
    "entity.name.function": "function",
    "support.function.family": "constructor",
    "variable.other.property": "property",
    "variable.parameter": "variable.parameter",
    "variable.other": "variable",
}
# In these texts tree-sitter gives up more of the broken line than TextMate, which reads on behind the fault.
# Nothing may be added: a text that parses has no exception, and each of these has to differ.
BROKEN = {
    "quivers/explanations/QVR102.md 1": "the bracket that closes is missing, and has no place",
    "quivers/explanations/QVR107.md 1": "a step outside of a program is no step to tree-sitter",
    "quivers/explanations/QVR111.md 1": "from a sign that the language lacks, all is an error to tree-sitter",
}


@pytest.fixture(scope="module")
def node() -> str:
    """Node, with the extension's packages installed."""
    found, make = program("node"), program("make")
    program("npm")
    done = subprocess.run(
        [make, "vscode-packages"], cwd=ROOT, capture_output=True, encoding="utf-8", timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return found


def texts() -> Iterator[tuple[str, str]]:
    """Each text to colour, by where it stands."""
    for path in sorted([*(ROOT / "examples").glob("*/[!.]*.qvr"), *(CORPUS / "highlight").glob("*.qvr")]):
        yield str(path.relative_to(ROOT)), path.read_text("utf-8")
    for path in sorted((CORPUS / "corpus").glob("*.txt")):
        for number, entry in enumerate(ENTRY.finditer(path.read_text("utf-8")), 1):
            if not tree(entry[1].encode()).root_node.has_error:
                yield f"{path.relative_to(ROOT)} {number}", entry[1]
    folders = (ROOT / "docs", ROOT / "quivers/explanations")
    pages = [ROOT / "README.md", *(path for folder in folders for path in folder.rglob("*.md"))]
    for path in sorted(pages):
        for number, fence in enumerate(FENCE.finditer(path.read_text("utf-8")), 1):
            yield f"{path.relative_to(ROOT)} {number}", whole(fence[2])


def whole(listing: str) -> str:
    """A listing of steps as those of a program; any other as it is."""
    steps = "program p : A -> A\n" + indent(dedent(listing), "    ")
    broken = [tree(text.encode()).root_node.has_error for text in (listing, steps)]
    return steps if broken == [True, False] else listing


def class_of(scope: str) -> str:
    return next((name for start, name in CLASSES.items() if scope.startswith(start)), scope)


def captured(text: bytes, query: Query) -> dict[tuple[int, int], str]:
    """Each token's capture by where it is, a later pattern winning over an earlier one."""
    found: dict[tuple[int, int], str] = {}
    for _, captures in sorted(QueryCursor(query).matches(tree(text).root_node), key=lambda match: match[0]):
        for name, nodes in captures.items():
            found |= {(each.start_byte, each.end_byte): name for each in nodes}
    return found


def differences(text: bytes, tokens: list[tuple[int, int, str]], query: Query) -> list[tuple[str, ...]]:
    """The tokens of a text that the two call differently: the token, tree-sitter's class, TextMate's."""
    found = []
    for (start, end), name in captured(text, query).items():
        wanted = "type" if name == "type.definition" else name
        scopes = {class_of(scope) for left, right, scope in tokens if left < end and right > start}
        if scopes != {wanted}:
            found.append((text[start:end].decode(), wanted, *sorted(scopes)))
    return found


def test_textmate_and_tree_sitter_agree_on_every_token(node: str) -> None:
    named = dict(texts())
    assert len(named) > 200
    done = subprocess.run(
        [node, str(EXTENSION / "test/tokens.mjs")],
        input=json.dumps(list(named.values())),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    query = Query(LANGUAGE, (ROOT / "grammar/queries/highlights.scm").read_text("utf-8"))
    answers = zip(named.items(), json.loads(done.stdout), strict=True)
    found = {name: differences(text.encode(), tokens, query) for (name, text), tokens in answers}
    assert {name: each for name, each in found.items() if each and name not in BROKEN} == {}
    assert {name for name in BROKEN if not found[name]} == set(), "no exception any more: take it out"
    assert all(tree(named[name].encode()).root_node.has_error for name in BROKEN)


def test_the_extension_s_own_tests_pass(node: str) -> None:
    done = subprocess.run(
        ["npm", "test"], cwd=EXTENSION, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    passed = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) >= 29
