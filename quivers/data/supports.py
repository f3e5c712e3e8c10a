"""Holds an input's values against its support and says which row is the first outside."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import NOT_A_MEMBER, NOT_FINITE, NOT_WHOLE, OUTSIDE_SUPPORT
from quivers.data.wording import row_text, rows_text
from quivers.errors import DataProblem
from quivers.families.support import Element, Member


def outside(
    entry: Input, array: np.ndarray, sizes: Mapping[str, int], *, missing: bool = False
) -> DataProblem | None:
    """The first value that cannot be: not finite, not whole where it must be, or outside its support.

    With `missing`, NaN stands for no value, of which nothing is asked.
    """
    element = entry.type.element
    there = ~np.isnan(array) if missing else np.ones(array.shape, dtype=bool)
    infinite = there & ~np.isfinite(array)
    if infinite.any():
        return _values_problem(entry, array, infinite, NOT_FINITE, "must be finite")
    broken = there & (array != np.floor(array))
    if (isinstance(element, Member) or element.integer) and broken.any():
        return _values_problem(entry, array, broken, NOT_WHOLE, f"must be {_bounds(element, sizes)}")
    if isinstance(element, Member):
        size = sizes.get(element.object, math.inf)
        return _values_problem(
            entry, array, (array < 0) | (array >= size), NOT_A_MEMBER, f"must be {_bounds(element, sizes)}"
        )
    above = array > element.low if element.low_open else array >= element.low
    below = array < element.high if element.high_open else array <= element.high
    return _values_problem(
        entry, array, there & ~(above & below), OUTSIDE_SUPPORT, f"must be {_bounds(element, sizes)}"
    )


def _values_problem(
    entry: Input, array: np.ndarray, wrong: np.ndarray, code: str, rule: str
) -> DataProblem | None:
    count = int(wrong.sum())
    if count == 0:
        return None
    first = int(np.argmax(wrong))
    value = f"{array.reshape(-1)[first]:.15g}".replace("nan", "NaN").replace("inf", "infinite")
    if array.ndim == 0:
        return DataProblem(code, f"`{entry.name}` {rule}, but it is {value}.", entry.name)
    if np.isnan(array[wrong]).all() and count > 1 and array.ndim == 1:
        places = rows_text([int(row) for row in np.flatnonzero(wrong)], entry.type.axes)
        return DataProblem(code, f"`{entry.name}` {rule}: {places} are NaN.", entry.name)
    more = f" (and {count - 1} more)" if count > 1 else ""
    place = row_text(first, array.shape, entry.type.axes)
    return DataProblem(code, f"`{entry.name}` {rule}: {place} is {value}{more}.", entry.name)


def _bounds(element: Element, sizes: Mapping[str, int]) -> str:
    """What a support asks for, in words that follow "must be"."""
    if isinstance(element, Member):
        size = sizes.get(element.object)
        known = f" (0 to {size - 1})" if size is not None else ", counted from 0"
        return f"an index into `{element.object}`{known}"
    low, high = element.low, element.high
    if element.integer:
        if (low, high) == (0, 1):
            return "0 or 1"
        if math.isinf(low) and math.isinf(high):
            return "a whole number"
        if math.isinf(high):
            return f"a whole number, at least {low:g}"
        return (
            f"a whole number, at most {high:g}"
            if math.isinf(low)
            else f"a whole number from {low:g} to {high:g}"
        )
    if math.isinf(high) and low == 0:
        return "positive" if element.low_open else "positive or zero"
    if math.isinf(high):
        return f"{'above' if element.low_open else 'at least'} {low:g}"
    if math.isinf(low):
        return f"{'below' if element.high_open else 'at most'} {high:g}"
    if element.low_open and element.high_open:
        return f"strictly between {low:g} and {high:g}"
    left = f"above {low:g}" if element.low_open else f"at least {low:g}"
    right = f"below {high:g}" if element.high_open else f"at most {high:g}"
    return f"{left} and {right}" if element.low_open != element.high_open else f"between {low:g} and {high:g}"
