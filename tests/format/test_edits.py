"""The edits that formatting is made of, the ends of lines and of files, and what is left byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from test_properties import applied, comments, mutations, said

from quivers.syntax.document import Document
from quivers.syntax.format import format_source, formatted
from quivers.syntax.lower import lower

LOOSE = (
    b"object A:FinSet\nprogram p : A -> A\n    let x = 1\n    let  y = 2\n    return x\n\nobject B:FinSet\n"
)


def laid_out(source: bytes) -> bytes:
    return format_source(Document(source))


def test_each_edit_lies_in_one_declaration_and_spares_the_lines_that_are_right() -> None:
    edits = formatted(Document(LOOSE)).edits
    assert [LOOSE[edit.span.start : edit.span.end] for edit in edits] == [
        b"object A:FinSet\n", b"    let  y = 2\n", b"object B:FinSet\n"
    ]  # fmt: skip
    assert [edit.text for edit in edits] == ["object A : FinSet\n", "    let y = 2\n", "object B : FinSet\n"]


def test_a_canonical_text_has_no_edits() -> None:
    assert formatted(Document(laid_out(LOOSE))).edits == ()


def test_what_lowering_found_can_be_handed_in() -> None:
    document = Document(LOOSE + b"object C : 8\n")
    lowered = lower(document)
    assert formatted(document, lowered) == formatted(document)
    assert formatted(document, lowered).left == lowered.diagnostics != ()


def test_a_line_between_two_blocks_is_among_the_problems_left() -> None:
    source = (
        b"program p : A -> A\n    marginalize z : K <- F(w)\n        observe y <- G(z)\n      let x = 1\n"
        b"program q : A -> A\n\tlet x = 1\n"
    )
    assert [problem.code for problem in formatted(Document(source)).left] == ["QVR105"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_keep_the_ending_that_all_of_them_have(end: bytes) -> None:
    assert laid_out(LOOSE.replace(b"\n", end)) == laid_out(LOOSE).replace(b"\n", end)


@pytest.mark.parametrize("ends", [b"\n\r\n", b"\r\r", b"\r\n\n", b"\n\r"])
def test_other_line_endings_become_line_feeds(ends: bytes) -> None:
    assert laid_out(b"# a" + ends + b"# b\n") == b"# a\n\n# b\n"


@pytest.mark.parametrize("source", [b"", b"\n", b" \r\n\t \n", b"\xe3\x80\x80"])
def test_a_text_without_content_becomes_empty(source: bytes) -> None:
    assert laid_out(source) == b""


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n\n", b"  ", b"\n   ", b"\r\n"])
def test_the_last_line_ends_once(end: bytes) -> None:
    assert laid_out(b"object A : FinSet" + end).rstrip(b"\r\n") == b"object A : FinSet"
    assert laid_out(b"object A : FinSet" + end).count(b"\n") == 1


def test_a_byte_order_mark_stays() -> None:
    mark = b"\xef\xbb\xbf"
    assert laid_out(mark + b"object  A : FinSet\n") == mark + b"object A : FinSet\n"
    assert laid_out(mark + b"\n#a\nobject  A : FinSet\n") == mark + b"# a\nobject A : FinSet\n"


def test_what_is_not_utf_8_stays() -> None:
    source = b"object  A : FinSet # \xff\nobject  B : FinSet\n"
    assert laid_out(source) == b"object  A : FinSet # \xff\nobject B : FinSet\n"


def test_white_space_that_keeps_a_comment_from_documenting_stays() -> None:
    source = "object  B : FinSet\n\u00a0## not its documentation\nobject  A : FinSet\n".encode()
    assert said(laid_out(source)) == said(source)


def test_brackets_nested_beyond_measure_stay() -> None:
    deep = b"let  x = " + b"(" * 200 + b"a" + b")" * 200
    source = b"program p : A -> A\n    " + deep + b"\n    return x\nobject  B : FinSet\n"
    assert laid_out(source) == source.replace(b"object  B", b"object B")


def test_a_call_of_many_arguments_is_laid_out() -> None:
    arguments = ", ".join(f"f({number})" for number in range(5000))
    new = laid_out(f"program p : A -> A\n    let x = g({arguments})\n    return x\n".encode())
    assert new.count(b"\n") == 5000 + 4
    assert laid_out(new) == new


@settings(max_examples=60, deadline=None)
@given(mutations())
def test_declarations_with_slips_stay_byte_for_byte(slipped: str) -> None:
    """Whatever stands below a slip that only one declaration has, that declaration's text is found again."""
    broken = b"program p : A->A\n  sample  x <- Normal(0,,1)   \n  return  x   # end"
    source = broken + b"\nobject Z : FinSet\n" + slipped.encode()
    document = Document(source)
    new = format_source(document)
    assert new.startswith(broken + b"\nobject Z ")
    assert comments(new) == comments(source)
    assert applied(source, document) == new
