"""Where the output goes: a closed pipe, a full disk, ASCII, no terminal, a dumb one, and colours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples" / "eight_schools" / "noncentred.qvr")
COMMANDS = [
    ["--help"], ["--version"], ["help", "run"], ["version"], ["check", MODEL], ["check", "--json", MODEL],
    ["check", "--output-format", "sarif", MODEL], ["explain"], ["explain", "QVR401"], ["plate", MODEL],
    ["new"], ["completion", "bash"], ["fmt", "--check", MODEL], ["runs"],
]  # fmt: skip
FULL = Path("/dev/full")


def qvr(
    arguments: list[str], environment: dict[str, str] | None = None, **streams: int
) -> tuple[int, str, str]:
    """The status and what came on either stream."""
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    done = subprocess.run(
        [sys.executable, "-m", "quivers.cli", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environment or {})},
        cwd=ROOT, timeout=120, check=False, **given,
    )  # fmt: skip
    return done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode()


@pytest.mark.skipif(not FULL.exists(), reason="no device that is full")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_full_disk_is_a_sentence(command: list[str]) -> None:
    with FULL.open("wb") as full:
        status, _, err = qvr(command, stdout=full.fileno())
    assert (status, err) == (1, "error: The output cannot be written: no space left on device.\n")


@pytest.mark.skipif(sys.platform == "win32", reason="pipes close otherwise there")
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_closed_pipe_ends_in_silence(command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        status, _, err = qvr(command, stdout=writing)
    finally:
        os.close(writing)
    assert (status, err) == (141, "")


@pytest.mark.skipif(not FULL.exists(), reason="no device that is full")
def test_complaints_that_cannot_be_written_leave_the_status() -> None:
    for command, expected in ((["chek"], 2), (["run", "gone.qvr"], 1), (["explain", "QVR999"], 2)):
        with FULL.open("wb") as full:
            status, out, _ = qvr(command, stderr=full.fileno())
        assert (status, out) == (expected, ""), command


def test_what_a_terminal_cannot_show_fails_nothing() -> None:
    status, out, err = qvr(["plate", MODEL], {"PYTHONIOENCODING": "ascii"})
    assert (status, err) == (0, "")
    assert out.isascii()


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "0"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": ""}, True),
    ],
    ids=str,
)
def test_colours_are_as_the_environment_says(variables: dict[str, str], coloured: bool) -> None:
    clean = dict.fromkeys(("NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "CLICOLOR"), "")
    status, out, _ = qvr(["explain", "QVR401"], {**clean, **variables})
    assert status == 0
    assert ("\x1b[" in out) == coloured
