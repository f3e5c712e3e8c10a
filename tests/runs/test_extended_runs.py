"""A saved run goes on to more draws than it was to have: those of a run that had them from the start."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from quivers.cli import main
from quivers.runs.about import write_about
from quivers.runs.folders import found, held, listed
from quivers.runs.saved import SavedRun, read_run

SETTINGS = ["--chains", "2", "--warmup", "250", "--seed", "7", "--quiet"]


def same(one: SavedRun, other: SavedRun) -> None:
    for mine, yours in zip(one.parts, other.parts, strict=True):
        assert mine is not None
        assert yours is not None
        for name in ("positions", "statistics", "warmup", "metric"):
            assert np.array_equal(getattr(mine, name), getattr(yours, name)), name
        assert mine.step_size == yours.step_size


@pytest.mark.parametrize(
    "more", [[], ["--thin", "3"], ["--engine", "torch", "--warmup", "30"]], ids=["kernel", "thin", "torch"]
)
def test_a_finished_run_is_extended_to_the_draws_and_the_name_of_a_longer_one(
    schools: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    centred = str(schools.with_name("centred.qvr"))
    assert main(["run", centred, *SETTINGS, *more, "--draws", "90"]) == 0
    whole = read_run(found("latest"))
    assert main(["runs", "remove", "latest"]) == 0
    assert main(["run", centred, *SETTINGS, *more, "--draws", "40"]) == 0
    short = found("latest")
    capsys.readouterr()
    assert main(["run", "--resume", "--draws", "90"]) == 0
    out = capsys.readouterr().out
    assert f"extends  {short.name}, from 40 to 90 draws of each chain" in out
    assert f"saved in {whole.folder}" in out
    same(read_run(found("latest")), whole)
    assert found("latest") == whole.folder
    assert read_run(short).kept == 40, "the run that was extended stays as it is"


def test_an_interrupted_run_is_extended_from_the_draws_that_it_has(schools: Path) -> None:
    assert main(["run", str(schools), *SETTINGS, "--draws", "80"]) == 0
    whole = read_run(found("latest"))
    assert main(["runs", "remove", "latest"]) == 0
    assert main(["run", str(schools), *SETTINGS, "--draws", "40"]) == 0
    folder = found("latest")
    write_about(folder, read_run(folder).about.ended("running", {}))
    os.truncate(folder / "draws.log", (folder / "draws.log").stat().st_size - 7)
    kept = [0 if part is None else len(part.positions) for part in read_run(folder).parts]
    assert kept == [40, 0], "one chain's draws are lost"
    assert main(["run", str(schools), "--resume", "--draws", "80", "--quiet"]) == 0
    same(read_run(found("latest")), whole)
    # The longer run is interrupted in its turn, and goes on as any other.
    write_about(whole.folder, read_run(whole.folder).about.ended("interrupted", {}))
    os.truncate(whole.folder / "draws.log", (whole.folder / "draws.log").stat().st_size - 7)
    assert main(["run", "--resume", whole.folder.name, "--quiet"]) == 0
    same(read_run(whole.folder), whole)
    assert [run.state for run in listed()] == ["finished", "interrupted"]


@pytest.mark.parametrize("state", ["finished", "interrupted"])
def test_a_run_that_went_on_took_the_time_before_as_well(
    schools: Path, state: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(schools), *SETTINGS, "--draws", "40"]) == 0
    folder = found("latest")
    before = {"compile": 1000.0, "sample": 0.1, "total": 1001.0}
    write_about(folder, read_run(folder).about.ended(state, {"seconds": before}))
    if state == "interrupted":
        os.truncate(folder / "draws.log", (folder / "draws.log").stat().st_size - 7)
    more = ["--draws", "90"] if state == "finished" else []
    capsys.readouterr()
    assert main(["run", "--resume", folder.name, *more, "--output-format", "json"]) == 0
    seconds = json.loads(capsys.readouterr().out)["seconds"]
    assert seconds["compile"] > 1000.0
    assert seconds["total"] > 1001.0
    assert read_run(found("latest")).about.outcome["seconds"]["total"] == pytest.approx(
        seconds["total"], abs=0.1
    )


def test_what_no_run_can_be_taken_to_is_a_sentence(schools: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(schools), *SETTINGS, "--draws", "40"]) == 0
    name = found("latest").name

    def said(*arguments: str) -> str:
        capsys.readouterr()
        assert main(["run", *arguments]) == 1
        return capsys.readouterr().err

    assert f"`qvr run --resume {name} --draws N` takes it to N draws" in said("--resume", name)
    assert "With --draws N a finished one goes on to N draws." in said("--resume")
    none = "Each run that has ended was asked for 40 draws or more, so there is none to take to 40: "
    assert none in said("--resume", "--draws", "40")
    with held(found(name)):
        write_about(found(name), read_run(found(name)).about.ended("running", {}))
        assert "No run has ended yet, so none can go on to 90" in said("--resume", "--draws", "90")
    assert "is one of 40 draws: with --draws it can go on to more" in said("--resume", name, "--draws", "39")
    # What was never given is no setting, and what is given is one where it is the default too.
    assert "--seed 0 is not the setting of the run" in said("--resume", name, "--seed", "0", "--draws", "90")
    write_about(found(name), read_run(found(name)).about.ended("finished", {}))
    with held(found(name)):
        assert "is under way in another process" in said("--resume", name, "--draws", "90")
    data = schools.with_name("noncentred.data.json")
    data.write_text(data.read_text().replace("28", "29"))
    assert "since it began, the data have changed" in said("--resume", name, "--draws", "90")
    assert [run.folder.name for run in listed()] == [name], "what is refused leaves nothing behind"


def test_the_defaults_that_help_tells_are_those_of_a_new_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--help"]) == 0
    told = capsys.readouterr().out
    assert main(["run", "--resume", "--help"]) == 0
    assert capsys.readouterr().out == told
