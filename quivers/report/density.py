"""Densities of draws: a Gaussian kernel on a fine grid, reflected where the support ends. Plain NumPy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

GRID = 1024
POINTS = 200  # of a curve that is drawn
TAIL = 0.0025  # left out at each end, so that a heavy tail doesn't hide the rest


def span(values: Array, tail: float = TAIL) -> tuple[float, float]:
    """Where all but a tail at each end of some finite numbers lie, and a little more where they are equal."""
    low, high = (float(end) for end in np.quantile(values, (tail, 1.0 - tail)))
    if high - low > 1e-12 * max(abs(low), abs(high)):
        return low, high
    wide = max(abs(low), 1.0) * 0.5
    return low - wide, high + wide


def bandwidth(values: Array) -> float:
    """Silverman's rule of thumb, 0.9 min(sd, IQR / 1.34) n^(−1/5) (Silverman 1986, equation 3.31)."""
    first, third = np.quantile(values, (0.25, 0.75))
    spreads = [spread for spread in (float(values.std()), float(third - first) / 1.34) if spread > 0]
    return float(0.9 * min(spreads, default=1.0) / max(len(values), 1) ** 0.2)


def density(
    values: Array, low: float, high: float, support: tuple[float, float] = (-math.inf, math.inf)
) -> tuple[Array, Array]:
    """The density of draws (draw) at 200 points from `low` to `high`, those outside the support left out.

    What the kernel would put beyond an end of `support` is folded back, so that the density of a scale does
    not fall off towards 0.
    """
    values = values[np.isfinite(values)]
    wide = bandwidth(values)
    start, stop = max(low - 4 * wide, support[0]), min(high + 4 * wide, support[1])
    counts, edges = np.histogram(values, GRID, (start, stop))
    step = float(edges[1] - edges[0])
    reach = min(GRID, max(1, math.ceil(4 * wide / step)))
    padded = np.concatenate([counts[:reach][::-1], counts, counts[-reach:][::-1]]).astype(np.float64)
    if not math.isfinite(support[0]) or start > support[0]:
        padded[:reach] = 0.0
    if not math.isfinite(support[1]) or stop < support[1]:
        padded[-reach:] = 0.0
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) * step / wide) ** 2)
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid") / (len(values) * step)
    middles = (edges[:-1] + edges[1:]) / 2
    grid = np.linspace(max(low, support[0]), min(high, support[1]), POINTS)
    return grid, np.interp(grid, middles, smooth)
