"""Supports: where a value, a parameter or a draw can lie.

`Interval` is a set of reals or of integers; `Member` is the set of indices into an object. They are
the element half of a type, the domain of a family's parameter and the support of its draws.
"""

from __future__ import annotations

import math
from enum import Enum

from quivers.records import record


@record
class Interval:
    """The reals (or, with `integer`, the integers) between `low` and `high`.

    An infinite end counts as open whatever its flag says.
    """

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    integer: bool = False

    def contains(self, value: float) -> bool:
        """Whether `value` lies in the interval; NaN lies in none."""
        if self.integer and value != math.floor(value):
            return False
        above = value > self.low or (value == self.low and not self.low_open)
        below = value < self.high or (value == self.high and not self.high_open)
        return above and below and math.isfinite(value)

    def within(self, other: Interval) -> bool:
        """Whether every value of this interval lies in `other` (closure ends aside: `Real⁺` is `Real⁺`)."""
        if other.integer and not self.integer:
            return False
        return self.low >= other.low and self.high <= other.high

    def disjoint_from(self, other: Interval) -> bool:
        """Whether no value lies in both."""
        if self.low > other.high or self.high < other.low:
            return True
        if self.low == other.high and (self.low_open or other.high_open):
            return True
        return self.high == other.low and (self.high_open or other.low_open)

    def __str__(self) -> str:
        if self.integer:
            if (self.low, self.high) == (0, 1):
                return "Bool"
            if (self.low, self.high) == (0, math.inf):
                return "Nat"
            if (self.low, self.high) == (-math.inf, math.inf):
                return "Int"
            return f"{_end(self.low)}…{_end(self.high)}"
        if (self.low, self.high) == (-math.inf, math.inf):
            return "Real"
        if (self.low, self.high) == (0, math.inf):
            return "Real⁺"
        left = "(" if self.low_open or math.isinf(self.low) else "["
        right = ")" if self.high_open or math.isinf(self.high) else "]"
        return (
            f"{left}{_end(self.low)}, {_end(self.high)}{right}" if not self._unit() else f"{left}0,1{right}"
        )

    def _unit(self) -> bool:
        return (self.low, self.high) == (0, 1)


def _end(value: float) -> str:
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    return f"{value:g}"


@record
class Member:
    """An index into `object`: the element of a `data county : Item -> County`."""

    object: str

    def __str__(self) -> str:
        return self.object


Element = Interval | Member


class Space(Enum):
    """What the numbers along a value's event axes are together: one axis for a vector, two for a matrix."""

    ORDERED = "increasing"
    POSITIVE_ORDERED = "positive and increasing"
    SIMPLEX = "positive with sum 1"
    ZERO_SUM = "of sum 0"
    CHOLESKY_CORRELATION = "the Cholesky factor of a correlation matrix"
    CORRELATION = "a correlation matrix"
    COVARIANCE = "a covariance matrix"
    CHOLESKY_COVARIANCE = "the Cholesky factor of a covariance matrix"


REAL = Interval()
POSITIVE = Interval(low=0.0, low_open=True)
NON_NEGATIVE = Interval(low=0.0)
UNIT = Interval(low=0.0, high=1.0)
OPEN_UNIT = Interval(low=0.0, high=1.0, low_open=True, high_open=True)
INTEGER = Interval(integer=True)
NATURAL = Interval(low=0.0, integer=True)
BOOLEAN = Interval(low=0.0, high=1.0, integer=True)
