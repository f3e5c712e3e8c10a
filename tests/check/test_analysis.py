"""The incremental check against a fresh one, and how much of a file an edit looks at again."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_fixtures import fixtures, is_advice

from quivers.check.analysis import Analysis, check_source
from quivers.check.program import Checked, Role
from quivers.syntax.ast import Span, Variable
from quivers.syntax.document import Document
from quivers.syntax.problems import Diagnostic, Severity
from quivers.syntax.reading import identifier

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
    assert {problem.code for problem in checked.diagnostics if not is_advice(problem)} == {"QVR201"}


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
            written = source[occurrence.span.start : occurrence.span.end].decode()
            assert identifier(written) == occurrence.name


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


def problems_in(text: str) -> list[Diagnostic]:
    """What the checker finds, its advice aside."""
    return [problem for problem in check_source(text).diagnostics if not is_advice(problem)]


CLEAN = [program for program in PROGRAMS if not problems_in(program)]


@pytest.mark.parametrize("program", CLEAN)
def test_an_unclosed_bracket_is_one_mistake(program: str) -> None:
    for match in re.finditer(r"[)\]]", program):
        problems = problems_in(program[: match.start()] + program[match.end() :])
        assert [problem.code[:4] for problem in problems] == ["QVR1"] * len(problems)


@pytest.mark.parametrize("program", CLEAN)
def test_a_half_typed_last_line_says_nothing_of_names_or_types(program: str) -> None:
    for half in HALVES:
        steps = program.rpartition("\n    return")[0]
        problems = problems_in(f"{steps}\n{half}\n")
        assert [problem.code[:4] for problem in problems if problem.code != "QVR313"] == ["QVR1"], half


CALLED = """program called(spread : Real [low=0]) : School -> School
    sample z : School <- Normal(0.0, spread)
    return z

"""
CALLER = """program caller{number} : School -> School
    sample theta <- called(2.5)
    observe y : School <- Normal(theta, sigma)
    return theta

"""


def callers(count: int) -> Document:
    """A program, `count` others that draw from it, one that draws from one of those, and ten that do not."""
    text = many(10) + CALLED + "".join(CALLER.format(number=number) for number in range(count))
    again = "program again : School -> School\n    sample x <- caller0()\n    return x\n"
    return Document((text + again).encode())


def checks_after(edited: str, text: str) -> int:
    """How many declarations are checked when `edited` in a file of programs and callers becomes `text`."""
    analysis, document = Analysis(), callers(5)
    analysis.check(document)
    before = analysis.counters.checked
    place = at(document, edited)
    document.edit(Span(place, place + len(edited.encode())), text)
    checked = analysis.check(document)
    assert facts(checked) == facts(check_source(document.source))
    return analysis.counters.checked - before


def test_an_edit_that_leaves_a_called_programs_signature_checks_no_caller() -> None:
    assert checks_after("Normal(0.0, spread)", "Normal(1.0, spread)") == 1
    assert checks_after("program called", "## the prior\nprogram called") == 1


def test_an_edit_that_changes_a_called_programs_signature_checks_its_callers() -> None:
    # The five callers have a new latent, and so has the one that draws from the first of them.
    assert checks_after("    return z\n", "    sample w <- Normal(0.0, 1.0)\n    return z\n") == 1 + 5 + 1
    assert checks_after("spread : Real [low=0]", "spread : Real") == 1 + 5


def test_a_called_program_with_an_error_keeps_its_callers_from_running_and_says_so_once() -> None:
    document = callers(2)
    place = at(document, "Normal(0.0, spread)")
    document.edit(Span(place, place + len("Normal(0.0, spread)")), "Normal(0.0, -1.0)")
    checked = check_source(document.source)
    assert [problem.code for problem in checked.diagnostics if problem.severity is Severity.ERROR] == [
        "QVR401"
    ]
    broken = {name for name, program in checked.programs.items() if program.has_errors}
    assert broken == {"called", "caller0", "caller1", "again"}


def test_a_draw_from_a_program_brings_its_names_and_its_inputs_under_its_own() -> None:
    text = """object School : FinSet 8
object Town : FinSet 3
data dose : School * Real

program inner(G : FinSet) : G -> G
    sample z : G <- Normal(0.0, 1.0)
    observe y : G <- Normal(z, sigma)
    return z

program middle(scale : Real [low=0], H : FinSet) : H -> H
    sample raw <- inner(H)
    let grown = scale * raw + 0.0 * sum(dose)
    return grown

program outside : Town -> Town
    sample theta <- middle(2.5, Town)
    return theta
