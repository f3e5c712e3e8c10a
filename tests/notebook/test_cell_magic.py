"""`%%qvr` in IPython's own shell: programs by name, posteriors, and problems with their line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from quivers.dsl import Program
from quivers.inference.mcmc_result import MCMCResult

CELL = """\
object A : FinSet 3
program p : A -> A
    sample x : A <- Normal(0.0, 1.0)
    observe y : A <- Normal(x, 1.0)
    return x
"""
SHORT = "--chains 2 --warmup 100 --draws 60"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()
    shell.reset()
    shell.run_line_magic("load_ext", "quivers")
    yield shell
    InteractiveShell.clear_instance()


def ran(shell: InteractiveShell, line: str, cell: str = CELL) -> tuple[Any, list[Any], str]:
    """The cell's value, what it displayed, and what it wrote."""
    with capture_output() as captured:
        done = shell.run_cell(f"%%qvr {line}\n{cell}")
    return done.result, captured.outputs, captured.stdout + captured.stderr


def test_a_cell_s_program_goes_by_its_own_name_or_a_given_one(shell: InteractiveShell) -> None:
    value, _, _ = ran(shell, "")
    assert isinstance(value, Program)
    assert shell.user_ns["p"] is value
    value, _, _ = ran(shell, "other")
    assert shell.user_ns["other"] is value


def test_run_gives_the_posterior_for_a_variable_s_data(shell: InteractiveShell) -> None:
    shell.user_ns["observed"] = {"y": [1.0, 2.0, 3.0]}
    value, _, written = ran(shell, f"model --run --data observed --seed 5 {SHORT}")
    assert isinstance(value, MCMCResult)
    assert (value.seed, shell.user_ns["model_posterior"]) == (5, value)
    assert isinstance(shell.user_ns["model"], Program)
    assert "model_posterior" not in written
    assert repr(value) in written


def test_data_or_any_setting_of_a_run_runs_it(shell: InteractiveShell) -> None:
    shell.user_ns["observed"] = {"y": [1.0, 2.0, 3.0]}
    value, _, _ = ran(shell, f"--data observed {SHORT}")
    assert isinstance(value, MCMCResult)
    value, [shown], _ = ran(shell, "--draws 20")
    assert value is None
    assert shown.data["text/plain"] == "error: The data have no `y`, which is `A ⊗ Real`."
    assert "The data have no `y`" in shown.data["text/html"]


def test_inputs_come_from_variables_by_name_alone_or_beside_others(shell: InteractiveShell) -> None:
    cell = CELL.replace("Normal(x, 1.0)", "Normal(x, spread)")
    shell.user_ns |= {"y": [1.0, 2.0, 3.0], "spread": 0.5, "rest": {"spread": 0.5}, "both": {"y": [0.0] * 3}}
    first, _, _ = ran(shell, f"--data y,spread {SHORT}", cell)
    second, _, _ = ran(shell, f"--data rest --data y {SHORT}", cell)
    assert first.summary() == second.summary()
    _, [shown], _ = ran(shell, f"--data y,both {SHORT}", cell)
    assert "`y` is given twice" in shown.data["text/plain"]


def test_a_misspelt_variable_is_told_from_a_file(shell: InteractiveShell) -> None:
    shell.user_ns["observed"] = {"y": [1.0, 2.0, 3.0]}
    _, [shown], _ = ran(shell, "--data obsreved")
    sentence = "--data obsreved: there is no variable and no file of that name: did you mean `observed`?"
    assert shown.data["text/plain"] == f"error: {sentence}"


def test_the_extension_can_be_loaded_again(shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", "quivers.jupyter")
    shell.run_line_magic("reload_ext", "quivers")
    value, _, written = ran(shell, "")
    assert isinstance(value, Program)
    assert "Traceback" not in written


def test_an_error_of_a_cell_is_its_sentence_and_the_cell_s_line(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        shell.run_cell("import quivers\nquivers.fit('nowhere.qvr')")
    told = re.sub(r"\x1b\[\d+m", "", captured.stdout + captured.stderr).splitlines()
    assert told[0].startswith("QvrError: There is no file nowhere.qvr in ")
    assert told[1:] == ["  line 2: quivers.fit('nowhere.qvr')"]


def test_a_run_s_problems_are_told_once(shell: InteractiveShell) -> None:
    shell.user_ns["observed"] = {"y": [1.0, 2.0, 3.0]}
    value, _, written = ran(shell, f"--data observed {SHORT}")
    assert value.check()
    assert written.count(value.check()[0]) == 1


def test_problems_show_the_line_with_the_place_underlined(shell: InteractiveShell) -> None:
    ran(shell, "model")
    broken = CELL.replace("Normal(0.0, 1.0)", "Normall(0.0, 1.0)  # <b>")
    value, [shown], _ = ran(shell, "model", broken)
    assert value is None
    page = shown.data["text/html"]
    assert "error[QVR202]</b>" in page
    assert '   3 |     sample x : A &lt;- <span style="text-decoration:underline wavy' in page
    assert ">Normall</span>(0.0, 1.0)  # &lt;b&gt;</pre>" in page
    assert "<script" not in page
    assert "<summary>What QVR202 means</summary>" in page
    assert "^^^^^^^" in shown.data["text/plain"]
    # The program of before is gone, so that no cell goes on with it.
    assert "model" not in shell.user_ns


def test_a_place_at_a_line_s_end_is_underlined_too(shell: InteractiveShell) -> None:
    _, [shown], _ = ran(shell, "", CELL.replace("Normal(0.0, 1.0)", "Normal(0.0, 1.0"))
    assert "</span>" in shown.data["text/html"]


def test_warnings_are_shown_beside_the_program(shell: InteractiveShell) -> None:
    doubtful = CELL.replace("return x", "let s = sum(x)\n    observe w : A <- Normal(x, s)\n    return x")
    value, shown, _ = ran(shell, "", doubtful)
    assert isinstance(value, Program)
    assert "warning[QVR402]" in shown[0].data["text/html"]


def test_data_that_do_not_fit_are_a_sentence(shell: InteractiveShell) -> None:
    shell.user_ns["observed"] = {"y": [1.0, 2.0]}
    value, [shown], written = ran(shell, f"--run --data observed {SHORT}")
    assert value is None
    assert "y" in shown.data["text/plain"]
    assert shown.data["text/plain"].startswith("error: ")
    assert "Traceback" not in written
    assert "p_posterior" not in shell.user_ns


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--ru --nothing", "unrecognized arguments: --nothing"),
        ("1st", "'1st' is no name for a variable"),
        ("--run --seed x", "argument --seed: invalid int value: 'x'"),
        ("'", "no closing quotation"),
    ],
)
def test_misuse_is_said_as_ipython_says_it(shell: InteractiveShell, line: str, sentence: str) -> None:
    _, _, written = ran(shell, line)
    assert "UsageError: %%qvr: " in written
    assert sentence in written
    assert "Traceback" not in written
