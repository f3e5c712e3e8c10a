"""How far to centre each element of a latent, from draws: as far as its coordinates depend least on others.

Of all forms x̃ = a·loc + scaleᵇ⁻¹·(y − loc) the one is taken whose normal approximation with independent
coordinates lies nearest to the posterior, by Kullback and Leibler's divergence from the posterior to it. (The
divergence the other way is what Gorinova, Moore and Hoffman 2020 minimise with a mean-field guide.) The
approximation's other coordinates stay the same, so each element is a problem of its own: the least of
log sd(x̃) + (1 − b)·E log scale, where the last term is the Jacobian's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STEPS = 20  # b is one of 0, 1/20, …, 1

# In nats. A latent whose elements together gain less than WORTHWHILE stays non-centred, which has no funnel
# (eight schools seem to gain up to 0.07 by chance, a radon model's 85 counties 1); of figures within NOISE of
# each other the least centred is taken.
WORTHWHILE = 0.2
NOISE = 0.002


def least_dependent(
    y: Array, loc: Array, scale: Array, *, loc_moves: bool, scale_moves: bool, heavy: bool = False
) -> tuple[Array, Array]:
    """The shares a and b of each element, (*axes) each, from draws (draw, *axes).

    `loc_moves` and `scale_moves` say which of the two depend on latents; a share of what is fixed doesn't
    matter, and is 1. For `heavy` tails, which may have no variance, half the distance of the 16 % and the
    84 % quantiles stands for the standard deviation.
    """
    log_scale = np.log(scale)
    mean_log_scale = log_scale.mean(axis=0)
    deviation = y - loc
    grid = np.linspace(0.0, 1.0, STEPS + 1) if scale_moves else np.ones(1)
    figures, locs = [], []
    for b in grid:
        # With the mean scale as the unit, a lies between 0 and 1 whatever y is measured in.
        u = deviation * np.exp((b - 1.0) * (log_scale - mean_log_scale))
        share = _slope(-u, loc) if loc_moves else np.ones(y.shape[1:])
        figures.append(np.log(_spread(u + share * loc, heavy)))
        locs.append(share * np.exp((b - 1.0) * mean_log_scale))
    gain = figures[0] - np.min(figures, axis=0)
    slack = np.where(gain.sum() < WORTHWHILE, gain, NOISE)
    best = np.argmax(np.stack(figures) <= np.min(figures, axis=0) + slack, axis=0)
    return np.take_along_axis(np.stack(locs), best[None], axis=0)[0], grid[best]


def _slope(values: Array, loc: Array) -> Array:
    """The regression of `values` on `loc` over the draws, kept within [0, 1]."""
    centred = loc - loc.mean(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (centred * (values - values.mean(axis=0))).sum(axis=0) / np.square(centred).sum(axis=0)
    return np.asarray(np.clip(np.nan_to_num(slope, nan=1.0), 0.0, 1.0))


def _spread(values: Array, heavy: bool) -> Array:
    if heavy:
        low, high = np.quantile(values, [0.16, 0.84], axis=0)
        return np.asarray(0.5 * (high - low))
    return np.asarray(values.std(axis=0))
