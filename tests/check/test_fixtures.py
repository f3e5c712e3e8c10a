import os
from collections import Counter
from pathlib import Path

import pytest
from markdown_fixtures import Fixture, annotated, fixtures, is_advice

from quivers.check.analysis import check_source
from quivers.codes import CODES
from quivers.syntax.problems import Diagnostic, Fix

FOLDER = Path(__file__).parent
FIXTURES = fixtures(FOLDER)


def name(fixture: Fixture) -> str:
    return f"{fixture.file.stem}: {fixture.heading}"


@pytest.mark.parametrize("fixture", FIXTURES, ids=name)
def test_a_fixture_has_the_types_and_diagnostics_written_under_its_lines(fixture: Fixture) -> None:
    found = annotated(fixture.program)
    if "QVR_REWRITE_FIXTURES" in os.environ:
        text = fixture.file.read_text(encoding="utf-8")
        fixture.file.write_text(text.replace(fixture.text, found, 1), encoding="utf-8")
        return
    assert found == fixture.text


def keys(diagnostics: tuple[Diagnostic, ...]) -> Counter[tuple[str, str]]:
    return Counter((problem.code, problem.message) for problem in diagnostics if not is_advice(problem))


def apply(source: str, fix: Fix) -> str:
    data = source.encode()
    for edit in sorted(fix.edits, key=lambda edit: edit.span.start, reverse=True):
        data = data[: edit.span.start] + edit.text.encode() + data[edit.span.end :]
    return data.decode()


@pytest.mark.parametrize("fixture", FIXTURES, ids=name)
def test_every_fix_removes_its_diagnostic_and_adds_none(fixture: Fixture) -> None:
    before = check_source(fixture.program)
    counts = keys(before.diagnostics)
    for problem in before.diagnostics:
        if not problem.code.startswith("QVR1") and not is_advice(problem):
            for fix in problem.fixes:
                after = keys(check_source(apply(fixture.program, fix)).diagnostics)
                key = (problem.code, problem.message)
                assert after[key] < counts[key], fix.title
                assert not (after - counts), fix.title


CHECKED = {code for code in CODES if code[3] in "2345"} - {"QVR390"}  # the graph builder's own


def test_every_code_of_the_checker_is_raised_by_a_fixture() -> None:
    raised = {problem.code for fixture in FIXTURES for problem in check_source(fixture.program).diagnostics}
    assert CHECKED - raised == set()
    assert raised - CODES.keys() == set()


def test_every_diagnostic_of_a_fixture_has_the_severity_of_its_code() -> None:
    for fixture in FIXTURES:
        for problem in check_source(fixture.program).diagnostics:
            assert problem.severity is CODES[problem.code].severity, problem


@pytest.mark.parametrize(("index", "call"), [("t - 1", "lag(y)"), ("t-2", "lag(y, 2)")])
def test_an_earlier_value_by_a_loops_index_is_offered_as_a_lag(index: str, call: str) -> None:
    source = (
        "object Time : FinSet\n\nprogram p : Time -> Real\n    sample rho <- Normal(0.0, 1.0)\n"
        f"    observe y : Time <- Normal(rho * y[{index}], 1.0)\n    return rho\n"
    )
    [problem] = check_source(source).diagnostics
    [fix] = problem.fixes
    assert apply(source, fix) == source.replace(f"y[{index}]", call)


def test_an_index_that_a_step_binds_is_not_offered_as_a_lag() -> None:
    source = (
        "object Time : FinSet\n\nprogram p : Time -> Real\n    sample rho <- Normal(0.0, 1.0)\n"
        "    observe y : Time <- Normal(y[rho - 1], 1.0)\n    return rho\n"
    )
    assert [each.fixes for each in check_source(source).diagnostics if each.code == "QVR309"] == [()]
