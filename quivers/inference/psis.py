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
    rows, shapes = smoothed_rows(_checked(log_weights)[None])
    return rows[0], float(shapes[0])


def smoothed_rows(log_weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`smoothed` of each row of log weights (row, draw), with each row's k̂, (row)."""
    given = np.where(np.isnan(log_weights), -np.inf, log_weights)
    rows, draws = given.shape
    order = np.argsort(given, axis=1)
    ordered = np.take_along_axis(given, order, axis=1)
    result, shapes = given.copy(), np.full(rows, math.inf)
    length = _tail_length(draws)
    largest = ordered[:, -1]
    with np.errstate(invalid="ignore"):  # −∞ less −∞
        cutoff = np.maximum(ordered[:, -length - 1], largest + SMALLEST_LOG)
        whole = np.isfinite(largest) & (largest - ordered[:, 0] > RESOLUTION) & (ordered[:, -length] > cutoff)
    if whole.any():
        excess = np.expm1(ordered[whole, -length:] - cutoff[whole, None])
        shapes[whole], scales = _generalised_pareto(excess)
        places = order[whole, -length:]
        tails = _tail_values(shapes[whole], scales, cutoff[whole], largest[whole], length)
        fitted = np.isfinite(shapes[whole])
        place = np.flatnonzero(whole)[fitted]
        result[place[:, None], places[fitted]] = tails[fitted]
    for row in np.flatnonzero(~whole):  # equal weights at the cutoff, or hardly any that matter
        tail = _tail(ordered[row])
        if isinstance(tail, float):
            shapes[row] = tail
            continue
        values, start = tail
        shape, scale = _generalised_pareto(values[None])
        shapes[row] = shape[0]
        if math.isfinite(shape[0]):
            ends = largest[row : row + 1]
            raised = _tail_values(shape, scale, np.array([start]), ends, values.size)
            result[row, order[row, -values.size :]] = raised[0]
    return result, shapes


def _tail_values(
    shapes: NDArray[np.float64],
    scales: NDArray[np.float64],
    cutoffs: NDArray[np.float64],
    largest: NDArray[np.float64],
    length: int,
) -> NDArray[np.float64]:
    """The logarithms of the tails' expected order statistics, (row, value), none above the largest weight."""
    share = (np.arange(length) + 0.5) / length
    k = shapes[:, None]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        quantiles = np.where(k == 0.0, -np.log1p(-share), np.expm1(-k * np.log1p(-share)) / k)
        raised = cutoffs[:, None] + np.log1p(scales[:, None] * quantiles)
    return np.asarray(np.minimum(raised, largest[:, None]))


def pareto_k(log_weights: ArrayLike) -> float:
    """k̂ of weights given by their logarithms (draw): the shape of a generalised Pareto tail of them.

    Weights have moments up to the order 1/k. Below 0.5 their variance is finite; above 0.7 they say nothing
    reliable. It is −∞ where all weights are equal, ∞ where so few of them matter that there is no tail. A log
    weight that is NaN or −∞ is a weight of zero.

    Raises:
        QvrError: there are fewer than 25 weights, or they are not along one axis.
    """
    tail = _tail(np.sort(_checked(log_weights)))
    return tail if isinstance(tail, float) else float(_generalised_pareto(tail[0][None])[0][0])


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
    length = _tail_length(ordered.size)
    cutoff = max(float(ordered[-length - 1]), float(ordered[-1]) + SMALLEST_LOG)
    tail = ordered[ordered > cutoff]
    if tail.size <= 4:
        return math.inf
    return np.expm1(tail - cutoff), cutoff


def _tail_length(draws: int) -> int:
    """How many of the largest weights make the tail."""
    return math.ceil(min(draws / 5, 3 * math.sqrt(draws)))


def _generalised_pareto(
    excess: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Shape and scale, (row), of generalised Pareto distributions of positive values in rising order, (row,
    value); ∞ and NaN where there is none.

    Zhang and Stephens 2009, "A new and efficient estimation method for the generalized Pareto distribution":
    the posterior mean of θ = −k/σ on a grid, under a prior that the data scale. The shape is then drawn
    towards ½ as if by ten values more (Vehtari et al. 2024, appendix C).
    """
    count = excess.shape[1]
    points = 30 + int(math.sqrt(count))
    quartile = excess[:, int(count / 4 + 0.5) - 1, None]
    means = excess.mean(axis=1)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        spacing = 1.0 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
        theta = 1.0 / excess[:, -1:] + spacing / (3.0 * quartile)
        shapes = np.log1p(-theta[:, :, None] * excess[:, None, :]).mean(axis=2)
        # At θ = 0 the tail is exponential, and −θ/k is 1 over its mean.
        rates = np.where(theta == 0.0, 1.0 / means[:, None], -theta / shapes)
        log_likelihood = count * (np.log(rates) - shapes - 1.0)
        weights = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
        mean = (theta * weights).sum(axis=1) / weights.sum(axis=1)
        shape = np.log1p(-mean[:, None] * excess).mean(axis=1)
        scale = np.where(mean == 0.0, means, -shape / mean)
    known = np.isfinite(shape)
    drawn = (count * shape + 10 * 0.5) / (count + 10)
    return np.where(known, drawn, math.inf), np.where(known, scale, math.nan)
