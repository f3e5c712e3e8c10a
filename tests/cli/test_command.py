"""The command as a whole: help, misuse, faults."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import quivers
from quivers.cli import main
from quivers.cli.arguments import COMMANDS
from quivers.cli.output import CLEAN, FAULT, INTERRUPTED, MISUSE, PROBLEMS

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
    assert statuses == {CLEAN, PROBLEMS, MISUSE, INTERRUPTED, FAULT}


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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chek"], "invalid choice: 'chek'"),
        (["check"], "the following arguments are required: FILE"),
        (["run"], "the following arguments are required: FILE"),
        (["run", "m.qvr", "--chains", "0"], "argument --chains: 0 is not between 1 and 1024"),
        (["run", "m.qvr", "--draws", "many"], "argument --draws: 'many' is not a whole number"),
        (["run", "m.qvr", "--seed", "-1"], "argument --seed: -1 is not between 0 and"),
        (
            ["run", "m.qvr", "--target-accept", "1"],
            "argument --target-accept: 1 does not lie between 0 and 1",
        ),
        (["run", "m.qvr", "--target-accept", "nan"], "nan does not lie between 0 and 1"),
        (["check", "m.qvr", "--output-format", "xml"], "argument --output-format: invalid choice: 'xml'"),
        (["check", "m.qvr", "--fix"], "unrecognized arguments: --fix"),
    ],
    ids=str,
)
def test_misuse_is_status_2(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err


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
