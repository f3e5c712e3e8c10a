"""Says of a value of the data what an editor shows of it: how many, from where to where, which names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from quivers.data.column import Column, Kind
from quivers.data.pieces import kinds
from quivers.data.wording import kind_text
from quivers.families.support import BOOLEAN, INTEGER, NATURAL, NON_NEGATIVE, POSITIVE, REAL, Interval


@dataclass(frozen=True, slots=True)
class Description:
    """What one value holds. `shape` is that of the array, () for a single number.

    `element` is the narrowest of the usual supports that holds all numbers, None for names and for what is
    no number; `least` and `greatest` are None where no number is there. `levels` has the different names,
    sorted. `fault` says in words what keeps the value from being used.
    """

    shape: tuple[int, ...]
    missing: int = 0
    element: Interval | None = None
    least: float | None = None
    greatest: float | None = None
    levels: tuple[str, ...] = ()
    fault: str | None = None


def described(value: Any) -> Description:
    """The description of a column, a list, an array or a number; of anything else, what it is."""
    if isinstance(value, Column):
        return _of_column(value)
    if isinstance(value, str | Mapping | None):
        return Description((), int(value is None), fault=kind_text(value))
    if isinstance(value, list | tuple):
        texts = _texts(value)
        if texts is not None:
            missing = sum(text is None for text in texts)
            return Description((len(value),), missing, levels=_sorted(texts))
    try:
        array = np.asanyarray(value)
        truth = array.dtype.kind == "b"
        if array.dtype.kind == "c":
            return Description(array.shape, fault="complex numbers")
        if array.dtype.kind not in "biuf":  # None among numbers, or no numbers at all
            array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return Description((), fault=_fault(value))
    except OverflowError:
        return Description((), fault="a number too large")
    return _of_numbers(np.asarray(array, dtype=np.float64), truth=truth)


def _of_column(column: Column) -> Description:
    shape, missing = column.values.shape, int(column.missing.sum())
    if column.kind is Kind.OTHER:
        return Description(shape, fault=column.holds)
    if column.kind is Kind.TEXT:
        return Description(shape, missing, levels=_sorted(column.levels))
    return _of_numbers(column.values, truth=column.kind is Kind.TRUTH)


def _of_numbers(array: np.ndarray, *, truth: bool) -> Description:
    there = array[~np.isnan(array)]
    missing = array.size - there.size
    if there.size == 0:
        return Description(array.shape, missing, REAL)
    least, greatest = float(there.min()), float(there.max())
    whole = bool(np.all(there == np.floor(there)))
    if truth:
        element = BOOLEAN
    elif whole:
        element = NATURAL if least >= 0 else INTEGER
    else:
        element = POSITIVE if least > 0 else NON_NEGATIVE if least == 0 else REAL
    return Description(array.shape, missing, element, least, greatest)


def _texts(value: Sequence[Any]) -> Sequence[str | None] | None:
    """A list of texts and None; None where anything else is in it or no text is."""
    found = kinds(value)
    return value if str in found and found <= {str, type(None)} else None


def _sorted(texts: Any) -> tuple[str, ...]:
    return tuple(sorted({text for text in texts if text is not None}))


def _fault(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "a list that is ragged or not of numbers"
    return kind_text(value)
