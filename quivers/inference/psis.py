"""Can importance weights be trusted: the shape k̂ of their tail, of Pareto smoothed importance sampling.

After Vehtari, Simpson, Gelman, Yao and Gabry 2024, "Pareto smoothed importance sampling", JMLR 25(72). Plain
NumPy.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quivers.errors import QvrError

# Beyond it, averages of the weights settle too slowly for any number of draws that one would make.
LARGEST_K = 0.7
# With fewer weights, a fifth of them are too few for a tail.
FEWEST_WEIGHTS = 25

# Log weights that differ by no more than this are equal: what is left is rounding.
RESOLUTION = 1e-8
SMALLEST_LOG = math.log(np.finfo(np.float64).tiny)


def smoothed(log_weights: ArrayLike) -> tuple[NDArray[np.float64], float]:
    """Log weights (draw) whose largest are replaced by what their generalised Pareto tail gives; and k̂.

    No weight is raised above the largest one. Arguments and errors are `pareto_k`'s.
    """
    given = _checked(log_weights)
    order = np.argsort(given)
    tail = _tail(given[order])
    if isinstance(tail, float):
        return given, tail
    excess, cutoff = tail
    shape, scale = _generalised_pareto(excess)
    result = given.copy()
    if math.isfinite(shape):
        share = (np.arange(excess.size) + 0.5) / excess.size
        quantiles = scale * (
            -np.log1p(-share) if shape == 0.0 else np.expm1(-shape * np.log1p(-share)) / shape
        )
        raised = cutoff + np.log1p(quantiles)
        result[order[-excess.size :]] = np.minimum(raised, given[order[-1]])
    return result, shape


def pareto_k(log_weights: ArrayLike) -> float:
    """k̂ of weights given by their logarithms (draw): the shape of a generalised Pareto tail of them.

    Weights have moments up to the order 1/k. Below 0.5 their variance is finite; above 0.7 they say nothing
    reliable. It is −∞ where all weights are equal, ∞ where so few of them matter that there is no tail. A log
    weight that is NaN or −∞ is a weight of zero.

    Raises:
        QvrError: there are fewer than 25 weights, or they are not along one axis.
    """
    tail = _tail(np.sort(_checked(log_weights)))
    return tail if isinstance(tail, float) else _generalised_pareto(tail[0])[0]


def _checked(log_weights: ArrayLike) -> NDArray[np.float64]:
    given = np.asarray(log_weights, dtype=np.float64)
    if given.ndim != 1 or given.size < FEWEST_WEIGHTS:
        raise QvrError(
            f"k̂ needs at least {FEWEST_WEIGHTS} weights along one axis, it is given an array of shape"
            f" {given.shape}."
        )
    return np.where(np.isnan(given), -np.inf, given)


def _tail(ordered: NDArray[np.float64]) -> tuple[NDArray[np.float64], float] | float:
    """How far the largest weights are above the cutoff, in units of the weight there, and its logarithm;
    or k̂ where there is no tail. The log weights come in rising order.
    """
    if not np.isfinite(ordered[-1]):
        return math.inf
    if ordered[-1] - ordered[0] <= RESOLUTION:
        return -math.inf
    length = math.ceil(min(ordered.size / 5, 3 * math.sqrt(ordered.size)))
    cutoff = max(float(ordered[-length - 1]), float(ordered[-1]) + SMALLEST_LOG)
    tail = ordered[ordered > cutoff]
    if tail.size <= 4:
        return math.inf
    return np.expm1(tail - cutoff), cutoff


def _generalised_pareto(excess: NDArray[np.float64]) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution from positive values in rising order (value).

    Zhang and Stephens 2009, "A new and efficient estimation method for the generalized Pareto distribution":
    the posterior mean of θ = −k/σ on a grid, under a prior that the data scale. The shape is then drawn
    towards ½ as if by ten values more (Vehtari et al. 2024, appendix C).
    """
    count = excess.size
    points = 30 + int(math.sqrt(count))
    quartile = excess[int(count / 4 + 0.5) - 1]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        spacing = 1.0 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
        theta = 1.0 / excess[-1] + spacing / (3.0 * quartile)
        shapes = np.log1p(-theta[:, None] * excess).mean(axis=1)
        # At θ = 0 the tail is exponential, and −θ/k is 1 over its mean.
        rates = np.where(theta == 0.0, 1.0 / excess.mean(), -theta / shapes)
        log_likelihood = count * (np.log(rates) - shapes - 1.0)
        weights = np.exp(log_likelihood - log_likelihood.max())
        mean = (theta * weights).sum() / weights.sum()
        shape = float(np.log1p(-mean * excess).mean())
    if not math.isfinite(shape):
        return math.inf, math.nan
    scale = float(excess.mean()) if mean == 0.0 else float(-shape / mean)
    return (count * shape + 10 * 0.5) / (count + 10), scale
