"""Every piece of advice in the fixtures, and what its fixes leave behind."""

import os
from collections import Counter
from pathlib import Path

import pytest
from markdown_fixtures import Fixture, annotated, fixtures, is_advice

from quivers.check.analysis import Analysis, check_source
from quivers.codes import CODES
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Diagnostic, Fix, Severity

FOLDER = Path(__file__).parent
FIXTURES = fixtures(FOLDER)


def name(fixture: Fixture) -> str:
    return f"{fixture.file.stem}: {fixture.heading}"


def keys(diagnostics: tuple[Diagnostic, ...]) -> Counter[tuple[str, str]]:
    return Counter((problem.code, problem.message) for problem in diagnostics)


def applied(source: str, fix: Fix) -> str:
    data = source.encode()
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        data = data[: edit.span.start] + edit.text.encode() + data[edit.span.end :]
    return data.decode()


@pytest.mark.parametrize("fixture", FIXTURES, ids=name)
def test_a_fixture_has_the_advice_written_under_its_lines(fixture: Fixture) -> None:
    found = annotated(fixture.program, advice=True)
    if "QVR_REWRITE_FIXTURES" in os.environ:
        text = fixture.file.read_text(encoding="utf-8")
        fixture.file.write_text(text.replace(fixture.text, found, 1), encoding="utf-8")
        return
    assert found == fixture.text


@pytest.mark.parametrize("fixture", FIXTURES, ids=name)
@pytest.mark.parametrize("ending", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_every_fix_removes_its_diagnostic_and_adds_none(fixture: Fixture, ending: str) -> None:
    source = fixture.program.replace("\n", ending)
    before = check_source(source)
    counts = keys(before.diagnostics)
    for problem in before.diagnostics:
        for fix in problem.fixes:
            changed = applied(source, fix)
            after = keys(check_source(changed).diagnostics)
            assert after[problem.code, problem.message] < counts[problem.code, problem.message], fix.title
            assert not (after - counts), f"{fix.title}: {after - counts}"
            assert changed.count("\r\n") == (changed.count("\n") if ending == "\r\n" else 0)


def test_every_piece_of_advice_is_raised_by_a_fixture_at_the_severity_of_its_code() -> None:
    raised = [problem for each in FIXTURES for problem in check_source(each.program).diagnostics]
    wanted = {code for code in CODES if "QVR701" <= code < "QVR790"}
    assert {problem.code for problem in raised if is_advice(problem)} == wanted
    assert all(problem.severity is CODES[problem.code].severity for problem in raised)


def test_fixtures_about_advice_have_no_errors() -> None:
    for fixture in FIXTURES:
        assert not [
            problem
            for problem in check_source(fixture.program).diagnostics
            if problem.severity is Severity.ERROR
        ], name(fixture)


UNUSED = """object School : FinSet 8
object Spare : FinSet 2

program p : School -> School
    sample theta : School <- Normal(0, 1)
    observe y : School <- Normal(theta, 1)
    return theta

program q : School -> School
    sample theta : School <- Normal(0, 1)
    observe y : School <- Normal(theta, 1)
    return theta
"""


def test_advice_on_one_program_costs_no_check_of_another() -> None:
    analysis = Analysis()
    document = Document(UNUSED.encode())
    analysis.check(document)
    before = analysis.counters.checked
    at = UNUSED.index("    return")
    document.edit(Span(at, at), "    let spare = index(Spare)\n")
    found = analysis.check(document).diagnostics
    assert analysis.counters.checked - before == 1
    assert [problem.code for problem in found] == ["QVR708"]
    assert found == check_source(document.source).diagnostics


def test_a_program_with_an_error_gets_no_advice_and_may_use_every_object_that_it_names() -> None:
    broken = UNUSED.replace("Normal(theta, 1)", "Normal(theta, 1, Spare)", 1)
    assert [problem.code for problem in check_source(broken).diagnostics if is_advice(problem)] == []
    assert "QVR709" in {problem.code for problem in check_source(UNUSED).diagnostics}
