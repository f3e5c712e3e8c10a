"""Values, places and counts in words, as every message about data tells them. Rows count from 1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np

from quivers.check.types import Axis

ROWS_NAMED = 5


def row_text(number: int, shape: Sequence[int], axes: Sequence[Axis]) -> str:
    """Where the value with this row-major number stands: "row 3 of `School`", or an index for each axis."""
    if len(shape) == 1:
        return f"row {number + 1} of `{axes[0].object}`" if len(axes) == 1 else f"row {number + 1}"
    index = [int(i) + 1 for i in np.unravel_index(number, tuple(shape))] if shape else []
    if len(axes) == len(shape):
        return ", ".join(f"`{axis}` {i}" for axis, i in zip(axes, index, strict=True))
    return "row " + ", ".join(str(i) for i in index) if index else "it"


def rows_text(rows: Sequence[int], axes: Sequence[Axis]) -> str:
    """Rows, counted from 0, by number: "rows 2, 5 and 7 of `Home`"; the first few of many."""
    shown = [str(row + 1) for row in rows[:ROWS_NAMED]]
    more = len(rows) - len(shown)
    last = f"{more} more" if more else shown.pop()
    where = f" of `{axes[0].object}`" if len(axes) == 1 else ""
    return f"rows {', '.join(shown)} and {last}{where}"


def kind_text(value: Any) -> str:
    """A wrong value in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "the text " + json.dumps(value[:40] + "…" if len(value) > 40 else value, ensure_ascii=False)
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "an object in braces"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, bytes):
        return "bytes"
    if isinstance(value, date):  # or one with a time
        return "a date"
    if isinstance(value, complex):
        return "a complex number"
    name = type(value).__name__
    return (
        f"a value of the type {name}"
        if name[0].islower()
        else f"{'an' if name[0] in 'AEIOU' else 'a'} {name}"
    )


def axes_text(axes: Sequence[Axis]) -> str:
    """`School ⊗ Item`, in backticks."""
    return f"`{' ⊗ '.join(str(axis) for axis in axes)}`"


def shape_text(shape: Sequence[int]) -> str:
    """`8 × 5`."""
    return " × ".join(str(size) for size in shape)


def values_text(shape: Sequence[int]) -> str:
    """`8 values`, `8 × 5 values`."""
    return count_text(shape[0], "values") if len(shape) == 1 else f"{shape_text(shape)} values"


def count_text(count: int, plural: str) -> str:
    """A count and its noun, whose plural ends in s."""
    return f"{count} {plural[:-1] if count == 1 else plural}"
