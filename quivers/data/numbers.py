"""Turns what a person gives for an input into an array of numbers, or says which row is none.

A name of an object's element becomes a number of `Naming`, which puts the final one in its place later.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import NOT_A_NUMBER, RAGGED, WRONG_DIMENSIONS
from quivers.data.column import Column, large
from quivers.data.from_column import from_column
from quivers.data.levels import Naming
from quivers.data.pieces import floats
from quivers.data.unfit import UnfitError, absent_values, is_truth, rounded
from quivers.data.wording import axes_text, count_text, kind_text, row_text
from quivers.families.support import Member

DEEPEST = 64  # lists in lists, as many as NumPy has axes


def numbers(entry: Input, value: Any, naming: Naming, *, missing: bool = False) -> np.ndarray:
    """`value` as float64 in its own shape; NaN and infinite values stay in it.

    With `missing`, None and masked entries become NaN.
    """
    if isinstance(value, Column):
        return from_column(entry, value, naming, missing=missing)
    if hasattr(value, "detach"):  # a tensor, without importing torch
        value = _of_tensor(entry, value)
    if not isinstance(value, list | tuple | int | float | str | Mapping | None):
        try:
            array = np.asanyarray(value)
        except (TypeError, ValueError):
            raise UnfitError(
                NOT_A_NUMBER, f"`{entry.name}` must be numbers, but it is {kind_text(value)}.", entry
            ) from None
        truths_fit = array.dtype.kind != "b" or is_truth(entry.type.element)
        if array.dtype.kind in "biuf" and truths_fit and not np.ma.is_masked(array):
            exact = np.array(array, dtype=np.float64)
            for place in large(exact) if array.dtype.kind in "iu" else ():
                if int(exact.reshape(-1)[place]) != (whole := int(array.reshape(-1)[place])):
                    raise rounded(entry, int(place), str(whole), array.shape)
            return exact
        if array.dtype.kind == "S":
            array = np.char.decode(array, "utf-8", "replace")
        value = array.tolist()  # masked entries become None, which is missing
    return _from_lists(entry, value, naming, missing=missing)


def _from_lists(entry: Input, value: Any, naming: Naming, *, missing: bool) -> np.ndarray:
    """Nested lists as an array, level by level, so that the first ragged row or wrong leaf has its place."""
    shape: tuple[int, ...] = ()
    level: list[Any] = [value]
    while level and all(isinstance(item, list | tuple) for item in level):
        if len(shape) == DEEPEST:
            raise UnfitError(WRONG_DIMENSIONS, f"`{entry.name}` nests lists too deeply to be data.", entry)
        counts = [len(item) for item in level]
        if len(set(counts)) > 1:
            row = next(row for row, count in enumerate(counts) if count != counts[0])
            other, origin = row_text(row, shape, ()), row_text(0, shape, ())
            message = f"{other} has {count_text(counts[row], 'values')}, but {origin} has {counts[0]}."
            raise UnfitError(RAGGED, f"`{entry.name}` is ragged: {message}", entry)
        shape = (*shape, counts[0])
        level = list(itertools.chain.from_iterable(level))
    if isinstance(entry.type.element, Member) and any(isinstance(item, str) for item in level):
        return _named(entry, level, shape, naming, missing=missing)
    if missing and shape:
        level = [math.nan if item is None else item for item in level]
    if set(map(type, level)) <= {int, float}:
        return _floats(entry, level, shape)

    level = [_plain(entry, item) for item in level]
    if any(isinstance(item, list) for item in level) and shape:
        if all(isinstance(item, list) for item in level):
            return _from_lists(entry, _nested(level, shape), naming, missing=missing)
        row = next(
            row for row, item in enumerate(level) if isinstance(item, list) != isinstance(level[0], list)
        )
        raise UnfitError(
            RAGGED,
            f"`{entry.name}` is ragged: {row_text(row, shape, ())} is {kind_text(level[row])}, "
            f"but {row_text(0, shape, ())} is {kind_text(level[0])}.",
            entry,
        )
    truths = is_truth(entry.type.element)
    wrong = [
        number
        for number, item in enumerate(level)
        if not isinstance(item, int | float) or (isinstance(item, bool) and not truths)
    ]
    if wrong:
        first, axes = wrong[0], entry.type.axes
        absent = sum(level[number] is None for number in wrong)
        if absent == len(wrong) and shape:
            raise absent_values(entry, _mask(wrong, shape))
        if shape:
            more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
            place = row_text(first, shape, axes)
            message = f"`{entry.name}` must be numbers: {place} is {kind_text(level[first])}{more}."
        else:
            if isinstance(level[first], Mapping) and _is_tuple(level[first]):
                message = f"`{entry.name}` is a tuple, which has no array: give each part a name of its own."
                raise UnfitError(NOT_A_NUMBER, message, entry)
            wanted = f"numbers for {axes_text(axes)}" if axes else "a number"
            message = f"`{entry.name}` must be {wanted}, but it is {kind_text(level[first])}."
        raise UnfitError(NOT_A_NUMBER, message, entry)
    return _floats(entry, level, shape)


def _of_tensor(entry: Input, tensor: Any) -> np.ndarray:
    """A torch tensor's numbers, on whatever device and of whatever type they are."""
    if getattr(tensor, "is_meta", False):
        message = f"`{entry.name}` is a tensor on torch's meta device, which holds no values."
        raise UnfitError(NOT_A_NUMBER, message, entry)
    try:
        tensor = tensor.detach().cpu()
        if tensor.is_quantized:
            tensor = tensor.dequantize()
        if tensor.is_sparse or str(tensor.layout).startswith("torch.sparse"):
            tensor = tensor.to_dense()
        if tensor.is_floating_point():
            tensor = tensor.double()
        return np.asarray(tensor.resolve_conj().resolve_neg().numpy())
    except (RuntimeError, TypeError, NotImplementedError):
        message = (
            f"`{entry.name}` is a tensor whose values can't be laid out as an array: give lists instead."
        )
        raise UnfitError(NOT_A_NUMBER, message, entry) from None


