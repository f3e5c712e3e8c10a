"""Have the chains converged, and how much do they tell: R-hat, effective sample size, Monte Carlo error,
E-BFMI.

After Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, "Rank-normalization, folding, and localization:
an improved R-hat for assessing convergence of MCMC". Every function takes draws of shape (chain, draw,
*axes) and gives an array of shape (*axes); an element with a NaN or an infinity among its draws, or with too
few draws to say, gets NaN. Plain NumPy, so that a summary needs no runtime.

Within, draws are tables of (element, chain, draw): each element's lie side by side, which sorting and Fourier
transforms want, and a block of elements at a time fits a processor's cache.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quivers.inference.normal_quantile import normal_quantile

Array = NDArray[np.float64]

FEWEST_DRAWS = 4
# A spread below this counts as none: all draws are one value.
RESOLUTION = 1e-15
# So many numbers are looked at at once: 2 MB of them.
_AT_ONCE = 250_000


@dataclass(frozen=True, eq=False, slots=True)
class Described:
    """What there is to say of draws, (*axes) each: location, spread, quantiles, and how far to trust them."""

    mean: Array
    sd: Array
    q5: Array
    q50: Array
    q95: Array
    ess_bulk: Array
    ess_tail: Array
    mcse_mean: Array
    r_hat: Array


def described(draws: ArrayLike) -> Described:
    """All figures of a summary, which takes half the time that they take one by one."""
    rows = _by_element(_described, draws, 9, fewest=1)
    return Described(*rows)


def r_hat(draws: ArrayLike) -> Array:
    """The larger of the rank-normalised and the folded split R-hat; NaN for a single chain."""
    return _one(lambda table: _r_hat(_Ranked(table)), draws)


def ess_bulk(draws: ArrayLike) -> Array:
    """Effective number of draws for the centre of the distribution: of the rank-normalised draws."""
    return _one(lambda table: _effective_size(_Ranked(table).scores), draws)


def ess_tail(draws: ArrayLike) -> Array:
    """Effective number of draws for the tails: the smaller of those for the 5 % and the 95 % quantile."""
    return _one(lambda table: _tails(table, np.sort(_pooled(table), axis=1)), draws)


def ess_mean(draws: ArrayLike) -> Array:
    """Effective number of draws for the mean."""
    return _one(lambda table: _effective_size(_split(table)), draws)


def mcse_mean(draws: ArrayLike) -> Array:
    """The Monte Carlo standard error of the mean."""
    return _one(_error_of_mean, draws)


def mcse_sd(draws: ArrayLike) -> Array:
    """The Monte Carlo standard error of the standard deviation (Kenney and Keeping 1951, p. 141)."""

    def error(table: Array) -> Array:
        squares = (table - table.mean(axis=(1, 2), keepdims=True)) ** 2
        variance = squares.mean(axis=(1, 2))
        spread = np.sqrt(((squares**2).mean(axis=(1, 2)) - variance**2) / _effective_size(_split(squares)))
        return np.asarray(spread / np.sqrt(variance) / 2.0)

    return _one(error, draws)


def e_bfmi(energy: ArrayLike) -> Array:
    """Each chain's estimated Bayesian fraction of missing information: mean(ΔE²) / var(E) (Betancourt
    2016).

    `energy` has shape (chain, draw), the result (chain,). Below 0.3 the momenta explore the energies too
    slowly.
    """
    values = np.atleast_2d(np.asarray(energy, dtype=float))
    if values.shape[1] < 2:
        return np.full(values.shape[0], np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.square(np.diff(values, axis=1)).mean(axis=1) / values.var(axis=1, ddof=1))


def _one(figure: Callable[[Array], Array], draws: ArrayLike) -> Array:
    return np.asarray(_by_element(figure, draws)[0])


def _by_element(
    figures: Callable[[Array], Array], draws: ArrayLike, count: int = 1, fewest: int = FEWEST_DRAWS
) -> Array:
    """`figures` of one block of elements after another, (figure, *axes); NaN of fewer draws than `fewest`."""
    values = np.asarray(draws, dtype=float)
    if values.ndim < 2:
        raise ValueError(f"draws need the dimensions (chain, draw, …), these have {values.ndim}")
    chains, length, *axes = values.shape
    flat = values.reshape(chains, length, -1)
    result = np.full((count, flat.shape[2]), np.nan)
    if length >= fewest and chains > 0:
        step = max(1, _AT_ONCE // (chains * length))
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            for start in range(0, flat.shape[2], step):
                table = np.ascontiguousarray(np.moveaxis(flat[:, :, start : start + step], 2, 0))
                result[:, start : start + step] = figures(table)
    return result.reshape(count, *axes)


def _described(table: Array) -> Array:
    """The figures of `Described` in its order, (figure, element)."""
    pooled = _pooled(table)
    count = pooled.shape[1]
    ranked = _Ranked(table) if table.shape[2] >= FEWEST_DRAWS else None
    ordered = ranked.ordered if ranked is not None and ranked.whole else np.sort(pooled, axis=1)
    unknown = np.full(len(table), np.nan)
    return np.stack(
        [
            pooled.mean(axis=1),
            pooled.std(axis=1, ddof=1) if count > 1 else unknown,
            # A quantile may be finite though some draw is infinite; a NaN is last in order.
            *(
                np.where(np.isnan(ordered[:, -1]), np.nan, _quantile(ordered, each))
                for each in (0.05, 0.5, 0.95)
            ),
            unknown if ranked is None else _effective_size(ranked.scores),
            unknown if ranked is None else _tails(table, ordered),
            unknown if ranked is None else _error_of_mean(table),
            unknown if ranked is None else _r_hat(ranked),
        ]
    )


def _error_of_mean(table: Array) -> Array:
    pooled = _pooled(table)
    return np.asarray(pooled.std(axis=1, ddof=1) / np.sqrt(_effective_size(_split(table))))


def _pooled(table: Array) -> Array:
    """(element, draw), the chains one after another."""
    return table.reshape(len(table), -1)


def _split(table: Array) -> Array:
    """Each chain's two halves as chains of their own; an odd draw in the middle is left out."""
    elements, chains, length = table.shape
    half = length // 2
    if length % 2:
        table = np.concatenate([table[:, :, :half], table[:, :, length - half :]], axis=2)
    return table.reshape(elements, 2 * chains, half)


