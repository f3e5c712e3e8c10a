"""Have the chains converged, and how much do they tell: R-hat, effective sample size, Monte Carlo error,
E-BFMI.

After Vehtari, Gelman, Simpson, Carpenter and Bürkner 2021, "Rank-normalization, folding, and localization:
an improved R-hat for assessing convergence of MCMC". Every function takes draws of shape (chain, draw,
*axes) and gives an array of shape (*axes), computed for all elements at once; an element with a NaN or an
infinity among its draws, or with too few draws to say, gets NaN. Plain NumPy, so that a summary needs no
runtime.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

FEWEST_DRAWS = 4
# A spread below this counts as none: all draws are one value.
RESOLUTION = 1e-15


def r_hat(draws: ArrayLike) -> Array:
    """The larger of the rank-normalised and the folded split R-hat; NaN for a single chain."""
    table, axes = _table(draws)
    chains, length, _ = table.shape
    if chains < 2 or length < FEWEST_DRAWS:
        return np.full(axes, np.nan)
    halves = _split(table)
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    bulk, tail = (_potential_scale_reduction(_normal_scores(part)) for part in (halves, folded))
    return _where_finite(np.maximum(bulk, tail), table, axes)


def ess_bulk(draws: ArrayLike) -> Array:
    """Effective number of draws for the centre of the distribution: of the rank-normalised draws."""
    table, axes = _table(draws)
    if table.shape[1] < FEWEST_DRAWS:
        return np.full(axes, np.nan)
    return _where_finite(_effective_size(_normal_scores(_split(table))), table, axes)


def ess_tail(draws: ArrayLike) -> Array:
    """Effective number of draws for the tails: the smaller of those for the 5 % and the 95 % quantile."""
    table, axes = _table(draws)
    if table.shape[1] < FEWEST_DRAWS:
        return np.full(axes, np.nan)
    low, high = (
        _effective_size(_split((table <= _quantile(table, probability)).astype(float)))
        for probability in (0.05, 0.95)
    )
    return _where_finite(np.minimum(low, high), table, axes)


def ess_mean(draws: ArrayLike) -> Array:
    """Effective number of draws for the mean."""
    table, axes = _table(draws)
    if table.shape[1] < FEWEST_DRAWS:
        return np.full(axes, np.nan)
    return _where_finite(_effective_size(_split(table)), table, axes)


def mcse_mean(draws: ArrayLike) -> Array:
    """The Monte Carlo standard error of the mean."""
    table, axes = _table(draws)
    if table.shape[0] * table.shape[1] < 2:
        return np.full(axes, np.nan)
    deviation = table.std(axis=(0, 1), ddof=1)
    return np.asarray(np.reshape(deviation, axes) / np.sqrt(ess_mean(draws)))


def mcse_sd(draws: ArrayLike) -> Array:
    """The Monte Carlo standard error of the standard deviation (Kenney and Keeping 1951, p. 141)."""
    table, axes = _table(draws)
    if table.shape[1] < FEWEST_DRAWS:
        return np.full(axes, np.nan)
    squares = (table - table.mean(axis=(0, 1))) ** 2
    variance = squares.mean(axis=(0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(((squares**2).mean(axis=(0, 1)) - variance**2) / _effective_size(_split(squares)))
        return _where_finite(error / np.sqrt(variance) / 2.0, table, axes)


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


def _table(draws: ArrayLike) -> tuple[Array, tuple[int, ...]]:
    """Draws as (chain, draw, element), NaN throughout an element that is not finite, and the axes' shape."""
    values = np.asarray(draws, dtype=float)
    if values.ndim < 2:
        raise ValueError(f"draws need the dimensions (chain, draw, …), these have {values.ndim}")
    table = values.reshape(*values.shape[:2], -1)
    return np.where(np.isfinite(table).all(axis=(0, 1)), table, np.nan), values.shape[2:]


def _where_finite(result: Array, table: Array, axes: tuple[int, ...]) -> Array:
    return np.where(np.isnan(table[0, 0]), np.nan, result).reshape(axes)


def _split(table: Array) -> Array:
    """Each chain's two halves as chains of their own; an odd draw in the middle is left out."""
    half = table.shape[1] // 2
    return np.concatenate([table[:, :half], table[:, table.shape[1] - half :]])


def _potential_scale_reduction(table: Array) -> Array:
    """R-hat as of Gelman and Rubin 1992, of (chain, draw, element)."""
    length = table.shape[1]
    between = length * table.mean(axis=1).var(axis=0, ddof=1)
    within = table.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt((between / within + length - 1.0) / length))


def _normal_scores(table: Array) -> Array:
    """Normal quantiles of each draw's rank in its element (Blom 1958), ties sharing their mean rank."""
    flat = table.reshape(-1, table.shape[2])
    count = flat.shape[0]
    order = np.argsort(flat, axis=0, kind="stable")
    ordered = np.take_along_axis(flat, order, axis=0)
    places = np.arange(count)[:, None]
    opens = np.ones(flat.shape, dtype=bool)
    opens[1:] = ordered[1:] != ordered[:-1]
    closes = np.ones(flat.shape, dtype=bool)
    closes[:-1] = opens[1:]
    first = np.maximum.accumulate(np.where(opens, places, 0), axis=0)
    last = np.minimum.accumulate(np.where(closes, places, count)[::-1], axis=0)[::-1]
    # Mean ranks are multiples of a half, so the same few quantiles serve every element.
    twice = np.empty(flat.shape, dtype=np.int64)
    np.put_along_axis(twice, order, first + last, axis=0)
    return _scores_of_ranks(count)[twice].reshape(table.shape)