def _plain(entry: Input, item: Any) -> Any:
    """An entry of a list as a number or a list where it stands for one."""
    if hasattr(item, "detach"):
        item = _of_tensor(entry, item)
    if isinstance(item, Decimal):
        return int(item) if item.is_finite() and item == int(item) else float(item)
    if isinstance(item, Fraction):
        return item.numerator if item.denominator == 1 else float(item)
    return item.tolist() if hasattr(item, "tolist") else item


def _is_tuple(value: Mapping[str, Any]) -> bool:
    """Whether it is what Stan's JSON has for a tuple: its parts by number, from "1"."""
    return len(value) > 0 and list(value) == [str(place) for place in range(1, len(value) + 1)]


def _named(
    entry: Input, level: list[Any], shape: tuple[int, ...], naming: Naming, *, missing: bool
) -> np.ndarray:
    """Names of an object's elements as numbers; None and empty text are missing."""
    names: list[str | None] = []
    for number, item in enumerate(level):
        if isinstance(item, str):
            names.append(str(item) or None)
        elif item is None:
            names.append(None)
        else:
            first = next(place for place, other in enumerate(level) if isinstance(other, str))
            name, other = (
                f"{row_text(place, shape, entry.type.axes)} is {kind_text(level[place])}"
                for place in (first, number)
            )
            message = f"`{entry.name}` must be all names or all indices: {name}, and {other}."
            raise UnfitError(NOT_A_NUMBER, message, entry)
    absent = names.count(None)
    if absent and not missing:
        places = [number for number, name in enumerate(names) if name is None]
        raise absent_values(entry, _mask(places, shape))
    return naming.number(entry, names).reshape(shape)


def _floats(entry: Input, numbers: list[float], shape: tuple[int, ...]) -> np.ndarray:
    try:
        array = floats(numbers)
    except OverflowError:  # a whole number beyond float64: infinite, and so reported with its row
        array = np.array([n if abs(n) < 2**1023 else math.inf for n in numbers], dtype=np.float64)
    for place in large(array):
        written = numbers[place]
        if isinstance(written, int) and int(array[place]) != written:
            raise rounded(entry, int(place), str(written), shape)
    return array.reshape(shape)


def _mask(places: list[int], shape: tuple[int, ...]) -> np.ndarray:
    mask = np.zeros(math.prod(shape), dtype=bool)
    mask[places] = True
    return mask.reshape(shape)


def _nested(rows: list[Any], shape: tuple[int, ...]) -> Any:
    for size in reversed(shape[1:]):
        rows = [rows[start : start + size] for start in range(0, len(rows), size)]
    return rows
