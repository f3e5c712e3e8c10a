# ruff: noqa: E501 (tables of sentences)
"""Comments that silence: which line and which codes they concern, and what is said of those that are no use."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quivers.check.ignores import unsilenced
from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Fix, Severity


def on(source: str, **codes: int) -> list[Diagnostic]:
    """A diagnostic of each code on the line, counted from 1, that it is given; QVR402_2 is a second one."""
    lines = LineIndex(source.encode())
    return [
        Diagnostic(code.split("_")[0], Severity.WARNING, lines.line_span(line - 1), "A problem.")
        for code, line in codes.items()
    ]


def left(source: str, **codes: int) -> list[str]:
    """What stays and what is added, as `CODE line`."""
    data = source.encode()
    lines = LineIndex(data)
    return [
        f"{each.code} {lines.position(each.span.start, Encoding.UTF8).line + 1}"
        for each in unsilenced(on(source, **codes), data)
    ]


def test_a_comment_at_the_end_of_a_line_silences_its_codes_there() -> None:
    source = "a # qvr: ignore[QVR402, QVR701]\nb\n"
    assert left(source, QVR402=1, QVR701=1, QVR404=1, QVR402_2=2) == ["QVR404 1", "QVR402 2"]


def test_a_comment_alone_silences_the_next_line_with_code() -> None:
    source = "# qvr: ignore[QVR402]\n\n   # why: the data are strong\n  a\nb\n"
    assert left(source, QVR402=4) == []
    assert left(source, QVR402=5) == ["QVR790 1", "QVR402 5"]


def test_a_bare_ignore_silences_all_but_syntax_errors() -> None:
    assert left("a # qvr: ignore\n", QVR301=1, QVR402=1, QVR701=1) == []
    assert left("a # qvr: ignore\n", QVR101=1, QVR402=1) == ["QVR101 1"]


def test_a_family_stands_for_its_codes() -> None:
    assert left("a # qvr: ignore[QVR7xx]\n", QVR701=1, QVR703=1, QVR402=1) == ["QVR402 1"]


def test_a_reason_may_follow_the_brackets() -> None:
    assert left("a # qvr: ignore[QVR402] the prior is far from 0\n", QVR402=1) == []


def test_several_comments_may_share_a_line() -> None:
    assert left("a # note # qvr: ignore[QVR402] # qvr: ignore[QVR404]\n", QVR402=1, QVR404=1) == []


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending_ends_a_comment(ending: str) -> None:
    source = ending.join(["# qvr: ignore[QVR402]", "a", "b # qvr: ignore", "c"])
    assert left(source, QVR402=2, QVR404=3) == []
    assert left(source, QVR402=2, QVR404=3, QVR402_2=4) == ["QVR402 4"]


@pytest.mark.parametrize(
    "comment",
    ["# qvr: ignor", "# qvr:", "# qvr: ignore[QVR402", "# qvr: ignore QVR402", "# qvr: ignore this"],
)
def test_a_comment_that_says_something_else_silences_nothing(comment: str) -> None:
    assert left(f"a {comment}\n", QVR402=1) == ["QVR402 1", "QVR791 1"]


def hints(source: str, **codes: int) -> list[tuple[str, str, str]]:
    return [
        (each.code, each.message, fixed(source, each.fixes[0]))
        for each in unsilenced(on(source, **codes), source.encode())
        if each.severity is Severity.HINT
    ]


def fixed(source: str, fix: Fix) -> str:
    (edit,) = fix.edits
    data = source.encode()
    return (data[: edit.span.start] + edit.text.encode() + data[edit.span.end :]).decode()


@pytest.mark.parametrize(
    ("source", "message", "mended"),
    [
        ("é # qvr: ignore[QVR402, QVR404]\n", "There is no `QVR404` here to ignore.", "é # qvr: ignore[QVR402]\n"),
        ("a  # qvr: ignore[QVR402]  # why\nb # qvr: ignore\n", "This comment silences nothing.", "a  # qvr: ignore[QVR402]  # why\nb\n"),
        ("a # qvr: ignore[QVR402, QVR40]\n", "No code is called `QVR40`.", "a # qvr: ignore[QVR402]\n"),
        ("a # qvr: ignore[QVR101,QVR402]\n", "`QVR101` can't be ignored: a syntax error is always shown.", "a # qvr: ignore[QVR402]\n"),
        ("a # qvr: ignore[QVR402]\n  # qvr: ignore[QVR301]\nb\n", "There is no `QVR301` here to ignore.", "a # qvr: ignore[QVR402]\nb\n"),
        ("a # qvr: ignore[QVR402]\nb # note # qvr: ignore[]\n", "This comment silences nothing.", "a # qvr: ignore[QVR402]\nb # note\n"),
        ("a # qvr: ignore[QVR402]\n# qvr: ignore", "This comment silences nothing.", "a # qvr: ignore[QVR402]\n"),
    ],
)  # fmt: skip
def test_what_is_of_no_use_is_a_hint_whose_fix_removes_it(source: str, message: str, mended: str) -> None:
    ((_, found, after),) = hints(source, QVR402=1)
    assert (found, after) == (message, mended)
    assert hints(mended, QVR402=1) == []


def test_beside_a_syntax_error_no_comment_is_called_useless() -> None:
    assert left("a # qvr: ignore[QVR402]\n(\n", QVR102=2) == ["QVR102 2"]


def test_what_only_the_data_can_show_is_not_called_useless() -> None:
    assert left("a # qvr: ignore[QVR608]\n") == []
    assert left("a # qvr: ignore[QVR608]\n", QVR608=1) == []


COMMENTS = st.lists(
    st.sampled_from(
        ["a", "b # qvr: ignore", "# qvr: ignore[QVR402]", "c # qvr: ignore[QVR402,QVR404]", "", "# qvr: x",
         "d # qvr: ignore[QVR9, QVR402]", "  # note # qvr: ignore[QVR404,]", "é # qvr: ignore[]"]
    )
)  # fmt: skip


@given(COMMENTS, st.sampled_from(["\n", "\r\n"]), st.data())
def test_every_fix_removes_its_hint_and_adds_none(parts: list[str], ending: str, data: st.DataObject) -> None:
    source = ending.join(parts)
    code_lines = [number for number, part in enumerate(parts) if part and not part.lstrip().startswith("#")]
    marked = data.draw(st.sets(st.sampled_from(code_lines))) if code_lines else set()

    def problems(text: str) -> list[Diagnostic]:
        # The code of a line is one letter, so a letter's count finds it again after a line was removed.
        lines = LineIndex(text.encode())
        spans = [lines.line_span(number) for number in range(lines.line_count)]
        code = [
            span for span in spans if text.encode()[span.start : span.end].lstrip()[:1] not in (b"", b"#")
        ]
        return [
            Diagnostic("QVR402", Severity.WARNING, Span(span.start, span.start + 1), "A problem.")
            for number, span in zip(code_lines, code, strict=True)
            if number in marked
        ]

    before = unsilenced(problems(source), source.encode())
    for hint in before:
        for fix in hint.fixes:
            after_text = fixed(source, fix)
            after = unsilenced(problems(after_text), after_text.encode())
            assert len(after) < len(before)
