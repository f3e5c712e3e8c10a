"""What a run leaves behind: listed, shown, compared, removed; and what becomes of a damaged one."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from quivers.cli import main
from quivers.errors import QvrError
from quivers.runs.about import write_about
from quivers.runs.folders import held, listed
from quivers.runs.saved import read_run

ROOT = Path(__file__).resolve().parents[2]
SHORT = ["--chains", "2", "--warmup", "200", "--draws", "50", "--quiet"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("noncentred", "centred"):
        for ending in (".qvr", ".data.json"):
            shutil.copy(ROOT / "examples" / "eight_schools" / (name + ending), tmp_path)
    monkeypatch.setenv("QVR_RUNS_DIR", str(tmp_path / ".qvr" / "runs"))
    return tmp_path / "noncentred.qvr"


def command(*arguments: str, before: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    script = f"{before}\nimport sys; from quivers.cli import main; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1", **more},
    )  # fmt: skip


def test_a_run_leaves_its_program_data_seed_settings_versions_and_draws(model: Path) -> None:
    assert main(["run", str(model), *SHORT, "--seed", "4"]) == 0
    (run,) = listed()
    assert run.folder.name.startswith("eight_schools_noncentred-")
    assert run.state == "finished"
    assert (run.folder.parent.parent / ".gitignore").read_text() == "*\n"
    assert (run.folder.parent / "latest").read_text().strip() == run.folder.name
    saved = read_run(run.folder)
    assert saved.source == model.read_bytes()
    assert saved.data.values["y"].tolist() == [28, 8, -3, 7, -1, 1, 18, 12]
    about = saved.about
    assert (about.seed, about.chains, about.wanted, saved.kept) == (4, 2, 50, 50)
    assert {"qvr", "python", "numpy", "llvmlite", "torch"} <= set(about.identity.versions)
    assert [row["name"] for row in about.outcome["summary"]][:2] == ["mu", "tau"]
    assert not saved.draws().cancelled


def test_a_saved_run_is_read_as_the_result_that_it_was(model: Path) -> None:
    from quivers.dsl import load
    from quivers.inference import MCMC, NUTSKernel

    assert main(["run", str(model.with_name("centred.qvr")), *SHORT, "--seed", "4"]) == 0
    read = read_run(listed()[0].folder).result()
    sampler = MCMC(
        NUTSKernel(target_accept=0.9), num_warmup=200, num_samples=50, num_chains=2, seed=4,
        reparameterize="auto",
    )  # fmt: skip
    data = json.loads(model.with_name("centred.data.json").read_text())
    made = sampler.run(load(model.with_name("centred.qvr")).morphism, None, data)
    assert list(read.samples) == list(made.samples)
    for name, values in made.samples.items():
        assert np.array_equal(read.samples[name], values), name
    assert read.check() == made.check()
    more, longer = sampler.resume(read, 10), sampler.resume(made, 10)
    assert np.array_equal(more.samples["tau"], longer.samples["tau"])


def test_a_seed_gives_the_same_draws_to_the_bit_and_one_folder(model: Path) -> None:
    assert main(["run", str(model), *SHORT, "--seed", "4"]) == 0
    first = read_run(listed()[0].folder)
    assert main(["run", str(model), *SHORT, "--seed", "4"]) == 0
    (run,) = listed()
    assert run.folder == first.folder, "it is begun beside the old one, and takes its place when it is whole"
    assert np.array_equal(read_run(run.folder).draws().positions, first.draws().positions)
    assert main(["run", str(model), *SHORT, "--seed", "5"]) == 0
    assert len(listed()) == 2


def test_nothing_is_left_where_that_is_asked_for(model: Path) -> None:
    assert main(["run", str(model), *SHORT, "--no-save"]) == 0
    assert listed() == []


def interrupted(model: Path, *more: str) -> Path:
    """A run whose process died when the last record was half written."""
    assert main(["run", str(model), *SHORT, *more]) == 0
    folder = listed()[0].folder
    write_about(folder, read_run(folder).about.ended("running", {}))
    os.truncate(folder / "draws.log", (folder / "draws.log").stat().st_size - 7)
    return folder


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda model: model.write_text(model.read_text().replace("5.0", "6.0")), "the program has changed"),
        (
            lambda model: model.with_suffix(".data.json").write_text(
                model.with_suffix(".data.json").read_text().replace("28", "29")
            ),
            "the data have changed",
        ),
    ],
    ids=["program", "data"],
)
def test_what_has_changed_is_not_resumed(
    model: Path, capsys: pytest.CaptureFixture[str], change, sentence
) -> None:
    folder = interrupted(model)
    change(model)
    capsys.readouterr()
    assert main(["run", "--resume", "--quiet"]) == 1
    told = capsys.readouterr().err
    assert f"can't go on to the same draws: since it began, {sentence}. Run it anew" in told
    assert read_run(folder).about.state == "running"


def test_other_versions_are_not_resumed(
    model: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(model)
    monkeypatch.setattr(np, "__version__", "1.0")
    assert main(["run", "--resume", "--quiet"]) == 1
    assert "and is 1.0. Run it anew" in capsys.readouterr().err


def test_a_comment_in_the_program_does_not_stand_in_the_way(model: Path) -> None:
    folder = interrupted(model)
    model.write_text("# later\n" + model.read_text())
    assert main(["run", "--resume", str(model), "--quiet"]) == 0
    assert read_run(folder).kept == 50


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--resume", "--seed", "9"], "--seed 9 is not the setting of the run"),
        (["--resume", "nothing"], "No saved run begins with 'nothing'; `qvr runs` lists them."),
        (["--resume", "other.qvr"], "No run of other.qvr is saved here, so there is none to resume."),
    ],
    ids=["setting", "name", "file"],
)
def test_what_cannot_be_resumed_is_a_sentence(
    model: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    interrupted(model)
    assert main(["run", *arguments]) == 1
    assert sentence in capsys.readouterr().err


def test_a_finished_run_and_one_under_way_are_not_resumed(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(model), *SHORT]) == 0
    name = listed()[0].folder.name
    assert main(["run", "--resume"]) == 1
    assert "No run was interrupted: `qvr runs` lists" in capsys.readouterr().err
    assert main(["run", "--resume", name]) == 1
    assert f"The run {name} is finished" in capsys.readouterr().err
    with held(listed()[0].folder):
        assert listed()[0].state == "running"
        assert main(["run", "--resume", name]) == 1
        assert main(["runs", "remove", name]) == 1
    assert capsys.readouterr().err.count("is under way in another process") == 2


def test_every_prefix_and_every_flipped_bit_of_a_log_is_the_intact_part_or_a_sentence(model: Path) -> None:
    assert main(["run", str(model), *SHORT]) == 0
    folder = listed()[0].folder
    whole = read_run(folder)
    log = folder / "draws.log"
    content = log.read_bytes()
    random_ = random.Random(3)

    sentences: set[str] = set()

    def look(changed: bytes) -> None:
        log.write_bytes(changed)
        try:
            saved = read_run(folder)
        except QvrError as error:
            sentences.add(str(error))
            return
        for part, full in zip(saved.parts, whole.parts, strict=True):
            if part is not None and full is not None:
                assert np.array_equal(part.positions, full.positions[: len(part.positions)])

    ends = {*range(200), *random_.sample(range(len(content)), 200)}
    for end in ends:
        look(content[:end])
    for _ in range(300):
        place, bit = random_.randrange(len(content)), random_.randrange(8)
        look(content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :])
    for _ in range(20):
        look(random_.randbytes(random_.randrange(2000)))
    assert sentences == {f"{log} is damaged at its beginning, so nothing of the run can be read."}


def test_a_damaged_description_is_a_sentence_and_the_others_are_listed(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(model), *SHORT]) == 0
    assert main(["run", str(model), *SHORT, "--seed", "2"]) == 0
    about = listed()[0].folder / "run.json"
    content = about.read_bytes()
    chooser = random.Random(4)
    capsys.readouterr()
    for _ in range(100):
        place = chooser.randrange(len(content))
        about.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert main(["runs"]) == 0
        out, err = capsys.readouterr()
        # A bit that only changes the layout, or the spelling of a number, changes nothing.
        assert len(out.splitlines()) == 3
        assert "Traceback" not in err
        assert main(["runs", "show", about.parent.name]) in (0, 1)
        assert "Traceback" not in capsys.readouterr().err


def test_runs_lists_shows_and_removes(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    interrupted(model, "--seed", "1")
    assert main(["run", str(model), *SHORT]) == 0
    capsys.readouterr()
    assert main(["runs", "--json"]) == 0
    done, stopped = json.loads(capsys.readouterr().out)
    assert (done["state"], done["kept"], done["seed"]) == ("finished", 50, 0)
    assert (stopped["state"], stopped["seed"]) == ("interrupted", 1)
    assert done["r_hat"] > 0.9
    assert done["data"].endswith("noncentred.data.json")
    assert main(["runs"]) == 0
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == [
        "state",
        "finished",
        "interrupted",
    ]
    assert main(["runs", "show", "latest"]) == 0
    shown = capsys.readouterr().out
    assert "seed 0" in shown
    assert "\ntau " in shown
    assert main(["runs", "show", "eight"]) == 1
    assert "may be any of 2 runs" in capsys.readouterr().err
    assert main(["runs", "remove", stopped["run"]]) == 0
    assert [run.folder.name for run in listed()] == [done["run"]]
    assert main(["runs", "remove"]) == 2


def test_a_full_disk_is_one_sentence_and_the_results_are_printed(model: Path) -> None:
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))"
    done = command("run", str(model), *SHORT, before=limited)
    assert done.returncode == 0
    assert "\ntau " in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: The run is not saved as a whole: file too large.")


def test_a_folder_that_cannot_be_made_is_one_sentence_and_the_run_goes_on(model: Path) -> None:
    done = command("run", str(model), *SHORT, QVR_RUNS_DIR=str(model / "runs"))
    assert done.returncode == 0
    assert "\ntau " in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: The run can't be saved in ")
    assert line.endswith("It runs unsaved.")


def test_a_closed_pipe_ends_quietly_and_the_run_is_saved(model: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "quivers.cli", "run", str(model), *SHORT],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 141
    assert listed()[0].state == "finished"