class _Ranked:
    """The halves of chains in order, and their normal scores, (element, half, draw)."""

    def __init__(self, table: Array) -> None:
        self.halves = _split(table)
        self.chains = table.shape[1]
        self.whole = table.shape[2] % 2 == 0  # no draw in the middle is left out
        self.scores, self.ordered = _normal_scores(self.halves)

    def folded(self) -> Array:
        """The normal scores of the distances from the median."""
        count = self.ordered.shape[1]
        median = 0.5 * (self.ordered[:, (count - 1) // 2] + self.ordered[:, count // 2])
        return _normal_scores(np.abs(self.halves - median[:, None, None]))[0]


def _r_hat(ranked: _Ranked) -> Array:
    if ranked.chains < 2:
        return np.full(len(ranked.halves), np.nan)
    bulk, tail = (_potential_scale_reduction(part) for part in (ranked.scores, ranked.folded()))
    return np.where(_finite(ranked.ordered), np.maximum(bulk, tail), np.nan)


def _potential_scale_reduction(table: Array) -> Array:
    """R-hat as of Gelman and Rubin 1992, of (element, chain, draw)."""
    length = table.shape[2]
    between = length * table.mean(axis=2).var(axis=1, ddof=1)
    within = table.var(axis=2, ddof=1).mean(axis=1)
    return np.asarray(np.sqrt((between / within + length - 1.0) / length))


def _tails(table: Array, ordered: Array) -> Array:
    low, high = (
        _effective_size(_split((table <= _quantile(ordered, probability)[:, None, None]).astype(float)))
        for probability in (0.05, 0.95)
    )
    return np.where(_finite(ordered), np.minimum(low, high), np.nan)


def _normal_scores(table: Array) -> tuple[Array, Array]:
    """Normal quantiles of each draw's rank in its element (Blom 1958), ties sharing their mean rank; and all
    draws of each element in order, (element, draw).
    """
    flat = _pooled(table)
    count = flat.shape[1]
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    scores = np.empty(flat.shape)
    changes = ordered[:, 1:] != ordered[:, :-1]
    if changes.all():
        np.put_along_axis(scores, order, _scores_of_ranks(count)[::2][None], axis=1)
    else:
        np.put_along_axis(scores, order, _scores_of_ranks(count)[_tied(changes)], axis=1)
    scores[~_finite(ordered)] = np.nan
    return scores.reshape(table.shape), ordered


def _finite(ordered: Array) -> NDArray[np.bool_]:
    """The elements whose draws, in order, are all finite."""
    return np.isfinite(ordered[:, 0]) & np.isfinite(ordered[:, -1])


def _tied(changes: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Twice the mean rank of each draw in order, from 0; `changes` tells draws that differ from the last."""
    count = changes.shape[1] + 1
    places = np.arange(count)
    edge = np.ones((len(changes), 1), dtype=bool)
    opens, closes = np.hstack([edge, changes]), np.hstack([changes, edge])
    first = np.maximum.accumulate(np.where(opens, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(closes, places, count)[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(first + last)


@functools.lru_cache(maxsize=4)
def _scores_of_ranks(count: int) -> Array:
    """The scores of ranks 1, 1½, 2, … up to `count` (Blom 1958)."""
    ranks = np.arange(2 * count - 1) / 2.0 + 1.0
    return normal_quantile((ranks - 0.375) / (count + 0.25))


def _quantile(ordered: Array, probability: float) -> Array:
    """The quantile of draws in order, interpolated linearly (type 7 of Hyndman and Fan 1996)."""
    count = ordered.shape[1]
    if count == 1:
        return ordered[:, 0]
    place = count * probability + (1.0 - probability)
    below = int(np.clip(np.floor(place), 1, count - 1))
    weight = min(max(place - below, 0.0), 1.0)
    low, high = ordered[:, below - 1], ordered[:, below]
    # Between equal draws rounding must not leave their value.
    return np.asarray(np.where(low == high, low, (1.0 - weight) * low + weight * high))


def _effective_size(table: Array) -> Array:
    """Effective size of (element, chain, draw), by the initial monotone sequence (Geyer 1992, §3.3)."""
    elements, chains, length = table.shape
    covariance = _autocovariance(table)
    within = covariance[:, 0] * length / (length - 1.0)
    total = covariance[:, 0].copy()
    if chains > 1:
        total += table.mean(axis=2).var(axis=1, ddof=1)
    correlation = 1.0 - (within[:, None] - covariance) / total[:, None]
    correlation[:, 0] = 1.0
    # Sums of adjacent lags; the last two lags, estimated from next to nothing, stay out.
    pairs = max((length - 3) // 2, 0) + 1
    even, odd = correlation[:, 0 : 2 * pairs : 2], correlation[:, 1 : 2 * pairs : 2]
    sums = even + odd
    ends = sums <= 0.0
    ends[:, -1] = True
    end = np.argmax(ends, axis=1)
    row = np.arange(elements)
    # The even lag of the pair that ends the sequence counts, unless the whole pair and it are negative.
    last = even[row, end]
    last = np.where((last > 0.0) | (sums[row, end] >= 0.0), last, 0.0)
    monotone = np.minimum.accumulate(sums, axis=1)
    inside = np.arange(pairs) < end[:, None]
    time = -1.0 + 2.0 * np.where(inside, monotone, 0.0).sum(axis=1) + last
    size = chains * length
    effective = size / np.maximum(time, 1.0 / np.log10(size))
    constant = table.max(axis=(1, 2)) - table.min(axis=(1, 2)) < RESOLUTION
    known = np.isfinite(total)
    return np.where(constant, float(size), np.where(known, effective, np.nan))


def _autocovariance(table: Array) -> Array:
    """Biased autocovariance at every lag, the mean over chains, (element, lag), by the fast Fourier
    transform.
    """
    length = table.shape[2]
    padded = 1 << (2 * length - 1).bit_length()
    spectrum = np.fft.rfft(table - table.mean(axis=2, keepdims=True), n=padded, axis=2)
    # Going back is linear, so the mean may be taken before.
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=1)
    return np.asarray(np.fft.irfft(power, n=padded, axis=1)[:, :length] / length)
