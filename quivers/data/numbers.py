"""Turns what a person gives for an input into an array of numbers, or says which row is none."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import NOT_A_NUMBER, RAGGED
from quivers.data.wording import axes_text, count_text, kind_text, row_text
from quivers.errors import DataProblem
from quivers.families.support import Element, Interval


class UnfitError(Exception):
    """Raised inside `bind` when a value cannot become an array of numbers."""

    def __init__(self, code: str, message: str, entry: Input) -> None:
        super().__init__(message)
        self.problem = DataProblem(code, message, entry.name)


def numbers(entry: Input, value: Any, *, missing: bool = False) -> np.ndarray:
    """`value` as float64 in its own shape; NaN and infinite values stay in it.

    With `missing`, None and masked entries become NaN.
    """
    if hasattr(value, "detach"):  # a tensor, without importing torch
        value = value.detach().cpu()
        value = value.double() if value.is_floating_point() else value
    if not isinstance(value, list | tuple | int | float | str | Mapping | None):
        try:
            array = np.asanyarray(value)
        except (TypeError, ValueError):
            raise UnfitError(
                NOT_A_NUMBER, f"`{entry.name}` must be numbers, but it is {kind_text(value)}.", entry
            ) from None
        truths_fit = array.dtype.kind != "b" or _is_truth(entry.type.element)
        if array.dtype.kind in "biuf" and truths_fit and not np.ma.is_masked(array):
            return np.array(array, dtype=np.float64)
        value = array.tolist()  # masked entries become None, which is missing
    return _from_lists(entry, value, missing=missing)


def _from_lists(entry: Input, value: Any, *, missing: bool) -> np.ndarray:
    """Nested lists as an array, level by level, so that the first ragged row or wrong leaf has its place."""
    shape: tuple[int, ...] = ()
    level: list[Any] = [value]
    while level and all(isinstance(item, list | tuple) for item in level):
        counts = [len(item) for item in level]
        if len(set(counts)) > 1:
            row = next(row for row, count in enumerate(counts) if count != counts[0])
            other, origin = row_text(row, shape, ()), row_text(0, shape, ())
            message = f"{other} has {count_text(counts[row], 'values')}, but {origin} has {counts[0]}."
            raise UnfitError(RAGGED, f"`{entry.name}` is ragged: {message}", entry)
        shape = (*shape, counts[0])
        level = list(itertools.chain.from_iterable(level))
    if missing and shape:
        level = [math.nan if item is None else item for item in level]
    if set(map(type, level)) <= {int, float}:
        return _floats(level).reshape(shape)

    level = [item.tolist() if hasattr(item, "tolist") else item for item in level]
    if any(isinstance(item, list) for item in level) and shape:
        if all(isinstance(item, list) for item in level):
            return _from_lists(entry, _nested(level, shape), missing=missing)
        row = next(
            row for row, item in enumerate(level) if isinstance(item, list) != isinstance(level[0], list)
        )
        raise UnfitError(
            RAGGED,
            f"`{entry.name}` is ragged: {row_text(row, shape, ())} is {kind_text(level[row])}, "
            f"but {row_text(0, shape, ())} is {kind_text(level[0])}.",
            entry,
        )
    truths = _is_truth(entry.type.element)
    wrong = [
        number
        for number, item in enumerate(level)
        if not isinstance(item, int | float) or (isinstance(item, bool) and not truths)
    ]
    if wrong:
        first, axes = wrong[0], entry.type.axes
        absent = sum(level[number] is None for number in wrong)
        if absent == len(wrong) and shape:
            count = count_text(absent, "missing values")
            message = f"`{entry.name}` has {count} (null): the first is {row_text(first, shape, axes)}."
        elif shape:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            place = row_text(first, shape, axes)
            message = f"`{entry.name}` must be numbers: {place} is {kind_text(level[first])}{more}."
        else:
            wanted = f"numbers for {axes_text(axes)}" if axes else "a number"
            message = f"`{entry.name}` must be {wanted}, but it is {kind_text(level[first])}."
        raise UnfitError(NOT_A_NUMBER, message, entry)
    return _floats(level).reshape(shape)


def _floats(numbers: list[float]) -> np.ndarray:
    try:
        return np.array(numbers, dtype=np.float64)
    except OverflowError:  # a whole number beyond float64: infinite, and so reported with its row
        return np.array(
            [number if abs(number) < 2**1023 else math.inf for number in numbers], dtype=np.float64
        )


def _nested(rows: list[Any], shape: tuple[int, ...]) -> Any:
    for size in reversed(shape[1:]):
        rows = [rows[start : start + size] for start in range(0, len(rows), size)]
    return rows


def _is_truth(element: Element) -> bool:
    return isinstance(element, Interval) and element.integer and (element.low, element.high) == (0, 1)
