"""`qvr plate`: the forms, where they go, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from quivers.cli import main

EXAMPLE = Path(__file__).parent.parent.parent / "examples/eight_schools/noncentred.qvr"


def test_what_is_printed_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plate", str(EXAMPLE)]) == 0
    assert "● y ~ Normal(theta, sigma_j)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "begins"),
    [("a.svg", "<svg "), ("a.dot", "digraph "), ("a.mmd", "flowchart "), ("a.txt", "eight")],
)
def test_the_ending_says_the_form(
    name: str, begins: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / name
    assert main(["plate", str(EXAMPLE), "-o", str(file)]) == 0
    assert file.read_text(encoding="utf-8").startswith(begins)
    assert f"Wrote {file}" in capsys.readouterr().err


def test_a_form_that_is_asked_for_goes_before_the_ending(tmp_path: Path) -> None:
    file = tmp_path / "a.svg"
    assert main(["plate", str(EXAMPLE), "--format", "dot", "-o", str(file)]) == 0
    assert file.read_text(encoding="utf-8").startswith("digraph ")


def test_an_ending_that_says_nothing_is_misuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plate", str(EXAMPLE), "-o", str(tmp_path / "a.png")]) == 2
    assert "doesn't say what to draw" in capsys.readouterr().err


def test_a_file_that_does_not_check_tells_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wrong.qvr"
    file.write_text(EXAMPLE.read_text(encoding="utf-8").replace("HalfNormal", "HalfNrmal"), encoding="utf-8")
    assert main(["plate", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "HalfNrmal" in captured.err


def test_an_unknown_program_is_misuse_and_a_folder_that_is_not_there_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plate", str(EXAMPLE), "--program", "nothing"]) == 2
    assert "has no program `nothing`" in capsys.readouterr().err
    assert main(["plate", str(EXAMPLE), "-o", str(tmp_path / "none" / "a.svg")]) == 1
    assert "cannot be written" in capsys.readouterr().err


def test_drawing_loads_neither_numpy_nor_the_runtime() -> None:
    script = (
        "import sys; from quivers.cli import main; main(sys.argv[1:]); "
        "print([name for name in ('numpy', 'torch', 'llvmlite', 'rich') if name in sys.modules])"
    )
    command = [sys.executable, "-c", script, "plate", str(EXAMPLE), "--format", "svg"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.endswith("</svg>\n[]\n")
