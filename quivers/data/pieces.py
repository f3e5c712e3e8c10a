"""Long lists as arrays, made a piece at a time so that other threads get their turn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quivers.data.column import large

PIECE = 4096


def floats(numbers: Sequence[float]) -> np.ndarray:
    """The numbers as float64.

    Raises:
        OverflowError: a whole number is beyond float64.
    """
    array = np.empty(len(numbers), dtype=np.float64)
    for start in range(0, len(numbers), PIECE):
        array[start : start + PIECE] = numbers[start : start + PIECE]
    return array


def kinds(values: Sequence[Any]) -> set[type]:
    """The types of all values."""
    found: set[type] = set()
    for start in range(0, len(values), PIECE):
        found.update(map(type, values[start : start + PIECE]))
    return found


def settled(value: Any) -> Any:
    """A long list of nothing but numbers as an array, which takes less time to look at again."""
    if not isinstance(value, list) or len(value) <= PIECE or not kinds(value) <= {int, float}:
        return value
    try:
        array = floats(value)
    except OverflowError:
        return value
    return value if large(array).size else array  # `bind` asks what was written
