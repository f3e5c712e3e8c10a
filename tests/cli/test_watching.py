"""`--watch`: a command again on each save, however the editor saves, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Queue

import pytest

from quivers.cli import main

ROOT = Path(__file__).resolve().parents[2]
GOOD = """\
object A : FinSet 2
program p : A -> A
    sample x : A <- Normal(0.0, 1.0)
    observe y : A <- Normal(x, 1.0)
    return x
"""
BROKEN = GOOD.replace("Normal(0", "Normall(0")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent otherwise there")


class Watcher:
    """A `qvr … --watch` with the lines that it prints on either stream, as they come."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'server'}",
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "quivers.cli", *arguments, "--watch"],
            cwd=folder, env=environment, text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.lines: Queue[str] = Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def until(self, text: str) -> list[str]:
        """The lines up to the first that has `text`."""
        seen = []
        while text not in "".join(seen[-1:]):
            seen.append(self.lines.get(timeout=60))
        return seen

    def ended(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watcher]:
    (tmp_path / "m.qvr").write_text(GOOD)
    watcher = Watcher(tmp_path, "check", "m.qvr")
    yield watcher
    watcher.process.kill()
    watcher.process.wait()


def test_a_save_checks_again_and_ctrl_c_ends_quietly(watched: Watcher, tmp_path: Path) -> None:
    first = watched.until("Ctrl-C ends.")
    assert first == ["No problems in 1 file\n", "Watching m.qvr; Ctrl-C ends.\n"]
    (tmp_path / "m.qvr").write_text(BROKEN)
    assert "error[QVR202]" in watched.until("Ctrl-C ends.")[0]
    # Editors that save by another file put it in the place of the first.
    (tmp_path / "m.qvr~").write_text(GOOD)
    os.replace(tmp_path / "m.qvr~", tmp_path / "m.qvr")
    assert watched.until("Ctrl-C ends.")[0] == "No problems in 1 file\n"
    # A file that goes is missed, and found again.
    (tmp_path / "m.qvr").unlink()
    assert "m.qvr does not exist." in watched.until("Ctrl-C ends.")[0]
    (tmp_path / "m.qvr").write_text(GOOD)
    assert watched.until("Ctrl-C ends.")[0] == "No problems in 1 file\n"
    # A configuration that comes holds from then on.
    (tmp_path / "qvr.toml").write_text("wrong = 1\n")
    assert "QVR190" in watched.until("Ctrl-C ends.")[0]
    assert watched.ended() == 130
    assert watched.lines.empty()


def test_a_folder_s_new_models_are_checked(tmp_path: Path) -> None:
    (tmp_path / "a.qvr").write_text(GOOD)
    watcher = Watcher(tmp_path, "check", ".")
    try:
        assert watcher.until("Ctrl-C ends.")[-1] == "Watching a.qvr; Ctrl-C ends.\n"
        (tmp_path / "b.qvr").write_text(BROKEN)
        assert watcher.until("Ctrl-C ends.")[-1] == "Watching 2 files; Ctrl-C ends.\n"
    finally:
        assert watcher.ended() == 130


def test_a_run_is_made_again_when_its_data_are_saved(tmp_path: Path) -> None:
    (tmp_path / "m.qvr").write_text(GOOD)
    watcher = Watcher(
        tmp_path, "run", "m.qvr", "--quiet", "--chains", "1", "--warmup", "50", "--draws", "50",
        "--output-format", "json",
    )  # fmt: skip
    try:
        assert "QVR600" in "".join(watcher.until('"code"'))
        (tmp_path / "m.data.json").write_text('{"y": [1, 2]}')
        assert watcher.until('"x[2]"')
        (tmp_path / "m.data.json").write_text('{"y": [-9, -9]}')
        assert watcher.until('"x[2]"')
        assert float(watcher.until('"mean"')[-1].strip().removeprefix('"mean": ').rstrip(",")) < -3
    finally:
        assert watcher.ended() == 130


def test_standard_input_is_not_watched(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-", "--watch"]) == 2
    assert "Standard input can't be watched: name a file." in capsys.readouterr().err
