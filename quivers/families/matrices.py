"""The families whose draw is a square matrix over the last object of its plate.

In a density, `diagonal(x)` is a vector along that object, so `length(diagonal(x))` is the number of rows, and
`index(diagonal(x))` numbers them from 0. 1.1447298858494002 is log π, 0.6931471805599453 is log 2.
"""

from __future__ import annotations

from quivers.families.family import Family, Form, Parameter
from quivers.families.support import POSITIVE, REAL, Interval, Space

_COSINE = Interval(low=-1.0, high=1.0)
_SIZE = "length(diagonal(x))"
_ROW = "index(diagonal(x))"

_SHAPE = Parameter(
    "concentration", POSITIVE, "η: 1 is uniform, more draws the correlations to 0", default=1.0
)

# The log of the integral of |R|^(η − 1) over the correlation matrices (Lewandowski, Kurowicka and Joe, 2009,
# theorem 5). The row 0 has no term; its argument is kept above 0.
_LKJ_NORMALISER = (
    f"0.5 * 1.1447298858494002 * ({_SIZE} - 1) + 0.25 * 1.1447298858494002 * ({_SIZE} - 1) * ({_SIZE} - 2)"
    f" + sum(if {_ROW} == 0 then 0.0 else lgamma(concentration + 0.5 * maximum({_ROW} - 1, 0)))"
    f" - ({_SIZE} - 1) * lgamma(concentration + 0.5 * ({_SIZE} - 1))"
)

# The log of the multivariate gamma function of ½ df.
_LOG_GAMMA = f"0.25 * 1.1447298858494002 * {_SIZE} * ({_SIZE} - 1) + sum(lgamma(0.5 * df - 0.5 * {_ROW}))"
_DF = Parameter("df", POSITIVE, "degrees of freedom, more than the number of rows less 1")
_ENOUGH_DF = f"(if df > {_SIZE} - 1 then 0.0 else log(0.0))"
_HALF_LOG_DETERMINANT = "sum(log(diagonal({root})))"
_DETERMINANT = _HALF_LOG_DETERMINANT.format(root="cholesky(x)")


def _scale(name: str, meaning: str, space: Space = Space.COVARIANCE) -> Parameter:
    return Parameter(name, REAL, meaning, event_rank=2, space=space)


def _wishart(half_log_determinant: str, trace: str) -> str:
    """The log density, given ½ log |V| for the scale matrix V and the trace of V⁻¹ x."""
    return (
        f"(df - {_SIZE} - 1) * {_DETERMINANT} - 0.5 * {trace} - df * ({half_log_determinant})"
        f" - 0.5 * df * {_SIZE} * 0.6931471805599453 - ({_LOG_GAMMA}) + {_ENOUGH_DF}"
    )


def _inverse_wishart(root: str) -> str:
    """The log density, given the Cholesky factor of the scale matrix."""
    return (
        f"df * {_HALF_LOG_DETERMINANT.format(root=root)} - (df + {_SIZE} + 1) * {_DETERMINANT}"
        f" - 0.5 * sum(solve_triangular(cholesky(x), transpose({root})) ^ 2)"
        f" - 0.5 * df * {_SIZE} * 0.6931471805599453 - ({_LOG_GAMMA}) + {_ENOUGH_DF}"
    )


MATRICES: tuple[Family, ...] = (
    Family(
        name="LKJCholesky",
        forms=(
            Form(
                (_SHAPE,),
                f"sum((2 * (concentration - 1) + {_SIZE} - 1 - {_ROW}) * log(diagonal(x)))"
                f" - ({_LKJ_NORMALISER})",
            ),
        ),
        support=_COSINE,
        summary="The Cholesky factor L of a correlation matrix L Lᵀ.",
        sampler="LKJCholesky",
        event_rank=2,
        reference="Lewandowski, Kurowicka and Joe, 2009",
        space=Space.CHOLESKY_CORRELATION,
    ),
    Family(
        name="LKJ",
        forms=(Form((_SHAPE,), f"2 * (concentration - 1) * {_DETERMINANT} - ({_LKJ_NORMALISER})"),),
        # The ones on the diagonal may have been rounded to a little more.
        support=REAL,
        summary="A correlation matrix; `LKJCholesky` draws its Cholesky factor, which is faster to use.",
        sampler="LKJ",
        event_rank=2,
        reference="Lewandowski, Kurowicka and Joe, 2009",
        space=Space.CORRELATION,
    ),
    Family(
        name="Wishart",
        forms=(
            Form(
                (_DF, _scale("covariance_matrix", "the scale matrix V; the mean is df · V")),
                _wishart(
                    _HALF_LOG_DETERMINANT.format(root="cholesky(covariance_matrix)"),
                    "sum(solve_triangular(cholesky(covariance_matrix), transpose(cholesky(x))) ^ 2)",
                ),
            ),
            Form(
                (_DF, _scale("precision_matrix", "the inverse of the scale matrix V")),
                _wishart(
                    "-" + _HALF_LOG_DETERMINANT.format(root="cholesky(precision_matrix)"),
                    "sum(precision_matrix * x)",
                ),
            ),
            Form(
                (
                    _DF,
                    _scale(
                        "scale_tril",
                        "the lower triangular L with L Lᵀ the scale matrix V",
                        Space.CHOLESKY_COVARIANCE,
                    ),
                ),
                _wishart(
                    _HALF_LOG_DETERMINANT.format(root="scale_tril"),
                    "sum(solve_triangular(scale_tril, transpose(cholesky(x))) ^ 2)",
                ),
            ),
        ),
        support=REAL,
        summary="The sum of `df` outer products of normal vectors with covariance `covariance_matrix`.",
        sampler="Wishart",
        event_rank=2,
        space=Space.COVARIANCE,
    ),
    Family(
        name="InverseWishart",
        forms=(
            Form(
                (_DF, _scale("scale_matrix", "the scale matrix Ψ; the mean is Ψ / (df − rows − 1)")),
                _inverse_wishart("cholesky(scale_matrix)"),
            ),
            Form(
                (
                    _DF,
                    _scale(
                        "scale_tril",
                        "the lower triangular L with L Lᵀ the scale matrix Ψ",
                        Space.CHOLESKY_COVARIANCE,
                    ),
                ),
                _inverse_wishart("scale_tril"),
            ),
        ),
        support=REAL,
        summary="A covariance matrix whose inverse is Wishart with `precision_matrix` Ψ.",
        sampler="InverseWishart",
        event_rank=2,
        space=Space.COVARIANCE,
    ),
)
