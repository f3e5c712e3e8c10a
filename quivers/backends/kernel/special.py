"""Special functions of one number, for compiled code; the values at poles and at infinities are torch's.

Python can call `digamma`, `trigamma`, `log_ndtr`, `i0e` and `i1e` as well; the others need a compiler.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from quivers.backends.kernel.elementary import exp, log, log1p

HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)
ROOT_HALF = math.sqrt(0.5)


def sigmoid(x: float) -> float:
    """1 / (1 + e⁻ˣ), written so that nothing overflows."""
    power = exp(-abs(x))
    return (1.0 if x >= 0.0 else power) / (1.0 + power)


def softplus(x: float) -> float:
    """log(1 + eˣ).

    The logarithm of 1 + e⁻|ˣ| is corrected for what that sum lost, which is twice as fast as `log1p`
    (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 1.14.1).
    """
    power = exp(-abs(x))
    total = 1.0 + power
    return max(x, 0.0) + (log(total) + (power - (total - 1.0)) / total)


def logit(x: float) -> float:
    """The inverse of `sigmoid`."""
    return log(x / (1.0 - x))


def sign(x: float) -> float:
    """−1, 0 or 1; 0 for NaN."""
    if x > 0.0:
        return 1.0
    return -1.0 if x < 0.0 else 0.0


def floor(x: float) -> float:
    """The greatest whole number up to x, as a float."""
    return float(math.floor(x))


def maximum(x: float, y: float) -> float:
    """The greater of two; NaN where one is."""
    return x if x > y or math.isnan(x) else y


def minimum(x: float, y: float) -> float:
    """The lesser of two; NaN where one is."""
    return x if x < y or math.isnan(x) else y


def xlogy(x: float, y: float) -> float:
    """x log y, and 0 where x is 0."""
    return 0.0 if x == 0.0 and not math.isnan(y) else x * log(y)


def xlog1py(x: float, y: float) -> float:
    """x log(1 + y), and 0 where x is 0."""
    return 0.0 if x == 0.0 and not math.isnan(y) else x * log1p(y)


def logaddexp(x: float, y: float) -> float:
    """log(eˣ + eʸ)."""
    if x == y:  # also where both are infinite
        return x + math.log(2.0)
    return max(x, y) + log1p(exp(-abs(x - y)))


def digamma(x: float) -> float:
    """The derivative of log Γ: reflection below 0, recurrence to 10, then the asymptotic series.

    Abramowitz and Stegun 6.3.5, 6.3.7 and 6.3.18. −∞ at 0 (∞ at −0), NaN at the other poles.
    """
    if x == 0.0:
        return math.copysign(math.inf, -x)
    result = 0.0
    if x < 0.0:
        if x == -math.inf:
            return math.nan
        fraction = x % 1.0
        if fraction == 0.0:
            return math.nan
        result = -math.pi / math.tan(math.pi * fraction)
        x = 1.0 - x
    while x < 10.0:
        result -= 1.0 / x
        x += 1.0
    y = 1.0 / (x * x)
    series = 1.0 / 132.0 - y * (691.0 / 32760.0 - y / 12.0)
    series = 1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * (1.0 / 240.0 - y * series)))
    return result + math.log(x) - 0.5 / x - y * series


def trigamma(x: float) -> float:
    """The derivative of `digamma`, by the same steps (Abramowitz and Stegun 6.4.6, 6.4.7, 6.4.12)."""
    result = 0.0
    factor = 1.0
    if x < 0.5:
        if x == -math.inf:
            return math.nan
        fraction = x % 1.0
        if fraction == 0.0:
            return math.inf
        sine = math.sin(math.pi * fraction)
        result = math.pi * math.pi / (sine * sine)
        factor = -1.0
        x = 1.0 - x
    upper = 0.0
    while x < 10.0:
        upper += 1.0 / (x * x)
        x += 1.0
    y = 1.0 / (x * x)
    series = 5.0 / 66.0 - y * (691.0 / 2730.0 - y * 7.0 / 6.0)
    series = 1.0 / 6.0 - y * (1.0 / 30.0 - y * (1.0 / 42.0 - y * (1.0 / 30.0 - y * series)))
    upper += 1.0 / x + 0.5 * y + y / x * series
    return result + factor * upper


def log_ndtr(x: float) -> float:
    """The log of the standard normal distribution function; below −30 by its asymptotic series.

    Abramowitz and Stegun 7.1.23.
    """
    if x > 0.0:
        return math.log1p(-0.5 * math.erfc(x * ROOT_HALF))
    if x > -30.0:
        return math.log(0.5 * math.erfc(-x * ROOT_HALF))
    if x == -math.inf or math.isnan(x):
        return x
    y = 1.0 / (x * x)
    series = -y * (1.0 - y * (3.0 - y * (15.0 - y * 105.0)))
    return -0.5 * x * x - math.log(-x) - HALF_LOG_TWO_PI + math.log1p(series)


def i0e(x: float) -> float:
    """e^−|x| I₀(x): the power series up to 20, then the asymptotic one.

    Abramowitz and Stegun 9.6.10 and 9.7.1.
    """
    x = abs(x)
    if x > 20.0:
        return _bessel_tail(x, 0.0)
    quarter, term, total, k = 0.25 * x * x, 1.0, 1.0, 0.0
    while term > 1e-17 * total:
        k += 1.0
        term *= quarter / (k * k)
        total += term
    return math.exp(-x) * total


def i1e(x: float) -> float:
    """e^−|x| I₁(x), by the same series as `i0e`."""
    y = abs(x)
    if y > 20.0:
        return math.copysign(_bessel_tail(y, 4.0), x)
    quarter, term, total, k = 0.25 * y * y, 1.0, 1.0, 0.0
    while term > 1e-17 * total:
        k += 1.0
        term *= quarter / (k * (k + 1.0))
        total += term
    return 0.5 * x * math.exp(-y) * total


def _bessel_tail(x: float, order: float) -> float:
    """e^−x I_ν(x) for large x, where `order` is 4ν²."""
    term, total, k = 1.0, 1.0, 0.0
    while abs(term) > 1e-17:
        k += 1.0
        odd = 2.0 * k - 1.0
        term *= (odd * odd - order) / (8.0 * k * x)
        total += term
    return total / math.sqrt(2.0 * math.pi * x)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        sigmoid, softplus, logit, sign, floor, maximum, minimum, xlogy, xlog1py, logaddexp, digamma, trigamma,
        log_ndtr, i0e, i1e,
    )
}  # fmt: skip
