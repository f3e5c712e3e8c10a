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
    Space,
)

PROBS = Parameter("probs", UNIT, "the probability of 1")
LOGITS = Parameter("logits", REAL, "the log odds of 1")
TRIALS = Parameter("total_count", NATURAL, "the number of trials")

_CHOOSE = "lgamma(total_count + 1) - lgamma(x + 1) - lgamma(total_count - x + 1)"
_NEGATIVE_CHOOSE = "lgamma(x + total_count) - lgamma(x + 1) - lgamma(total_count)"

_FAILURES = Parameter("total_count", POSITIVE, "the number of failures to stop at")
# The parameters of each form of the negative binomial, and its log density.
_NEGATIVE_BINOMIAL = (
    (
        (
            _FAILURES,
            Parameter("probs", Interval(low=0.0, high=1.0, high_open=True), "the probability of a success"),
        ),
        f"{_NEGATIVE_CHOOSE} + total_count * log1p(-probs) + xlogy(x, probs)",
        "log_beta_below(total_count, x + 1, (1 - probs) / probs)",
        "log_beta_below(x + 1, total_count, probs / (1 - probs))",
    ),
    (
        (_FAILURES, Parameter("logits", REAL, "the log odds of a success")),
        f"{_NEGATIVE_CHOOSE} - total_count * softplus(logits) - x * softplus(-logits)",
        "log_beta_below(total_count, x + 1, exp(-logits))",
        "log_beta_below(x + 1, total_count, exp(logits))",
    ),
    (
        (
            Parameter("mean", NON_NEGATIVE, "the mean"),
            Parameter("concentration", POSITIVE, "φ: the variance is mean + mean² / φ"),
        ),
        "lgamma(x + concentration) - lgamma(x + 1) - lgamma(concentration)"
        " + xlogy(x, mean) - x * log(mean + concentration) - concentration * log1p(mean / concentration)",
        "log_beta_below(concentration, x + 1, concentration / mean)",
        "log_beta_below(x + 1, concentration, mean / concentration)",
    ),
)

_GATE = Parameter("gate", UNIT, "the probability of a zero that is no count")
_GATE_LOGITS = Parameter("gate_logits", REAL, "the log odds of a zero that is no count")
_RATE = Parameter("rate", NON_NEGATIVE, "the mean of the counts")
_POISSON = "xlogy(x, rate) - rate - lgamma(x + 1)"


def _inflated(parameters: tuple[Parameter, ...], log_density: str) -> Form:
    """A count with `log_density`, set to 0 with probability `gate`."""
    return Form(
        (_GATE, *parameters),
        f"if x == 0 then logaddexp(log(gate), log1p(-gate) + ({log_density}))"
        f" else log1p(-gate) + ({log_density})",
    )


def _inflated_by_logits(parameters: tuple[Parameter, ...], log_density: str) -> Form:
    return Form(
        (_GATE_LOGITS, *parameters),
        f"(if x == 0 then logaddexp(gate_logits, {log_density}) else {log_density}) - softplus(gate_logits)",
    )


# The distances of the predictor to the cutpoints on both sides of x, and that between these. Where x is at an
# end and has no such distance, the density takes one that adds 0.
_LOWER = "cutpoints[maximum(x - 1, 0)]"
_UPPER = "cutpoints[minimum(x, length(cutpoints) - 1)]"
_ABOVE = f"predictor - {_LOWER}"
_BELOW = f"{_UPPER} - predictor"
_GAP = f"{_LOWER} - {_UPPER}"

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
                _POISSON,
                log_cdf="log_gamma_above(x + 1, rate)",
                log_survival="log_gamma_below(x + 1, rate)",
            ),
        ),
        support=NATURAL,
        summary="The number of events at mean `rate`.",
        sampler="Poisson",
    ),
    Family(
        name="ZeroInflatedPoisson",
        forms=(_inflated((_RATE,), _POISSON), _inflated_by_logits((_RATE,), _POISSON)),
        support=NATURAL,
        summary="A Poisson count that is set to 0 with probability `gate`.",
        sampler="ZeroInflatedPoisson",
    ),
    Family(
        name="NegativeBinomial",
        forms=tuple(Form(*form) for form in _NEGATIVE_BINOMIAL),
        support=NATURAL,
        summary="Successes before `total_count` failures; the mean is total_count · probs / (1 − probs).",
        sampler="NegativeBinomial",
    ),
    Family(
        name="NegativeBinomial2",
        forms=(Form(*_NEGATIVE_BINOMIAL[2]),),
        support=NATURAL,
        summary="The negative binomial by its mean and its concentration, as Stan's `neg_binomial_2`.",
        sampler="NegativeBinomial",
    ),
    Family(
        name="ZeroInflatedNegativeBinomial",
        forms=(
            *(_inflated(*form[:2]) for form in _NEGATIVE_BINOMIAL),
            *(_inflated_by_logits(*form[:2]) for form in _NEGATIVE_BINOMIAL),
        ),
        support=NATURAL,
        summary="A negative binomial count that is set to 0 with probability `gate`.",
        sampler="ZeroInflatedNegativeBinomial",
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
                log_cdf="log(-expm1((x + 1) * log1p(-probs)))",
                log_survival="(x + 1) * log1p(-probs)",
            ),
            Form(
                (Parameter("logits", REAL, "the log odds of a success"),),
                "-softplus(-logits) - x * softplus(logits)",
                log_cdf="log(-expm1(-(x + 1) * softplus(logits)))",
                log_survival="-(x + 1) * softplus(logits)",
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
        name="OrderedLogistic",
        forms=(
            Form(
                (
                    Parameter("predictor", REAL, "where the logistic variable is centred"),
                    Parameter(
                        "cutpoints",
                        REAL,
                        "the increasing values that part the categories",
                        event_rank=1,
                        space=Space.ORDERED,
                    ),
                ),
                f"log_sigmoid(if x > 0 then {_ABOVE} else 1000.0)"
                f" + log_sigmoid(if x < length(cutpoints) then {_BELOW} else 1000.0)"
                f" + log1m_exp(if x > 0 and x < length(cutpoints) then minimum({_GAP}, 0.0) else -1000.0)",
            ),
        ),
        support=NATURAL,
        summary="The number of cutpoints below a logistic variable around `predictor`: 0 to their number.",
        sampler="OrderedLogistic",
        high="length(cutpoints)",
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
                log_cdf="log((x - low + 1) / (high - low + 1))",
                log_survival="log((high - x) / (high - low + 1))",
            ),
        ),
        support=INTEGER,
        summary="An integer from `low` to `high`, both included.",
        sampler="DiscreteUniform",
        low="low",
        high="high",
    ),
)
