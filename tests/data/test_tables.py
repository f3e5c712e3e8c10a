"""Reading CSV, TSV and Parquet: what the columns hold, and what is said of a file that is broken."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from bad_files import BAD_FILES
from hypothesis import given
from hypothesis import strategies as st

from quivers.data import read, read_table
from quivers.data.column import Column, Kind
from quivers.errors import DataError

CSV = """\
county,y,floor,seen,note
AITKIN,2.5,0,true,1
ANOKA,-3e2, 1 ,FALSE,x
AITKIN,NA,1,,3
"""


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def texts(column: Column) -> list[str | None]:
    return [None if missing else column.text(row) for row, missing in enumerate(column.missing)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize(("name", "delimiter"), [("t.csv", ","), ("t.tsv", "\t"), ("T.CSV", ",")])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "marked"])
def test_columns_are_numbers_truths_or_text(
    tmp_path: Path, name: str, delimiter: str, line_end: str, mark: str
) -> None:
    content = mark + CSV.replace(",", delimiter).replace("\n", line_end)
    columns = read(written(tmp_path, name, content))
    assert {key: column.kind for key, column in columns.items()} == {
        "county": Kind.TEXT,
        "y": Kind.NUMBER,
        "floor": Kind.NUMBER,
        "seen": Kind.TRUTH,
        "note": Kind.TEXT,
    }
    assert texts(columns["county"]) == ["AITKIN", "ANOKA", "AITKIN"]
    assert columns["county"].levels == ("AITKIN", "ANOKA")
    np.testing.assert_array_equal(columns["y"].values, [2.5, -300, math.nan])
    assert columns["floor"].values.tolist() == [0, 1, 1]
    np.testing.assert_array_equal(columns["seen"].values, [1, 0, math.nan])
    assert texts(columns["note"]) == ["1", "x", "3"]


@pytest.mark.parametrize("cell", ["", "NA", "N/A", "NaN", "nan", "null", "  ", " NA "])
def test_a_missing_cell_is_missing_among_numbers_text_and_truths(tmp_path: Path, cell: str) -> None:
    columns = read(written(tmp_path, "t.csv", f"a,b,c\n1,x,true\n{cell},{cell},{cell}\n"))
    for column in columns.values():
        assert column.missing.tolist() == [False, True]


def test_a_column_of_missing_cells_before_text_is_text(tmp_path: Path) -> None:
    rows = 3 * read_table.ROWS_AT_ONCE
    columns = read(written(tmp_path, "t.csv", "a,b\n" + "NA,1\n" * rows + "x,1\n"))
    assert columns["a"].kind is Kind.TEXT
    assert columns["a"].missing.sum() == rows
    assert columns["a"].text(rows) == "x"


def test_text_after_many_numbers_keeps_these_as_they_were_written(tmp_path: Path) -> None:
    rows = 3 * read_table.ROWS_AT_ONCE
    columns = read(written(tmp_path, "t.csv", "a,b\n" + "007,1\n" * rows + "12A,1\n"))
    assert columns["a"].levels == ("007", "12A")
    assert columns["b"].kind is Kind.NUMBER


@pytest.mark.parametrize("text", ["1_000", "٣", "0x10", "1,5", "12 kg", "1e", "--1"])
def test_what_only_python_or_nobody_reads_as_a_number_is_text(tmp_path: Path, text: str) -> None:
    [column] = read(written(tmp_path, "t.tsv", f"a\n1\n{text}\n")).values()
    assert texts(column) == ["1", text]


def test_quoted_cells_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    columns = read(written(tmp_path, "t.csv", 'a,"b, c"\n1,"x, ""y""\nz"\n"2",w\n'))
    assert columns["a"].values.tolist() == [1, 2]
    assert texts(columns["b, c"]) == ['x, "y"\nz', "w"]


def test_columns_without_a_name_are_left_out(tmp_path: Path) -> None:
    assert list(read(written(tmp_path, "t.csv", ',y,\n"1",28,\n"2",8,\n'))) == ["y"]


def test_empty_lines_at_the_end_do_not_count_and_inside_one_column_are_missing(tmp_path: Path) -> None:
    assert read(written(tmp_path, "t.csv", "y,s\n1,2\n\n\n"))["y"].rows == 1
    column = read(written(tmp_path, "t.csv", "y\n1\n\n3\n\n"))["y"]
    np.testing.assert_array_equal(column.values, [1, math.nan, 3])


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_sentence_with_its_path(tmp_path: Path, name: str) -> None:
    content, sentence = BAD_FILES[name]
    path = written(tmp_path, name, content)
    with pytest.raises(DataError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}{sentence}")
    assert message.endswith(".")
    assert "\n" not in message
    assert caught.value.problems[0].code == "QVR600"


def test_there_are_enough_bad_files() -> None:
    assert len(BAD_FILES) >= 40


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".parquet", ".json"])
def test_what_is_no_file_says_what_it_is(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"data{ending}"
    with pytest.raises(DataError, match=f"data{ending} does not exist"):
        read(path)
    path.mkdir()
    with pytest.raises(DataError, match=f"data{ending} is a directory, not a data file"):
        read(path)


def test_a_line_without_an_end_is_refused_before_it_is_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_table, "LONGEST_LINE", 1000)
    path = written(tmp_path, "t.csv", "a,b\n1,2\n" + "3" * 5000)
    with pytest.raises(DataError, match=r"t\.csv, line 3: this line has more than 1,000 characters\.$"):
        read(path)


CELLS = st.text(alphabet='ab1.,;"\n\r\té \x00_-', max_size=40)


@given(content=CELLS)
def test_no_text_ends_in_anything_but_columns_or_a_sentence(
    content: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = written(tmp_path_factory.mktemp("any"), "t.csv", content)
    try:
        columns = read(path)
    except DataError as error:
        [problem] = error.problems
        assert problem.message.startswith(str(path))
        assert "\n" not in problem.message.removeprefix(str(path)).split("`")[0]
    else:
        assert len({column.rows for column in columns.values()}) <= 1


# ----------------------------------------------------------------------------- Parquet


def parquet(folder: Path, **columns: object) -> Path:
    import pyarrow as pa
    import pyarrow.parquet

    path = folder / "t.parquet"
    pyarrow.parquet.write_table(pa.table(columns), path)
    return path


def test_parquet_gives_the_same_columns_as_csv(tmp_path: Path) -> None:
    path = parquet(
        tmp_path,
        county=["AITKIN", "ANOKA", "AITKIN"],
        y=[2.5, -300.0, None],
        floor=[0, 1, 1],
        seen=[True, False, None],
    )
    ours, theirs = read(path), read(written(tmp_path, "t.csv", CSV))
    for name, column in ours.items():
        assert column.kind is theirs[name].kind
        assert column.levels == theirs[name].levels
        np.testing.assert_array_equal(column.values, theirs[name].values)


def test_parquet_kinds(tmp_path: Path) -> None:
    import pyarrow as pa

    ordered = pa.DictionaryArray.from_arrays(pa.array([1, None, 0]), ["low", "high"], ordered=True)
    columns = read(
        parquet(
            tmp_path,
            grade=ordered,
            rows=pa.array([[1, 2], [3, 4], [5, 6]]),
            ragged=pa.array([[1], [2, 3], []]),
            when=pa.array([0, 1, 2], pa.timestamp("s")),
            cents=pa.array([1, 2, None]).cast(pa.decimal128(21, 2)),
            nothing=pa.nulls(3),
        )
    )
    assert texts(columns["grade"]) == ["high", None, "low"]
    assert (columns["grade"].levels, columns["grade"].ordered) == (("low", "high"), True)
    assert columns["rows"].values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert columns["ragged"].holds == "lists of different lengths"
    assert columns["when"].holds == "dates with times"
    np.testing.assert_array_equal(columns["cents"].values, [1, 2, math.nan])
    assert columns["nothing"].missing.all()


def test_without_pyarrow_a_sentence_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = parquet(tmp_path, y=[1.0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value) == (f"{path} needs the package pyarrow to be read: pip install 'qvr[parquet]'.")


def test_a_parquet_file_cut_anywhere_is_a_sentence(tmp_path: Path) -> None:
    path = parquet(tmp_path, y=[1.0, 2.0], name=["a", "b"])
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            read(path)
        path.write_bytes(whole[:length] + b"PAR1")
        with pytest.raises(DataError):
            read(path)
