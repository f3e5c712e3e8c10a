"""Which programs are offered a run, and the reason where one is not."""

from quivers.check.analysis import check_source
from quivers.ide.runs import run_targets
from quivers.syntax.ast import Span

GOOD = """\
object School : FinSet 8
program good : School -> School
    sample theta : School <- Normal(0.0, 1.0)
    return theta

"""


def test_a_program_without_errors_can_be_run() -> None:
    (target,) = run_targets(check_source(GOOD))
    assert (target.program, target.title, target.runnable, target.reason) == (
        "good",
        "▶ Run good",
        True,
        None,
    )
    assert GOOD.encode()[target.span.start : target.span.end] == b"good"


def test_errors_are_counted_in_the_reason() -> None:
    bad = GOOD + GOOD.split("\n", 1)[1].replace("good", "bad").replace("Normal", "Norml").replace(
        "return theta", "return tau + exq(1)"
    )
    good, found = run_targets(check_source(bad))
    assert good.runnable
    assert not found.runnable
    assert found.reason == "`bad` has 2 errors."


def test_a_wrong_declaration_elsewhere_is_the_reason() -> None:
    (target,) = run_targets(check_source(GOOD.replace("FinSet 8", "FinSet 0")))
    assert not target.runnable
    assert target.reason == "`good` uses a declaration that has an error."


def test_warnings_do_not_stop_a_run() -> None:
    (target,) = run_targets(check_source(GOOD.replace("Normal(0.0, 1.0)", "Normal(0.0, a - b)")))
    assert target.runnable


def test_a_file_without_programs_has_no_targets() -> None:
    assert run_targets(check_source("object A : FinSet 3\n")) == ()


def test_a_program_with_parameters_is_not_run_by_itself_and_a_composition_is() -> None:
    text = """object School : FinSet 8
program pooled(scale : Real [low=0], G : FinSet) : G -> G
    sample z : G <- Normal(0.0, scale)
    return z

program first : School -> School
    sample theta <- pooled(2.0, School)
    return theta

define again = first * first
"""
    targets = {target.program: target for target in run_targets(check_source(text))}
    assert {name: target.runnable for name, target in targets.items()} == {
        "pooled": False,
        "first": True,
        "again": True,
    }
    assert targets["pooled"].reason == "`pooled` takes `scale`, `G`; run a program that draws from it."
    assert targets["again"].span == Span(text.index("again"), text.index("again") + len("again"))
