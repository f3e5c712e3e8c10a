"""Special functions of one number, for compiled code; the values at poles and at infinities are torch's.

Python can call `digamma`, `trigamma` and what follows them as well; the others need a compiler.
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


def log_gamma_below(a: float, x: float) -> float:
    """log P(a, x), the log of the probability that a gamma variable of shape a and rate 1 lies below x.

    Abramowitz and Stegun 6.5.29.
    """
    if x <= 0.0:
        return -math.inf
    if x == math.inf or a <= 0.0:
        return 0.0
    if x < a + 1.0:
        return _gamma_series(a, x)
    return math.log1p(-math.exp(_gamma_fraction(a, x)))


def log_gamma_above(a: float, x: float) -> float:
    """log Q(a, x), the log of the probability that a gamma variable of shape a and rate 1 lies above x.

    Abramowitz and Stegun 6.5.31.
    """
    if x <= 0.0:
        return 0.0
    if x == math.inf or a <= 0.0:
        return -math.inf
    if x < a + 1.0:
        return math.log1p(-math.exp(_gamma_series(a, x)))
    return _gamma_fraction(a, x)


def _gamma_front(a: float, x: float) -> float:
    """a log x − x − log Γ(a + 1); by Stirling's series where its parts are large beside it."""
    if a < 20.0:
        return a * math.log(x) - x - math.lgamma(a + 1.0)
    off = (x - a) / a
    growth = math.log1p(off) if abs(off) < 0.5 else math.log(x / a)
    return a * (growth - off) - 0.5 * math.log(2.0 * math.pi * a) - _stirling(a)


def _stirling(a: float) -> float:
    """What Stirling's formula lacks of log Γ(a), for a from 20 (Abramowitz and Stegun 6.1.41)."""
    y = 1.0 / (a * a)
    return (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / a


def _gamma_series(a: float, x: float) -> float:
    """log P(a, x) by its power series, for x below a + 1."""
    term, total, n = 1.0, 1.0, a
    while term > 1e-17 * total:
        n += 1.0
        term *= x / n
        total += term
    return _gamma_front(a, x) + math.log(total)


def _gamma_fraction(a: float, x: float) -> float:
    """log Q(a, x) by its continued fraction, for x above a + 1 (Lentz's algorithm as Thompson's)."""
    b = x + 1.0 - a
    c = 1e300
    d = 1.0 / b
    h, change, n = d, 0.0, 0.0
    while abs(change - 1.0) > 1e-16 and n < 100000.0:
        n += 1.0
        numerator = -n * (n - a)
        b += 2.0
        d = 1.0 / _off_zero(numerator * d + b)
        c = _off_zero(b + numerator / c)
        change = d * c
        h *= change
    return _gamma_front(a, x) + math.log(a) + math.log(h)


def _off_zero(x: float) -> float:
    return 1e-300 if abs(x) < 1e-300 else x


def log_beta_below(a: float, b: float, odds: float) -> float:
    """log I_x(a, b), the log of the probability that a beta variable lies below x = odds / (1 + odds).

    Abramowitz and Stegun 26.5.8. Given by the odds, x keeps its digits at both ends.
    """
    if odds <= 0.0 or b <= 0.0:
        return -math.inf
    if odds == math.inf or a <= 0.0:
        return 0.0
    x, y = 1.0 / (1.0 + 1.0 / odds), 1.0 / (1.0 + odds)
    front = -_log_beta(a, b) - a * math.log1p(1.0 / odds) - b * math.log1p(odds)
    if x * (a + b + 2.0) < a + 1.0:
        return front + math.log(_beta_fraction(a, b, x)) - math.log(a)
    return math.log1p(-math.exp(front + math.log(_beta_fraction(b, a, y)) - math.log(b)))


def _log_beta(a: float, b: float) -> float:
    """log B(a, b); the difference of log Γ at two large numbers is taken in Stirling's formula."""
    if a < b:
        a, b = b, a
    if a < 20.0:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
    total = a + b
    growth = (a - 0.5) * math.log1p(b / a) + b * (math.log(total) - 1.0) + _stirling(total) - _stirling(a)
    return math.lgamma(b) - growth


def _beta_fraction(a: float, b: float, x: float) -> float:
    c = 1.0
    d = 1.0 / _off_zero(1.0 - (a + b) * x / (a + 1.0))
    h, change, m = d, 0.0, 0.0
    while abs(change - 1.0) > 1e-16 and m < 100000.0:
        m += 1.0
        even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m))
        d = 1.0 / _off_zero(1.0 + even * d)
        c = _off_zero(1.0 + even / c)
        h *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0))
        d = 1.0 / _off_zero(1.0 + odd * d)
        c = _off_zero(1.0 + odd / c)
        change = d * c
        h *= change
    return h


def log_student_below(df: float, t: float) -> float:
    """The log of the probability that a Student's t with `df` degrees of freedom lies below t.

    Abramowitz and Stegun 26.7.1.
    """
    if t == 0.0:
        return math.log(0.5)
    tail = math.log(0.5) + log_beta_below(0.5 * df, 0.5, df / (t * t))
    return tail if t < 0.0 else math.log1p(-math.exp(tail))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        sigmoid, softplus, logit, sign, floor, maximum, minimum, xlogy, xlog1py, logaddexp, digamma, trigamma,
        log_ndtr, i0e, i1e, log_gamma_below, log_gamma_above, log_beta_below, log_student_below,
    )
}  # fmt: skip
