"""Writes a table as Parquet, with the optional package pyarrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path


def can_write() -> bool:
    """Whether pyarrow is installed."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        return False
    return True


def write(path: Path, columns: Mapping[str, Sequence[str | None] | Sequence[float | None]]) -> None:
    """Columns by name: those that hold a number are float64, others text. Raises OSError."""
    import pyarrow
    import pyarrow.parquet

    arrays = {}
    for name, values in columns.items():
        kind = pyarrow.float64() if any(isinstance(each, float) for each in values) else pyarrow.string()
        arrays[name] = pyarrow.array(values, kind)
    pyarrow.parquet.write_table(pyarrow.table(arrays), str(path))
