# ruff: noqa: E501 (a table of sentences)
"""The command as a whole: help, misuse, faults."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import quivers
from quivers.cli import main
from quivers.cli.arguments import COMMANDS, parser
from quivers.cli.output import CLEAN, FAULT, INTERRUPTED, MISUSE, PIPE_CLOSED, PROBLEMS, TERMINATED

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("columns", [80, 100])
@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=str)
def test_help_fits_one_screen_and_has_an_example(
    command: list[str], columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([*command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 27
    assert max(map(len, lines)) <= columns
    assert any(line.startswith("example: qvr ") for line in lines)


def test_help_tells_the_exit_statuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    [told] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("exit status: ")]
    statuses = {int(number) for number in re.findall(r"\b\d+\b", told)}
    assert statuses == {CLEAN, PROBLEMS, MISUSE, INTERRUPTED, TERMINATED, FAULT}


def test_help_starts_without_the_runtime() -> None:
    code = "import sys; from quivers.cli import main; main(['--help']); print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    loaded = set(told.stdout.splitlines()[-1].split())
    assert not loaded & {"numpy", "torch", "rich", "lark", "tree_sitter", "llvmlite", "IPython", "pygments"}


def test_help_takes_a_few_times_as_long_as_python_itself() -> None:
    """A ratio, so that a busy machine slows both; the least of several tells what it takes."""

    resource = pytest.importorskip("resource", reason="Windows has no such clock")

    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True, cwd=ROOT)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(5))
    helped = min(seconds("-m", "quivers.cli", "--help") for _ in range(5))
    assert helped < 5 * bare


def test_version_is_told_both_ways(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"qvr {quivers.__version__}\n"
    assert main(["version"]) == 0
    assert capsys.readouterr().out.startswith(f"qvr {quivers.__version__} (Python ")


MISUSES = [
    (["chek"], "There is no command `chek`. Did you mean `check`?"),
    (["ru"], "There is no command `ru`. Did you mean `run`?"),
    (["frobnicate"], "There is no command `frobnicate`: `qvr --help` lists them."),
    (["help", "frobnicate"], "There is no command `frobnicate`: `qvr --help` lists them."),
    (["--verison"], "`qvr` has no option `--verison`. Did you mean `--version`?"),
    (["--quiet", "check", "m.qvr"], "`qvr` has no option `--quiet`. `check` has it: options come after the command."),
    (["check"], "`qvr check` needs FILE."),
    (["run"], "`qvr run` needs FILE."),
    (["compare"], "`qvr compare` needs A and B."),
    (["check", "m.qvr", "--fix"], "`qvr check` has no option `--fix`."),
    (["run", "m.qvr", "--drwas=9"], "`qvr run` has no option `--drwas`. Did you mean `--draws`?"),
    (["run", "m.qvr", "--draw", "9"], "`qvr run` has no option `--draw`. Did you mean `--draws`?"),
    (["run", "m.qvr", "--draws"], "`--draws` needs a value."),
    (["run", "m.qvr", "--quiet=3"], "`--quiet` takes no value: leave '3' out."),
    (["run", "m.qvr", "--resume", "--watch"], "`--watch` and `--resume` exclude each other."),
    (["run", "m.qvr", "n.qvr"], "`qvr run` takes one FILE, and `n.qvr` is a second."),
    (["run", "m.qvr", "n.csv"], "`qvr run` takes data by an option: `--data n.csv`."),
    (["run", "m.qvr", "a", "b"], "`qvr run` has no use for `a` and `b`."),
    (["run", "m.qvr", "--chains", "0"], "`--chains` is a whole number from 1 to 1024, not `0`."),
    (["run", "m.qvr", "--draws", "many"], "`--draws` is a whole number from 1 to 10000000, not `many`."),
    (["run", "m.qvr", "--draws", "1e3"], "`--draws` is a whole number from 1 to 10000000, not `1e3`: write 1000."),
    (["run", "m.qvr", "--draws", "1e12"], "`--draws` is a whole number from 1 to 10000000, not `1e12`."),
    (["run", "m.qvr", "--draws", "٣"], "`--draws` is a whole number from 1 to 10000000, not `٣`: write 3."),
    (["run", "m.qvr", "--seed", "-1"], "`--seed` is a whole number from 0 to 9223372036854775807, not `-1`."),
    (["run", "m.qvr", "--target-accept", "1"], "`--target-accept` lies between 0 and 1, as 0.95 does, not `1`."),
    (["run", "m.qvr", "--target-accept", "nan"], "`--target-accept` lies between 0 and 1, as 0.95 does, not `nan`."),
    (["run", "m.qvr", "--map", "y"], "`--map` is NAME=COLUMN, as in y=score, not `y`."),
    (["run", "m.qvr", "--algorithm", "NUTS"], "`--algorithm` is nuts or hmc, not `NUTS`. Did you mean `nuts`?"),
    (["run", ""], "`FILE` is an empty name: is a variable of the shell not set?"),
    (["run", "m.qvr", "--data", ""], "`--data` is an empty name: is a variable of the shell not set?"),
    (["plate", "m.qvr", "-o", ""], "`--output` is an empty name: is a variable of the shell not set?"),
    (["check", "m.qvr", "--output-format", "xml"], "`--output-format` is text, json, sarif or github, not `xml`."),
    (["runs", "lst"], "The action is list, show, export or remove, not `lst`. Did you mean `list`?"),
    (["completion", "ksh"], "SHELL is bash, zsh or fish, not `ksh`. Did you mean `zsh`?"),
]  # fmt: skip


@pytest.mark.parametrize(("arguments", "sentence"), MISUSES, ids=str)
def test_misuse_is_status_2_and_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    told, usage = err.splitlines()
    assert told == f"error: {sentence}"
    assert usage.startswith("usage: qvr ")
    assert usage.endswith("--help` tells more)")


@pytest.mark.parametrize(
    "how", ["foo", "theta", "theta=", "=0.5", "theta=2", "theta=nan", "theta=0.5,", "AUTO"], ids=str
)
def test_a_form_that_cannot_be_is_misuse(how: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "m.qvr", "--reparameterize", how]) == 2
    assert capsys.readouterr().err.startswith("error: `--reparameterize` is auto, centred, noncentred, or ")


def test_qvr_alone_shows_its_help_and_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert main(["--help"]) == 0
    assert capsys.readouterr().out == err


def test_help_is_a_word_too(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        assert main([name, "--help"]) == 0
        told = capsys.readouterr().out
        assert main(["help", name]) == 0
        assert capsys.readouterr().out == told
    assert main(["help"]) == 0
    assert capsys.readouterr().out.startswith("usage: qvr [-V] COMMAND ...")


def test_results_in_json_are_asked_for_in_one_way_everywhere() -> None:
    """`--json` is `--output-format json`, for each command that gives results."""
    given = {
        "check": ["m.qvr"], "run": ["m.qvr"], "runs": [], "compare": ["a", "b"], "sbc": ["m.qvr"],
        "prior": ["m.qvr"],
    }  # fmt: skip
    for name, needed in given.items():
        command = [name, *needed]
        assert parser(command).parse_args(command).output_format == "text"
        for asked in (["--json"], ["--output-format", "json"]):
            assert parser(command).parse_args([*command, *asked]).output_format == "json", command


def test_a_fault_of_qvr_is_one_sentence_and_its_traceback_is_for_asking(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: bytes) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("quivers.cli.programs.check_source", fail)
    monkeypatch.delenv("QVR_TRACEBACK", raising=False)
    file = tmp_path / "m.qvr"
    file.write_text("object A : FinSet 2\n")
    assert main(["check", str(file)]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        "error: This is a fault in QVR, not in your files (ZeroDivisionError: division by zero). "
        "Please report it with what the same command prints under QVR_TRACEBACK=1.\n"
    )
    monkeypatch.setenv("QVR_TRACEBACK", "1")
    with pytest.raises(ZeroDivisionError):
        main(["check", str(file)])


def test_ctrl_c_is_status_130(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: bytes) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("quivers.cli.programs.check_source", interrupt)
    file = tmp_path / "m.qvr"
    file.write_text("object A : FinSet 2\n")
    assert main(["check", str(file)]) == 130
    assert capsys.readouterr().err == "error: Interrupted.\n"


EVERY_STATUS = {CLEAN, PROBLEMS, MISUSE, FAULT, INTERRUPTED, PIPE_CLOSED, TERMINATED}


def test_the_readme_has_each_exit_status() -> None:
    line = re.search(r"^Exit status: .*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert line is not None
    assert {int(number) for number in re.findall(r"\d+", line[0])} == EVERY_STATUS


def test_the_docs_have_each_exit_status_and_each_name_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    statuses = {int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)}
    assert statuses == EVERY_STATUS
    documented = {row[0]: row[1] for row in re.findall(r"^\| `(\w+)` \| (.+) \|$", text, re.MULTILINE)}
    file = tmp_path / "m.qvr"
    file.write_text("program p : A -> A\n    return x\n")
    assert main(["check", "--json", str(file)]) == 1
    [entry, *_] = json.loads(capsys.readouterr().out)
    assert set(entry) <= set(re.findall(r"`(\w+)`", documented["check"]))
    model = str(ROOT / "examples" / "eight_schools" / "noncentred.qvr")
    short = ["--chains", "1", "--warmup", "20", "--draws", "20", "--no-save"]
    assert main(["run", model, "--json", *short]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(re.findall(r"`(\w+)`", documented["run"]))
