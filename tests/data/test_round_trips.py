"""Whatever form the same data are written in, a program is bound to the same values, sizes and names."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram
from quivers.data import Bound, bind, read, together

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
Data = Mapping[str, Any]


def program_of(path: Path) -> tuple[Checked, CheckedProgram]:
    checked = check_source(path.read_text(encoding="utf-8"))
    program = checked.program_to_run()
    assert program is not None
    return checked, program


class Study:
    """A program with its data as JSON has them, and as one long table."""

    def __init__(self, model: Path, long: Callable[[Data], Data]) -> None:
        self.checked, self.program = program_of(model)
        self.data: Data = read(model.with_suffix(".data.json"))
        self.long = long(self.data)
        self.bound = self.bind(self.data)

    def bind(self, data: Any) -> Bound:
        return bind(self.checked, self.program, data)

    def same(self, data: Any) -> None:
        bound = self.bind(data)
        assert dict(bound.sizes) == dict(self.bound.sizes)
        assert dict(bound.levels) == dict(self.bound.levels)
        assert bound.values.keys() == self.bound.values.keys()
        for name, values in self.bound.values.items():
            np.testing.assert_array_equal(bound.values[name], values)
            assert bound.values[name].dtype == values.dtype


def homes(data: Data) -> Data:
    """A row for each home, with its county's uranium in it."""
    uranium = dict(zip(data["County"], data["uranium"], strict=True))
    table = {name: data[name] for name in ("county", "floor", "log_radon")}
    return table | {"uranium": [uranium[county] for county in data["county"]]}


@pytest.fixture(scope="module", params=["eight schools", "radon"])
def study(request: pytest.FixtureRequest) -> Study:
    if request.param == "radon":
        return Study(EXAMPLES / "radon" / "radon.qvr", homes)
    return Study(EXAMPLES / "eight_schools" / "noncentred.qvr", lambda data: data)


def write_table(path: Path, columns: Data, delimiter: str = ",") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


def test_the_radon_data_are_what_they_are_said_to_be() -> None:
    data = read(EXAMPLES / "radon" / "radon.data.json")
    assert len(set(data["county"])) == len(data["County"]) == len(data["uranium"]) == 85
    assert len(data["county"]) == len(data["floor"]) == len(data["log_radon"]) == 919


@pytest.mark.parametrize(("name", "delimiter"), [("d.csv", ","), ("d.tsv", "\t")])
def test_tables_of_text(study: Study, name: str, delimiter: str, tmp_path: Path) -> None:
    study.same(read(write_table(tmp_path / name, study.long, delimiter)))


def test_a_directory_of_tables_and_of_single_values(study: Study, tmp_path: Path) -> None:
    write_table(tmp_path / "rows.csv", study.long)
    study.same(read(tmp_path))
    (tmp_path / "rows.csv").unlink()
    for name, values in study.data.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(values))
    (tmp_path / "README.md").write_text("Not data.")
    (tmp_path / ".hidden.json").write_text("{")
    study.same(read(tmp_path))
    for name, values in study.data.items():
        (tmp_path / f"{name}.json").unlink()
        np.save(tmp_path / f"{name}.npy", np.array(values))
    study.same(read(tmp_path))


def test_several_files_together(study: Study, tmp_path: Path) -> None:
    paths = []
    for name, values in study.data.items():
        paths.append(tmp_path / f"{name}.json")
        paths[-1].write_text(json.dumps({name: values}))
    study.same(together(paths))


def test_stan_s_json(study: Study, tmp_path: Path) -> None:
    """cmdstan has its numbers nested in lists, and one array may be written over many lines."""
    path = tmp_path / "d.json"
    path.write_text(json.dumps(dict(study.data), indent=1))
    study.same(read(path))


@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "compressed"])
def test_numpy_s_archives(study: Study, compressed: bool, tmp_path: Path) -> None:
    save = np.savez_compressed if compressed else np.savez
    save(tmp_path / "d.npz", **{name: np.array(values) for name, values in study.data.items()})
    study.same(read(tmp_path / "d.npz"))
    coded = {name: np.array(values) for name, values in study.data.items()}
    coded = {n: np.char.encode(array) if array.dtype.kind == "U" else array for n, array in coded.items()}
    save(tmp_path / "d.npz", **coded)
    study.same(read(tmp_path / "d.npz"))


@pytest.mark.parametrize("ending", ["parquet", "arrow", "feather", "stream.arrow"])
def test_parquet_and_arrow(study: Study, ending: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.feather
    import pyarrow.parquet

    table, path = pa.table(dict(study.long)), tmp_path / f"d.{ending}"
    if ending == "parquet":
        pyarrow.parquet.write_table(table, path)
    elif ending == "feather":
        pyarrow.feather.write_feather(table, path)
    else:
        kind = pa.ipc.new_stream if "stream" in ending else pa.ipc.new_file
        with pa.OSFile(str(path), "wb") as file, kind(file, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    study.same(read(path))


def test_arrow_tables_and_their_columns(study: Study) -> None:
    import pyarrow as pa

    table = pa.table(dict(study.long))
    study.same(table)
    study.same({name: table[name] for name in table.column_names})


def test_pandas_frames_and_series(study: Study) -> None:
    import pandas as pd

    frame = pd.DataFrame(dict(study.long))
    study.same(frame)
    study.same({name: frame[name] for name in frame})
    if "county" in frame:
        study.same(frame.assign(county=frame.county.astype("category")))
        study.same(frame.assign(county=pd.Categorical(frame.county, study.data["County"], ordered=True)))


def test_polars_frames_and_series(study: Study) -> None:
    import polars as pl

    frame = pl.DataFrame(dict(study.long))
    study.same(frame)
    study.same({name: frame[name] for name in frame.columns})
    if "county" in frame.columns:
        study.same(frame.with_columns(pl.col("county").cast(pl.Categorical)))
        study.same(frame.with_columns(pl.col("county").cast(pl.Enum(study.data["County"]))))


def test_dicts_of_arrays_and_tensors(study: Study) -> None:
    import torch

    arrays = {name: np.array(values) for name, values in study.data.items()}
    study.same(arrays)
    study.same(
        {n: array if array.dtype.kind == "U" else torch.as_tensor(array) for n, array in arrays.items()}
    )


def test_xarray_data_sets_name_elements_and_axes() -> None:
    import xarray as xr

    checked = check_source(
        "object School : FinSet\nobject Item : FinSet\n"
        "program p : School * Item -> School * Item\n"
        "    sample mu : School <- Normal(0.0, 1.0)\n"
        "    observe y : School * Item <- Normal(mu, 1.0)\n"
        "    return y\n"
    )
    values = np.arange(6.0).reshape(2, 3)
    data = xr.Dataset({"y": (("Item", "School"), values.T)}, coords={"School": ["Choate", "Andover"]})
    bound = bind(checked, checked.programs["p"], data)
    np.testing.assert_array_equal(bound.values["y"], values)
    assert bound.levels == {"School": ("Choate", "Andover")}
