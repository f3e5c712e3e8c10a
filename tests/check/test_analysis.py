"""The incremental check against a fresh one, and how much of a file an edit looks at again."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_fixtures import fixtures

from quivers.check.analysis import Analysis, check_source
from quivers.check.program import Checked, Role
from quivers.syntax.ast import Span
from quivers.syntax.document import Document

PROGRAMS = [fixture.program for fixture in fixtures(Path(__file__).parent)]
TOKENS = sorted(set(re.findall(r"\w+|[^\w\s]+|\n    |\n", "".join(PROGRAMS))))
PROGRAM = """program p{number} : {object} -> {object}
    sample tau <- HalfNormal(5.0)
    sample theta : {object} <- Normal(0.0, tau)
    observe y : {object} <- Normal(theta, sigma)
    return theta

"""


def many(count: int) -> str:
    """`count` programs, in turn over School and over Class."""
    return "object School : FinSet 8\nobject Class : FinSet 4\n\n" + "".join(
        PROGRAM.format(number=number, object="School" if number % 2 else "Class") for number in range(count)
    )


def facts(checked: Checked) -> tuple[object, ...]:
    """All that a checked file says, so that two can be compared."""
    return (
        dict(checked.objects),
        dict(checked.programs),
        tuple(checked.occurrences),
        checked.diagnostics,
        checked.exported,
    )


def at(document: Document, text: str) -> int:
    return document.source.index(text.encode())


def test_an_edit_inside_one_program_checks_that_one_alone() -> None:
    analysis, document = Analysis(), Document(many(100).encode())
    analysis.check(document)
    assert analysis.counters.checked == 102
    start = at(document, "program p50 ")
    place = start + document.source[start:].index(b"5.0")
    document.edit(Span(place, place + 3), "2.5")
    analysis.check(document)
    assert analysis.counters.checked == 103
    assert analysis.counters.lowered == 103


def test_text_put_above_checks_nothing_again_and_moves_what_is_below() -> None:
    analysis, document = Analysis(), Document(many(10).encode())
    before = analysis.check(document)
    document.edit(Span(0, 0), "# a comment\n\n")
    after = analysis.check(document)
    assert analysis.counters.checked == 12
    moved = before.programs["p9"].inputs[0].uses[0].shifted(len("# a comment\n\n"))
    assert after.programs["p9"].inputs[0].uses[0] == moved


def test_renaming_an_object_checks_its_users_and_no_others() -> None:
    analysis, document = Analysis(), Document(many(100).encode())
    analysis.check(document)
    place = at(document, "Class")
    document.edit(Span(place, place + len("Class")), "Klass")
    checked = analysis.check(document)
    assert analysis.counters.checked == 102 + 1 + 50
    assert {problem.code for problem in checked.diagnostics} == {"QVR201"}


def test_an_objects_new_size_or_documentation_checks_users_only_when_they_can_tell() -> None:
    analysis, document = Analysis(), Document(many(10).encode())
    analysis.check(document)
    document.edit(Span(0, 0), "## the schools\n")
    analysis.check(document)
    assert analysis.counters.checked == 12 + 1


def test_a_near_name_appears_when_the_object_that_it_names_is_declared() -> None:
    text = "program p : School -> School\n    sample theta : School <- Normal(0.0, 1.0)\n    return theta\n"
    analysis, document = Analysis(), Document(text.encode())
    assert all(
        problem.fixes == () or "Declare" in problem.fixes[0].title
        for problem in analysis.check(document).diagnostics
    )
    document.edit(Span(0, 0), "object Schools : FinSet 8\n")
    assert facts(analysis.check(document)) == facts(check_source(document.source))


def test_the_last_program_stands_for_a_file_without_an_export() -> None:
    assert check_source(many(3)).exported == "p2"
    assert check_source(many(3) + "export p1\n").exported == "p1"
    assert check_source(many(3) + "export nothing\n").exported is None


def test_a_program_that_uses_a_wrong_declaration_has_errors_though_none_is_in_it() -> None:
    checked = check_source(many(1).replace("Class : FinSet 4", "Class : FinSet 0"))
    assert [problem.code for problem in checked.diagnostics] == ["QVR316"]
    assert checked.programs["p0"].has_errors


def test_a_syntax_error_in_a_program_counts_for_that_program_alone() -> None:
    checked = check_source(many(2).replace("HalfNormal(5.0)", "HalfNormal(5.0", 1))
    assert [checked.programs[name].has_errors for name in ("p0", "p1")] == [True, False]


def test_occurrences_are_found_by_position_and_know_where_their_name_is_bound() -> None:
    text = many(2)
    checked = check_source(text)
    place = text.index("tau)", text.index("p1"))
    occurrence = checked.occurrence_at(place)
    assert occurrence is not None
    assert (occurrence.name, occurrence.role, occurrence.program) == ("tau", Role.LATENT, "p1")
    assert occurrence.definition is not None
    assert occurrence.definition.start == text.index("tau", text.index("p1"))
    school = checked.occurrence_at(text.index("School", text.index("p1")))
    assert school is not None
    assert school.definition == Span(text.index("School"), text.index("School") + 6)
    assert checked.occurrence_at(text.index("<-")) is None


def test_occurrences_cover_the_text_of_their_name() -> None:
    for program in PROGRAMS:
        source = program.encode()
        for occurrence in check_source(program).occurrences:
            assert source[occurrence.span.start : occurrence.span.end].decode() == occurrence.name


def test_diagnostics_are_sorted_and_inside_the_text() -> None:
    for program in PROGRAMS:
        problems = check_source(program).diagnostics
        starts = [problem.span.start for problem in problems]
        assert starts == sorted(starts)
        assert all(
            0 <= problem.span.start <= problem.span.end <= len(program.encode()) for problem in problems
        )


@settings(max_examples=40, deadline=None)
@given(program=st.sampled_from(PROGRAMS), data=st.data())
def test_any_edits_leave_the_same_as_a_fresh_check(program: str, data: st.DataObject) -> None:
    analysis, document = Analysis(), Document(program.encode())
    analysis.check(document)
    for _ in range(data.draw(st.integers(1, 4))):
        text = document.source.decode()
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.integers(0, 12)))
        span = Span(len(text[:start].encode()), len(text[:end].encode()))
        document.edit(span, data.draw(st.sampled_from(TOKENS) | st.just("") | st.text(max_size=3)))
        assert facts(analysis.check(document)) == facts(check_source(document.source))


@settings(max_examples=40, deadline=None)
@given(program=st.sampled_from(PROGRAMS), length=st.integers(0, 400))
def test_a_program_cut_off_anywhere_is_checked_without_an_exception(program: str, length: int) -> None:
    facts(check_source(program[:length]))


def words(text: str) -> Iterable[str]:
    return re.findall(r"\w+", text)


@settings(max_examples=40, deadline=None)
@given(program=st.sampled_from(PROGRAMS), data=st.data())
def test_a_word_in_the_place_of_another_is_checked_without_an_exception(
    program: str, data: st.DataObject
) -> None:
    found = list(re.finditer(r"\w+", program))
    match = data.draw(st.sampled_from(found))
    word = data.draw(st.sampled_from(sorted(set(words(program)))))
    facts(check_source(program[: match.start()] + word + program[match.end() :]))


HALVES = (
    "    sample", "    sample new", "    sample new :", "    sample new <-", "    let new =",
    "    observe new : ", "    score", "    sample new <- Normal(", "    let new = exp(", "    let new = 1 +",
)  # fmt: skip
CLEAN = [program for program in PROGRAMS if not check_source(program).diagnostics]


@pytest.mark.parametrize("program", CLEAN)
def test_an_unclosed_bracket_is_one_mistake(program: str) -> None:
    for match in re.finditer(r"[)\]]", program):
        problems = check_source(program[: match.start()] + program[match.end() :]).diagnostics
        assert [problem.code[:4] for problem in problems] == ["QVR1"] * len(problems)


@pytest.mark.parametrize("program", CLEAN)
def test_a_half_typed_last_line_says_nothing_of_names_or_types(program: str) -> None:
    for half in HALVES:
        steps = re.split(r"\n    return", program)[0]
        problems = check_source(f"{steps}\n{half}\n").diagnostics
        assert [problem.code[:4] for problem in problems if problem.code != "QVR313"] == ["QVR1"], half
