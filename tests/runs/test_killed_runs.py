"""A run that is killed loses nothing that was written, and goes on to the draws of one that was not."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from quivers.cli import main
from quivers.runs.about import write_about
from quivers.runs.folders import listed
from quivers.runs.log import Kind, entries
from quivers.runs.saved import SavedRun, read_run

ROOT = Path(__file__).resolve().parents[2]
KILLS = 20
# Small steps, so that draws take their time.
SLOW = ["--chains", "2", "--warmup", "250", "--draws", "40000", "--target-accept", "0.999", "--quiet"]
SETTINGS = ["--chains", "2", "--warmup", "250", "--draws", "20000", "--seed", "5", "--quiet"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The centred eight schools, whose form warm-up chooses; runs are kept in a folder of their own."""
    for name in ("centred.qvr", "centred.data.json"):
        shutil.copy(ROOT / "examples" / "eight_schools" / name, tmp_path / name)
    monkeypatch.setenv("QVR_RUNS_DIR", str(tmp_path / "runs"))
    return tmp_path / "centred.qvr"


def started(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "quivers.cli", "run", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )  # fmt: skip


def same(one: SavedRun, other: SavedRun) -> None:
    for mine, yours in zip(one.parts, other.parts, strict=True):
        assert mine is not None
        assert yours is not None
        for name in ("positions", "statistics", "warmup", "metric"):
            assert np.array_equal(getattr(mine, name), getattr(yours, name)), name
        assert mine.step_size == yours.step_size


@pytest.mark.slow
def test_a_run_killed_at_random_moments_keeps_its_draws_and_resumes_to_the_same(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each time it goes on from what the last one left; one that comes to its end first is begun again."""
    assert main(["run", str(model), *SLOW]) == 0
    printed = capsys.readouterr().out.split("\n\n")[0]
    whole = read_run(listed()[0].folder)
    shutil.rmtree(whole.folder)
    moments = random.Random(8)
    kept = [0, 0]
    kills = 0
    while kills < KILLS:
        there = listed()
        process = started(*(["--resume"] if there else [str(model), *SLOW]))
        killed_after_a_write(process, there[0].folder if there else None, moments.uniform(0.0, 0.25))
        (run,) = listed()
        if run.state == "finished":
            same(read_run(run.folder), whole)
            shutil.rmtree(run.folder)
            kept = [0, 0]
            continue
        kills += 1
        assert run.state == "interrupted"
        left = read_run(run.folder)
        before, kept = kept, [0 if part is None else len(part.positions) for part in left.parts]
        assert all(now >= then for now, then in zip(kept, before, strict=True)), "what was written is there"
        for part, full in zip(left.parts, whole.parts, strict=True):
            if part is not None and full is not None:
                assert np.array_equal(part.positions, full.positions[: len(part.positions)])
                assert np.array_equal(part.statistics, full.statistics[: len(part.statistics)])
    assert main(["run", "--resume", "--quiet"]) == 0
    assert capsys.readouterr().out.split("\n\n")[0] == printed
    same(read_run(listed()[0].folder), whole)


def killed_after_a_write(process: subprocess.Popen[str], folder: Path | None, later: float) -> None:
    """Kills a run `later` seconds after it has begun to write, so not while it loads Python."""
    while folder is None and process.poll() is None:
        folder = next((run.folder for run in listed()), None)
        time.sleep(0.002)
    if folder is not None:
        log = folder / "draws.log"
        size = log.stat().st_size
        while process.poll() is None and log.stat().st_size == size:
            time.sleep(0.002)
    time.sleep(later)
    process.kill()
    process.communicate()


def test_a_run_killed_in_warm_up_begins_anew_from_its_seed(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["--chains", "2", "--warmup", "200000", "--draws", "50", "--quiet"]
    process = started(str(model), *settings)
    while process.poll() is None and not listed():
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert read_run(listed()[0].folder).kept == 0
    shutil.rmtree(listed()[0].folder)
    short = ["--chains", "2", "--warmup", "250", "--draws", "50", "--quiet"]
    assert main(["run", str(model), *short]) == 0
    folder = listed()[0].folder
    whole = read_run(folder)
    # What a process leaves that is killed just after its folder is made.
    ends = [end for entry, end in entries(folder / "draws.log") if entry.kind == Kind.DATA]
    os.truncate(folder / "draws.log", ends[0])
    write_about(folder, whole.about.ended("running", {}))
    capsys.readouterr()
    assert main(["run", "--resume", str(model)]) == 0
    assert "from the beginning: it ended before its chains started" in capsys.readouterr().out
    same(read_run(folder), whole)


def test_ctrl_c_keeps_the_draws_shows_them_and_can_be_resumed(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Long enough that the signal meets it sampling, on a quick machine too.
    settings = ["200000" if word == "20000" else word for word in SETTINGS]
    assert main(["run", str(model), *settings]) == 0
    whole = read_run(listed()[0].folder)
    shutil.rmtree(whole.folder)
    process = started(str(model), *settings)
    while process.poll() is None:
        log = next((run.folder / "draws.log" for run in listed()), None)
        if log is not None and log.stat().st_size > 200_000:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "\ntau " in out
    assert "The run was cancelled when its chains had" in out
    name = listed()[0].folder.name
    assert err.splitlines()[-2:] == [f"`qvr run --resume {name}` goes on with it.", "error: Interrupted."]
    assert listed()[0].state == "interrupted"
    capsys.readouterr()
    assert main(["run", "--resume", name, "--quiet"]) == 0
    same(read_run(listed()[0].folder), whole)
