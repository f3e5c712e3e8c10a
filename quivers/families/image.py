"""Where a function maps an interval: the support rules that the table of functions is made of.

A rule takes the intervals of the arguments and gives one that holds every result.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from quivers.families.support import NON_NEGATIVE, POSITIVE, REAL, UNIT, Interval

Rule = Callable[[tuple[Interval, ...]], Interval]


def always(support: Interval) -> Rule:
    """The rule of a function that lies in `support` whatever it is given."""
    return lambda _: support


def _value(function: Callable[[float], float], at: float, otherwise: float) -> float:
    try:
        value = function(at)
    except (ValueError, OverflowError, ZeroDivisionError):
        return otherwise
    return otherwise if math.isnan(value) else value


def rising(function: Callable[[float], float], image: Interval) -> Rule:
    """The rule of an increasing function that maps its domain onto `image`."""

    def rule(arguments: tuple[Interval, ...]) -> Interval:
        (x,) = arguments
        low = max(_value(function, x.low, image.low), image.low)
        high = min(_value(function, x.high, image.high), image.high)
        return Interval(
            low,
            high,
            low_open=x.low_open or math.isinf(x.low) or (low == image.low and image.low_open),
            high_open=x.high_open or math.isinf(x.high) or (high == image.high and image.high_open),
            integer=image.integer,
        )

    return rule


def falling(function: Callable[[float], float], image: Interval) -> Rule:
    """The rule of a decreasing function that maps its domain onto `image`."""
    mirrored = rising(lambda x: function(-x), image)
    return lambda arguments: mirrored(tuple(_mirrored(x) for x in arguments))


def _mirrored(x: Interval) -> Interval:
    return Interval(0.0 - x.high, 0.0 - x.low, x.high_open, x.low_open, x.integer)


def even(function: Callable[[float], float], image: Interval) -> Rule:
    """The rule of a function that falls on the negative reals and rises as steeply on the positive ones."""

    def rule(arguments: tuple[Interval, ...]) -> Interval:
        return rising(function, image)((magnitude(arguments[0]),))

    return rule


def magnitude(x: Interval) -> Interval:
    """Where |x| lies."""
    if x.low >= 0:
        return x
    if x.high <= 0:
        return _mirrored(x)
    left = -x.low
    high, is_open = max((x.high, x.high_open), (left, x.low_open), key=lambda end: (end[0], not end[1]))
    return Interval(0.0, high, high_open=is_open, integer=x.integer)


def _hull(arguments: tuple[Interval, ...]) -> Interval:
    return Interval(
        min(x.low for x in arguments),
        max(x.high for x in arguments),
        integer=all(x.integer for x in arguments),
    )


def same(arguments: tuple[Interval, ...]) -> Interval:
    """The result lies where the first argument does."""
    return arguments[0]


def average(arguments: tuple[Interval, ...]) -> Interval:
    """Between the ends, and no longer whole."""
    x = arguments[0]
    return Interval(x.low, x.high, x.low_open, x.high_open)


def largest(arguments: tuple[Interval, ...]) -> Interval:
    """Where the largest of the arguments lies."""
    return Interval(
        max(x.low for x in arguments),
        max(x.high for x in arguments),
        integer=all(x.integer for x in arguments),
        low_open=max(arguments, key=lambda x: (x.low, x.low_open)).low_open,
        high_open=max(arguments, key=lambda x: (x.high, not x.high_open)).high_open,
    )


def smallest(arguments: tuple[Interval, ...]) -> Interval:
    """Where the smallest of the arguments lies."""
    return _mirrored(largest(tuple(_mirrored(x) for x in arguments)))


def total(arguments: tuple[Interval, ...]) -> Interval:
    """One or more terms, each in the interval."""
    x = arguments[0]
    return Interval(
        low=x.low if x.low >= 0 else -math.inf,
        high=x.high if x.high <= 0 else math.inf,
        low_open=x.low_open,
        high_open=x.high_open,
        integer=x.integer,
    )


def product(arguments: tuple[Interval, ...]) -> Interval:
    """Where a product of one or more elements lies."""
    x = arguments[0]
    if x.within(UNIT):
        return Interval(0.0, 1.0, x.low_open and x.low == 0, False, x.integer)
    if x.low >= 0:
        return Interval(0.0, low_open=x.low > 0 or x.low_open, integer=x.integer)
    return Interval(integer=x.integer)


def at_least(arguments: tuple[Interval, ...]) -> Interval:
    """A log-sum of exponentials: no less than its greatest term."""
    x = arguments[0]
    return Interval(x.low, low_open=x.low_open)


def inner(arguments: tuple[Interval, ...]) -> Interval:
    """A sum of products: no sign is lost when none is negative."""
    return NON_NEGATIVE if all(x.low >= 0 for x in arguments) else REAL


def product_of_two(arguments: tuple[Interval, ...]) -> Interval:
    """Where a product of one element of each argument lies."""
    if all(x.low > 0 or (x.low == 0 and x.low_open) for x in arguments):
        return POSITIVE
    return inner(arguments)


def diagonal(arguments: tuple[Interval, ...]) -> Interval:
    """The off-diagonal elements are zero."""
    return _hull((arguments[0], Interval(0.0, 0.0, integer=arguments[0].integer)))


def power(arguments: tuple[Interval, ...]) -> Interval:
    """Where x to the power y lies."""
    base, _ = arguments
    if base.low > 0 or (base.low == 0 and base.low_open):
        return POSITIVE
    return NON_NEGATIVE if base.low >= 0 else REAL


def sigmoid(x: float) -> float:
    """1 / (1 + exp(−x))."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))


def softplus(x: float) -> float:
    """log(1 + exp(x))."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def logit(x: float) -> float:
    """log(x / (1 − x))."""
    return math.log(x) - math.log1p(-x)


def ndtr(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2.0))
