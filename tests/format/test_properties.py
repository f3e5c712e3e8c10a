"""What formatting keeps whatever the text: its meaning, its comments, what cannot be read, and itself."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.syntax import ast
from quivers.syntax.document import Document
from quivers.syntax.format import format_source, formatted
from quivers.syntax.lower import lower

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "syntax"))

from generated_programs import mutations, programs  # noqa: E402

# Tabs, wrong indentation and an indented declaration are mended.
MENDED = ("QVR104", "QVR105", "QVR115")

EXAMPLES = sorted(ROOT.glob("examples/*/[!.]*.qvr"))


def shape(node: object) -> object:
    """The node without its spans, to compare what two texts say."""
    if isinstance(node, ast.Span):
        return None
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    if dataclasses.is_dataclass(node):
        return (
            type(node).__name__,
            *(shape(getattr(node, field.name)) for field in dataclasses.fields(node)),
        )
    return node


def said(source: bytes) -> tuple[list[object], list[str]]:
    """What a text says: its declarations, and the problems that formatting does not mend."""
    read = lower(Document(source))
    codes = [found.code for found in read.diagnostics if found.code not in MENDED]
    return [shape(placed.declaration) for placed in read.module.declarations], codes


def comments(source: bytes) -> Counter[str]:
    """How often each comment stands in a text, without regard to blanks."""
    return Counter("".join(found.split()) for found in re.findall(r"#[^\r\n]*", source.decode()))


def applied(source: bytes, document: Document) -> bytes:
    for edit in reversed(formatted(document).edits):
        source = source[: edit.span.start] + edit.text.encode() + source[edit.span.end :]
    return source


def check(text: str) -> bytes:
    source = text.encode()
    document = Document(source)
    new = format_source(document)
    assert said(new) == said(source)
    assert comments(new) == comments(source)
    assert format_source(Document(new)) == new
    assert applied(source, document) == new
    return new


@st.composite
def relaid(draw: st.DrawFn) -> str:
    """A program with blanks put in between its words, lines broken inside its brackets, blank lines added."""
    text = draw(programs())
    if draw(st.booleans()):  # so that lines grow too long
        text = re.sub(r"\b(tau|Item|School|θ)\b", lambda name: name[0] * 9, text)
    seed = draw(st.randoms(use_true_random=False))
    result: list[str] = []
    brackets = 0
    for line in text.splitlines(keepends=True):
        code, mark, comment = line.partition("#")
        for piece in re.split(r"((?<![<>=!\-])[()\[\],:*@](?!=))", code):
            result.append(piece)
            brackets += (piece in "([") - (piece in ")]") if piece else 0
            if len(piece) == 1 and piece in "(),*@" and seed.random() < 0.3:
                inside = brackets > 0 and not mark
                result.append(seed.choice(["  ", "\t", "\n   ", "  # aside\n "] if inside else ["  ", "\t"]))
        result.append(mark + comment)
        if brackets == 0 and seed.random() < 0.1:
            result.append(seed.choice(["\n", "\n\n \n", "# more\n", "      # further in\n"]))
    return "".join(result)


@settings(max_examples=40, deadline=None)
@given(programs())
def test_a_program_keeps_its_meaning_and_its_comments_and_is_then_canonical(text: str) -> None:
    check(text)


@settings(max_examples=40, deadline=None)
@given(relaid())
def test_so_does_one_with_another_layout(text: str) -> None:
    check(text)


@settings(max_examples=60, deadline=None)
@given(mutations())
def test_so_does_a_text_with_slips(text: str) -> None:
    check(text)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=60) | st.text(max_size=60).map(str.encode) | mutations().map(str.encode), st.binary()
)
def test_no_bytes_whatever_break_it(start: bytes, end: bytes) -> None:
    source = start + end
    new = format_source(Document(source))
    assert format_source(Document(new)) == new
    assert said(new) == said(source)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_example_is_canonical(path: Path) -> None:
    source = path.read_bytes()
    assert format_source(Document(source)) == source
    assert formatted(Document(source)).edits == ()
