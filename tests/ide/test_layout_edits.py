import random

import pytest
from ide_places import EVERYTHING, EXAMPLES, unmarked

from quivers.check.analysis import check_source
from quivers.ide import formatting
from quivers.ide.formatting import format_document, format_ranges
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.format import formatted
from quivers.syntax.lower import lower
from quivers.syntax.problems import Edit


def applied(source: bytes, edits: list[Edit]) -> bytes:
    last = len(source)
    for edit in reversed(edits):
        assert edit.span.start <= edit.span.end <= last, "edits are in order and apart"
        source = source[: edit.span.start] + edit.text.encode() + source[edit.span.end :]
        last = edit.span.start
    return source


def laid_out(marked: str) -> str:
    source, marks = unmarked(marked)
    return applied(source, format_ranges(Document(source), [Span(*mark) for mark in marks])).decode()


UNTIDY = """\
object  A : FinSet   2
program p : A->A
    sample m<-Normal( 0.0,1.0 )
    # aside
    let a=m+1
    let b = m
    observe  y : A<-Normal(a,1.0)
    return m
"""


def test_only_lines_that_change_are_edited() -> None:
    source = UNTIDY.encode()
    edits = format_document(Document(source), check_source(source))
    assert applied(source, edits) == formatted(Document(source)).text
    edited = [source[edit.span.start : edit.span.end] for edit in edits]
    assert not any(b"aside" in text or b"let b" in text or b"return" in text for text in edited)


def test_a_range_lays_out_the_steps_it_touches() -> None:
    found = laid_out(UNTIDY.replace("let a=m+1", "let a⟦=⟧m+1"))
    assert found == UNTIDY.replace("let a=m+1", "let a = m + 1")


def test_several_ranges_lay_out_each_of_theirs() -> None:
    found = laid_out(UNTIDY.replace("let a=m+1", "let a⟦=⟧m+1").replace("Normal( 0.0", "Normal⟦⟧( 0.0"))
    assert "let a = m + 1" in found
    assert "sample m <- Normal(0.0, 1.0)" in found
    assert "observe  y" in found
    assert "object  A" in found


def test_a_range_that_ends_at_a_lines_start_leaves_that_line() -> None:
    found = laid_out(UNTIDY.replace("    let a=m+1\n", "⟦    let a=m+1\n⟧").replace("let b =", "let b  ="))
    assert "let a = m + 1\n    let b  =" in found


def test_where_a_block_has_to_be_indented_anew_all_of_it_is() -> None:
    text = "object A : FinSet 2\nprogram p : A -> A\n  sample m<-Normal(0.0, 1.0)\n  return⟦⟧  m\n"
    found = laid_out(text)
    assert found.endswith("\n    sample m <- Normal(0.0, 1.0)\n    return m\n")


def test_a_declaration_that_cannot_be_read_stays_and_the_others_are_laid_out() -> None:
    text = "object  A : FinSet 2\nprogram p : A -> A\n    sample m<-Normal(0.0,,\nobject  B : FinSet 2\n"
    found = applied(text.encode(), format_document(Document(text.encode()), check_source(text))).decode()
    assert found == text.replace("object  ", "object ")


def test_a_cell_of_a_notebook_keeps_its_end_without_a_line_end() -> None:
    source = b"object  A : FinSet 2"
    assert (
        applied(source, format_document(Document(source), check_source(source), final_line_end=False))
        == b"object A : FinSet 2"
    )
    tidy = b"object A : FinSet 2"
    assert format_document(Document(tidy), check_source(tidy), final_line_end=False) == []
    assert applied(tidy, format_document(Document(tidy), check_source(tidy))) == tidy + b"\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_untidy_texts_end_as_the_formatter_has_them_and_say_the_same(line_end: str) -> None:
    chance = random.Random(3)
    for text in [EVERYTHING, *(path.read_text(encoding="utf-8") for path in EXAMPLES)]:
        words = text.replace("\n", line_end).split(" ")
        source = " ".join(word + " " * chance.choice([0, 0, 0, 1]) for word in words).encode()
        document = Document(source)
        whole = applied(source, format_document(document, check_source(document.source)))
        assert whole == formatted(document).text
        start = chance.randrange(len(source))
        part = applied(source, format_ranges(document, [Span(start, start + 40)]))
        assert formatted(Document(part)).text == whole
        if line_end == "\r":
            assert b"\n" not in part
        problems = {problem.code for problem in lower(Document(part)).diagnostics}
        assert problems <= {problem.code for problem in lower(document).diagnostics}


def test_no_prefix_of_an_example_raises() -> None:
    for path in EXAMPLES:
        source = path.read_bytes()
        for end in range(0, len(source) + 1, 31):
            document = Document(source[:end])
            applied(source[:end], format_document(document, check_source(document.source)))
            applied(source[:end], format_ranges(document, [Span(max(end - 40, 0), end)]))


def test_a_range_of_a_large_text_is_laid_out_as_in_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    objects = "object LongerName : FinSet 2 # one\nobject B : FinSet 2\n# two\ndata x: B * Real # three\n"
    texts = [
        UNTIDY,
        objects,
        EVERYTHING.replace(" <- ", "<-"),
        "## says\n" + UNTIDY,
        "object  ) : (\n",
        "\n\n",
    ]
    for _ in range(120):
        source = "".join(chance.choices(texts, k=5)).encode()
        document = Document(source)
        start = chance.randrange(len(source))
        spans = [Span(start, min(start + chance.choice([0, 5, 300]), len(source)))]
        monkeypatch.setattr(formatting, "LARGE_BYTES", 10**9)
        wanted = format_ranges(document, spans)
        monkeypatch.setattr(formatting, "LARGE_BYTES", 0)
        assert format_ranges(document, spans) == wanted
