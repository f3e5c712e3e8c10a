"""Turns Arrow's tables into columns, whatever file or program they are from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from quivers.data.column import Column, Kind, large
from quivers.data.read import unreadable
from quivers.errors import DataError

INSTALL = "pip install 'qvr[parquet]'"
_ROW_NUMBERS = "__index_level_"  # what pandas keeps its row numbers in


def arrow_table(path: Path, table: Any) -> dict[str, Any]:
    """The columns of a `pyarrow.Table` that was read from a file, by name.

    Raises:
        DataError: two columns have one name, or there are no rows or columns.
    """
    columns: dict[str, Any] = {}
    for name, values in zip(table.column_names, table.columns, strict=True):
        if name in columns:
            raise unreadable(f"{path} has two columns called `{name}`.")
        if name and not name.startswith(_ROW_NUMBERS):
            columns[name] = arrow_column(values)
    if table.num_rows == 0 or not columns:
        raise unreadable(f"{path} has no {'rows' if columns else 'columns'}.")
    return columns


def pyarrow_for(path: Path) -> Any:
    """The optional package pyarrow, or a DataError that says how to install it."""
    try:
        import pyarrow as pa
    except ImportError:
        raise unreadable(f"{path} needs the package pyarrow to be read: {INSTALL}.") from None
    return pa


def damaged(path: Path, kind: str, error: Exception) -> DataError:
    """What pyarrow says against a file, after its path."""
    reason = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    reason = "".join([sign if sign.isprintable() else "�" for sign in reason])
    return unreadable(f"{path} is damaged, or of a kind of {kind} that can't be read: {reason}.")


def arrow_column(values: Any) -> Column:
    """A column of Arrow's, a `pyarrow.ChunkedArray`, as ours; nulls are missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_run_end_encoded(kind):
        return arrow_column(
            pa.chunked_array([pc.run_end_decode(chunk) for chunk in values.chunks], kind.value_type)
        )
    if pa.types.is_dictionary(kind):
        if not _is_text(kind.value_type):
            from quivers.data.frames import of_categories

            order = values.unify_dictionaries().chunk(0).dictionary.to_pylist() if values.num_chunks else []
            return of_categories(values.to_pylist(), order, ordered=kind.ordered)
        return _text(values.unify_dictionaries().combine_chunks(), ordered=kind.ordered)
    if _is_text(kind):
        return _text(values.dictionary_encode().combine_chunks(), ordered=False)
    if pa.types.is_boolean(kind):
        return Column(_floats(values.cast(pa.int8())), Kind.TRUTH)
    if _is_numeric(kind):
        numbers = _floats(values)
        return Column(numbers, rounded=_rounded(values, numbers))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _lists(values)
    return Column(np.full(len(values), np.nan), Kind.OTHER, holds=_words(kind))


def _text(encoded: Any, *, ordered: bool) -> Column:
    import pyarrow as pa

    if isinstance(encoded, pa.ChunkedArray):  # a column of no chunks stays one
        encoded = pa.concat_arrays(encoded.chunks)
    return Column(
        _floats(encoded.indices), Kind.TEXT, tuple(map(str, encoded.dictionary.to_pylist())), ordered
    )


def _floats(values: Any) -> np.ndarray:
    import pyarrow as pa

    if not pa.types.is_float64(values.type):
        values = values.cast(pa.float64(), safe=False)
    return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _rounded(values: Any, numbers: np.ndarray) -> tuple[int, str] | None:
    """The first row whose whole number is another one as float64, with the number."""
    import pyarrow as pa

    if not (pa.types.is_integer(values.type) or pa.types.is_decimal(values.type)):
        return None
    for row in large(numbers):
        written = values[int(row)].as_py()
        if written == int(written) and int(numbers[row]) != int(written):
            return int(row), str(int(written))
    return None


def _lists(values: Any) -> Column:
    """Lists of numbers, as many in every row, as the axes (row, entry)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.list_value_length(values)
    if not _is_numeric(values.type.value_type):
        return Column(np.full(len(values), np.nan), Kind.OTHER, holds="lists that are not all of numbers")
    if values.null_count or pc.count_distinct(lengths).as_py() != 1:
        return Column(np.full(len(values), np.nan), Kind.OTHER, holds="lists of different lengths")
    flat = _floats(pc.list_flatten(values).cast(pa.float64(), safe=False))
    return Column(flat.reshape(len(values), -1))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_numeric(kind: Any) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(
        types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_null(kind)
    )


def _words(kind: Any) -> str:
    import pyarrow as pa

    types = pa.types
    for test, words in (
        (types.is_timestamp, "dates with times"),
        (types.is_date, "dates"),
        (types.is_time, "times of day"),
        (types.is_duration, "durations"),
        (types.is_binary, "bytes"),
        (types.is_large_binary, "bytes"),
        (types.is_fixed_size_binary, "bytes"),
        (types.is_struct, "records of several values"),
        (types.is_map, "records of several values"),
    ):
        if test(kind):
            return words
    return f"values of the type {kind}"
