"""Interval arithmetic: where the result of an operator lies, and what a result asks of the operands.

`combine` goes forwards, from the operands' intervals to the result's. `demanded` goes backwards: what
to ask of one operand so that the result lies where it must, given where the other lies.
"""

from __future__ import annotations

import math
from functools import lru_cache

from quivers.families.support import (
    BOOLEAN,
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    Element,
    Interval,
    Member,
)

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
LOGICAL = frozenset({"and", "or"})


def point(value: float, integer: bool = False) -> Interval:
    """The interval that holds one number."""
    return Interval(value, value, integer=integer)


def is_point(x: Interval) -> bool:
    """Whether the interval holds exactly one number."""
    return x.low == x.high and math.isfinite(x.low)


def is_positive(x: Interval) -> bool:
    """Whether every value is above zero."""
    return x.low > 0 or (x.low == 0 and x.low_open)


@lru_cache(maxsize=4096)
def combine(operator: str, left: Interval, right: Interval) -> Interval:
    """Where `left operator right` lies, elementwise; anywhere when its ends are too large to tell."""
    found = _combined(operator, left, right)
    return REAL if math.isnan(found.low) or math.isnan(found.high) else found


def _combined(operator: str, left: Interval, right: Interval) -> Interval:
    if operator in COMPARISONS or operator in LOGICAL:
        return BOOLEAN
    if operator == "+":
        return add(left, right)
    if operator == "-":
        return add(left, negate(right))
    if operator in ("*", "@"):
        product = multiply(left, right)
        return total(product) if operator == "@" else product
    if operator == "/":
        return divide(left, right)
    return power(left, right)


def negate(x: Interval) -> Interval:
    """Where −x lies."""
    return Interval(0.0 - x.high, 0.0 - x.low, x.high_open, x.low_open, x.integer)


def add(x: Interval, y: Interval) -> Interval:
    """Where x + y lies."""
    return Interval(
        x.low + y.low,
        x.high + y.high,
        x.low_open or y.low_open,
        x.high_open or y.high_open,
        x.integer and y.integer,
    )


def total(x: Interval) -> Interval:
    """Where a sum of one or more values of x lies."""
    return Interval(
        x.low if x.low >= 0 else -math.inf,
        x.high if x.high <= 0 else math.inf,
        x.low_open,
        x.high_open,
        x.integer,
    )


def multiply(x: Interval, y: Interval) -> Interval:
    """Where xy lies. An end that is zero and belongs to its interval makes a product's zero end closed."""
    corners = [
        _corner(a, a_open, b, b_open)
        for a, a_open in ((x.low, x.low_open), (x.high, x.high_open))
        for b, b_open in ((y.low, y.low_open), (y.high, y.high_open))
    ]
    low, low_open = min(corners, key=lambda end: (end[0], end[1]))
    high, high_open = max(corners, key=lambda end: (end[0], not end[1]))
    return Interval(low, high, low_open, high_open, x.integer and y.integer)


def _corner(a: float, a_open: bool, b: float, b_open: bool) -> tuple[float, bool]:
    if a == 0 or b == 0:
        closed = (a == 0 and not a_open) or (b == 0 and not b_open)
        return 0.0, not closed
    return a * b, a_open or b_open


def divide(x: Interval, y: Interval) -> Interval:
    """Where x / y lies; anywhere when y may be on both sides of zero."""
    if y.low < 0 < y.high or y.low == y.high == 0:
        return REAL
    if y.low >= 0:
        low = 0.0 if math.isinf(y.high) else 1.0 / y.high
        high = math.inf if y.low == 0 else 1.0 / y.low
        inverse = Interval(low, high, y.high_open or math.isinf(y.high), y.low_open)
    else:
        inverse = negate(divide(point(1.0), negate(y)))
    product = multiply(x, inverse)
    return Interval(product.low, product.high, product.low_open, product.high_open)


def power(base: Interval, exponent: Interval) -> Interval:
    """Where base ^ exponent lies."""
    if is_point(exponent) and exponent.low == math.floor(exponent.low) and 0 < exponent.low <= 64:
        return _natural_power(base, int(exponent.low))
    if is_positive(base):
        if is_point(base) and is_point(exponent):
            value = _safe_power(base.low, exponent.low)
            return point(value) if math.isfinite(value) else POSITIVE
        if base.low >= 1 and exponent.low >= 0:
            return Interval(low=1.0)
        if base.high <= 1 and exponent.low >= 0:
            return Interval(0.0, 1.0, low_open=True)
        return POSITIVE
    if is_point(exponent) and exponent.low % 2 == 0:
        return NON_NEGATIVE
    return NON_NEGATIVE if base.low >= 0 else REAL