@functools.lru_cache(maxsize=4)
def _scores_of_ranks(count: int) -> Array:
    """The scores of ranks 1, 1½, 2, … up to `count` (Blom 1958)."""
    ranks = np.arange(2 * count - 1) / 2.0 + 1.0
    return normal_quantile((ranks - 0.375) / (count + 0.25))


def _quantile(table: Array, probability: float) -> Array:
    """The quantile of each element's draws, interpolated linearly (type 7 of Hyndman and Fan 1996)."""
    ordered = np.sort(table.reshape(-1, table.shape[2]), axis=0)
    count = ordered.shape[0]
    place = count * probability + (1.0 - probability)
    below = int(np.clip(np.floor(place), 1, count - 1))
    weight = min(max(place - below, 0.0), 1.0)
    low, high = ordered[below - 1], ordered[below]
    # Between equal draws rounding must not leave their value.
    return np.asarray(np.where(low == high, low, (1.0 - weight) * low + weight * high))


def _effective_size(table: Array) -> Array:
    """Effective size of (chain, draw, element), by the initial monotone sequence (Geyer 1992, §3.3)."""
    chains, length, elements = table.shape
    covariance = _autocovariance(table).mean(axis=0)
    within = covariance[0] * length / (length - 1.0)
    total = covariance[0].copy()
    if chains > 1:
        total += table.mean(axis=1).var(axis=0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = 1.0 - (within - covariance) / total
    correlation[0] = 1.0
    # Sums of adjacent lags; the last two lags, estimated from next to nothing, stay out.
    pairs = max((length - 3) // 2, 0) + 1
    even, odd = correlation[0 : 2 * pairs : 2], correlation[1 : 2 * pairs : 2]
    sums = even + odd
    ends = sums <= 0.0
    ends[-1] = True
    end = np.argmax(ends, axis=0)
    column = np.arange(elements)
    # The even lag of the pair that ends the sequence counts, unless the whole pair and it are negative.
    last = even[end, column]
    last = np.where((last > 0.0) | (sums[end, column] >= 0.0), last, 0.0)
    monotone = np.minimum.accumulate(sums, axis=0)
    inside = np.arange(pairs)[:, None] < end
    time = -1.0 + 2.0 * np.where(inside, monotone, 0.0).sum(axis=0) + last
    size = chains * length
    with np.errstate(invalid="ignore"):
        effective = size / np.maximum(time, 1.0 / np.log10(size))
    constant = table.max(axis=(0, 1)) - table.min(axis=(0, 1)) < RESOLUTION
    return np.where(constant, float(size), effective)


def _autocovariance(table: Array) -> Array:
    """Biased autocovariance at every lag, (chain, lag, element), by the fast Fourier transform."""
    length = table.shape[1]
    padded = 1 << (2 * length - 1).bit_length()
    spectrum = np.fft.rfft(table - table.mean(axis=1, keepdims=True), n=padded, axis=1)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.fft.irfft(power, n=padded, axis=1)[:, :length] / length)


# Wichura 1988, "Algorithm AS 241: the percentage points of the normal distribution", PPND16: relative error
# 1e-16. Each table: the centre (|p − ½| ≤ 0.425), the shoulders (r ≤ 5) and the far tails, numerator and
# denominator.
_CENTRE = (
    (2.5090809287301226727e3, 3.3430575583588128105e4, 6.7265770927008700853e4,
     4.5921953931549871457e4, 1.3731693765509461125e4, 1.9715909503065514427e3,
     1.3314166789178437745e2, 3.3871328727963666080e0),
    (5.2264952788528545610e3, 2.8729085735721942674e4, 3.9307895800092710610e4,
     2.1213794301586595867e4, 5.3941960214247511077e3, 6.8718700749205790830e2,
     4.2313330701600911252e1, 1.0),
)  # fmt: skip
_SHOULDER = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1,
     1.27045825245236838258e0, 3.64784832476320460504e0, 5.76949722146069140550e0,
     4.63033784615654529590e0, 1.42343711074968357734e0),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2,
     1.48103976427480074590e-1, 6.89767334985100004550e-1, 1.67638483018380384940e0,
     2.05319162663775882187e0, 1.0),
)  # fmt: skip
_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
     2.65321895265761230930e-2, 2.96560571828504891230e-1, 1.78482653991729133580e0,
     5.46378491116411436990e0, 6.65790464350110377720e0),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
     7.86869131145613259100e-4, 1.48753612908506148525e-2, 1.36929880922735805310e-1,
     5.99832206555887937690e-1, 1.0),
)  # fmt: skip


def normal_quantile(probability: ArrayLike) -> Array:
    """Quantiles of the standard normal distribution, elementwise; −∞ at 0, ∞ at 1, NaN outside [0, 1]."""
    p = np.asarray(probability, dtype=float)
    offset = p - 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        squared = 0.180625 - offset * offset
        tail = np.sqrt(-np.log(np.minimum(p, 1.0 - p)))
        centre = offset * _ratio(_CENTRE, squared)
        # Beyond its range a table may overflow; the choice below leaves those values out.
        with np.errstate(over="ignore"):
            outside = np.where(tail <= 5.0, _ratio(_SHOULDER, tail - 1.6), _ratio(_TAIL, tail - 5.0))
        outside = np.where(np.isinf(tail), np.inf, outside)
        return np.where(np.abs(offset) <= 0.425, centre, np.copysign(outside, offset))


def _ratio(tables: tuple[tuple[float, ...], tuple[float, ...]], x: Array) -> Array:
    return np.polyval(tables[0], x) / np.polyval(tables[1], x)
