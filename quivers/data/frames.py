"""Takes data as Python has them: data frames, Arrow tables, xarray's data sets, and series in a dict.

Frames of every kind are read through Narwhals, which is loaded when there is one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
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
        return {name: _of_series(value) for name, value in data.items()}
    if hasattr(data, "collect") and hasattr(data, "lazy"):
        raise _unfit("A lazy frame has no values yet: call its `collect()` first.")
    if hasattr(data, "columns") or hasattr(data, "column_names"):
        import narwhals.stable.v2 as nw

        _require_different_names(data)
        frame = nw.from_native(data, eager_only=True, pass_through=True)
        if isinstance(frame, nw.DataFrame):
            return {str(name): _column(frame[name]) for name in frame.columns}
    raise _unfit(f"Data must be values by name or a data frame, but this is {kind_text(data)}.")


def _require_different_names(data: Any) -> None:
    names = data.column_names if hasattr(data, "column_names") else list(data.columns)
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise _unfit(f"The data frame has two columns called `{twice}`.")


def _unfit(message: str) -> DataError:
    return DataError([DataProblem(UNREADABLE, message)])


def _of_series(value: Any) -> Any:
    """A series of a frame as a column; anything else as it is."""
    named = hasattr(value, "dtype") and hasattr(value, "name") and not hasattr(value, "dims")
    if isinstance(value, _PLAIN) or not (named or hasattr(value, "combine_chunks")):
        return value
    import narwhals.stable.v2 as nw

    series = nw.from_native(value, series_only=True, pass_through=True)
    return _column(series) if isinstance(series, nw.Series) else value


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
    if kind in (nw.String, nw.Categorical, nw.Object) or isinstance(kind, nw.Enum):
        is_ordered = isinstance(kind, nw.Enum)  # what pandas calls an ordered category too
        if all(isinstance(value, str) or _is_missing(value) for value in values):
            return _of_texts(values, tuple(kind.categories) if is_ordered else (), ordered=is_ordered)
    if all(isinstance(value, int | float) or _is_missing(value) for value in values):
        return Column(
            np.array([np.nan if _is_missing(value) else value for value in values], dtype=np.float64)
        )
    if kind.is_nested() or kind == nw.Object:
        return _of_lists(values)
    return Column(
        np.full(len(values), np.nan), Kind.OTHER, holds=_WORDS.get(str(kind).split("(")[0], f"{kind}")
    )


_WORDS = {"Datetime": "dates with times", "Date": "dates", "Time": "times of day", "Duration": "durations"}


def _floats(series: Any) -> np.ndarray:
    if series.null_count() == 0:
        return np.array(series.to_numpy(), dtype=np.float64)
    return np.array([np.nan if _is_missing(value) else value for value in series.to_list()], dtype=np.float64)


def _of_numbers(series: Any) -> Column:
    numbers = _floats(series)
    if series.dtype.is_integer():
        for row in large(numbers):
            if (written := int(series[int(row)])) != int(numbers[row]):
                return Column(numbers, rounded=(int(row), str(written)))
    return Column(numbers)


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


def _is_missing(value: Any) -> bool:
    return (
        value is None or type(value).__name__ == "NAType" or (isinstance(value, float) and math.isnan(value))
    )
