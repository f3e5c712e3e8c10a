"""`qvr predict`: new data's outcomes by level names, from a fit or from a saved run."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from quivers.cli import main

TOWNS = """\
object Town : FinSet
object Row  : FinSet
data town : Row -> Town
program towns : Row -> Town
    sample mu <- Normal(0.0, prior_sd)
    sample effect : Town <- Normal(mu, 0.5)
    observe y : Row <- Normal(effect[town] + x, 0.1)
    return effect
"""
Y = [1.0, 3.0, 1.1, 3.1]
SHORT = ["--chains", "2", "--warmup", "300", "--draws", "300", "--quiet"]
NEW = ["--elements", "Town=new"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.qvr").write_text(TOWNS)
    data = {"town": ["Pi", "Rho", "Pi", "Rho"], "x": [0.0, 0.0, 0.0, 0.0], "y": Y, "prior_sd": 1.0}
    (tmp_path / "m.data.json").write_text(json.dumps(data))
    (tmp_path / "new.csv").write_text("town,x\nRho,10\nSigma,0\n")
    return tmp_path


def predicted(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, float]]:
    """The figures of each line, by site and element."""
    assert main(["predict", *arguments, "--format", "csv"]) == 0
    lines = csv.DictReader(io.StringIO(capsys.readouterr().out))
    figures = ("mean", "sd", "q5", "q50", "q95")
    return {
        f"{line['site']}[{line.get('Row') or line.get('Town') or line.get('Week')}]": {
            name: float(line[name]) for name in figures
        }
        for line in lines
    }


def test_a_fit_predicts_new_rows_and_new_towns(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = predicted(["m.qvr", "--new", "new.csv", *NEW, *SHORT], capsys)
    assert list(rows) == ["y[1]", "y[2]"]
    # Rho's mean is that of its two rows nearly, and x adds ten.
    assert abs(rows["y[1]"]["mean"] - 13.03) < 4 * 0.13 / math.sqrt(600) + 0.02
    assert rows["y[1]"]["sd"] == pytest.approx(math.hypot(0.1, 0.07), rel=0.15)
    # Sigma is new: its effect has the spread of towns, and that of their mean.
    assert 0.5 < rows["y[2]"]["sd"] < 0.9
    assert rows["y[2]"]["q5"] < rows["y[2]"]["q50"] < rows["y[2]"]["q95"]


def test_the_same_seed_predicts_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, other = (
        predicted(["m.qvr", "--new", "new.csv", *NEW, *SHORT, "--seed", seed], capsys)
        for seed in ("3", "3", "4")
    )
    assert first == second != other


def test_a_saved_run_predicts_what_its_fit_would(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fitted = predicted(["m.qvr", "--new", "new.csv", *NEW, *SHORT], capsys)
    assert main(["run", "m.qvr", *SHORT]) == 0
    capsys.readouterr()
    assert predicted(["--run", "latest", "--new", "new.csv", *NEW], capsys) == fitted


def test_sites_go_by_the_names_of_their_elements(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = predicted(["m.qvr", "--new", "new.csv", *NEW, *SHORT, "--site", "effect"], capsys)
    assert list(rows) == ["effect[Rho]", "effect[Sigma]"]
    assert main(["predict", "m.qvr", "--new", "new.csv", *NEW, *SHORT, "--site", "effect"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("towns : Row -> Town ! {Sample, Score}\npredicted for new.csv: 600 draws, seed 0\n")
    assert "effect[Sigma]  latent " in out


def test_files_have_figures_and_draws(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    asked = ["m.qvr", "--new", "new.csv", *NEW, *SHORT, "--site", "y", "--site", "effect", "--samples", "50"]
    assert main(["predict", *asked, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["program"], told["draws"], told["labels"]) == ("towns", 50, {"Town": ["Rho", "Sigma"]})
    assert told["sites"]["y"]["role"] == "predicted"
    for name in ("p.json", "p.csv", "p.npz", "p.parquet"):
        assert main(["predict", *asked, "-o", name, "--draws-output", "draws.npz"]) == 0
        assert capsys.readouterr().out == ""
    assert json.loads(Path("p.json").read_text()) == told
    table = list(csv.reader(Path("p.csv").read_text().splitlines()))
    assert table[0] == ["site", "Row", "Town", "mean", "sd", "q5", "q50", "q95"]
    assert [line[:3] for line in table[1:]] == [
        ["y", "1", ""], ["y", "2", ""], ["effect", "", "Rho"], ["effect", "", "Sigma"],
    ]  # fmt: skip
    parquet = pq.read_table("p.parquet").to_pydict()
    assert parquet["Town"] == [None, None, "Rho", "Sigma"]
    assert parquet["mean"] == told["sites"]["y"]["mean"] + told["sites"]["effect"]["mean"]
    with np.load("p.npz") as figures, np.load("draws.npz") as draws:
        assert draws["y"].shape == (50, 2)
        assert draws["Town labels"].tolist() == ["Rho", "Sigma"]
        np.testing.assert_allclose(figures["y.mean"], draws["y"].mean(axis=0))
        np.testing.assert_allclose(figures["y.mean"], told["sites"]["y"]["mean"])


def test_without_names_it_is_said_which_elements_are_new(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = {"town": [0, 1, 0, 1], "x": [0.0] * 4, "y": Y, "prior_sd": 1.0}
    (folder / "m.data.json").write_text(json.dumps(data))
    (folder / "new.json").write_text(json.dumps({"town": [0, 1, 2], "x": [0.0] * 3}))
    asked = ["m.qvr", "--new", "new.json", *SHORT]
    assert main(["predict", *asked]) == 1
    err = capsys.readouterr().err
    assert "say --elements Town=new where all are" in err
    further = predicted([*asked, "--elements", "Town=further"], capsys)
    new = predicted([*asked, "--elements", "Town=new"], capsys)
    assert further["y[1]"]["sd"] < 0.2 < new["y[1]"]["sd"]


def test_a_forgotten_column_is_missed_and_a_constant_is_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`prior_sd` is the fit's; the four values of x belong to other rows."""
    (folder / "bad.csv").write_text("town\nRho\nPi\nPi\nRho\n")
    assert main(["predict", "m.qvr", "--new", "bad.csv", *SHORT]) == 1
    err = capsys.readouterr().err
    assert "bad.csv: The data have no `x`" in err
    assert "prior_sd" not in err


