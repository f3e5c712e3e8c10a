"""Diagnostics as text: what a person sees, drawn out."""

from __future__ import annotations

import textwrap

import pytest

from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity
from quivers.terminal.frames import render, summary_line, title_line

SCHOOLS = """\
object School : FinSet 8
program schools : School -> School
    sample tau <- Normal(0.0, 5.0)
    sample theta : Scool <- Normal(0, tau)
    return theta
"""


def span(source: str, token: str, *, nth: int = 0) -> Span:
    data, needle = source.encode(), token.encode()
    start = -1
    for _ in range(nth + 1):
        start = data.index(needle, start + 1)
    return Span(start, start + len(needle))


def drawn(source: str, diagnostic: Diagnostic) -> str:
    return render([diagnostic], source.encode(), "schools.qvr", colour=False)


def plain(text: str) -> str:
    return textwrap.dedent(text).strip("\n")


def test_the_token_is_underlined_and_labels_hint_and_fix_follow() -> None:
    found = Diagnostic(
        "QVR201",
        Severity.ERROR,
        span(SCHOOLS, "Scool"),
        "There is no object `Scool`",
        labels=(Label(span(SCHOOLS, "School"), "`School` is declared here"),),
        fixes=(Fix("write `School`", (Edit(span(SCHOOLS, "Scool"), "School"),)),),
        hint="objects are declared before they are used",
    )
    assert drawn(SCHOOLS, found) == plain("""
        error[QVR201]: There is no object `Scool`
         --> schools.qvr:4:20
          |
        1 | object School : FinSet 8
          |        ------ `School` is declared here
        ...
        4 |     sample theta : Scool <- Normal(0, tau)
          |                    ^^^^^
          |
          = hint: objects are declared before they are used
          = fix: write `School`
          |     sample theta : School <- Normal(0, tau)
          |                    ++++++
    """)


def test_two_labels_on_one_line_stand_under_one_another() -> None:
    found = Diagnostic(
        "QVR401",
        Severity.WARNING,
        span(SCHOOLS, "tau", nth=1),
        "`tau` may be negative, and Normal's scale must be positive",
        labels=(Label(span(SCHOOLS, "Normal", nth=1), "scale : Real⁺"),),
    )
    assert drawn(SCHOOLS, found) == plain("""
        warning[QVR401]: `tau` may be negative, and Normal's scale must be positive
         --> schools.qvr:4:39
          |
        4 |     sample theta : Scool <- Normal(0, tau)
          |                                       ^^^
          |                             ------ scale : Real⁺
    """)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("let x = a ⊗ bad", "let x = a ⊗ bad\n            ^^^"),
        ("let 𝒩 = bad", "let 𝒩 = bad\n        ^^^"),
        ("# 😀 bad", "# 😀 bad\n     ^^^"),
        ("# 学校 bad", "# 学校 bad\n       ^^^"),
        ("# e\u0301\u0302 bad", "# e\u0301\u0302 bad\n    ^^^"),
        ("\tbad", "    bad\n    ^^^"),
        ("a\tbad", "a   bad\n    ^^^"),
        ("\x1b[31m bad", "␛[31m bad\n      ^^^"),
        ("\u202e bad", "� bad\n  ^^^"),
        ("\x0c\u2028 bad", "␌� bad\n   ^^^"),
    ],
)
def test_labels_align_in_cells_whatever_stands_to_the_left(line: str, shown: str) -> None:
    source = f"{line}\n"
    text = drawn(source, Diagnostic("QVR100", Severity.ERROR, span(source, "bad"), "No"))
    lines = text.split("\n")[3:]
    assert "\n".join(each[4:] for each in lines) == shown
    column = source.index("bad") + 1
    assert f"schools.qvr:1:{column}\n" in text


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_each_line_ending_is_left_out(ending: str) -> None:
    source = ending.join(["one", "two bad", "three"])
    found = Diagnostic("QVR100", Severity.ERROR, span(source, "bad"), "No")
    text = drawn(source, found)
    assert text.splitlines()[3:] == ["2 | two bad", "  |     ^^^"]
    assert "\r" not in text


def test_an_empty_span_has_one_caret_also_at_the_files_end() -> None:
    found = Diagnostic("QVR100", Severity.ERROR, Span(4, 4), "Something is missing")
    assert drawn("let ", found).splitlines()[2:] == ["  |", "1 | let", "  |     ^"]
    assert drawn("", Diagnostic("QVR100", Severity.ERROR, Span(0, 0), "Empty")).splitlines() == [
        "error[QVR100]: Empty", " --> schools.qvr:1:1", "  |", "1 |", "  | ^",
    ]  # fmt: skip


def test_a_span_over_lines_is_underlined_to_the_first_lines_end() -> None:
    source = "let x = (1 +\n   2)\n"
    found = Diagnostic("QVR100", Severity.ERROR, span(source, "(1 +\n   2)"), "No")
    assert drawn(source, found).splitlines()[3:] == ["1 | let x = (1 +", "  |         ^^^^ (to line 2)"]


def test_line_numbers_of_different_length_share_a_margin() -> None:
    source = "".join(f"line{number}\n" for number in range(1, 13))
    found = Diagnostic(
        "QVR100", Severity.ERROR, span(source, "line12"), "No", (Label(span(source, "line9"), "here"),)
    )
    assert drawn(source, found).splitlines()[1:] == [
        "  --> schools.qvr:12:1", "   |",
        " 9 | line9", "   | ----- here", "...", "12 | line12", "   | ^^^^^^",
    ]  # fmt: skip


def test_a_very_long_line_is_cut_around_its_label() -> None:
    source = "x" * 5000 + "bad" + "y" * 5000
    start = Span(5000, 10_000)
    lines = drawn(source, Diagnostic("QVR100", Severity.ERROR, start, "No")).splitlines()
    shown, label = lines[3][4:], lines[4][4:]
    assert len(shown) < 130
    assert shown[label.index("^") : label.index("^") + 3] == "bad"
    assert len(label) < 130
    assert shown.startswith("…")
    assert shown.endswith("…")


def test_colour_only_adds_to_the_text() -> None:
    found = Diagnostic("QVR201", Severity.ERROR, span(SCHOOLS, "Scool"), "No", hint="hint")
    coloured = render([found], SCHOOLS.encode(), "schools.qvr", colour=True)
    assert "\x1b[1;31merror[QVR201]\x1b[0m" in coloured
    import re

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == drawn(SCHOOLS, found)


def test_a_problem_without_a_place_has_only_a_title() -> None:
    assert title_line(Severity.ERROR, "QVR600", "x.json does not exist", colour=False) == (
        "error[QVR600]: x.json does not exist"
    )


def test_the_summary_counts_each_severity() -> None:
    error, warning, hint = Severity.ERROR, Severity.WARNING, Severity.HINT
    assert summary_line([error, warning, error], 1) == "2 errors, 1 warning in 1 file"
    assert summary_line([hint], 2) == "1 hint in 2 files"
    assert summary_line([], 1) == "No problems in 1 file"


def test_a_name_from_the_data_cannot_steer_the_terminal() -> None:
    assert title_line(Severity.ERROR, None, "no `\x1b[2J\u202e`", colour=False) == "error: no `␛[2J�`"
