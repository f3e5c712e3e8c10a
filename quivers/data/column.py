"""Columns: what a table holds under one name, whatever file or data frame the table is from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

# From here on float64 has no place for every whole number.
EXACT = 2.0**53


class Kind(Enum):
    """What the values of a column are."""

    NUMBER = "numbers"
    TRUTH = "true or false"
    TEXT = "text"
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    `values` is float64 with axes (row,), or (row, entry) where each row holds a list of numbers; a missing
    one is NaN. For text they are the numbers of its `levels`, the different texts; `ordered` says that these
    stand in an order that somebody chose. `holds` says in words what is in a column of another kind.
    `rounded` is the first row, counted from 0, whose whole number float64 can't hold, with that number.
    `table` tells apart the columns of several tables. `named` has a category of numbers as text as
    well, for an index into an object.
    """

    values: np.ndarray
    kind: Kind = Kind.NUMBER
    levels: tuple[str, ...] = ()
    ordered: bool = False
    holds: str = ""
    rounded: tuple[int, str] | None = None
    table: str = ""
    named: Column | None = None

    @property
    def rows(self) -> int:
        return len(self.values)

    @property
    def missing(self) -> np.ndarray:
        """Where a value is missing, of the shape of `values`; a column of another kind has none to miss."""
        if self.kind is Kind.OTHER:
            return np.zeros(self.values.shape, dtype=bool)
        return np.asarray(np.isnan(self.values))

    def text(self, row: int) -> str:
        """The text in a row, counted from 0, of a column of text."""
        return self.levels[int(self.values[row])]


def large(numbers: np.ndarray) -> np.ndarray:
    """Where the numbers of an array are finite and may have been rounded, as flat places."""
    return np.flatnonzero((np.abs(numbers) >= EXACT) & np.isfinite(numbers))
