"""Every bad data file ends the command with its sentence and status 1; the editor shows the same sentence."""

from __future__ import annotations

import os
import random
import resource
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import bad_recipes
import pytest
from bad_files import BAD_FILES

from quivers.check.analysis import check_source
from quivers.cli import main
from quivers.data import read
from quivers.errors import DataError
from qvr_server.data_files import DataFiles

FAULTS: dict[str, dict[str, str]] = tomllib.loads(
    Path(__file__).with_name("bad_data.toml").read_text(encoding="utf-8")
)
PROGRAM = FAULTS.pop("program")["text"]


def placed(fault: dict[str, str], folder: Path) -> Path:
    """The bad file, made in a folder."""
    path = folder / fault["file"]
    if "recipe" in fault:
        return getattr(bad_recipes, fault["recipe"])(path) or path
    content = (
        bytes.fromhex(fault["bytes"])
        if "bytes" in fault
        else fault["text"].encode(fault.get("encoding", "utf-8"))
    )
    path.write_bytes(content)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model" / "m.qvr"
    path.parent.mkdir()
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def refusal(model: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The first line of what the command says against the data."""
    assert main(["run", str(model), "--data", str(data)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "Traceback" not in captured.err
    return captured.err.splitlines()[0]


def in_editor(model: Path, data: Path) -> str:
    """The first problem that the language server finds with the data, in the command's form."""
    checked = check_source(PROGRAM)
    answer = DataFiles(largest=2**40).answer(model, checked, checked.programs["p"], str(data))
    problem = answer.problems[0]
    return f"error[{problem.code}]: {problem.message}"


@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_data_file_ends_in_its_sentence(
    name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fault = FAULTS[name]
    path = placed(fault, tmp_path)
    told = refusal(model, path, capsys)
    about = "" if fault["sentence"].startswith("`") else str(path)
    wanted = f"error[{fault['code']}]: {about}{fault['sentence']}"
    if wanted.endswith("…"):
        assert told.startswith(wanted.removesuffix("…"))
        assert told.endswith((".", "?"))
    else:
        assert told == wanted
    assert in_editor(model, path).replace(str(path), path.name) == told.replace(str(path), path.name)


@pytest.mark.parametrize("name", BAD_FILES)
def test_what_no_reader_can_read_ends_in_its_sentence(
    name: str, model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, sentence = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    told = refusal(model, path, capsys)
    assert told.startswith(f"error[QVR600]: {path}{sentence}")
    assert in_editor(model, path) == told


def test_a_file_cut_anywhere_or_with_a_wrong_byte_is_read_or_refused(tmp_path: Path) -> None:
    generator = random.Random(1)
    wholes = {
        tmp_path / "d.parquet": bad_recipes.whole_parquet,
        tmp_path / "d.arrow": bad_recipes.whole_arrow,
        tmp_path / "d.npz": bad_recipes.whole_npz,
        tmp_path / "d.npy": bad_recipes.whole_npy,
    }
    for path, make in wholes.items():
        whole = make(path)
        for _ in range(150):
            content = bytearray(whole[: generator.choice([len(whole), generator.randrange(len(whole))])])
            if content:
                content[generator.randrange(len(content))] = generator.randrange(256)
            path.write_bytes(content)
            told = f"{path} is fine"
            try:
                read(path)
            except DataError as error:
                told = str(error)
            assert told.startswith(str(path))
            assert "\n" not in told


def test_there_are_enough_of_them() -> None:
    assert len(FAULTS) >= 40


def test_a_file_that_may_not_be_read_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    if not hasattr(os, "seteuid"):
        pytest.skip("this system has no permissions of that kind")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        model, data = Path(folder, "m.qvr"), Path(folder, "d.json")
        model.write_text(PROGRAM, encoding="utf-8")
        data.write_text("{}")
        main(["run", str(model), "--data", str(data)])  # all that it takes is loaded now
        capsys.readouterr()
        data.chmod(0)
        before = os.geteuid()
        try:
            if before == 0:  # who may read everything
                os.seteuid(65534)
            told = refusal(model, data, capsys)
        finally:
            os.seteuid(before)
        assert told == f"error[QVR600]: {data} cannot be read: permission denied."


def run(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quivers.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)


@pytest.mark.parametrize("name", ["json-deep", "npz-objects", "pipe", "absent"])
def test_in_a_process_of_its_own_too(name: str, model: Path, tmp_path: Path) -> None:
    fault = FAULTS[name]
    path = placed(fault, tmp_path)
    ended = run("run", str(model), "--data", str(path))
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"error[QVR600]: {path}{fault['sentence']}\n"


def test_a_line_of_100_megabytes_takes_little_memory(model: Path, tmp_path: Path) -> None:
    path = placed(FAULTS["table-long-line"], tmp_path)
    limit = 400 * 2**20

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))

    ended = run("run", str(model), "--data", str(path), preexec_fn=limited)
    assert ended.returncode == 1
    assert ended.stderr == f"error[QVR600]: {path}{FAULTS['table-long-line']['sentence']}\n"
