"""Takes data as Python has them: data frames, Arrow tables, xarray's data sets, and series in a dict.

Frames of every kind are read through Narwhals, which is loaded when there is one.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np

from quivers.check.types import Axis
from quivers.data.codes import UNREADABLE
from quivers.data.column import Column, Kind, large
from quivers.data.wording import kind_text
from quivers.errors import DataError, DataProblem

_PLAIN = (list, tuple, dict, str, int, float, bool, np.ndarray, np.generic, Column, type(None))


def values_of(data: Any) -> Mapping[str, Any]:
    """The values by name: of a mapping, its own; of a frame or a table, its columns.

    Raises:
        DataError: it is neither, or two columns of a frame have one name.
    """
    if isinstance(data, Mapping):
        if hasattr(data, "data_vars"):
            return _of_data_set(data)
        if (strange := next((name for name in data if not isinstance(name, str)), None)) is not None:
            raise _unfit(
                f"Values go by names that are text, but one name in the data is {kind_text(strange)}."
            )
        return {name: _of_series(value) for name, value in data.items()}
    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise _unfit("A lazy frame has no values yet: call its `collect()` first.")
    if isinstance(data, np.ndarray) and data.dtype.names is not None and data.ndim == 1:
        return {name: _of_field(data[name]) for name in data.dtype.names}
    if _library(data) == "pyarrow" and hasattr(data, "schema") and hasattr(data, "num_rows"):
        return _of_arrow(data)
    if hasattr(data, "columns"):
        import narwhals.stable.v2 as nw

        _check_names(list(data.columns))
        frame = nw.from_native(data, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            columns = {series.name: _column(series) for series in frame.iter_columns()}
            return _of_index(data, columns) | columns
    raise _unfit(
        f"Data must be values by name or a data frame, but this is {kind_text(data)}{_advice(data)}."
    )


def _advice(data: Any) -> str:
    """What makes data of something that is close to them."""
    if isinstance(data, str | PurePath):
        return "; `quivers.data.read(Path(…))` reads a file"
    if isinstance(data, list | tuple) and data and isinstance(data[0], Mapping):
        return " of rows; `pandas.DataFrame(…)` makes a frame of them"
    if hasattr(data, "dtype"):
        return ' without a name; give it one, as in `{"y": …}`'
    return ""


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def _check_names(names: Sequence[Any]) -> None:
    for place, name in enumerate(names):
        if not isinstance(name, str):
            raise _unfit(
                f"The data frame's columns must go by names that are text, but column {place + 1} is called "
                f"`{name}`: set its `columns`."
            )
        if name in names[:place]:
            raise _unfit(f"The data frame has two columns called `{name}`.")


def _of_index(frame: Any, columns: Mapping[str, Any]) -> dict[str, Column]:
    """The levels of a pandas frame's index that have names, as columns."""
    import narwhals.stable.v2 as nw

    index: Any = getattr(frame, "index", None)
    return {
        name: _column(nw.from_native(index.get_level_values(name).to_series(), series_only=True))
        for name in getattr(index, "names", ())
        if isinstance(name, str) and name not in columns
    }


def _of_arrow(data: Any) -> dict[str, Column]:
    """The columns of an Arrow table or batch."""
    import pyarrow as pa

    from quivers.data.arrow_columns import arrow_column

    table = pa.Table.from_batches([data]) if isinstance(data, pa.RecordBatch) else data
    _check_names(table.column_names)
    return {
        name: arrow_column(values) for name, values in zip(table.column_names, table.columns, strict=True)
    }


def _of_field(values: np.ndarray) -> Any:
    """A field of a structured array as a column, if it is one of numbers or text."""
    if values.ndim != 1 or values.dtype.kind not in "biufSU":
        return values
    if values.dtype.kind in "SU":
        texts = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
        return _of_texts(texts.tolist(), (), ordered=False)
    numbers = np.array(np.ma.filled(values.astype(np.float64), np.nan), dtype=np.float64)
    if values.dtype.kind == "b":
        return Column(numbers, Kind.TRUTH)
    return Column(numbers, rounded=_rounded(values, numbers) if values.dtype.kind in "iu" else None)


def _unfit(message: str) -> DataError:
    return DataError([DataProblem(UNREADABLE, message)])


def _of_series(value: Any) -> Any:
    """A series of a frame as a column; anything else as it is."""
    if isinstance(value, _PLAIN) or hasattr(value, "dims") or hasattr(value, "detach"):
        return value
    library = _library(value)
    if library == "pyarrow":
        return _of_arrow_values(value)
    if not hasattr(value, "dtype"):
        return value
    if library == "pandas" and not hasattr(value, "to_frame"):  # the array inside a series
        value = importlib.import_module(library).Series(value)
    import narwhals.stable.v2 as nw

    series = nw.from_native(value, series_only=True, pass_through=True)
    return _column(series) if isinstance(series, nw.Series) else value


