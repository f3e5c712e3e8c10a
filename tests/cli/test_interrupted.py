"""Ctrl-C while a command loads what it takes: one line and status 130, at whatever import it comes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = str(ROOT / "examples" / "eight_schools" / "noncentred.qvr")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")

# Ctrl-C is pressed when a module is looked for; with `masked`, its library makes an ImportError of it.
PRESSED = """
import os, signal, sys
module, masked = sys.argv.pop(1), sys.argv.pop(1) == "masked"
class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == module:
            sys.meta_path.remove(Finder)
            try:
                os.kill(os.getpid(), signal.SIGINT)
            except KeyboardInterrupt:
                raise ImportError("DLL load failed") if masked else KeyboardInterrupt from None
sys.meta_path.insert(0, Finder)
from quivers.cli import main
sys.exit(main())
"""


@pytest.mark.parametrize("how", ["plain", "masked"])
@pytest.mark.parametrize(
    ("module", "command"),
    [
        ("argparse", ["version"]),
        ("quivers.terminal.frames", ["version"]),
        ("tree_sitter", ["check", MODEL]),
        ("quivers.check.analysis", ["check", MODEL]),
        ("numpy", ["run", MODEL, "--no-save", "--quiet"]),
        ("llvmlite", ["run", MODEL, "--no-save", "--quiet"]),
        ("torch", ["run", MODEL, "--no-save", "--quiet", "--engine", "torch"]),
    ],
)
def test_ctrl_c_at_an_import_is_one_line_and_status_130(module: str, command: list[str], how: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESSED, module, how, *command],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "error: Interrupted.\n")


def test_a_command_that_was_started_deaf_to_ctrl_c_stays_so() -> None:
    """A shell's `&` and `nohup` have their commands ignore it."""
    code = (
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from quivers.cli import main;"
        "from quivers.cli import interrupts as own\n"
        "with own.cancelling() as cancel: os.kill(os.getpid(), signal.SIGINT); print(cancel.is_set())\n"
        "sys.argv = ['qvr', 'version']; main(); os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[0], done.stderr) == (0, "False", "")


@pytest.mark.parametrize("more", [[], ["--watch"]])
def test_sigterm_keeps_the_draws_says_how_to_go_on_and_is_the_status(more: list[str], tmp_path: Path) -> None:
    """A job scheduler's word; the log shows how far the run is."""
    command = [sys.executable, "-m", "quivers.cli", "run", MODEL, "--draws", "200000", "--engine", "kernel"]
    process = subprocess.Popen(
        [*command, *more], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "QVR_RUNS_DIR": str(tmp_path / "runs")},
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if any(log.stat().st_size > 20_000 for log in tmp_path.glob("runs/*/draws.log")):
                break
            time.sleep(0.05)
        process.terminate()
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143
    assert "divergence" in out
    assert "--resume eight_schools_noncentred-" in err
    assert err.splitlines()[-1] == "error: Terminated."
