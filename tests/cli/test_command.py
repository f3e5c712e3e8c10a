"""The command as a whole: help, misuse, faults."""

from __future__ import annotations

from pathlib import Path

import pytest

import quivers
from quivers.cli import main


@pytest.mark.parametrize("command", [[], ["check"], ["run"], ["plate"], ["lsp"], ["version"]], ids=str)
def test_help_fits_one_screen_and_has_an_example(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main([*command, "--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 27
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("example: qvr ") for line in lines)


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
