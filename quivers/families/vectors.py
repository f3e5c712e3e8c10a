"""The families whose draw is a vector along the last object of its plate.

In a density, `sum` and `length` run over the draw's own axis, and `index(x)` is 0, 1, 2, … along it.
"""

from __future__ import annotations

from quivers.families.family import Family, Form, Parameter
from quivers.families.support import NATURAL, NON_NEGATIVE, POSITIVE, REAL, UNIT, Space

LOC = Parameter("loc", REAL, "the mean", event_rank=1)
TRIALS = Parameter("total_count", NATURAL, "the number of trials, which the counts sum to")

_DISTANCE = "-0.5 * sum(solve_triangular({root}, x - loc) ^ 2) - sum(log(diagonal({root})))"
_PRECISION = (
    "-0.5 * sum((x - loc) * (precision_matrix @ (x - loc))) + sum(log(diagonal(cholesky(precision_matrix))))"
)
_HALF_LOG_TWO_PI = " - 0.9189385332046727 * length(x)"

_COUNTS_ADD_UP = "(if sum(x) == total_count then 0.0 else log(0.0))"
_ARRANGEMENTS = "lgamma(total_count + 1) - sum(lgamma(x + 1))"

VECTORS: tuple[Family, ...] = (
    Family(
        name="Dirichlet",
        forms=(
            Form(
                (
                    Parameter(
                        "concentration", POSITIVE, "the weight of each element; 1 is uniform", event_rank=1
                    ),
                ),
                "sum(xlogy(concentration - 1, x)) + lgamma(sum(concentration)) - sum(lgamma(concentration))",
            ),
        ),
        support=UNIT,
        summary="Probabilities that sum to 1, with means in proportion to `concentration`.",
        sampler="Dirichlet",
        event_rank=1,
        space=Space.SIMPLEX,
    ),
    Family(
        name="Multinomial",
        forms=(
            Form(
                (
                    TRIALS,
                    Parameter("probs", NON_NEGATIVE, "the weight of each category", event_rank=1),
                ),
                f"{_ARRANGEMENTS} + sum(xlogy(x, probs)) - total_count * log(sum(probs)) + {_COUNTS_ADD_UP}",
            ),
            Form(
                (TRIALS, Parameter("logits", REAL, "the log weight of each category", event_rank=1)),
                f"{_ARRANGEMENTS} + sum(x * logits) - total_count * logsumexp(logits) + {_COUNTS_ADD_UP}",
            ),
        ),
        support=NATURAL,
        summary="How often each category comes up in `total_count` trials.",
        sampler="Multinomial",
        event_rank=1,
    ),
    Family(
        name="MultivariateNormal",
        forms=(
            Form(
                (
                    LOC,
                    Parameter(
                        "covariance_matrix", REAL, "the covariances", event_rank=2, space=Space.COVARIANCE
                    ),
                ),
                _DISTANCE.format(root="cholesky(covariance_matrix)") + _HALF_LOG_TWO_PI,
            ),
            Form(
                (
                    LOC,
                    Parameter(
                        "precision_matrix",
                        REAL,
                        "the inverse of the covariances",
                        event_rank=2,
                        space=Space.COVARIANCE,
                    ),
                ),
                _PRECISION + _HALF_LOG_TWO_PI,
            ),
            Form(
                (
                    LOC,
                    Parameter(
                        "scale_tril",
                        REAL,
                        "the lower triangular L with L Lᵀ the covariances",
                        event_rank=2,
                        space=Space.CHOLESKY_COVARIANCE,
                    ),
                ),
                _DISTANCE.format(root="scale_tril") + _HALF_LOG_TWO_PI,
            ),
        ),
        support=REAL,
        summary="The normal distribution of a vector, by covariances, their inverse or their Cholesky root.",
        sampler="MultivariateNormal",
        event_rank=1,
    ),
    Family(
        name="GaussianRandomWalk",
        forms=(
            Form(
                (Parameter("scale", POSITIVE, "the standard deviation of each step", default=1.0),),
                "sum(-0.5 * ((x - (if index(x) == 0 then 0.0 else lag(x))) / scale) ^ 2)"
                " - length(x) * log(scale) - 0.9189385332046727 * length(x)",
            ),
        ),
        support=REAL,
        summary="A walk that starts from 0 and takes a normal step to each element, the first included.",
        sampler="GaussianRandomWalk",
        event_rank=1,
    ),
)
