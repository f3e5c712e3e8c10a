"""All safe fixes at once, comments that silence, and refactorings on text that is half typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.check.analysis import Analysis, check_source
from quivers.check.program import Checked
from quivers.check.rewrites.lines import applied
from quivers.ide.actions import REFACTORINGS, change, offers
from quivers.ide.actions.fixing import fix_all, ignoring, safe_fix
from quivers.ide.actions.selection import Change, Obstacle, Selection
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.lines import LineIndex
from quivers.syntax.problems import Diagnostic, Fix

EXAMPLES = sorted((Path(__file__).parent.parent.parent / "examples").glob("*/[!.]*.qvr"))


def shown(checked: Checked, source: bytes) -> tuple[Diagnostic, ...]:
    return checked.diagnostics


def at(text: str, start: int = 0, end: int = 0) -> Selection:
    analysis, document = Analysis(), Document(text.encode())
    return Selection(analysis.check(document), document, Span(start, end), analysis)


def all_fixed(text: str) -> str | None:
    made = fix_all(at(text), shown)
    return None if made is None else applied(text.encode(), Fix("", made.edits)).decode()


HEAD = "object A : FinSet 2\n"
STEPS = "    sample m : A <- Normal(0.0, 1.0)\n    observe y : A <- Normal(m, 1.0)\n    return m\n"


def test_a_text_without_problems_is_left_alone() -> None:
    assert all_fixed(f"{HEAD}program p : A -> A\n{STEPS}") is None


def test_fixes_of_one_line_are_made_one_after_the_other() -> None:
    broken = f"{HEAD}program p : A -> A [effects=[Sample, Marginal]]\n{STEPS}"
    assert all_fixed(broken) == f"{HEAD}program p : A -> A [effects=[Sample, Score]]\n{STEPS}"


def test_what_a_slip_had_hidden_is_fixed_in_the_next_round() -> None:
    broken = f"{HEAD}object B : FinSet 3\nprogram p : A -> A\n{STEPS}".replace(
        "Normal(0.0, 1.0)", "Normal(0.0, 1.0"
    )
    fixed = all_fixed(broken)
    assert fixed == f"{HEAD}program p : A -> A\n{STEPS}"
    assert check_source(fixed).diagnostics == ()


def test_the_edits_touch_no_more_than_what_they_mend() -> None:
    text = f"{HEAD}program p : A -> A\n{STEPS}".replace("Normal(0.0", "Normol(0.0").replace(
        "Normal(m", "Normla(m"
    )
    made = fix_all(at(text), shown)
    assert made is not None
    assert [(text.encode()[e.span.start : e.span.end], e.text) for e in made.edits] == [
        (b"Normol", "Normal"),
        (b"Normla", "Normal"),
    ]


def test_a_fix_that_cannot_be_applied_beside_another_waits_for_its_round() -> None:
    above = "object B : FinSet 3\nobject C : FinSet 3\n"
    text = f"{above}{HEAD}program p : A -> A\n    let a = 1\n    let b = 2\n{STEPS}"
    assert all_fixed(text) == f"{HEAD}program p : A -> A\n{STEPS}"


def test_a_problem_that_needs_a_choice_or_another_model_is_not_safe() -> None:
    text = f"""{HEAD}program p : A -> A
    sample s <- Normal(0.0, 1.0)
    sample t <- HalfNormal(1.0)
    sample theta : A <- Normal(s, t)
    observe y : A <- Normal(theta + thet, s)
    return theta
"""
    problems = check_source(text).diagnostics
    assert {problem.code for problem in problems} >= {"QVR402", "QVR208"}
    assert [problem for problem in problems if safe_fix(problem)] == []
    assert all_fixed(text) is None


def test_only_what_is_shown_is_fixed() -> None:
    text = f"{HEAD}object B : FinSet 3\nprogram p : A -> A\n{STEPS}"
    assert all_fixed(text) is not None
    assert fix_all(at(text), lambda checked, source: ()) is None


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_an_ignoring_comment_silences_and_is_of_use(ending: str) -> None:
    from quivers.check.ignores import unsilenced

    text = f"{HEAD}program p : A -> A\n{STEPS}".replace("Normal(m, 1.0)", "Normal(m, m)  ").replace(
        "\n", ending
    )
    [problem] = check_source(text).diagnostics
    fix = ignoring(problem, text.encode(), LineIndex(text.encode()))
    assert fix is not None
    after = applied(text.encode(), fix)
    assert b"Normal(m, m)  # qvr: ignore[QVR402]" + ending.encode() in after
    assert unsilenced(check_source(after).diagnostics, after) == ()


# ------------------------------------------------------------------ half-typed text


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_no_refactoring_fails_at_any_place_of_a_text_cut_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for end in range(1, len(text), max(len(text) // 25, 1)):
        selection = at(text[:end])
        size = len(selection.document.source)
        for start in range(0, size, max(size // 12, 1)):
            for length in (0, 4, 17):
                span = Span(start, min(start + length, size))
                chosen = Selection(selection.checked, selection.document, span, selection.analysis)
                list(offers(chosen))
        for name in REFACTORINGS:
            change(
                Selection(selection.checked, selection.document, Span(size, size), selection.analysis), name
            )


EXPRESSIONS = st.recursive(
    st.sampled_from(["mu", "tau", "2", "0.5", "x", "eta"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "^"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        st.tuples(inner, st.sampled_from(["+", "*"]), inner).map(lambda t: f"{t[0]} {t[1]} {t[2]}"),
        inner.map(lambda e: f"exp({e})"),
        inner.map(lambda e: f"-({e})"),
        st.tuples(inner, inner).map(lambda t: f"(if tau > {t[0]} then {t[1]} else 1.0)"),
    ),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(EXPRESSIONS, st.data())
def test_a_change_that_is_given_leaves_all_else_as_it_was(expression: str, data: st.DataObject) -> None:
    text = (
        f"{HEAD}program p : A -> A\n    sample mu <- Normal(0.0, 1.0)\n    sample tau <- HalfNormal(1.0)\n"
        f"    sample eta : A <- Normal(0.0, 1.0)\n    let theta = tau * ({expression})\n"
        "    let more = theta + theta * 2\n    observe y : A <- Normal(eta + more, tau)\n    return eta\n"
    )
    first = text.index("let theta") + len("let theta = ")
    start = data.draw(st.integers(first, first + len(expression) + 6))
    end = data.draw(st.integers(start, first + len(expression) + 9))
    before = check_source(text)
    for name in ("extract", "extract-all", "inline"):
        made = change(
            at(text, start if name != "inline" else first - 4, end if name != "inline" else first - 4), name
        )
        assert isinstance(made, Change | Obstacle | None)
        if isinstance(made, Change):
            after = check_source(applied(text.encode(), Fix("", made.edits)))
            assert not {each.code for each in after.diagnostics} - {each.code for each in before.diagnostics}
            types, now = before.programs["p"].types, after.programs["p"].types
            kept = {key: str(type) for key, type in types.items() if key != "theta" or name != "inline"}
            assert kept.items() <= {key: str(type) for key, type in now.items()}.items()
