"""Documents: edits keep text, lines and tree in step; bytes that are no text are refused in a sentence."""

from __future__ import annotations

import pytest
from generated_programs import mutations, programs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from quivers.errors import QvrError
from quivers.syntax.ast import Span
from quivers.syntax.document import Document, decoded
from quivers.syntax.lower import Memo, lower
from quivers.syntax.parse import tree

PIECES = (
    "|(|)|[|#|\n|\r|    |x|⊗|😀|sample |<-|\t|let a = 1\n|## said\n|object X : FinSet\n|"
    "\nprogram q : A -> B\n    return 1\n|marginalize z : K <- F(1)\n        "
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, list[tuple[int, int, str]]]:
    """A program, and edits of it: where in characters, how many to cut, what to put in."""
    text = draw(programs() | mutations())
    steps = st.tuples(st.integers(0, len(text) + 20), st.integers(0, 30), st.sampled_from(PIECES.split("|")))
    return text, draw(st.lists(steps, min_size=1, max_size=6))


@settings(max_examples=150, deadline=None)
@given(edits())
@example(("## said\nobject mu : mu\n", [(0, 0, "(")]))
@example(("## said\ndata y : A\nobject z : A\n", [(6, 2, "")]))
def test_after_any_edits_all_answers_are_those_of_a_fresh_document(
    case: tuple[str, list[tuple[int, int, str]]],
) -> None:
    text, changes = case
    document, memo = Document(text.encode()), Memo()
    lower(document, memo)
    assert document.tree is not None
    for at, cut, new in changes:
        at = min(at, len(text))
        end = min(at + cut, len(text))
        span = Span(len(text[:at].encode()), len(text[:end].encode()))
        text = text[:at] + new + text[end:]
        document.edit(span, new)
        fresh = Document(text.encode())
        assert document.source == fresh.source
        assert str(document.tree.root_node) == str(fresh.tree.root_node)
        assert document.tree.root_node.end_byte == fresh.tree.root_node.end_byte
        assert lower(document, memo) == lower(fresh)
        assert document.lines.line_count == fresh.lines.line_count


def test_several_edits_may_pass_before_the_tree_is_asked_for() -> None:
    document = Document(b"object A : FinSet 8\nobject B : FinSet 8\n")
    assert not document.tree.root_node.has_error
    document.edit(Span(0, 0), "# ⊗\r\n")
    document.edit(Span(len(document.source), len(document.source)), "object C : Real (")
    document.edit(Span(len(document.source) - 2, len(document.source)), "")
    assert str(document.tree.root_node) == str(tree(document.source).root_node)


def test_an_edit_outside_the_text_is_cut_to_it() -> None:
    document = Document(b"export a")
    document.edit(Span(7, 900), "b")
    assert document.source == b"export b"
    document.edit(Span(700, 900), "c")
    assert document.source == b"export bc"


def test_what_an_edit_leaves_alone_is_the_same_object_again() -> None:
    source = b"".join(b"object X%d : FinSet %d\n" % (n, n) for n in range(20))
    document, memo = Document(source), Memo()
    before = lower(document, memo).module.declarations
    at = source.index(b"object X10")
    document.edit(Span(at, at), "# moved down\n")
    document.edit(Span(0, 0), "\n")
    after = lower(document, memo).module.declarations
    assert all(old.declaration is new.declaration for old, new in zip(before, after, strict=True))
    assert [new.offset - old.offset for old, new in zip(before, after, strict=True)] == [1] * 10 + [14] * 10


def test_replacing_the_text_starts_afresh() -> None:
    document = Document(b"object A : FinSet 8")
    assert document.tree.root_node.end_byte == 19
    document.replace("export x")
    assert document.tree.root_node.end_byte == 8
    assert lower(document).diagnostics == ()


def test_a_lone_surrogate_from_an_editor_is_no_error() -> None:
    document = Document(b"# ")
    document.edit(Span(2, 2), "\ud83d")
    assert document.source == b"# ?"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            b"object A : Real\n# caf\xe9\n",
            "m.qvr is not UTF-8 text: byte 21 (0xE9), in line 2, cannot be read.",
        ),
        (
            "object".encode("utf-16"),
            "byte 0 (0xFF), in line 1, cannot be read; it looks like UTF-16, so save",
        ),
        (b"a\rb\x00", "m.qvr is not a text file: byte 3, in line 2, is NUL."),
        ("ab".encode("utf-16-le"), "is NUL; it looks like UTF-16"),
    ],
)
def test_bytes_that_are_no_text_are_refused_with_their_place(data: bytes, sentence: str) -> None:
    with pytest.raises(QvrError) as raised:
        decoded(data, "m.qvr")
    assert sentence in str(raised.value)


@pytest.mark.parametrize("data", [b"", b"\xef\xbb\xbfobject A : FinSet 8\n", "# ⊗ 😀\n".encode()])
def test_text_is_taken_as_it_is(data: bytes) -> None:
    assert decoded(data, "m.qvr") == data
    assert lower(Document(data)).diagnostics == ()
