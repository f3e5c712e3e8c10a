"""`qvr run` on CSV, TSV and Parquet: the posterior that JSON gives, and each refusal in a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from quivers.cli import main

MODEL = """\
object School : FinSet
program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample theta : School <- Normal(mu, 5.0)
    observe y : School <- Normal(theta, sigma)
    return theta
"""
Y, SIGMA = [28, 8, -3, 7], [15, 10, 16, 11]
SHORT = ["--chains", "1", "--warmup", "50", "--draws", "50", "--output-format", "json"]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.qvr"
    path.write_text(MODEL)
    return path


def table(separator: str) -> str:
    rows = [f"{y}{separator}{sigma}" for y, sigma in zip(Y, SIGMA, strict=True)]
    return "\n".join([f"y{separator}sigma", *rows, ""])


def posterior(model: Path, capsys: pytest.CaptureFixture[str], *options: str) -> object:
    assert main(["run", str(model), *SHORT, *options]) == 0
    return json.loads(capsys.readouterr().out)["summary"]


def test_every_kind_of_file_gives_the_same_posterior(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    folder = model.parent
    (folder / "m.data.json").write_text(json.dumps({"y": Y, "sigma": SIGMA}))
    expected = posterior(model, capsys)
    (folder / "study.csv").write_text(table(","))
    (folder / "study.tsv").write_text(table("\t"))
    pyarrow.parquet.write_table(pa.table({"y": Y, "sigma": SIGMA}), folder / "study.parquet")
    for ending in ("csv", "tsv", "parquet"):
        assert posterior(model, capsys, "--data", str(folder / f"study.{ending}")) == expected
    (folder / "m.data.json").unlink()
    (folder / "qvr.toml").write_text('data = "study.tsv"\n')
    assert posterior(model, capsys) == expected


def test_a_fault_of_a_table_is_a_sentence_and_exit_1(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = model.with_name("m.data.csv")
    path.write_text(table(",").replace("8,10", "8"))
    assert main(["run", str(model)]) == 1
    err = capsys.readouterr().err
    assert f"error[QVR600]: {path}, line 3: this row has 1 cell, but the header names 2 columns." in err
    path.write_text(table(",").replace("-3,", ","))
    assert main(["run", str(model)]) == 1
    err = capsys.readouterr().err
    assert (
        f"error[QVR606]: {path}: `y` has 1 missing value: row 3 of `School`;"
        " `[where=…]` on its `observe` would leave it out." in err
    )


def test_two_files_beside_a_model_are_a_warning(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model.with_name("m.data.csv").write_text(table(","))
    model.with_name("m.data.tsv").write_text(table("\t"))
    assert main(["run", str(model), *SHORT[:-2]]) == 0
    out, err = capsys.readouterr()
    assert "warning[QVR614]: The data are those of `m.data.csv`; `m.data.tsv` beside it is not read." in err
    assert "m.data.csv" in out


def test_a_file_that_the_project_names_and_that_is_not_there_is_told(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model.with_name("qvr.toml").write_text('data = "gone.csv"\n')
    assert main(["run", str(model)]) == 1
    assert "gone.csv does not exist." in capsys.readouterr().err
