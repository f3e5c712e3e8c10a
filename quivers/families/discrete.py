"""The discrete families of one integer value, under torch.distributions' names where it has them.

All counts start at 0, `Geometric` and `Categorical` included.
"""

from __future__ import annotations

from quivers.families.family import Family, Form, Parameter
from quivers.families.support import (
    BOOLEAN,
    INTEGER,
    NATURAL,
    NON_NEGATIVE,
    POSITIVE,
    REAL,
    UNIT,
    Interval,
)

PROBS = Parameter("probs", UNIT, "the probability of 1")
LOGITS = Parameter("logits", REAL, "the log odds of 1")
TRIALS = Parameter("total_count", NATURAL, "the number of trials")

_CHOOSE = "lgamma(total_count + 1) - lgamma(x + 1) - lgamma(total_count - x + 1)"
_NEGATIVE_CHOOSE = "lgamma(x + total_count) - lgamma(x + 1) - lgamma(total_count)"

DISCRETE: tuple[Family, ...] = (
    Family(
        name="Bernoulli",
        forms=(
            Form((PROBS,), "xlogy(x, probs) + xlog1py(1 - x, -probs)"),
            Form((LOGITS,), "x * logits - softplus(logits)"),
        ),
        support=BOOLEAN,
        summary="A 0 or 1; `logits` takes log odds in the place of a probability.",
        sampler="Bernoulli",
    ),
    Family(
        name="Binomial",
        forms=(
            Form((TRIALS, PROBS), f"{_CHOOSE} + xlogy(x, probs) + xlog1py(total_count - x, -probs)"),
            Form((TRIALS, LOGITS), f"{_CHOOSE} + x * logits - total_count * softplus(logits)"),
        ),
        support=NATURAL,
        summary="The number of ones in `total_count` trials.",
        sampler="Binomial",
        high="total_count",
    ),
    Family(
        name="BetaBinomial",
        forms=(
            Form(
                (
                    Parameter("concentration1", POSITIVE, "the weight towards 1, α"),
                    Parameter("concentration0", POSITIVE, "the weight towards 0, β"),
                    TRIALS,
                ),
                f"{_CHOOSE} + lgamma(x + concentration1) + lgamma(total_count - x + concentration0)"
                " - lgamma(total_count + concentration1 + concentration0)"
                " + lgamma(concentration1 + concentration0)"
                " - lgamma(concentration1) - lgamma(concentration0)",
            ),
        ),
        support=NATURAL,
        summary="A binomial whose probability is drawn from a beta.",
        sampler="BetaBinomial",
        high="total_count",
    ),
    Family(
        name="Poisson",
        forms=(
            Form(
                (Parameter("rate", NON_NEGATIVE, "the mean"),),
                "xlogy(x, rate) - rate - lgamma(x + 1)",
            ),
        ),
        support=NATURAL,
        summary="The number of events at mean `rate`.",
        sampler="Poisson",
    ),
    Family(
        name="ZeroInflatedPoisson",
        forms=(
            Form(
                (
                    Parameter("gate", UNIT, "the probability of a zero that is no count"),
                    Parameter("rate", NON_NEGATIVE, "the mean of the counts"),
                ),
                "if x == 0 then logaddexp(log(gate), log1p(-gate) - rate)"
                " else log1p(-gate) + xlogy(x, rate) - rate - lgamma(x + 1)",
            ),
        ),
        support=NATURAL,
        summary="A Poisson count that is set to 0 with probability `gate`.",
        sampler="ZeroInflatedPoisson",
    ),
    Family(
        name="NegativeBinomial",
        forms=(
            Form(
                (
                    Parameter("total_count", POSITIVE, "the number of failures to stop at"),
                    Parameter(
                        "probs", Interval(low=0.0, high=1.0, high_open=True), "the probability of a success"
                    ),
                ),
                f"{_NEGATIVE_CHOOSE} + total_count * log1p(-probs) + xlogy(x, probs)",
            ),
            Form(
                (
                    Parameter("total_count", POSITIVE, "the number of failures to stop at"),
                    Parameter("logits", REAL, "the log odds of a success"),
                ),
                f"{_NEGATIVE_CHOOSE} - total_count * softplus(logits) - x * softplus(-logits)",
            ),
        ),
        support=NATURAL,
        summary="Successes before `total_count` failures; the mean is total_count · probs / (1 − probs).",
        sampler="NegativeBinomial",
    ),
    Family(
        name="NegativeBinomial2",
        forms=(
            Form(
                (
                    Parameter("mean", NON_NEGATIVE, "the mean"),
                    Parameter("concentration", POSITIVE, "φ: the variance is mean + mean² / φ"),
                ),
                "lgamma(x + concentration) - lgamma(x + 1) - lgamma(concentration)"
                " + xlogy(x, mean) - x * log(mean + concentration)"
                " - concentration * log1p(mean / concentration)",
            ),
        ),
        support=NATURAL,
        summary="The negative binomial by its mean and its concentration, as Stan's `neg_binomial_2`.",
        sampler="NegativeBinomial2",
    ),
    Family(
        name="Geometric",
        forms=(
            Form(
                (
                    Parameter(
                        "probs", Interval(low=0.0, high=1.0, low_open=True), "the probability of a success"
                    ),
                ),
                "xlog1py(x, -probs) + log(probs)",
            ),
            Form(
                (Parameter("logits", REAL, "the log odds of a success"),),
                "-softplus(-logits) - x * softplus(logits)",
            ),
        ),
        support=NATURAL,
        summary="The number of failures before the first success.",
        sampler="Geometric",
    ),
    Family(
        name="Categorical",
        forms=(
            Form(
                (Parameter("probs", NON_NEGATIVE, "the weight of each category", event_rank=1),),
                "log(probs[x]) - log(sum(probs))",
            ),
            Form(
                (Parameter("logits", REAL, "the log weight of each category", event_rank=1),),
                "logits[x] - logsumexp(logits)",
            ),
        ),
        support=NATURAL,
        summary="One of the categories along the last axis of `probs`, counted from 0.",
        sampler="Categorical",
    ),
    Family(
        name="DiscreteUniform",
        forms=(
            Form(
                (
                    Parameter("low", INTEGER, "the least value"),
                    Parameter("high", INTEGER, "the greatest value, itself included"),
                ),
                "-log(high - low + 1)",
            ),
        ),
        support=INTEGER,
        summary="An integer from `low` to `high`, both included.",
        sampler="DiscreteUniform",
        low="low",
        high="high",
    ),
)
