"""exp, log and log1p for compiled code, in plain arithmetic, so that loops with them run on whole vectors.

Calls into the C library would keep the compiler from that. The results are within an ulp or two of it, at
infinities and for NaN the same.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from typing import Any


def bits(x: float) -> int:
    """The bits of a number, as an integer."""
    return int(struct.unpack("<q", struct.pack("<d", x))[0])


def from_bits(n: int) -> float:
    """The number with these bits."""
    return float(struct.unpack("<d", struct.pack("<Q", n & 0xFFFFFFFFFFFFFFFF))[0])


def difference(x: float, y: float) -> float:
    """x − y of both numbers as they were rounded: never of sums that they came from."""
    return x - y


# Added to a number below 2⁵¹, it leaves the nearest whole number in the low bits.
ROUNDING = 6755399441055744.0
ROUNDING_BITS = 0x4338000000000000

LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
SMALLEST_NORMAL = 2.2250738585072014e-308
ROOT_HALF_BITS = 0x3FE6A09E667F3BCD
EXPONENT = -0x10000000000000


def exp(x: float) -> float:
    """eˣ: x = n log 2 + r, eʳ by its Taylor series, 2ⁿ in two factors, which never overflow too early."""
    y = -746.0 if x < -746.0 else x
    y = 710.0 if y > 710.0 else y
    shifted = y * 1.4426950408889634 + ROUNDING
    n = shifted - ROUNDING
    r = (y - n * LN2_HIGH) - n * LN2_LOW
    p = 1.0 / 6227020800.0
    p = p * r + 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = (p * r) * r + r
    whole = bits(shifted) - ROUNDING_BITS
    half = whole >> 1
    first = from_bits((half + 1023) << 52)
    second = from_bits((whole - half + 1023) << 52)
    return (first + first * p) * second


def log(x: float) -> float:
    """The natural logarithm: x = 2ᵏ (1 + f), log(1 + f) by the series in s = f / (2 + f).

    Its coefficients are those of fdlibm's e_log.c (Sun Microsystems, 1993).
    """
    tiny = x < SMALLEST_NORMAL
    scaled = bits(x * 18014398509481984.0 if tiny else x)
    above = scaled - ROOT_HALF_BITS
    f = from_bits(scaled - (above & EXPONENT)) - 1.0
    k = from_bits((above >> 52) + ROUNDING_BITS) - ROUNDING
    k = k - 54.0 if tiny else k
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    odd = w * (0.3999999999940941908 + w * (0.2222219843214978396 + w * 0.1531383769920937332))
    even = z * (
        0.6666666666666735130
        + w * (0.2857142874366239149 + w * (0.1818357216161805012 + w * 0.1479819860511658591))
    )
    square = 0.5 * f * f
    result = k * LN2_HIGH - ((square - (s * (square + (odd + even)) + k * LN2_LOW)) - f)
    result = result if x < math.inf else x  # infinity and NaN themselves
    result = -math.inf if x == 0.0 else result
    return math.nan if x < 0.0 else result


def log1p(x: float) -> float:
    """log(1 + x), corrected for what the sum 1 + x lost (Higham 2002, section 1.14.1)."""
    total = 1.0 + x
    lost = (x - (total - 1.0)) / total
    correction = lost if abs(lost) < 1.0 else 0.0
    return log(total) + correction


ELEMENTARY: Mapping[str, Callable[..., Any]] = {
    function.__name__: function for function in (exp, log, log1p, difference)
}
