"""Turns a table's column into an input's array of numbers, or says which row is none."""

from __future__ import annotations

import re

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import NOT_A_NUMBER, WRONG_DIMENSIONS
from quivers.data.column import Column, Kind
from quivers.data.levels import Naming
from quivers.data.unfit import UnfitError, absent_values, is_truth, rounded
from quivers.data.wording import kind_text, row_text
from quivers.families.support import Member


def from_column(entry: Input, column: Column, naming: Naming, *, missing: bool) -> np.ndarray:
    """The column as float64; a missing value is NaN, and an error unless `missing`.

    An input without axes takes a column whose values are all the same.
    """
    if column.named is not None and isinstance(entry.type.element, Member):
        column = column.named
    absent = column.missing
    if absent.any() and not missing:
        raise absent_values(entry, absent)
    if column.rounded is not None:
        raise rounded(entry, *column.rounded, column.values.shape)
    if column.kind is Kind.OTHER:
        message = f"`{entry.name}` must be numbers, but its column holds {column.holds}."
        raise UnfitError(NOT_A_NUMBER, message, entry)
    if column.kind is Kind.TEXT:
        if not isinstance(entry.type.element, Member):
            raise _text_in_numbers(entry, column)
        values = naming.number_column(entry, column)
    elif column.kind is Kind.TRUTH and not is_truth(entry.type.element):
        message = f"`{entry.name}` must be numbers, but its column holds truth values, true and false."
        raise UnfitError(NOT_A_NUMBER, message, entry)
    else:
        values = column.values
    return values if entry.type.axes else _single(entry, column, values)


def _text_in_numbers(entry: Input, column: Column) -> UnfitError:
    """The first row whose text is no number; a column of text may have numbers in it, written out."""
    texts = [number for number, level in enumerate(column.levels) if not _is_number(level)]
    wrong = np.isin(column.values, texts)
    first = int(np.argmax(wrong))
    more = f" (and {int(wrong.sum()) - 1} more)" if wrong.sum() > 1 else ""
    place = row_text(first, column.values.shape, entry.type.axes)
    text = column.text(first)
    message = f"`{entry.name}` must be numbers: {place} is {kind_text(text)}{more}{_advice(text)}"
    return UnfitError(NOT_A_NUMBER, message, entry)


def _advice(text: str) -> str:
    """How a text is written that stands for a number or for none, after what is said of it."""
    if text.casefold() in _ABSENT:
        return "; leave the cell empty if its value is missing."
    if _COMMA.fullmatch(text):
        return "; write numbers with a point before their decimals, and nothing between thousands."
    if _is_number(text.replace("−", "-")):
        return "; write the minus as `-`."
    return "."


_ABSENT = frozenset((".", "-", "–", "?", "*", "na", "#n/a", "<na>", "none", "nil", "missing", "null"))
_COMMA = re.compile(r"[-+]?\d+([., ' ]\d+)*")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


def _single(entry: Input, column: Column, values: np.ndarray) -> np.ndarray:
    if values.ndim > 1:
        return values  # too many dimensions, as `bind` says
    if values.size == 0:
        raise UnfitError(
            WRONG_DIMENSIONS, f"`{entry.name}` is a single value, but its column is empty.", entry
        )
    other = ~((values == values[0]) | (np.isnan(values) & np.isnan(values[0])))
    if not other.any():
        return np.array(values[0])
    row = int(np.argmax(other))
    first, second = (_shown(column, place) for place in (0, row))
    message = (
        f"`{entry.name}` is a single value, but its column has different ones: "
        f"row 1 is {first}, and row {row + 1} is {second}."
    )
    raise UnfitError(WRONG_DIMENSIONS, message, entry)


def _shown(column: Column, row: int) -> str:
    if np.isnan(column.values[row]):
        return "missing"
    if column.kind is Kind.TEXT:
        return kind_text(column.text(row))
    return f"{column.values[row]:.15g}"
