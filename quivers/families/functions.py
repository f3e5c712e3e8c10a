"""The table of built-in functions: how each is called, where its result lies, and how a backend computes it.

The checker, hover and the graph builder read this one table. An entry is computed in one of three
ways: `op` names the graph operation of `quivers.ir.graph` that it is; `definition` writes it in other
functions, as a QVR expression in the parameters' names, where each reduction and each `length` runs
over the axes that the call itself runs over; an entry with neither is handled by name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from quivers.families.function import Function, Kind
from quivers.families.image import (
    Rule,
    always,
    at_least,
    average,
    diagonal,
    even,
    falling,
    inner,
    largest,
    logit,
    magnitude,
    ndtr,
    power,
    product,
    product_of_two,
    rising,
    same,
    sigmoid,
    smallest,
    softplus,
    total,
)
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
    _one("exp", "e to the power x.", rising(math.exp, POSITIVE), op="exp"),
    _one(
        "exp2",
        "2 to the power x.",
        rising(lambda x: 2.0**x, POSITIVE),
        definition="exp(0.6931471805599453 * x)",
    ),
    _one("expm1", "exp(x) − 1, exact near 0.", rising(math.expm1, _ABOVE_MINUS_ONE), op="expm1"),
    _one("log", "The natural logarithm.", rising(math.log, REAL), POSITIVE, op="log"),
    _one("log1p", "log(1 + x), exact near 0.", rising(math.log1p, REAL), _ABOVE_MINUS_ONE, op="log1p"),
    _one(
        "log1m",
        "log(1 − x), exact near 0.",
        falling(lambda x: math.log1p(-x), REAL),
        _BELOW_ONE,
        definition="log1p(-x)",
    ),
    _one(
        "log10",
        "The logarithm to base 10.",
        rising(math.log10, REAL),
        POSITIVE,
        definition="log(x) / 2.302585092994046",
    ),
    _one(
        "log2",
        "The logarithm to base 2.",
        rising(math.log2, REAL),
        POSITIVE,
        definition="log(x) / 0.6931471805599453",
    ),
    _one("log1p_exp", "log(1 + exp(x)), the softplus.", rising(softplus, POSITIVE), definition="softplus(x)"),
    _one(
        "log1m_exp",
        "log(1 − exp(x)) for negative x.",
        falling(lambda x: math.log(-math.expm1(x)), _NEGATIVE),
        _NEGATIVE,
        # The branch that is not taken is kept off its pole at 0, or its slope would spoil the gradient.
        definition="if x > -0.6931471805599453 then log(-expm1(x))"
        " else log1p(-exp(minimum(x, -0.6931471805599453)))",
    ),
    _two(
        "logaddexp",
        ("x", "y"),
        "log(exp(x) + exp(y)), without overflow.",
        lambda a: at_least((largest(a),)),
        definition="maximum(x, y) + log1p(exp(-abs(x - y)))",
    ),
    _two(
        "log_diff_exp",
        ("x", "y"),
        "log(exp(x) − exp(y)) for x above y, without overflow.",
        always(REAL),
        definition="x + log1m_exp(y - x)",
    ),
    _two(
        "xlogy",
        ("x", "y"),
        "x log y, and 0 where x is 0.",
        always(REAL),
        (REAL, NON_NEGATIVE),
        definition="if x == 0 then 0.0 else x * log(y)",
    ),
    _two(
        "xlog1py",
        ("x", "y"),
        "x log(1 + y), and 0 where x is 0.",
        always(REAL),
        (REAL, Interval(low=-1.0)),
        definition="if x == 0 then 0.0 else x * log1p(y)",
    ),
)

_POWERS = (
    _one("sqrt", "The square root.", rising(math.sqrt, NON_NEGATIVE), NON_NEGATIVE, op="sqrt"),
    _one("square", "x times x.", even(lambda x: x * x, NON_NEGATIVE), definition="x * x"),
    _one("abs", "The absolute value.", lambda a: magnitude(a[0]), op="abs"),
    _one("reciprocal", "1 / x.", lambda a: POSITIVE if a[0].low >= 0 else REAL, definition="1.0 / x"),
    _one(
        "sign",
        "−1, 0 or 1 as x is negative, zero or positive.",
        always(Interval(-1.0, 1.0, integer=True)),
        definition="(if x > 0 then 1.0 else 0.0) - (if x < 0 then 1.0 else 0.0)",
    ),
    _two("pow", ("x", "y"), "x to the power y.", power, op="pow"),
    _two("hypot", ("x", "y"), "The root of x² + y².", always(NON_NEGATIVE), definition="sqrt(x * x + y * y)"),
)

_SIGMOIDS = (
    _one("sigmoid", "The inverse of logit, 1 / (1 + exp(−x)).", rising(sigmoid, OPEN_UNIT), op="sigmoid"),
    _one(
        "inv_logit",
        "The inverse of logit, Stan's name for `sigmoid`.",
        rising(sigmoid, OPEN_UNIT),
        definition="sigmoid(x)",
    ),
    _one(
        "expit",
        "The inverse of logit, SciPy's name for `sigmoid`.",
        rising(sigmoid, OPEN_UNIT),
        definition="sigmoid(x)",
    ),
    _one("logit", "The log odds, log(x / (1 − x)).", rising(logit, REAL), OPEN_UNIT, op="logit"),
    _one(
        "log_sigmoid",
        "log(sigmoid(x)), without underflow.",
        rising(lambda x: -softplus(-x), _NEGATIVE),
        definition="-softplus(-x)",
    ),
    _one(
        "log_inv_logit",
        "log(inv_logit(x)), Stan's name for `log_sigmoid`.",
        rising(lambda x: -softplus(-x), _NEGATIVE),
        definition="-softplus(-x)",
    ),
    _one(
        "softplus",
        "log(1 + exp(x)): positive, and near x when x is large.",
        rising(softplus, POSITIVE),
        op="softplus",
    ),
    _one(
        "relu",
        "x where it is positive, else 0.",
        lambda a: largest((a[0], Interval(0.0, 0.0, integer=a[0].integer))),
        definition="maximum(x, 0.0)",
    ),
    _one("tanh", "The hyperbolic tangent.", rising(math.tanh, _OPEN_SYMMETRIC), op="tanh"),
    _one("sinh", "The hyperbolic sine.", rising(math.sinh, REAL), definition="0.5 * (exp(x) - exp(-x))"),
    _one(
        "cosh", "The hyperbolic cosine.", even(math.cosh, _ABOVE_ONE), definition="0.5 * (exp(x) + exp(-x))"
    ),
    _one(
        "ndtr",
        "The standard normal distribution function.",
        rising(ndtr, OPEN_UNIT),
        definition="0.5 * (1.0 + erf(0.7071067811865476 * x))",
    ),
    _one(
        "Phi",
        "The standard normal distribution function, Stan's name for `ndtr`.",
        rising(ndtr, OPEN_UNIT),
        definition="ndtr(x)",
    ),
    _one("log_ndtr", "The log of the standard normal distribution function.", always(_NEGATIVE)),
    _two(
        "log_diff_ndtr",
        ("x", "y"),
        "The log of the standard normal probability between y and x, for x above y, also in the tails.",
        always(_NEGATIVE),
        definition="log_diff_exp(log_ndtr(if x + y > 0 then -y else x),"
        " log_ndtr(if x + y > 0 then -x else y))",
    ),
)

_SPECIAL = (
    _one("erf", "The error function.", rising(math.erf, _OPEN_SYMMETRIC), op="erf"),
    _one(
        "erfc", "1 − erf(x).", falling(math.erfc, Interval(0.0, 2.0, True, True)), definition="1.0 - erf(x)"
    ),
    _one("lgamma", "The log of the gamma function.", always(REAL), op="lgamma"),
    _one("digamma", "The derivative of lgamma.", always(REAL), op="digamma"),
    _one(
        "i0e",
        "The modified Bessel function I₀, scaled by exp(−|x|).",
        always(Interval(0.0, 1.0, low_open=True)),
        op="i0e",
    ),
    _one("i1e", "The modified Bessel function I₁, scaled by exp(−|x|).", always(_OPEN_SYMMETRIC), op="i1e"),
    _one(
        "log_i0",
        "The log of the modified Bessel function I₀, without overflow.",
        always(NON_NEGATIVE),
        definition="abs(x) + log(i0e(x))",
    ),
    _one(
        "lfactorial",
        "log(x!).",
        always(REAL),
        Interval(low=-1.0, low_open=True),
        definition="lgamma(x + 1.0)",
    ),
    _two(
        "lbeta",
        ("a", "b"),
        "The log of the beta function.",
        always(REAL),
        (POSITIVE, POSITIVE),
        definition="lgamma(a) + lgamma(b) - lgamma(a + b)",
    ),
    _two(
        "lchoose",
        ("n", "k"),
        "The log of n choose k.",
        always(REAL),
        (NON_NEGATIVE, NON_NEGATIVE),
        definition="lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)",
    ),
)

_ANGLES = (
    _one("sin", "The sine of x radians.", always(_SYMMETRIC), op="sin"),
    _one("cos", "The cosine of x radians.", always(_SYMMETRIC), op="cos"),
    _one("tan", "The tangent of x radians.", always(REAL), op="tan"),
    _one(
        "atan",
        "The angle between −π/2 and π/2 with tangent x.",
        rising(math.atan, Interval(-math.pi / 2, math.pi / 2, True, True)),
        op="atan",
    ),
    _one(
        "asin",
        "The angle between −π/2 and π/2 with sine x.",
        rising(math.asin, Interval(-math.pi / 2, math.pi / 2)),
        _SYMMETRIC,
        definition="2.0 * atan(x / (1.0 + sqrt((1.0 - x) * (1.0 + x))))",
    ),
    _one(
        "acos",
        "The angle between 0 and π with cosine x.",
        falling(math.acos, Interval(0.0, math.pi)),
        _SYMMETRIC,
        definition="1.5707963267948966 - 2.0 * atan(x / (1.0 + sqrt((1.0 - x) * (1.0 + x))))",
    ),
)

_ROUNDING = (
    _one("floor", "The greatest integer that is no more than x.", rising(math.floor, _WHOLE), op="floor"),
    _one(
        "ceil",
        "The least integer that is no less than x.",
        rising(math.ceil, _WHOLE),
        definition="-floor(-x)",
    ),
    _one(
        "round",
        "The nearest integer, halves upwards.",
        rising(lambda x: math.floor(x + 0.5), _WHOLE),
        definition="floor(x + 0.5)",
    ),
    _two("maximum", ("x", "y"), "The larger of two values.", largest, op="max"),
    _two("minimum", ("x", "y"), "The smaller of two values.", smallest, op="min"),
    Function(
        "clamp",
        ("x", "low", "high"),
        Kind.ELEMENTWISE,
        lambda a: smallest((largest((a[0], a[1])), a[2])),
        "x kept between low and high.",
        (REAL, REAL, REAL),
        definition="minimum(maximum(x, low), high)",
    ),
)

_REDUCTIONS = (
    _reduce("sum", "The sum.", total, op="sum"),
    _reduce("prod", "The product.", product, op="prod"),
    _reduce("max", "The greatest element.", same, op="amax"),
    _reduce("min", "The least element.", same, op="amin"),
    _reduce("logsumexp", "The log of the sum of exponentials, without overflow.", at_least, op="logsumexp"),
    _reduce("log_sum_exp", "Stan's name for `logsumexp`.", at_least, definition="logsumexp(x)"),
    _reduce("mean", "The mean.", average, definition="sum(x) / length(x)"),
    _reduce(
        "var",
        "The variance, with n − 1 below.",
        always(NON_NEGATIVE),
        definition="sum((x - mean(x)) ^ 2) / (length(x) - 1.0)",
    ),
    _reduce(
        "sd", "The standard deviation, with n − 1 below.", always(NON_NEGATIVE), definition="sqrt(var(x))"
    ),
    _reduce(
        "any", "Whether an element is true.", always(BOOLEAN), definition="max(if x != 0 then 1.0 else 0.0)"
    ),
    _reduce(
        "all",
        "Whether every element is true.",
        always(BOOLEAN),
        definition="min(if x != 0 then 1.0 else 0.0)",
    ),
    _reduce("length", "How many elements there are.", always(_COUNT)),
)

_ALONG = (
    _along(
        "softmax",
        "Exponentials scaled to sum to 1 along an axis.",
        always(UNIT),
        definition="exp(x - logsumexp(x))",
    ),
    _along("log_softmax", "The log of softmax.", always(_NON_POSITIVE), definition="x - logsumexp(x)"),
    _along("cumsum", "Running sums along an axis.", total),
    _along("sort", "The elements in increasing order along an axis.", same),
    Function(
        "lag",
        ("x", "k"),
        Kind.ALONG,
        same,
        "The value k places earlier along an axis; the first k repeat the first.",
        (REAL, NATURAL),
        defaults=(1.0,),
    ),
)

_MATRICES = (
    Function(
        "dot",
        ("x", "y"),
        Kind.CONTRACTION,
        inner,
        "The sum of products over the shared last axis, as `x @ y`.",
        (REAL, REAL),
    ),
    Function(
        "outer",
        ("x", "y"),
        Kind.OUTER,
        product_of_two,
        "Every product of an element of x and one of y.",
        (REAL, REAL),
    ),
    Function(
        "diag",
        ("x",),
        Kind.DIAGONAL,
        diagonal,
        "The matrix with x on its diagonal and zeros elsewhere.",
        (REAL,),
    ),
    Function(
        "cholesky",
        ("x",),
        Kind.MATRIX,
        always(REAL),
        "The lower triangular L with L Lᵀ = x, for a positive definite x.",
        (REAL,),
    ),
    Function(
        "transpose", ("x",), Kind.MATRIX, same, "The matrix with its rows and columns exchanged.", (REAL,)
    ),
    Function(
        "tcrossprod",
        ("x",),
        Kind.MATRIX,
        always(REAL),
        "The matrix times its transpose, x xᵀ: the correlations of which x is the Cholesky factor.",
        (REAL,),
    ),
    Function("diagonal", ("x",), Kind.ROWS, same, "The elements on the diagonal of a matrix.", (REAL,)),
    Function(
        "log_determinant",
        ("x",),
        Kind.DETERMINANT,
        always(REAL),
        "The log of the determinant of a positive definite matrix.",
        (REAL,),
    ),
    Function(
        "solve_triangular",
        ("L", "b"),
        Kind.SOLVE,
        always(REAL),
        "The y with L y = b along the last axis of b, for a lower triangular L.",
        (REAL, REAL),
    ),
    Function(
        "index", ("object",), Kind.OBJECT, always(NATURAL), "0, 1, 2, … along an object.", (REAL,), op="iota"
    ),
)

_PROBABILITY = Interval(high=0.0)

PROBABILITIES: Mapping[str, Function] = MappingProxyType(
    {
        name: Function(name, parameters, Kind.ELEMENTWISE, always(_PROBABILITY), summary, domains, op=name)
        for name, parameters, summary, domains in (
            (
                "log_gamma_below",
                ("a", "x"),
                "log P(a, x) of the gamma distribution.",
                (POSITIVE, NON_NEGATIVE),
            ),
            (
                "log_gamma_above",
                ("a", "x"),
                "log Q(a, x) of the gamma distribution.",
                (POSITIVE, NON_NEGATIVE),
            ),
            (
                "log_student_below",
                ("df", "t"),
                "The log of Student's distribution function.",
                (POSITIVE, REAL),
            ),
            (
                "log_beta_below",
                ("a", "b", "odds"),
                "The log of the beta's distribution function at odds / (1 + odds).",
                (POSITIVE, POSITIVE, NON_NEGATIVE),
            ),
        )
    }
)
"""What families' distribution functions are written in besides; no program can call them, since they have no
slope along their shapes."""

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
