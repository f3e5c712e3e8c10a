"""A run's name stays: of a finished one after another like it, beside one under way, and after a kill."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest

from quivers.cli import main
from quivers.cli.sampling import sampled
from quivers.errors import QvrError
from quivers.records import replace
from quivers.runs.about import write_about
from quivers.runs.folders import found, held, listed, new_folder, plain_name, settle
from quivers.runs.saved import read_run

SHORT = ["--chains", "2", "--warmup", "60", "--draws", "30", "--quiet"]


def names() -> list[str]:
    return sorted(run.folder.name for run in listed())


def test_a_finished_run_that_is_made_again_keeps_its_name_and_what_was_put_beside_it(schools: Path) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    (first,) = names()
    assert plain_name(first) == first
    before = read_run(found(first)).about.began
    (found(first) / "notes.txt").write_text("mine")
    for _ in range(2):
        assert main(["run", str(schools), *SHORT]) == 0
        assert names() == [first]
    assert read_run(found(first)).about.began > before
    assert (found(first) / "notes.txt").read_text() == "mine"
    assert found("latest") == found(first)
    assert found(f"{first}-2") == found(first), "the name that it may have been told of"


def test_two_like_runs_at_once_both_finish_and_one_has_the_name(schools: Path) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    folder = listed()[0].folder
    digest = read_run(folder).about.identity.digest()
    with held(folder):  # as though it were still under way
        assert main(["run", str(schools), *SHORT]) == 0
        assert names() == [folder.name, f"{folder.name}-2"]
    assert settle(folder, digest) == folder
    assert names() == [folder.name]
    assert found(f"{folder.name}-2") == folder


def test_an_interrupted_run_gives_its_name_to_the_like_one_that_finishes(schools: Path) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    folder = listed()[0].folder
    write_about(folder, read_run(folder).about.ended("interrupted", {}))
    assert main(["run", str(schools), *SHORT]) == 0
    (run,) = listed()
    assert (run.folder, run.state) == (folder, "finished")


@pytest.mark.parametrize(
    "lost", [{"run.json"}, {"run.json", "draws.log"}, {"run.json", "program.qvr", "lock"}]
)
def test_what_a_killed_process_left_of_a_run_does_not_stand_in_its_way(schools: Path, lost: set[str]) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    folder = listed()[0].folder
    for name in lost:
        (folder / name).unlink()
    assert main(["run", str(schools), *SHORT]) == 0
    assert [(run.folder, run.state) for run in listed()] == [(folder, "finished")]


def test_a_run_without_its_description_is_listed_as_damaged_and_can_be_removed(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    (name,) = names()
    (found(name) / "run.json").unlink()
    capsys.readouterr()
    assert main(["runs"]) == 0
    out, err = capsys.readouterr()
    assert f"{name}  damaged" in out
    assert (
        f"its run.json is gone. The same `qvr run` makes the run again, and `qvr runs remove {name}`" in err
    )
    for command in (["runs", "show", name], ["run", "--resume", name], ["compare", name, name]):
        assert main(command) == 1
        assert "its run.json is gone" in capsys.readouterr().err
    assert main(["runs", "remove", name]) == 0
    assert not names()
    assert not list(schools.parent.glob(".qvr/runs/.removed*"))


def test_a_run_whose_folder_is_deleted_meanwhile_says_so_and_writes_into_no_other(
    schools: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def sampled_and_deleted(*given: object, **more: object) -> object:
        result = sampled(*given, **more)  # type: ignore[arg-type]
        folder = listed()[0].folder
        shutil.rmtree(folder)
        folder.mkdir()
        (folder / "draws.log").write_bytes(b"another's")
        return result

    monkeypatch.setattr("quivers.cli.run.sampled", sampled_and_deleted)
    assert main(["run", str(schools), *SHORT]) == 0
    assert "was deleted while it ran." in capsys.readouterr().err
    assert sorted(os.listdir(listed()[0].folder)) == ["draws.log"]


def test_several_runs_are_removed_by_age_or_all_and_one_under_way_stays(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in ("1", "2", "3"):
        assert main(["run", str(schools), *SHORT, "--seed", seed]) == 0
    old = listed()[2].folder
    about = read_run(old).about
    write_about(old, replace(about, began="2020-01-01T00:00:00.000+00:00"))
    capsys.readouterr()
    assert main(["runs", "remove", "--older-than", "30"]) == 0
    assert capsys.readouterr().out.startswith(f"removed {old}, ")
    assert len(listed()) == 2
    busy = listed()[0].folder
    with held(busy):
        assert main(["runs", "remove", "--all"]) == 1
        assert f"The run {busy.name} is under way" in capsys.readouterr().err
    assert names() == [busy.name]
    assert main(["runs", "remove", "latest", "--all"]) == 2
    assert main(["runs", "remove"]) == 2
    assert main(["runs", "remove", "--older-than", "-1"]) == 2
    assert names() == [busy.name]


def test_no_folder_that_was_there_is_hidden_from_git(schools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QVR_RUNS_DIR", str(schools.parent))
    assert main(["run", str(schools), *SHORT]) == 0
    assert not (schools.parent / ".gitignore").exists()
    monkeypatch.setenv("QVR_RUNS_DIR", str(schools.parent / "made"))
    assert main(["run", str(schools), *SHORT]) == 0
    assert (schools.parent / "made" / ".gitignore").read_text() == "*\n"


def test_a_long_name_in_any_script_makes_a_folder(tmp_path: Path) -> None:
    for program in ("n" * 500, "モデル" * 100, "𝒩" * 200, "a/b\0c"):
        with ExitStack() as stack:
            made = new_folder(program, "0123456789abcdef", stack, tmp_path)
            assert made.is_dir()
            assert len(made.name.encode()) <= 143
            assert made.name.endswith("-01234567")


def test_a_link_to_a_run_is_followed_and_removing_a_linked_run_leaves_its_place(
    schools: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(schools), *SHORT]) == 0
    folder = listed()[0].folder
    link = schools.parent / "link"
    link.symlink_to(folder)
    assert main(["runs", "show", str(link)]) == 0
    moved = schools.parent / "moved"
    folder.rename(moved)
    folder.symlink_to(moved)
    assert main(["runs", "remove", folder.name]) == 0
    assert (moved / "draws.log").exists()
    assert not names()
    with pytest.raises(QvrError, match="No run is saved in"):
        found("latest")


def test_without_the_latest_run_the_one_before_it_is_meant(schools: Path) -> None:
    for seed in ("1", "2"):
        assert main(["run", str(schools), *SHORT, "--seed", seed]) == 0
    newest, before = (run.folder for run in listed())
    assert main(["runs", "remove", "latest"]) == 0
    assert not newest.exists()
    assert found("latest") == before
