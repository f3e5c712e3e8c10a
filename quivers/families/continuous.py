"""The continuous families of one real value, under torch.distributions' names where it has them.

Numbers in the densities: 0.9189385332046727 is ½ log 2π, 0.22579135264472744 is ½ log ½π, 1.1447298858494002
is log π, 1.8378770664093453 is log 2π, 0.5723649429247001 is ½ log π, 0.4515827052894548 is log ½π,
0.6931471805599453 is log 2, 0.7071067811865476 is √½.
"""

from __future__ import annotations

import math

from quivers.families.family import Family, Form, Parameter
from quivers.families.support import NON_NEGATIVE, OPEN_UNIT, POSITIVE, REAL, UNIT, Interval

LOC = Parameter("loc", REAL, "where the density is centred")
SCALE = Parameter("scale", POSITIVE, "how far values spread")
DF = Parameter("df", POSITIVE, "degrees of freedom; small values give heavy tails")


def _family(
    name: str,
    parameters: tuple[Parameter, ...],
    log_density: str,
    support: Interval,
    summary: str,
    *,
    low: str | None = None,
    high: str | None = None,
    sampler: str | None = None,
    reference: str | None = None,
    log_cdf: str | None = None,
    log_survival: str | None = None,
) -> Family:
    return Family(
        name=name,
        forms=(Form(parameters, log_density, log_cdf, log_survival),),
        support=support,
        summary=summary,
        sampler=name if sampler is None else sampler,
        low=low,
        high=high,
        reference=reference,
    )


_STUDENT_T = (
    "lgamma(0.5 * (df + 1)) - lgamma(0.5 * df) - 0.5 * log(df) - 0.5723649429247001 - log(scale)"
    " - 0.5 * (df + 1) * log1p(((x - {loc}) / scale) ^ 2 / df)"
)

# The log of what a normal has between `low` and `high`, either of which may be infinite.
_BETWEEN = (
    "(if low < -1e300 then (if high > 1e300 then 0.0 else log_ndtr((high - loc) / scale))"
    " else (if high > 1e300 then log_ndtr((loc - low) / scale)"
    " else log_diff_ndtr((high - loc) / scale, (low - loc) / scale)))"
)