def _safe_power(base: float, exponent: float) -> float:
    try:
        return float(base**exponent)
    except (OverflowError, ZeroDivisionError):
        return math.inf


def _natural_power(base: Interval, exponent: int) -> Interval:
    low, high = _signed_power(base.low, exponent), _signed_power(base.high, exponent)
    if exponent % 2 == 1 or base.low >= 0:
        return Interval(low, high, base.low_open, base.high_open, base.integer)
    if base.high <= 0:
        return Interval(high, low, base.high_open, base.low_open, base.integer)
    top, is_open = max((low, base.low_open), (high, base.high_open), key=lambda end: (end[0], not end[1]))
    return Interval(0.0, top, False, is_open, base.integer)


def _signed_power(base: float, exponent: int) -> float:
    try:
        return float(base**exponent)
    except OverflowError:
        return math.inf if base > 0 or exponent % 2 == 0 else -math.inf


def hull(x: Interval, y: Interval) -> Interval:
    """The least interval that holds both, as for the two branches of an `if`."""
    low, low_open = min((x.low, x.low_open), (y.low, y.low_open))
    high, high_open = max((x.high, not x.high_open), (y.high, not y.high_open))
    return Interval(low, high, low_open, not high_open, x.integer and y.integer)


def clip(x: Interval, domain: Interval) -> Interval:
    """The part of x inside `domain`, or `domain` where they do not meet."""
    if domain == REAL or x.disjoint_from(domain):
        return x if domain == REAL else domain
    low, low_open = max((x.low, x.low_open), (domain.low, domain.low_open))
    high, high_closed = min((x.high, not x.high_open), (domain.high, not domain.high_open))
    return Interval(low, high, low_open, not high_closed, x.integer or domain.integer)


def meet(x: Element, y: Element) -> Element | None:
    """What lies in both, or None if nothing does."""
    if isinstance(x, Member) or isinstance(y, Member):
        return x if x == y else None
    if x.disjoint_from(y):
        return None
    met = clip(x, y) if y != REAL else x
    return None if met.integer and _holds_no_integer(met) else met


def _holds_no_integer(x: Interval) -> bool:
    return math.isfinite(x.low) and math.isfinite(x.high) and math.floor(x.high) < math.ceil(x.low)


def demanded(operator: str, result: Interval, other: Interval, is_left: bool) -> Interval:
    """What one operand must lie in for the operator's result to lie in `result`, as far as that can be said.

    REAL where nothing can be said. `other` is where the other operand lies; `is_left` tells which is asked.
    """
    if result == REAL or operator not in ("+", "-", "*", "/"):
        return REAL
    plain = Interval(result.low, result.high, result.low_open, result.high_open)
    if is_point(other) and math.isfinite(other.low):
        return _solved(operator, plain, other.low, is_left)
    half_line = plain.low == 0 and math.isinf(plain.high)
    if not half_line or other.low < 0:
        return REAL
    if operator in ("*", "/"):
        return plain if is_left or operator == "*" else POSITIVE
    return NON_NEGATIVE if operator == "+" else REAL


def _solved(operator: str, result: Interval, constant: float, is_left: bool) -> Interval:
    if operator == "+":
        return add(result, point(-constant))
    if operator == "-":
        return add(result, point(constant)) if is_left else negate(add(result, point(-constant)))
    if operator == "*":
        return divide(result, point(constant)) if constant != 0 else REAL
    if is_left:
        return multiply(result, point(constant)) if constant != 0 else REAL
    half_line = result.low == 0 and math.isinf(result.high)
    return POSITIVE if half_line and constant > 0 else REAL


def bounds_text(x: Element) -> str:
    """An interval in words a sentence can hold: `above 0`, `between 0 and 1`."""
    if isinstance(x, Member):
        return f"an index into `{x.object}`"
    if is_point(x):
        return f"{x.low:g}"
    kind = "whole and " if x.integer else ""
    if math.isinf(x.low) and math.isinf(x.high):
        return "whole" if x.integer else "real"
    if math.isinf(x.high):
        return f"{kind}{'above' if x.low_open else 'at least'} {x.low:g}"
    if math.isinf(x.low):
        return f"{kind}{'below' if x.high_open else 'at most'} {x.high:g}"
    return f"{kind}between {x.low:g} and {x.high:g}"
