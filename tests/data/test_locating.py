"""Which file a model's data are in."""

from __future__ import annotations

from pathlib import Path

import pytest

from quivers.configuration import configuration_for
from quivers.data import default_path, located


def test_the_first_kind_that_is_there_counts_and_the_others_are_told(tmp_path: Path) -> None:
    model = tmp_path / "m.qvr"
    assert located(model).path.name == "m.data.json"
    (tmp_path / "m.data.parquet").touch()
    assert default_path(model).name == "m.data.parquet"
    (tmp_path / "m.data.csv").touch()
    found = located(model)
    assert (found.path.name, found.wanted) == ("m.data.csv", False)
    assert [problem.message for problem in found.problems] == [
        "The data are those of `m.data.csv`; `m.data.parquet` beside it is not read."
    ]
    (tmp_path / "m.data.json").touch()
    [problem] = located(model).problems
    assert problem.code == "QVR614"
    assert problem.message == (
        "The data are those of `m.data.json`; `m.data.csv` and `m.data.parquet` beside it are not read."
    )


def test_a_setting_counts_before_the_project_and_that_before_what_stands_beside(
    tmp_path: Path,
) -> None:
    model = tmp_path / "models" / "m.qvr"
    model.parent.mkdir()
    (model.parent / "m.data.json").touch()
    configured = tmp_path / "study.csv"
    assert located(model, None, [configured]).path == configured
    assert located(model, None, [configured, tmp_path / "b.csv"]).paths == (configured, tmp_path / "b.csv")
    found = located(model, "../other.csv", [configured])
    assert found.path == model.parent / "../other.csv"
    assert found.wanted
    assert located(model, "").path.name == "m.data.json"
    assert located(model, str(configured)).path == configured


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("qvr.toml", 'data = "study.csv"\n'),
        ("pyproject.toml", '[tool.qvr]\ndata = "study.csv"\n'),
        ("qvr.toml", 'data = ["study.csv", "deep/groups.csv", "study.csv"]\n'),
    ],
)
def test_the_project_s_files_are_seen_from_the_configuration(tmp_path: Path, file: str, text: str) -> None:
    (tmp_path / file).write_text(text)
    configuration = configuration_for(tmp_path / "deep" / "m.qvr")
    more = (tmp_path / "deep" / "groups.csv",) if "groups" in text else ()
    assert configuration.data == (tmp_path / "study.csv", *more)
    assert configuration.warnings == ()


@pytest.mark.parametrize("value", ["3", '""', '"a\\u0000b"', "{a = 1}", "[1]", '["study.csv", ""]'])
def test_a_setting_that_is_no_path_is_a_warning(tmp_path: Path, value: str) -> None:
    (tmp_path / "qvr.toml").write_text(f"data = {value}\n")
    configuration = configuration_for(tmp_path / "m.qvr")
    assert configuration.data == ()
    [warning] = configuration.warnings
    assert warning.endswith(
        "qvr.toml:1: `data` must be the path of a data file, in quotes, or a list of such paths."
    )


def test_a_setting_under_the_severities_is_told_its_place(tmp_path: Path) -> None:
    (tmp_path / "qvr.toml").write_text('[severity]\ndata = "study.csv"\n')
    [warning] = configuration_for(tmp_path / "m.qvr").warnings
    assert warning.endswith("qvr.toml:2: `data` is no code: it belongs above `[severity]`.")