CONTINUOUS: tuple[Family, ...] = (
    _family(
        "Normal",
        (LOC, SCALE),
        "-0.5 * ((x - loc) / scale) ^ 2 - log(scale) - 0.9189385332046727",
        REAL,
        "The normal distribution with mean `loc` and standard deviation `scale`.",
        log_cdf="log_ndtr((x - loc) / scale)",
        log_survival="log_ndtr((loc - x) / scale)",
    ),
    _family(
        "HalfNormal",
        (SCALE,),
        "-0.5 * (x / scale) ^ 2 - log(scale) - 0.22579135264472744",
        NON_NEGATIVE,
        "The absolute value of a normal with mean 0 and standard deviation `scale`.",
        log_cdf="log(erf(0.7071067811865476 * x / scale))",
        log_survival="0.6931471805599453 + log_ndtr(-x / scale)",
    ),
    _family(
        "StudentT",
        (
            DF,
            Parameter("loc", REAL, "where the density is centred", default=0.0),
            Parameter("scale", POSITIVE, "how far values spread", default=1.0),
        ),
        _STUDENT_T.format(loc="loc"),
        REAL,
        "Student's t: a normal with heavier tails, the heavier the smaller `df`.",
        log_cdf="log_student_below(df, (x - loc) / scale)",
        log_survival="log_student_below(df, (loc - x) / scale)",
    ),
    _family(
        "HalfStudentT",
        (DF, Parameter("scale", POSITIVE, "how far values spread", default=1.0)),
        "0.6931471805599453 + " + _STUDENT_T.format(loc="0.0"),
        NON_NEGATIVE,
        "The absolute value of a Student's t centred at 0.",
        log_cdf="log_beta_below(0.5, 0.5 * df, (x / scale) ^ 2 / df)",
        log_survival="0.6931471805599453 + log_student_below(df, -x / scale)",
    ),
    _family(
        "Cauchy",
        (LOC, SCALE),
        "-1.1447298858494002 - log(scale) - log1p(((x - loc) / scale) ^ 2)",
        REAL,
        "The Cauchy distribution; it has no mean.",
        log_cdf="log(0.5 + 0.3183098861837907 * atan((x - loc) / scale))",
        log_survival="log(0.5 - 0.3183098861837907 * atan((x - loc) / scale))",
    ),
    _family(
        "HalfCauchy",
        (SCALE,),
        "-0.4515827052894548 - log(scale) - log1p((x / scale) ^ 2)",
        NON_NEGATIVE,
        "The absolute value of a Cauchy centred at 0.",
        log_cdf="log(0.6366197723675814 * atan(x / scale))",
        log_survival="log1p(-0.6366197723675814 * atan(x / scale))",
    ),
    _family(
        "Laplace",
        (LOC, SCALE),
        "-abs(x - loc) / scale - log(scale) - 0.6931471805599453",
        REAL,
        "The double exponential distribution around `loc`.",
        log_cdf="if x < loc then -abs(x - loc) / scale - 0.6931471805599453"
        " else log1p(-0.5 * exp(-abs(x - loc) / scale))",
        log_survival="if x < loc then log1p(-0.5 * exp(-abs(x - loc) / scale))"
        " else -abs(x - loc) / scale - 0.6931471805599453",
    ),
    _family(
        "Logistic",
        (LOC, SCALE),
        "-(x - loc) / scale - log(scale) - 2 * softplus(-(x - loc) / scale)",
        REAL,
        "The logistic distribution around `loc`.",
        log_cdf="-softplus(-(x - loc) / scale)",
        log_survival="-softplus((x - loc) / scale)",
    ),
    _family(
        "Gumbel",
        (LOC, SCALE),
        "-(x - loc) / scale - exp(-(x - loc) / scale) - log(scale)",
        REAL,
        "The Gumbel distribution of maxima, with mode `loc`.",
        log_cdf="-exp(-(x - loc) / scale)",
        log_survival="log(-expm1(-exp(-(x - loc) / scale)))",
    ),
    _family(
        "LogNormal",
        (
            Parameter("loc", REAL, "the mean of log x"),
            Parameter("scale", POSITIVE, "the standard deviation of log x"),
        ),
        "-0.5 * ((log(x) - loc) / scale) ^ 2 - log(scale) - log(x) - 0.9189385332046727",
        POSITIVE,
        "A positive value whose logarithm is normal.",
        log_cdf="log_ndtr((log(x) - loc) / scale)",
        log_survival="log_ndtr((loc - log(x)) / scale)",
    ),
    _family(
        "LogitNormal",
        (
            Parameter("loc", REAL, "the mean of logit x"),
            Parameter("scale", POSITIVE, "the standard deviation of logit x"),
        ),
        "-0.5 * ((logit(x) - loc) / scale) ^ 2 - log(scale) - log(x) - log1p(-x) - 0.9189385332046727",
        OPEN_UNIT,
        "A value between 0 and 1 whose log odds are normal.",
        log_cdf="log_ndtr((logit(x) - loc) / scale)",
        log_survival="log_ndtr((loc - logit(x)) / scale)",
    ),
    _family(
        "Exponential",
        (Parameter("rate", POSITIVE, "the inverse of the mean"),),
        "log(rate) - rate * x",
        NON_NEGATIVE,
        "The exponential distribution with mean 1 / `rate`.",
        log_cdf="log(-expm1(-rate * x))",
        log_survival="-rate * x",
    ),
    _family(
        "Gamma",
        (
            Parameter("concentration", POSITIVE, "the shape"),
            Parameter("rate", POSITIVE, "the inverse of the scale"),
        ),
        "concentration * log(rate) + xlogy(concentration - 1, x) - rate * x - lgamma(concentration)",
        NON_NEGATIVE,
        "The gamma distribution with mean `concentration` / `rate`.",
        log_cdf="log_gamma_below(concentration, rate * x)",
        log_survival="log_gamma_above(concentration, rate * x)",
    ),
    _family(
        "InverseGamma",
        (
            Parameter("concentration", POSITIVE, "the shape"),
            Parameter("rate", POSITIVE, "the rate of the gamma that 1/x follows"),
        ),
        "concentration * log(rate) - lgamma(concentration) - (concentration + 1) * log(x) - rate / x",
        POSITIVE,
        "A value whose inverse is gamma distributed.",
        log_cdf="log_gamma_above(concentration, rate / x)",
        log_survival="log_gamma_below(concentration, rate / x)",
    ),
    _family(
        "Chi2",
        (Parameter("df", POSITIVE, "degrees of freedom, the mean"),),
        "xlogy(0.5 * df - 1, x) - 0.5 * x - 0.5 * df * 0.6931471805599453 - lgamma(0.5 * df)",
        NON_NEGATIVE,
        "The sum of `df` squared standard normals.",
        log_cdf="log_gamma_below(0.5 * df, 0.5 * x)",
        log_survival="log_gamma_above(0.5 * df, 0.5 * x)",
    ),
    _family(
        "Weibull",
        (
            Parameter("scale", POSITIVE, "the 63 % quantile"),
            Parameter("concentration", POSITIVE, "the shape; above 1 the hazard grows with x"),
        ),
        "log(concentration) - log(scale) + xlogy(concentration - 1, x / scale) - (x / scale) ^ concentration",
        NON_NEGATIVE,
        "The Weibull distribution of lifetimes.",
        log_cdf="log(-expm1(-(x / scale) ^ concentration))",
        log_survival="-(x / scale) ^ concentration",
    ),
    _family(
        "Pareto",
        (
            Parameter("scale", POSITIVE, "the least value"),
            Parameter("alpha", POSITIVE, "the exponent of the tail"),
        ),
        "log(alpha) - log(x) - alpha * log(x / scale)",
        NON_NEGATIVE,
        "The Pareto distribution above `scale`, with a tail that falls as x^-`alpha`.",
        low="scale",
        log_cdf="log(-expm1(-alpha * log(x / scale)))",
        log_survival="-alpha * log(x / scale)",
    ),
    _family(
        "Beta",
        (
            Parameter("concentration1", POSITIVE, "the weight towards 1, α"),
            Parameter("concentration0", POSITIVE, "the weight towards 0, β"),
        ),
        "xlogy(concentration1 - 1, x) + xlog1py(concentration0 - 1, -x)"
        " + lgamma(concentration1 + concentration0) - lgamma(concentration1) - lgamma(concentration0)",
        UNIT,
        "The beta distribution with mean α / (α + β).",
        log_cdf="log_beta_below(concentration1, concentration0, x / (1 - x))",
        log_survival="log_beta_below(concentration0, concentration1, (1 - x) / x)",
    ),
    _family(
        "Kumaraswamy",
        (
            Parameter("concentration1", POSITIVE, "the exponent of x"),
            Parameter("concentration0", POSITIVE, "the exponent of 1 − x^concentration1"),
        ),
        "log(concentration1) + log(concentration0) + xlogy(concentration1 - 1, x)"
        " + xlogy(concentration0 - 1, if x > 0.5 then -expm1(concentration1 * log(maximum(x, 0.5)))"
        " else 1 - x ^ concentration1)",
        UNIT,
        "A distribution on (0, 1) much like the beta, with a closed distribution function.",
        reference="Kumaraswamy, 1980",
        log_cdf="log(-expm1(concentration0 * log(-expm1(concentration1 * log(x)))))",
        log_survival="concentration0 * log(-expm1(concentration1 * log(x)))",
    ),
    _family(
        "Uniform",
        (
            Parameter("low", REAL, "the least value"),
            Parameter("high", REAL, "the greatest value"),
        ),
        "-log(high - low)",
        REAL,
        "The uniform distribution between `low` and `high`.",
        low="low",
        high="high",
        log_cdf="log((x - low) / (high - low))",
        log_survival="log((high - x) / (high - low))",
    ),
    _family(
        "TruncatedNormal",
        (
            Parameter("loc", REAL, "the mean before truncation"),
            Parameter("scale", POSITIVE, "the standard deviation before truncation"),
            Parameter("low", REAL, "the least value", default=-math.inf),
            Parameter("high", REAL, "the greatest value", default=math.inf),
        ),
        "-0.5 * ((x - loc) / scale) ^ 2 - log(scale) - 0.9189385332046727 - " + _BETWEEN,
        REAL,
        "A normal that is kept between `low` and `high`; one of them may be left out.",
        low="low",
        high="high",
        log_cdf="(if low < -1e300 then log_ndtr((x - loc) / scale)"
        " else log_diff_ndtr((x - loc) / scale, (low - loc) / scale)) - " + _BETWEEN,
        log_survival="(if high > 1e300 then log_ndtr((loc - x) / scale)"
        " else log_diff_ndtr((high - loc) / scale, (x - loc) / scale)) - " + _BETWEEN,
    ),
    _family(
        "VonMises",
        (
            Parameter("loc", REAL, "the direction where the density is highest, in radians"),
            Parameter("concentration", POSITIVE, "κ: near 1 / variance where it is large"),
        ),
        "-2 * concentration * sin(0.5 * (x - loc)) ^ 2 - 1.8378770664093453 - log(i0e(concentration))",
        Interval(low=-math.pi, high=math.pi),
        "An angle between −π and π radians: the normal distribution of directions.",
    ),
    _family(
        "SkewNormal",
        (LOC, SCALE, Parameter("alpha", REAL, "the skewness; 0 gives the normal")),
        "-0.5 * ((x - loc) / scale) ^ 2 - log(scale) - 0.22579135264472744"
        " + log_ndtr(alpha * (x - loc) / scale)",
        REAL,
        "A normal leaning to the right for `alpha` > 0, to the left for `alpha` < 0.",
        reference="Azzalini, 1985",
    ),
    _family(
        "AsymmetricLaplace",
        (
            LOC,
            SCALE,
            Parameter("asymmetry", POSITIVE, "κ: the left tail has scale·κ, the right one scale/κ"),
        ),
        "-abs(x - loc) / (if x < loc then scale * asymmetry else scale / asymmetry)"
        " - log(scale) - log(asymmetry + 1 / asymmetry)",
        REAL,
        "A Laplace distribution with tails of different lengths, as in quantile regression.",
        log_cdf="if x < loc then -abs(x - loc) / (scale * asymmetry) - log1p(1 / asymmetry ^ 2)"
        " else log1p(-exp(-abs(x - loc) * asymmetry / scale) / (1 + asymmetry ^ 2))",
        log_survival="if x < loc"
        " then log1p(-exp(-abs(x - loc) / (scale * asymmetry)) / (1 + 1 / asymmetry ^ 2))"
        " else -abs(x - loc) * asymmetry / scale - log1p(asymmetry ^ 2)",
    ),
    _family(
        "Flat",
        (),
        "0.0",
        REAL,
        "The improper flat prior on the reals: it adds nothing to the log density.",
        sampler="",
    ),
    _family(
        "HalfFlat",
        (),
        "0.0",
        NON_NEGATIVE,
        "The improper flat prior on the positive reals: it adds nothing to the log density.",
        sampler="",
    ),
)
