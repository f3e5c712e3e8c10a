"""The table of built-in functions: how each is called, where its result lies, and how a backend computes it.

The checker, hover and the graph builder read this one table. An entry is computed in one of three ways: `op`
names the graph operation of `quivers.ir.graph` that it is; `definition` writes it in other functions, as a QVR
expression in the parameters' names, where each reduction and each `length` runs over the axes that the call itself
runs over; and an entry with neither is one whose shape the graph builder handles by name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from quivers.families.support import (
    BOOLEAN,
    NATURAL,
    NON_NEGATIVE,
    OPEN_UNIT,
    POSITIVE,
    REAL,
    UNIT,
    Interval,
)

Rule = Callable[[tuple[Interval, ...]], Interval]


class Kind(Enum):
    """What a function does to axes.

    ELEMENTWISE takes the union of its arguments' axes. REDUCTION removes the axes named by `over=`, or all of them.
    ALONG keeps the axes and works along the one named by `over=`, or the last. The rest each have a rule of
    their own: CONTRACTION sums over the shared last axis, OUTER and DIAGONAL add one, MATRIX keeps the last
    two, OBJECT takes an object's name instead of a value.
    """

    ELEMENTWISE = "elementwise"
    REDUCTION = "reduction"
    ALONG = "along"
    CONTRACTION = "contraction"
    OUTER = "outer"
    DIAGONAL = "diagonal"
    MATRIX = "matrix"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Function:
    """A built-in function. `domains` says for each parameter where its argument must lie.

    `support` maps the arguments' intervals, clipped to the domains, to the result's. `optional` counts the trailing
    parameters that may be left out; `defaults` are their values.
    """

    name: str
    parameters: tuple[str, ...]
    kind: Kind
    support: Rule
    summary: str
    domains: tuple[Interval, ...]
    op: str | None = None
    definition: str | None = None
    defaults: tuple[float, ...] = ()

    @property
    def optional(self) -> int:
        return len(self.defaults)

    @property
    def takes_over(self) -> bool:
        """Whether a call may say `over=Object`."""
        return self.kind in (Kind.REDUCTION, Kind.ALONG)

    @property
    def signature(self) -> str:
        """`sum(x, over=…)`."""
        required = len(self.parameters) - self.optional
        shown = [
            *self.parameters[:required],
            *(
                f"{name}={value:g}"
                for name, value in zip(self.parameters[required:], self.defaults, strict=True)
            ),
            *(("over=…",) if self.takes_over else ()),
        ]
        return f"{self.name}({', '.join(shown)})"


# ------------------------------------------------------------------ support rules


def _always(support: Interval) -> Rule:
    return lambda _: support


def _value(function: Callable[[float], float], at: float, otherwise: float) -> float:
    try:
        value = function(at)
    except (ValueError, OverflowError, ZeroDivisionError):
        return otherwise
    return otherwise if math.isnan(value) else value


def _rising(function: Callable[[float], float], image: Interval) -> Rule:
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


def _falling(function: Callable[[float], float], image: Interval) -> Rule:
    rising = _rising(lambda x: function(-x), image)
    return lambda arguments: rising(tuple(_mirrored(x) for x in arguments))


def _mirrored(x: Interval) -> Interval:
    return Interval(-x.high, -x.low, x.high_open, x.low_open, x.integer)


def _even(function: Callable[[float], float], image: Interval) -> Rule:
    """The rule of a function that falls on the negative reals and rises as steeply on the positive ones."""

    def rule(arguments: tuple[Interval, ...]) -> Interval:
        return _rising(function, image)((_magnitude(arguments[0]),))

    return rule


def _magnitude(x: Interval) -> Interval:
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


def _same(arguments: tuple[Interval, ...]) -> Interval:
    return arguments[0]


def _average(arguments: tuple[Interval, ...]) -> Interval:
    x = arguments[0]
    return Interval(x.low, x.high, x.low_open, x.high_open)


def _largest(arguments: tuple[Interval, ...]) -> Interval:
    return Interval(
        max(x.low for x in arguments),
        max(x.high for x in arguments),
        integer=all(x.integer for x in arguments),
        low_open=max(arguments, key=lambda x: (x.low, x.low_open)).low_open,
        high_open=max(arguments, key=lambda x: (x.high, not x.high_open)).high_open,
    )


def _smallest(arguments: tuple[Interval, ...]) -> Interval:
    return _mirrored(_largest(tuple(_mirrored(x) for x in arguments)))


def _total(arguments: tuple[Interval, ...]) -> Interval:
    """One or more terms, each in the interval."""
    x = arguments[0]
    return Interval(
        low=x.low if x.low >= 0 else -math.inf,
        high=x.high if x.high <= 0 else math.inf,
        low_open=x.low_open,
        high_open=x.high_open,
        integer=x.integer,
    )


def _product(arguments: tuple[Interval, ...]) -> Interval:
    x = arguments[0]
    if x.within(UNIT):
        return Interval(0.0, 1.0, x.low_open and x.low == 0, False, x.integer)
    if x.low >= 0:
        return Interval(0.0, low_open=x.low > 0 or x.low_open, integer=x.integer)
    return Interval(integer=x.integer)


def _at_least(arguments: tuple[Interval, ...]) -> Interval:
    """A log-sum of exponentials: no less than its greatest term."""
    x = arguments[0]
    return Interval(x.low, low_open=x.low_open)


def _inner(arguments: tuple[Interval, ...]) -> Interval:
    return NON_NEGATIVE if all(x.low >= 0 for x in arguments) else REAL


def _product_of_two(arguments: tuple[Interval, ...]) -> Interval:
    if all(x.low > 0 or (x.low == 0 and x.low_open) for x in arguments):
        return POSITIVE
    return _inner(arguments)


def _diagonal(arguments: tuple[Interval, ...]) -> Interval:
    """The off-diagonal elements are zero."""
    return _hull((arguments[0], Interval(0.0, 0.0, integer=arguments[0].integer)))


def _power(arguments: tuple[Interval, ...]) -> Interval:
    base, _ = arguments
    if base.low > 0 or (base.low == 0 and base.low_open):
        return POSITIVE
    return NON_NEGATIVE if base.low >= 0 else REAL


def _sigmoid(x: float) -> float:
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    return math.exp(x) / (1.0 + math.exp(x))


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _logit(x: float) -> float:
    return math.log(x) - math.log1p(-x)


def _ndtr(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


# ---------------------------------------------------------------------- the table

_NON_POSITIVE = Interval(high=0.0)
_ABOVE_MINUS_ONE = Interval(low=-1.0, low_open=True)
_SYMMETRIC = Interval(low=-1.0, high=1.0)
_OPEN_SYMMETRIC = Interval(low=-1.0, high=1.0, low_open=True, high_open=True)
_ABOVE_ONE = Interval(low=1.0)
_WHOLE = Interval(integer=True)
_COUNT = Interval(low=1.0, integer=True)
_NEGATIVE = Interval(high=0.0, high_open=True)
_BELOW_ONE = Interval(high=1.0, high_open=True)


def _one(
    name: str,
    summary: str,
    support: Rule,
    domain: Interval = REAL,
    *,
    op: str | None = None,
    definition: str | None = None,
) -> Function:
    """An elementwise function of `x`."""
    return Function(name, ("x",), Kind.ELEMENTWISE, support, summary, (domain,), op, definition)


def _two(
    name: str,
    parameters: tuple[str, str],
    summary: str,
    support: Rule,
    domains: tuple[Interval, Interval] = (REAL, REAL),
    *,
    op: str | None = None,
    definition: str | None = None,
) -> Function:
    """An elementwise function of two arguments."""
    return Function(name, parameters, Kind.ELEMENTWISE, support, summary, domains, op, definition)


def _reduce(
    name: str, summary: str, support: Rule, *, op: str | None = None, definition: str | None = None
) -> Function:
    return Function(name, ("x",), Kind.REDUCTION, support, summary, (REAL,), op, definition)


def _along(name: str, summary: str, support: Rule, *, definition: str | None = None) -> Function:
    return Function(name, ("x",), Kind.ALONG, support, summary, (REAL,), None, definition)


_EXPONENTIALS = (
    _one("exp", "e to the power x.", _rising(math.exp, POSITIVE), op="exp"),
    _one("exp2", "2 to the power x.", _rising(lambda x: 2.0**x, POSITIVE), definition="exp(0.6931471805599453 * x)"),
    _one("expm1", "exp(x) − 1, exact near 0.", _rising(math.expm1, _ABOVE_MINUS_ONE), op="expm1"),
    _one("log", "The natural logarithm.", _rising(math.log, REAL), POSITIVE, op="log"),
    _one("log1p", "log(1 + x), exact near 0.", _rising(math.log1p, REAL), _ABOVE_MINUS_ONE, op="log1p"),
    _one("log1m", "log(1 − x), exact near 0.", _falling(lambda x: math.log1p(-x), REAL), _BELOW_ONE, definition="log1p(-x)"),
    _one("log10", "The logarithm to base 10.", _rising(math.log10, REAL), POSITIVE, definition="log(x) / 2.302585092994046"),
    _one("log2", "The logarithm to base 2.", _rising(math.log2, REAL), POSITIVE, definition="log(x) / 0.6931471805599453"),
    _one("log1p_exp", "log(1 + exp(x)), the softplus.", _rising(_softplus, POSITIVE), definition="softplus(x)"),
    _one("log1m_exp", "log(1 − exp(x)) for negative x.", _falling(lambda x: math.log(-math.expm1(x)), _NEGATIVE), _NEGATIVE,
         definition="if x > -0.6931471805599453 then log(-expm1(x)) else log1p(-exp(x))"),
    _two("logaddexp", ("x", "y"), "log(exp(x) + exp(y)), without overflow.", lambda a: _at_least((_largest(a),)),
         definition="maximum(x, y) + log1p(exp(-abs(x - y)))"),
    _two("xlogy", ("x", "y"), "x log y, and 0 where x is 0.", _always(REAL), (REAL, NON_NEGATIVE),
         definition="if x == 0 then 0.0 else x * log(y)"),
    _two("xlog1py", ("x", "y"), "x log(1 + y), and 0 where x is 0.", _always(REAL), (REAL, Interval(low=-1.0)),
         definition="if x == 0 then 0.0 else x * log1p(y)"),
)  # fmt: skip

_POWERS = (
    _one("sqrt", "The square root.", _rising(math.sqrt, NON_NEGATIVE), NON_NEGATIVE, op="sqrt"),
    _one("square", "x times x.", _even(lambda x: x * x, NON_NEGATIVE), definition="x * x"),
    _one("abs", "The absolute value.", lambda a: _magnitude(a[0]), op="abs"),
    _one("reciprocal", "1 / x.", lambda a: POSITIVE if a[0].low >= 0 else REAL, definition="1.0 / x"),
    _one("sign", "−1, 0 or 1 as x is negative, zero or positive.", _always(Interval(-1.0, 1.0, integer=True)),
         definition="(if x > 0 then 1.0 else 0.0) - (if x < 0 then 1.0 else 0.0)"),
    _two("pow", ("x", "y"), "x to the power y.", _power, op="pow"),
    _two("hypot", ("x", "y"), "The root of x² + y².", _always(NON_NEGATIVE), definition="sqrt(x * x + y * y)"),
)  # fmt: skip

_SIGMOIDS = (
    _one("sigmoid", "The inverse of logit, 1 / (1 + exp(−x)).", _rising(_sigmoid, OPEN_UNIT), op="sigmoid"),
    _one("inv_logit", "The inverse of logit, Stan's name for `sigmoid`.", _rising(_sigmoid, OPEN_UNIT), definition="sigmoid(x)"),
    _one("expit", "The inverse of logit, SciPy's name for `sigmoid`.", _rising(_sigmoid, OPEN_UNIT), definition="sigmoid(x)"),
    _one("logit", "The log odds, log(x / (1 − x)).", _rising(_logit, REAL), OPEN_UNIT, op="logit"),
    _one("log_sigmoid", "log(sigmoid(x)), without underflow.", _rising(lambda x: -_softplus(-x), _NEGATIVE), definition="-softplus(-x)"),
    _one("log_inv_logit", "log(inv_logit(x)), Stan's name for `log_sigmoid`.", _rising(lambda x: -_softplus(-x), _NEGATIVE),
         definition="-softplus(-x)"),
    _one("softplus", "log(1 + exp(x)): positive, and near x when x is large.", _rising(_softplus, POSITIVE), op="softplus"),
    _one("relu", "x where it is positive, else 0.", lambda a: _largest((a[0], Interval(0.0, 0.0, integer=a[0].integer))),
         definition="maximum(x, 0.0)"),
    _one("tanh", "The hyperbolic tangent.", _rising(math.tanh, _OPEN_SYMMETRIC), op="tanh"),
    _one("sinh", "The hyperbolic sine.", _rising(math.sinh, REAL), definition="0.5 * (exp(x) - exp(-x))"),
    _one("cosh", "The hyperbolic cosine.", _even(math.cosh, _ABOVE_ONE), definition="0.5 * (exp(x) + exp(-x))"),
    _one("ndtr", "The standard normal distribution function.", _rising(_ndtr, OPEN_UNIT),
         definition="0.5 * (1.0 + erf(0.7071067811865476 * x))"),
    _one("Phi", "The standard normal distribution function, Stan's name for `ndtr`.", _rising(_ndtr, OPEN_UNIT),
         definition="ndtr(x)"),
    _one("log_ndtr", "The log of the standard normal distribution function.", _always(_NEGATIVE)),
)  # fmt: skip

_SPECIAL = (
    _one("erf", "The error function.", _rising(math.erf, _OPEN_SYMMETRIC), op="erf"),
    _one("erfc", "1 − erf(x).", _falling(math.erfc, Interval(0.0, 2.0, True, True)), definition="1.0 - erf(x)"),
    _one("lgamma", "The log of the gamma function.", _always(REAL), op="lgamma"),
    _one("digamma", "The derivative of lgamma.", _always(REAL), op="digamma"),
    _one("lfactorial", "log(x!).", _always(REAL), Interval(low=-1.0, low_open=True), definition="lgamma(x + 1.0)"),
    _two("lbeta", ("a", "b"), "The log of the beta function.", _always(REAL), (POSITIVE, POSITIVE),
         definition="lgamma(a) + lgamma(b) - lgamma(a + b)"),
    _two("lchoose", ("n", "k"), "The log of n choose k.", _always(REAL), (NON_NEGATIVE, NON_NEGATIVE),
         definition="lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)"),
)  # fmt: skip

_ANGLES = (
    _one("sin", "The sine of x radians.", _always(_SYMMETRIC), op="sin"),
    _one("cos", "The cosine of x radians.", _always(_SYMMETRIC), op="cos"),
    _one("tan", "The tangent of x radians.", _always(REAL), op="tan"),
    _one("atan", "The angle between −π/2 and π/2 with tangent x.",
         _rising(math.atan, Interval(-math.pi / 2, math.pi / 2, True, True)), op="atan"),
    _one("asin", "The angle between −π/2 and π/2 with sine x.", _rising(math.asin, Interval(-math.pi / 2, math.pi / 2)),
         _SYMMETRIC, definition="2.0 * atan(x / (1.0 + sqrt((1.0 - x) * (1.0 + x))))"),
    _one("acos", "The angle between 0 and π with cosine x.", _falling(math.acos, Interval(0.0, math.pi)),
         _SYMMETRIC, definition="1.5707963267948966 - 2.0 * atan(x / (1.0 + sqrt((1.0 - x) * (1.0 + x))))"),
)  # fmt: skip

_ROUNDING = (
    _one("floor", "The greatest integer that is no more than x.", _rising(math.floor, _WHOLE), op="floor"),
    _one("ceil", "The least integer that is no less than x.", _rising(math.ceil, _WHOLE), definition="-floor(-x)"),
    _one("round", "The nearest integer, halves upwards.", _rising(lambda x: math.floor(x + 0.5), _WHOLE),
         definition="floor(x + 0.5)"),
    _two("maximum", ("x", "y"), "The larger of two values.", _largest, op="max"),
    _two("minimum", ("x", "y"), "The smaller of two values.", _smallest, op="min"),
    Function("clamp", ("x", "low", "high"), Kind.ELEMENTWISE, lambda a: _smallest((_largest((a[0], a[1])), a[2])),
             "x kept between low and high.", (REAL, REAL, REAL), definition="minimum(maximum(x, low), high)"),
)  # fmt: skip

_REDUCTIONS = (
    _reduce("sum", "The sum.", _total, op="sum"),
    _reduce("prod", "The product.", _product, op="prod"),
    _reduce("max", "The greatest element.", _same, op="amax"),
    _reduce("min", "The least element.", _same, op="amin"),
    _reduce("logsumexp", "The log of the sum of exponentials, without overflow.", _at_least, op="logsumexp"),
    _reduce("log_sum_exp", "Stan's name for `logsumexp`.", _at_least, definition="logsumexp(x)"),
    _reduce("mean", "The mean.", _average, definition="sum(x) / length(x)"),
    _reduce("var", "The variance, with n − 1 below.", _always(NON_NEGATIVE),
            definition="sum((x - mean(x)) ^ 2) / (length(x) - 1.0)"),
    _reduce("sd", "The standard deviation, with n − 1 below.", _always(NON_NEGATIVE), definition="sqrt(var(x))"),
    _reduce("any", "Whether an element is true.", _always(BOOLEAN), definition="max(if x != 0 then 1.0 else 0.0)"),
    _reduce("all", "Whether every element is true.", _always(BOOLEAN), definition="min(if x != 0 then 1.0 else 0.0)"),
    _reduce("length", "How many elements there are.", _always(_COUNT)),
)  # fmt: skip

_ALONG = (
    _along("softmax", "Exponentials scaled to sum to 1 along an axis.", _always(UNIT), definition="exp(x - logsumexp(x))"),
    _along("log_softmax", "The log of softmax.", _always(_NON_POSITIVE), definition="x - logsumexp(x)"),
    _along("cumsum", "Running sums along an axis.", _total),
    _along("sort", "The elements in increasing order along an axis.", _same),
    Function("lag", ("x", "k"), Kind.ALONG, _same,
             "The value k places earlier along an axis; the first k repeat the first.", (REAL, NATURAL), defaults=(1.0,)),
)  # fmt: skip

_MATRICES = (
    Function("dot", ("x", "y"), Kind.CONTRACTION, _inner, "The sum of products over the shared last axis, as `x @ y`.",
             (REAL, REAL)),
    Function("outer", ("x", "y"), Kind.OUTER, _product_of_two, "Every product of an element of x and one of y.",
             (REAL, REAL)),
    Function("diag", ("x",), Kind.DIAGONAL, _diagonal, "The matrix with x on its diagonal and zeros elsewhere.", (REAL,)),
    Function("cholesky", ("x",), Kind.MATRIX, _always(REAL),
             "The lower triangular L with L Lᵀ = x, for a positive definite x.", (REAL,)),
    Function("index", ("object",), Kind.OBJECT, _always(NATURAL), "0, 1, 2, … along an object.", (REAL,), op="iota"),
)  # fmt: skip

FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.name: function
        for group in (
            _EXPONENTIALS,
            _POWERS,
            _SIGMOIDS,
            _SPECIAL,
            _ANGLES,
            _ROUNDING,
            _REDUCTIONS,
            _ALONG,
            _MATRICES,
        )
        for function in group
    }
)
