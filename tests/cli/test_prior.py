"""`qvr prior` of many rows: wide lets are left out unless asked for, and draws are bounded."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from quivers.backends import blocks
from quivers.cli import main
from quivers.inference import prior_predictive

MODEL = """\
object Row : FinSet
program p : Row -> Row
    sample a <- Normal(0.0, 1.0)
    let m = a + x
    let twice = 2.0 * a
    observe y : Row <- Normal(m, 1.0)
    return m
export p
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("m.qvr").write_text(MODEL)
    Path("m.data.csv").write_text("x,y\n" + "1.0,1.5\n" * 30)
    monkeypatch.setattr(prior_predictive, "MOST_NUMBERS_OF_A_LET", 20)


def shown(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    assert main(["prior", "m.qvr", "--json", *arguments]) == 0
    told: dict[str, object] = json.loads(capsys.readouterr().out)
    return told


def test_a_wide_let_is_left_out_unless_it_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown([], capsys)
    assert list(told["sites"]) == ["a", "y", "twice"]  # type: ignore[call-overload]
    assert (told["left_out"], told["draws"]) == ({"m": 30}, 1000)
    assert "m" in shown(["--site", "m"], capsys)["sites"]  # type: ignore[operator]
    assert main(["prior", "m.qvr"]) == 0
    assert "m : 30 numbers, not shown (--site m)" in capsys.readouterr().out
    assert main(["prior", "m.qvr", "--site", "z"]) == 1
    assert "The prior has no draws of `z`, only of `a`, `y`, `m`, `twice`." in capsys.readouterr().err


def test_of_many_rows_fewer_draws_are_taken_and_that_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quivers.inference.draw_count.MOST_NUMBERS", 3_200)
    assert main(["prior", "m.qvr"]) == 0
    out, err = capsys.readouterr()
    assert "prior    100 draws, seed 0" in out  # of a, twice and 30 y each
    assert "from 100 of 1,000 draws; --draws takes more" in err
    assert shown(["--draws", "150"], capsys)["draws"] == 150
    monkeypatch.setattr("quivers.inference.draw_count.MOST_NUMBERS_ASKED", 3_200)
    assert main(["prior", "m.qvr", "--draws", "150"]) == 1
    assert "150 draws of 32 numbers take 0.0 GiB: ask for 100 or fewer" in capsys.readouterr().err


def test_blocks_of_draws_have_the_moments_of_the_prior(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks, "_MOST_NUMBERS", 10_000)
    told = shown(["--draws", "4000"], capsys)
    assert told == shown(["--draws", "4000"], capsys)
    a, y = (told["sites"][name] for name in ("a", "y"))  # type: ignore[index]
    assert abs(a["mean"][0]) < 4.5 / np.sqrt(4000)
    assert abs(a["sd"][0] - 1.0) < 4.5 / np.sqrt(2 * 4000)
    assert np.abs(np.array(y["mean"]) - 1.0).max() < 5.0 * np.sqrt(2.0 / 4000)
