"""What makes a value unfit to become an array of numbers, whatever form it is given in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import NOT_A_NUMBER
from quivers.data.wording import count_text, row_text, rows_text
from quivers.errors import DataProblem
from quivers.families.support import Element, Interval


class UnfitError(Exception):
    """Raised inside `bind` when a value cannot become an array of numbers."""

    def __init__(self, code: str, message: str, entry: Input) -> None:
        super().__init__(message)
        self.problem = DataProblem(code, message, entry.name)


def absent_values(entry: Input, absent: np.ndarray) -> UnfitError:
    """Values are missing where the mask `absent`, of the value's shape, is true; their rows are named."""
    rows = np.flatnonzero(absent)
    values = count_text(len(rows), "missing values")
    if absent.ndim != 1 or len(rows) == 1:
        first = "" if len(rows) == 1 else "the first is "
        place = first + row_text(int(rows[0]), absent.shape, entry.type.axes)
    else:
        place = rows_text([int(row) for row in rows], entry.type.axes)
    left_out = "it" if len(rows) == 1 else "them"
    advice = f"; `[where=…]` on its `observe` would leave {left_out} out." if entry.observed else "."
    return UnfitError(NOT_A_NUMBER, f"`{entry.name}` has {values}: {place}{advice}", entry)


def rounded(entry: Input, row: int, written: str, shape: Sequence[int]) -> UnfitError:
    """A whole number, in the row-major place `row`, is another one as float64."""
    place = row_text(row, shape, entry.type.axes)
    message = (
        f"`{entry.name}` has whole numbers too large to be exact: {place} is {written}, and beyond 2⁵³ not "
        "each has a number of its own; give it in other units, or as text if it is a name."
    )
    return UnfitError(NOT_A_NUMBER, message, entry)


def is_truth(element: Element) -> bool:
    """Whether an input's values are true or false."""
    return isinstance(element, Interval) and element.integer and (element.low, element.high) == (0, 1)
