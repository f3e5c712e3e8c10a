"""Lines and columns: what ends a line, and what a column counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex, Position

TEXTS = st.text(st.sampled_from("ab ⊗𝒩😀é\n\r\f\v\u0085\u2028\u2029"), max_size=40)
ENCODINGS = st.sampled_from(Encoding)


def units(text: str, encoding: Encoding) -> int:
    """How many units of `encoding` the text takes, counted by Python's own codecs."""
    width = {Encoding.UTF8: ("utf-8", 1), Encoding.UTF16: ("utf-16-le", 2), Encoding.UTF32: ("utf-32-le", 4)}
    codec, size = width[encoding]
    return len(text.encode(codec)) // size


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", [""]),
        ("a", ["a"]),
        ("a\n", ["a", ""]),
        ("a\r\nb", ["a", "b"]),
        ("a\rb\r", ["a", "b", ""]),
        ("a\n\rb", ["a", "", "b"]),
        ("a\fb\vc\u0085d\u2028e\u2029f", ["a\fb\vc\u0085d\u2028e\u2029f"]),
    ],
)
def test_only_lf_crlf_and_cr_end_a_line(text: str, lines: list[str]) -> None:
    source = text.encode()
    index = LineIndex(source)
    spans = [index.line_span(line) for line in range(index.line_count)]
    assert [source[span.start : span.end].decode() for span in spans] == lines


@pytest.mark.parametrize(
    ("encoding", "column"), [(Encoding.UTF8, 12), (Encoding.UTF16, 6), (Encoding.UTF32, 4)]
)
def test_a_column_counts_what_the_encoding_says(encoding: Encoding, column: int) -> None:
    source = "first\n⊗𝒩😀 mu".encode()
    offset = source.index(b"mu")
    index = LineIndex(source)
    assert index.position(offset, encoding) == Position(1, column)
    assert index.offset(Position(1, column), encoding) == offset


@given(TEXTS, TEXTS, ENCODINGS)
def test_a_position_is_the_line_and_the_width_before_it(before: str, after: str, encoding: Encoding) -> None:
    source, offset = (before + after).encode(), len(before.encode())
    if before.endswith("\r") and after.startswith("\n"):
        return  # between the two halves of one line end
    unified = before.replace("\r\n", "\n").replace("\r", "\n")
    line, rest = unified.count("\n"), unified.rsplit("\n", 1)[-1]
    index = LineIndex(source)
    assert index.position(offset, encoding) == Position(line, units(rest, encoding))
    assert index.offset(index.position(offset, encoding), encoding) == offset


@given(TEXTS, st.integers(-3, 90), st.integers(-3, 12), ENCODINGS)
def test_a_place_outside_the_text_stands_for_one_inside(
    text: str, character: int, line: int, encoding: Encoding
) -> None:
    source = text.encode()
    index = LineIndex(source)
    offset = index.offset(Position(line, character), encoding)
    assert 0 <= offset <= len(source)
    source[:offset].decode()  # never inside a character
    assert index.position(character, encoding).line < index.line_count
    assert isinstance(index.line_span(line), Span)


def test_the_second_half_of_a_surrogate_pair_is_the_character() -> None:
    index = LineIndex("😀x".encode())
    assert index.offset(Position(0, 1), Encoding.UTF16) == 0
    assert index.offset(Position(0, 2), Encoding.UTF16) == 4


@settings(max_examples=500, deadline=None)
@given(
    st.text("ab⊗\r\n\f\x85\u2028", max_size=30),
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.text("a⊗\r\n", max_size=5)), max_size=6),
)
def test_the_lines_after_an_edit_are_those_of_the_new_text(
    text: str, edits: list[tuple[int, int, str]]
) -> None:
    source = text.encode()
    index = LineIndex(source)
    for first, second, new in edits:
        start, end = sorted((min(first, len(source)), min(second, len(source))))
        source = source[:start] + new.encode() + source[end:]
        index = index.edited(source, Span(start, end), len(new.encode()))
        fresh = LineIndex(source)
        assert [index.line_span(line) for line in range(index.line_count)] == [
            fresh.line_span(line) for line in range(fresh.line_count)
        ]