def _of_arrow_values(value: Any) -> Any:
    """An array of Arrow's, in chunks or not, as a column, and a scalar as its value."""
    import pyarrow as pa

    from quivers.data.arrow_columns import arrow_column

    if isinstance(value, pa.Scalar):
        return value.as_py()
    if isinstance(value, pa.Array):
        value = pa.chunked_array([value])
    return arrow_column(value) if isinstance(value, pa.ChunkedArray) else value


def _of_data_set(data: Any) -> dict[str, Any]:
    """The arrays of an xarray data set, and the names that its coordinates give to elements."""
    found = {str(name): data[name].values.tolist() for name in data.coords if data[name].dtype.kind in "OUT"}
    return found | {str(name): value for name, value in data.items()}


def in_order(value: Any, axes: tuple[Axis, ...]) -> Any:
    """An array whose axes have names with these in an input's order, where they are the same."""
    names = [str(axis) for axis in axes]
    dims = getattr(value, "dims", None)
    if isinstance(dims, tuple) and len(names) > 1 and sorted(map(str, dims)) == sorted(names):
        return value.transpose(*names)
    return value


def _column(series: Any) -> Column:
    """A Narwhals series as a column; nulls and NaN are missing."""
    import narwhals.stable.v2 as nw

    kind = series.dtype
    if kind == nw.Boolean:
        return Column(_floats(series), Kind.TRUTH)
    if kind.is_numeric():
        return _of_numbers(series)
    values = series.to_list()
    if kind == nw.Categorical or isinstance(kind, nw.Enum):
        is_ordered = isinstance(kind, nw.Enum)  # what pandas calls an ordered category too
        return of_categories(values, tuple(kind.categories) if is_ordered else (), ordered=is_ordered)
    if kind in (nw.String, nw.Object) and all(
        isinstance(value, str) or _is_missing(value) for value in values
    ):
        return _of_texts(values, (), ordered=False)
    if all(_is_number(value) or _is_missing(value) for value in values):
        return _of_objects(values)
    if kind.is_nested() or kind == nw.Object:
        return _of_lists(values)
    word = str(kind).split("(")[0]
    unknown = f"values of the type {series.to_native().dtype}"
    return Column(np.full(len(values), np.nan), Kind.OTHER, holds=_WORDS.get(word, unknown))


def of_categories(values: list[Any], order: Sequence[Any], *, ordered: bool) -> Column:
    """The values of a category: text, numbers that are names where an index is asked for, or anything else.

    Numbers without an order stand in their own.
    """
    there = [value for value in values if not _is_missing(value)]
    if not there or not all(map(_is_number, (*there, *order))):
        texts = [None if _is_missing(value) else str(value) for value in values]
        return _of_texts(texts, tuple(map(str, order)), ordered=ordered)
    texts = [None if _is_missing(value) else f"{value}" for value in values]
    named = _of_texts(texts, tuple(map(str, order if ordered else sorted(set(there)))), ordered=True)
    return replace(_of_objects(values), named=named)


def _of_objects(values: list[Any]) -> Column:
    """Numbers of Python's, decimals and fractions among them, as a column."""
    numbers = np.array([np.nan if _is_missing(value) else float(value) for value in values], dtype=np.float64)
    return Column(numbers, rounded=_rounded(values, numbers))


def _rounded(values: Any, numbers: np.ndarray) -> tuple[int, str] | None:
    """The first row whose whole number is another one as float64, with the number."""
    for row in large(numbers):
        value = values[int(row)]
        if not isinstance(value, float | np.floating) and int(value) != int(numbers[row]):
            return int(row), str(int(value))
    return None


_WORDS = {"Datetime": "dates with times", "Date": "dates", "Time": "times of day", "Duration": "durations",
          "Binary": "bytes", "Struct": "records of several values"}  # fmt: skip


def _floats(series: Any) -> np.ndarray:
    if series.null_count() == 0 and not str(series.dtype).endswith("Int128"):
        return np.array(series.to_numpy(), dtype=np.float64)
    return np.array([np.nan if _is_missing(value) else value for value in series.to_list()], dtype=np.float64)


def _of_numbers(series: Any) -> Column:
    numbers = _floats(series)
    return Column(numbers, rounded=_rounded(series, numbers) if series.dtype.is_integer() else None)


def _of_texts(values: list[Any], order: tuple[str, ...], *, ordered: bool) -> Column:
    numbers = {level: number for number, level in enumerate(order)}
    coded = [
        np.nan if _is_missing(value) or value == "" else numbers.setdefault(str(value), len(numbers))
        for value in values
    ]
    return Column(np.array(coded, dtype=np.float64), Kind.TEXT, tuple(numbers), ordered)


def _of_lists(values: list[Any]) -> Column:
    """Lists of numbers, as many in every row."""
    nothing = np.full(len(values), np.nan)
    if not all(isinstance(value, list | tuple | np.ndarray) for value in values):
        return Column(nothing, Kind.OTHER, holds="values of several kinds")
    try:
        return Column(np.array([list(value) for value in values], dtype=np.float64))
    except (TypeError, ValueError):
        return Column(nothing, Kind.OTHER, holds="lists of different lengths, or not of numbers")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal | Fraction)


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ in ("NAType", "NaTType")
        or (isinstance(value, float | Decimal) and math.isnan(value))
    )