"""
    program = check_source(text).programs["outside"]
    shown = {name: str(type) for name, type in program.types.items()}
    assert shown["theta"] == "Town ⊗ Real"
    assert shown["theta.grown"] == "Town ⊗ Real"
    assert shown["theta.raw.z"] == "Town ⊗ Real"
    inputs = {entry.name: (str(entry.type), entry.observed) for entry in program.inputs}
    assert inputs == {
        "dose": ("School ⊗ Real", False),
        "theta.raw.sigma": ("Town ⊗ Real⁺", False),
        "theta.raw.y": ("Town ⊗ Real", True),
    }
    (call,) = program.calls
    assert (call.draw, call.program, dict(call.objects)) == ("theta", "middle", {"H": "Town"})
    assert list(call.arguments) == ["scale"]
    assert call.inputs["raw.y"] == "theta.raw.y"
    assert call.inputs["dose"] == "dose"


def test_a_composition_stands_for_a_program_that_draws_from_its_parts() -> None:
    text = """object School : FinSet 8

program first : School -> School
    sample tau <- HalfNormal(1.0)
    sample z : School <- Normal(0.0, tau)
    return (effects: z, spread: tau)

program second(spread : Real [low=0], effects : School * Real) : School -> School
    observe y : School <- Normal(effects, spread)
    return effects

define both = first >> second
"""
    checked = check_source(text)
    assert problems_in(text) == []
    assert checked.exported == "both"
    program = checked.programs["both"]
    assert program.signature == "School -> School ! {Sample, Score}"
    assert [entry.name for entry in program.inputs] == ["second.y"]
    assert str(program.types["first.z"]) == "School ⊗ Real"
    assert str(program.types["first.effects"]) == "School ⊗ Real"
    assert [call.program for call in program.calls] == ["first", "second"]
    name = program.declaration.name.span.shifted(program.offset)
    assert text.encode()[name.start : name.end] == b"both"


def test_a_block_knows_its_observes_their_maps_and_the_types_inside_it() -> None:
    text = """object Item : FinSet 8
object Group : FinSet 3
object K : FinSet 2

program p : Item -> K
    sample mu : K <- Normal(0.0, 1.0) [ordered]
    marginalize z : K <- Categorical(probs) [over=Group]
        let m = mu[z]
        observe y : Item <- Normal(m, 1.0) [via=group]
        observe w : Group <- Normal(m, 1.0)
    return mu
"""
    program = check_source(text).programs["p"]
    (block,) = program.marginals
    assert (block.name, str(block.element), [str(axis) for axis in block.over or ()]) == ("z", "K", ["Group"])
    assert {name: str(type) for name, type in block.types.items()} == {"z": "K", "m": "Real"}
    maps = {
        observe.name: {
            str(axis): node.name for axis, node in observe.maps.items() if isinstance(node, Variable)
        }
        for observe in block.observes
    }
    assert maps == {"y": {"Group": "group"}, "w": {}}
    effects = [(step.span.start, {effect.value for effect in step.effects}) for step in program.step_effects]
    assert [found for _, found in effects] == [{"Sample"}, {"Score", "Marginal"}]


def test_the_last_program_without_parameters_stands_for_its_file() -> None:
    assert check_source("object School : FinSet 8\n" + CALLER.format(number=0) + CALLED).exported == "caller0"
    assert check_source("object School : FinSet 8\n" + CALLED).exported == "called"


def test_a_program_whose_data_may_be_declared_where_nothing_can_be_read_does_not_run() -> None:
    text = many(1) + "), y : Class * Real\n"
    assert check_source(text).programs["p0"].has_errors


def test_a_copy_of_an_analysis_knows_all_and_leaves_the_first_as_it_was() -> None:
    text = "object A : FinSet 2\nprogram p : A -> A\n    sample x : A <- Normal(0.0, 1.0)\n    return x\n"
    first = Analysis()
    before = first.check(Document(text.encode()))
    changed = text.replace("1.0", "2.0").replace("FinSet 2", "FinSet 3").encode()
    twin = first.copy()
    assert twin.check(Document(changed)).diagnostics == check_source(changed).diagnostics
    assert twin.check(Document(changed)).objects["A"].size == 3
    checked = first.counters.checked
    assert first.check(Document(text.encode())).diagnostics == before.diagnostics
    assert first.check(Document(text.encode())).objects["A"].size == 2
    assert first.counters.checked == checked
    again = first.copy()
    again.check(Document(text.encode()))
    assert again.counters.checked == 0
