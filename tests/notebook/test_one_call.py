"""`quivers.fit`: the same posterior as the command's, in one call."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import quivers
from quivers.cli import main
from quivers.dsl import load
from quivers.errors import DataError, ProgramError, QvrError

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "examples/eight_schools/centred.qvr"
DATA = json.loads((MODEL.parent / "centred.data.json").read_text())
SHORT: dict[str, Any] = {"chains": 2, "warmup": 200, "draws": 100}


def means(**options: Any) -> list[float]:
    result = quivers.fit(**{"source": MODEL, "data": DATA, **SHORT, **options})
    return [row.mean for row in result.summary()]


def test_it_gives_the_draws_of_qvr_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    short = [word for name, count in SHORT.items() for word in (f"--{name}", str(count))]
    assert main(["run", str(MODEL), *short, "--output-format", "json"]) == 0
    told = [entry["mean"] for entry in json.loads(capsys.readouterr().out)["summary"].values()]
    assert told == pytest.approx(means(), rel=1e-12)


def test_a_file_its_text_and_a_loaded_program_are_one(tmp_path: Path) -> None:
    first = means()
    assert means(source=str(MODEL)) == first
    assert means(source=MODEL.read_text("utf-8")) == first
    assert means(source=load(MODEL)) == first
    assert means(data=None) == first
    assert means(data=MODEL.parent / "centred.data.json") == first
    assert means(seed=1) != first


def test_the_form_of_latents_is_chosen_unless_it_is_given() -> None:
    assert quivers.fit(MODEL, DATA, **SHORT).reparameterized
    assert not quivers.fit(MODEL, DATA, **SHORT, reparameterize=None).reparameterized


def test_a_program_may_be_named(tmp_path: Path) -> None:
    two = "program {}: A -> A\n    sample x : A <- Normal(0.0, 1.0)\n    return x\n"
    source = "object A : FinSet 2\n" + two.format("first ") + two.format("second ")
    result = quivers.fit(source, program="first", chains=1, warmup=20, draws=20)
    assert result.run.model.program.name == "first"
    with pytest.raises(QvrError, match="<program> has no program `third`, only `first`, `second`"):
        quivers.fit(source, program="third")


def test_each_fault_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="Normall"):
        quivers.fit(
            "object A : FinSet 2\nprogram p : A -> A\n    sample x : A <- Normall(0.0, 1.0)\n    return x\n"
        )
    with pytest.raises(QvrError, match=r"nowhere\.qvr can't be read: No such file"):
        quivers.fit("nowhere.qvr")
    with pytest.raises(DataError, match="sigma_j"):
        quivers.fit(MODEL, {"y": DATA["y"]})
    with pytest.raises(DataError, match=r"nowhere\.csv"):
        quivers.fit(MODEL, "nowhere.csv")
    with pytest.raises(QvrError, match=r"source must be a \.qvr file, its text or a loaded program, not int"):
        quivers.fit(3)  # type: ignore[arg-type]
    with pytest.raises(QvrError, match="algorithm must be"):
        quivers.fit(MODEL, DATA, algorithm="gibbs")


def test_without_data_beside_it_the_missing_inputs_are_named(tmp_path: Path) -> None:
    shutil.copy(MODEL, tmp_path / "alone.qvr")
    with pytest.raises(DataError, match="y"):
        quivers.fit(tmp_path / "alone.qvr")


def test_quivers_loads_nothing_until_it_is_asked() -> None:
    code = (
        "import sys, quivers; print([m for m in sys.modules if m.startswith(('quivers.', 'torch', 'numpy'))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'fitt'"):
        _ = quivers.fitt  # type: ignore[attr-defined]
