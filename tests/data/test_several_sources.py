"""Several files as one, directories, new names for columns, and frames that can't be used."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.data import bind, default_path, read, renamed, together, values_of
from quivers.data.read import weight, written
from quivers.errors import DataError

LONG = """object County : FinSet
object Home : FinSet
data county : Home -> County
data uranium : County * Real
program p : Home -> Home
    sample b <- Normal(0.0, 1.0)
    observe y : Home <- Normal(b * uranium[county], 1.0)
    return y
"""


def test_a_table_of_groups_beside_a_table_of_rows_gives_their_names_and_values(tmp_path: Path) -> None:
    (tmp_path / "homes.csv").write_text("county,y\nCook,1\nAnoka,2\nCook,3\n")
    # As many rows in both tables: what stands in one says nothing of the rows of the other.
    (tmp_path / "counties.csv").write_text("County,uranium\nPolk,0.3\nCook,0.1\nAnoka,0.2\n")
    checked = check_source(LONG)
    bound = bind(checked, checked.programs["p"], read(tmp_path))
    assert bound.levels == {"County": ("Polk", "Cook", "Anoka")}
    assert bound.values["uranium"].tolist() == [0.3, 0.1, 0.2]
    assert bound.values["county"].tolist() == [1, 2, 1]


def test_rows_with_missing_values_are_those_of_the_table() -> None:
    checked = check_source(LONG)
    table = {"county": ["a", "b", "a"], "y": [1.0, 2.0, 3.0], "uranium": [0.1, None, 0.1]}
    import polars as pl

    with pytest.raises(DataError, match=r"`uranium` has 1 missing value: row 2 of `Home`\."):
        bind(checked, checked.programs["p"], pl.DataFrame(table))


def test_each_name_that_two_files_give_is_told(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "d.json").write_text('{"y": [1], "s": 2}')
    one, two = tmp_path / "one" / "d.json", tmp_path / "two" / "d.json"
    with pytest.raises(DataError) as caught:
        together([one, two])
    assert [(problem.code, problem.input) for problem in caught.value.problems] == [
        ("QVR615", "y"),
        ("QVR615", "s"),
    ]
    assert f"`y` is given by {one} and by {two}: " in str(caught.value)


def test_a_directory_beside_the_model_is_its_data_where_no_file_is(tmp_path: Path) -> None:
    (tmp_path / "m.data").mkdir()
    assert default_path(tmp_path / "m.qvr") == tmp_path / "m.data"
    (tmp_path / "m.data.npz").touch()
    assert default_path(tmp_path / "m.qvr") == tmp_path / "m.data.npz"


def test_a_directory_is_as_new_and_as_heavy_as_its_files(tmp_path: Path) -> None:
    assert written(tmp_path / "none") is None
    (tmp_path / "y.json").write_text("[1, 2]")
    (tmp_path / "notes.txt").write_text("x" * 1000)
    before = written(tmp_path)
    assert before is not None
    assert weight(tmp_path) == before[1] == 6
    os.utime(tmp_path / "y.json", ns=(0, before[0] + 10**9))
    assert written(tmp_path) == (before[0] + 10**9, 6)


# ------------------------------------------------------------------------------ new names


def test_names_are_given_all_at_once() -> None:
    values = {"a": 1, "b": 2, "score": 3}
    assert renamed(values, {"a": "b", "b": "a"}) == {"a": 2, "b": 1, "score": 3}
    assert renamed(values, {"y": "score", "z": "score"}) == {"a": 1, "b": 2, "y": 3, "z": 3}
    assert renamed(values, {"a": "score"}) == {"b": 2, "a": 3}
    assert renamed(values, {}) == values


def test_a_name_that_the_data_lack_is_told_with_a_near_one() -> None:
    with pytest.raises(DataError) as caught:
        renamed({"score": 1}, {"y": "Scores", "z": "w"})
    assert [problem.message for problem in caught.value.problems] == [
        "The data have no `Scores` that could be renamed; did you mean `score`?",
        "The data have no `w` that could be renamed.",
    ]
    assert renamed({"score": 1}, {"y": "Scores"}, strict=False) == {"score": 1}


# --------------------------------------------------------------------------- words of Stan's


def test_words_for_what_json_has_no_number_for_are_numbers_among_numbers(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    text = '{"x": [[1, "NaN"], ["-Inf", "+Infinity"]], "w": "Inf", "name": ["NaN", "Nan"], "none": ["NaN"]}'
    path.write_text(text)
    values = read(path)
    assert math.isnan(values["x"][0][1])
    assert values["x"][1] == [-math.inf, math.inf]
    assert values["w"] == math.inf
    assert values["name"] == ["NaN", "Nan"]
    assert math.isnan(values["none"][0])


def test_whole_numbers_that_float64_has_are_exact_however_large(tmp_path: Path) -> None:
    checked = check_source("program p : Real 1 -> Real\n    observe y <- Normal(0.0, 1.0)\n    return y\n")
    program = checked.programs["p"]
    for value in (2**60, np.uint64(2**63), 10**22):
        assert bind(checked, program, {"y": value}).values["y"] == float(value)
    for value in (2**60 + 1, np.uint64(2**63 + 1), [2**53 + 1], np.int64(-(2**53) - 1)):
        with pytest.raises(DataError, match="too large to be exact"):
            bind(checked, program, {"y": value})
    (tmp_path / "d.csv").write_text("id,y\n9007199254740993,1\n9007199254740995,1\n")
    assert bind(checked, program, read(tmp_path / "d.csv")).values["y"] == 1  # an id is nobody's number


# --------------------------------------------------------------------------------- frames


def frames() -> list[Any]:
    import pandas as pd
    import polars as pl

    return [
        ([1, 2], "Data must be values by name or a data frame, but this is a list."),
        (pl.LazyFrame({"y": [1]}), "A lazy frame has no values yet: call its `collect()` first."),
        (pd.DataFrame([[1, 2]], columns=["y", "y"]), "The data frame has two columns called `y`."),
    ]


@pytest.mark.parametrize("number", range(3))
def test_what_is_no_data_is_one_sentence(number: int) -> None:
    given, sentence = frames()[number]
    with pytest.raises(DataError) as caught:
        values_of(given)
    assert str(caught.value) == sentence


def test_the_columns_of_frames_say_what_they_hold() -> None:
    import pandas as pd
    import polars as pl

    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", "2020-01-02"]),
            "flag": pd.array([True, None], dtype="boolean"),
            "count": pd.array([1, None], dtype="Int64"),
            "name": ["a", None],
            "grade": pd.Categorical(["low", "high"], ["low", "high"], ordered=True),
            "code": pd.Categorical([10, 9]),
        }
    )
    columns = values_of(frame)
    assert columns["when"].holds == "dates with times"
    np.testing.assert_array_equal(columns["flag"].values, [1, math.nan])
    np.testing.assert_array_equal(columns["count"].values, [1, math.nan])
    assert columns["name"].missing.tolist() == [False, True]
    assert (columns["grade"].levels, columns["grade"].ordered) == (("low", "high"), True)
    assert columns["code"].values.tolist() == [10, 9]
    lists = values_of(pl.DataFrame({"rows": [[1, 2], [3, 4]], "ragged": [[1], [2, 3]]}))
    assert lists["rows"].values.tolist() == [[1, 2], [3, 4]]
    assert lists["ragged"].holds == "lists of different lengths, or not of numbers"


def test_a_dict_of_plain_values_loads_no_library_of_frames() -> None:
    import subprocess
    import sys

    program = (
        "import sys, numpy as np\nfrom quivers.data import values_of\n"
        "values_of({'y': [1], 'x': np.ones(2), 'n': 3})\n"
        "assert not {'narwhals', 'pandas', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


# ----------------------------------------------------------------------------- the command


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "m.qvr"
    path.write_text(LONG, encoding="utf-8")
    return path


def posterior(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    from quivers.cli import main

    counts = ["--chains", "1", "--warmup", "50", "--draws", "20", "--output-format", "json"]
    status = main(["run", *arguments, *counts])
    captured = capsys.readouterr()
    return json.loads(captured.out)["summary"] if status == 0 else captured.err + captured.out


def test_the_command_takes_several_files_and_new_names(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    homes, counties = tmp_path / "homes.csv", tmp_path / "counties.csv"
    homes.write_text("county,radon\nCook,1\nAnoka,2\nCook,3\n")
    counties.write_text("County,uranium\nCook,0.1\nAnoka,0.2\n")
    files = ["--data", str(homes), "--data", str(counties)]
    by_option = posterior(capsys, str(model), *files, "--map", "y=radon")
    assert next(iter(by_option)) == "b"
    (tmp_path / "qvr.toml").write_text('[map]\ny = "radon"\nnot_here = "nor_here"\n')
    assert posterior(capsys, str(model), *files) == by_option
    told = posterior(capsys, str(model), *files, "--map", "y=random")
    assert "QVR601" in told
    assert "The data have no `random` that could be renamed; did you mean `radon`?" in told


def test_the_radon_example_fits_without_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    from quivers.cli import main

    model = Path(__file__).resolve().parents[2] / "examples" / "radon" / "radon.qvr"
    assert main(["check", str(model)]) == 0
    capsys.readouterr()
    assert main(["run", str(model), "--output-format", "json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["problems"], result["divergences"]) == ([], 0)
    assert "z[Alder Bluff]" in result["summary"]


def test_the_editor_takes_the_project_s_names(model: Path, tmp_path: Path) -> None:
    from qvr_server.data_files import DataFiles

    (tmp_path / "m.data.csv").write_text("county,radon,uranium\nCook,1,0.1\nAnoka,2,0.2\n")
    checked = check_source(LONG)
    files = DataFiles()
    [problem] = files.answer(model, checked, checked.programs["p"]).problems
    assert problem.code == "QVR601"
    answer = files.answer(model, checked, checked.programs["p"], renames={"y": "radon"})
    assert answer.problems == ()
    assert answer.facts is not None
    assert "y" in answer.facts.values


def test_a_project_names_several_files_for_the_command_and_the_editor(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from quivers.configuration import configuration_for
    from qvr_server.data_files import DataFiles
    from qvr_server.results import data_used
    from qvr_server.run_subjects import data_file

    homes, counties = tmp_path / "homes.csv", tmp_path / "counties.csv"
    homes.write_text("county,y\nCook,1\nAnoka,2\nCook,3\n")
    counties.write_text("County,uranium\nCook,0.1\nAnoka,0.2\n")
    (tmp_path / "qvr.toml").write_text('data = ["homes.csv", "counties.csv"]\n')
    by_option = posterior(capsys, str(model), "--data", str(homes), "--data", str(counties))
    assert posterior(capsys, str(model)) == by_option

    checked = check_source(LONG)
    configured = configuration_for(model).data
    files = DataFiles()

    def answer() -> Any:
        return files.answer(model, checked, checked.programs["p"], configured=configured)

    assert answer().problems == ()
    assert answer().paths == (homes, counties)
    assert set(answer().facts.values) == {"county", "y", "County", "uranium"}
    assert answer().facts.levels == {"County": ("Cook", "Anoka")}
    assert data_file(model, None) == [str(homes), str(counties)]
    before = data_used([str(homes), str(counties)]), files.seen(model, None, configured)

    counties.write_text("County,uranium,y\nCook,0.1,1\nAnoka,0.2,2\n")
    [problem] = answer().problems
    assert problem.message.startswith("`y` is given by homes.csv and by counties.csv:")
    assert problem.message in posterior(capsys, str(model))
    assert data_used([str(homes), str(counties)]).key != before[0].key
    assert files.seen(model, None, configured) != before[1]
    counties.unlink()
    [problem] = answer().problems
    assert problem.message == f"{counties} does not exist."
    assert problem.message in posterior(capsys, str(model))
    assert files.seen(model, None, configured)[1] is None


def test_the_worker_reads_several_files(model: Path, tmp_path: Path) -> None:
    from quivers.worker.messages import RunRequest
    from quivers.worker.runs import data_values

    (tmp_path / "homes.csv").write_text("county,y\nCook,1\nAnoka,2\n")
    (tmp_path / "uranium.json").write_text('{"uranium": [0.1, 0.2]}')
    data = tmp_path / "homes.csv", tmp_path / "uranium.json"
    request = RunRequest(LONG, str(model), data=data)
    values, names = data_values(request, check_source(LONG).programs["p"])
    assert (set(values), names) == ({"county", "y", "uranium"}, "homes.csv, uranium.json")
