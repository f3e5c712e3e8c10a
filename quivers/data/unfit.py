"""What makes a value unfit to become an array of numbers, whatever form it is given in."""

from __future__ import annotations

from collections.abc import Sequence

from quivers.check.program import Input
from quivers.data.codes import NOT_A_NUMBER
from quivers.data.wording import count_text, row_text
from quivers.errors import DataProblem
from quivers.families.support import Element, Interval


class UnfitError(Exception):
    """Raised inside `bind` when a value cannot become an array of numbers."""

    def __init__(self, code: str, message: str, entry: Input) -> None:
        super().__init__(message)
        self.problem = DataProblem(code, message, entry.name)


def absent_values(entry: Input, count: int, first: int, shape: Sequence[int]) -> UnfitError:
    """Values are missing, `first` being the row-major number of the first."""
    place = row_text(first, shape, entry.type.axes)
    values = count_text(count, "missing values")
    return UnfitError(NOT_A_NUMBER, f"`{entry.name}` has {values}: the first is {place}.", entry)


def is_truth(element: Element) -> bool:
    """Whether an input's values are true or false."""
    return isinstance(element, Interval) and element.integer and (element.low, element.high) == (0, 1)