WEEKS = """\
object Week : FinSet
program weeks : Week -> Week
    sample carry <- Uniform(-1.0, 1.0)
    let is_first = index(Week) == 0
    let left = if is_first then 0.0 else carry * lag(y, 1)
    observe y : Week <- Normal(left, 1.0)
    return left
"""


def test_a_series_is_forecast(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "w.qvr").write_text(WEEKS)
    y = [(-1.0) ** week * 10.0 * 0.95**week for week in range(40)]
    (folder / "w.data.csv").write_text("y\n" + "".join(f"{value}\n" for value in y))
    (folder / "gaps.csv").write_text("y\n" + "".join(f"{value}\n" for value in y) + '""\n""\n')
    (folder / "further.json").write_text('{"Week": 42}')
    gaps = predicted(["w.qvr", "--new", "gaps.csv", *SHORT], capsys)
    further = predicted(["w.qvr", "--new", "further.json", "--elements", "Week=further", *SHORT], capsys)
    # 41 weeks after the first, in which the sign changes each time.
    assert gaps["y[41]"] == further["y[41]"]
    assert abs(gaps["y[41]"]["mean"] - y[0] * 0.95**40) < 5 * 1.0 / math.sqrt(600) + 0.1
    assert gaps["y[42]"]["mean"] < 0.0
    assert gaps["y[42]"]["sd"] > 1.1
    assert main(["predict", "w.qvr", "--new", "further.json", *SHORT]) == 1
    assert "say --elements Week=new where all are, or Week=further where" in capsys.readouterr().err
    assert main(["predict", "w.qvr", "--new", "gaps.csv", *SHORT]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith(("y", "…"))]
    assert names == [
        *(f"y[{week}]" for week in (1, 2, 3, 4, 5)),
        "…",
        *(f"y[{week}]" for week in range(38, 43)),
    ]


def test_of_many_rows_fewer_draws_are_taken_and_that_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quivers.inference.draw_count.MOST_NUMBERS", 200)
    asked = ["predict", "m.qvr", "--new", "new.csv", *NEW, *SHORT]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert "predicted for new.csv: 100 of 600 draws, seed 0" in out
    assert "from 100 of 600 draws; --samples takes more" in err
    assert main([*asked, "--samples", "300"]) == 0
    out, err = capsys.readouterr()
    assert ("300 of 600 draws" in out, "--samples" in err) == (True, False)


def test_parquet_without_pyarrow_is_refused_before_the_fit(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert main(["predict", "m.qvr", "--new", "new.csv", "-o", "p.parquet"]) == 1
    assert "p.parquet needs pyarrow, which isn't installed: pip install" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["m.qvr", "--new", "gone.csv"], 1, "gone.csv does not exist"),
        (
            ["m.qvr", "--new", "new.csv"],
            1,
            "Town has an element in these data that the fit never saw: `Sigma`. To draw what is new from the"
            " program, as more of its kind, say --elements Town=new.",
        ),
        (["--new", "new.csv"], 2, "Name a model to fit, or with --run a saved run"),
        (["m.qvr", "--run", "latest", "--new", "new.csv"], 2, "Name a model to fit, or with --run"),
        (["--run", "no/such", "--new", "new.csv"], 1, "no/such is no saved run"),
        (["--run", "latest", "--data", "d.csv", "--new", "new.csv"], 2, "A saved run has its data"),
        (["m.qvr"], 2, "`qvr predict` needs --new."),
        (["m.qvr", "--new", "new.csv", "-o", "p.txt"], 2, "end it in one of .csv, .json, .npz, .parquet."),
        (["m.qvr", "--new", "new.csv", "--draws-output", "d.csv"], 2, "d.csv must end in .npz"),
        (
            ["m.qvr", "--new", "new.csv", "--elements", "Town"],
            2,
            "is OBJECT=new or OBJECT=further, not `Town`",
        ),
        (["m.qvr", "--new", "new.csv", "--elements", "City=new"], 1, "elements has City, which is no object"),
        (["m.qvr", "--new", "new.csv", "--site", "z"], 2, "Nothing predicted is called `z`, only `mu`"),
        (
            ["m.qvr", "--new", "new.csv", *NEW, "-o", "no/p.csv"],
            1,
            "no/p.csv cannot be written: no such file",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_each_refusal_is_a_sentence(
    arguments: list[str], status: int, sentence: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = ["--chains", "1", "--warmup", "20", "--draws", "20", "--quiet"]
    assert main(["predict", *arguments, *short]) == status
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert "Traceback" not in err
    assert status != 2 or err.startswith("error: ")  # a misuse is no fault of a file's, and has no code
