"""Does a guide match the posterior: k̂ of the weights that would correct its draws, and what to do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference.arguments import check_bound, check_kind
from quivers.inference.guides import AutoNormalGuide, Guide
from quivers.inference.kernels import check_count
from quivers.inference.psis import FEWEST_WEIGHTS, LARGEST_K, pareto_k
from quivers.inference.reparameterize import centred_ones

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel

Array = NDArray[np.float64]

# In standard deviations. What moves no mean by more than this leaves the guide as good as any.
SMALL_SHIFT = 0.1
# The stretches of a run whose levels are compared, and the steps that they take at least.
PARTS = 20
FEWEST_TO_FALL = 200
# How many draws are evaluated at once, so that memory stays small where there are many data.
BATCH = 100
NO_SPREAD = (
    "The guide is a single point, which says nothing of how far the posterior spreads around it: take"
    " AutoLaplaceApproximation or AutoNormalGuide, or sample with NUTS."
)


def guide_k(bound: BoundModel, guide: Guide, num_samples: int) -> float:
    """k̂ of the posterior's density over the guide's at `num_samples` draws of the guide.

    Yao, Vehtari, Simpson and Gelman 2018, "Yes, but did it work? Evaluating variational inference". A draw
    at which the program's density is NaN weighs nothing. Raises `QvrError` for a guide without spread.
    """
    return pareto_k(log_weights_of(bound, guide, num_samples))


def log_weights_of(bound: BoundModel, guide: Guide, num_samples: int) -> Array:
    """The log of the posterior's density over the guide's at draws of the guide (draw), up to a constant.

    Raises `QvrError` for a guide without spread.
    """
    check_bound(bound)
    check_kind("guide", guide, Guide, "a guide, such as AutoNormalGuide(model)")
    if not guide.has_spread:
        raise QvrError(NO_SPREAD)
    check_count("num_samples", num_samples, FEWEST_WEIGHTS)
    guide.check(bound)
    guide.finish(bound)
    found = []
    with torch.no_grad():
        for first in range(0, num_samples, BATCH):
            q = guide.rsample((min(BATCH, num_samples - first),))
            found.append(bound.log_density(q) - guide.log_density(q))
    return torch.cat(found).double().numpy()


def largest_shift(log_weights: Array) -> float:
    """How far at most the weights (draw) move the mean of any quantity, in its standard deviations.

    That is the weights' own standard deviation when their mean is 1 (Cauchy and Schwarz), the root of the χ²
    divergence, as far as the draws show it.
    """
    weights = np.where(np.isnan(log_weights), -np.inf, log_weights)
    if not np.isfinite(weights.max()):
        return math.inf
    weights = np.exp(weights - weights.max())
    return float(weights.std() / weights.mean())


def problems(guide: Guide, bound: BoundModel, log_weights: Array, trace: Array) -> tuple[str, ...]:
    """Sentences where the weights (draw) say that the guide does not match; none where it does.

    k̂ describes the shape of the largest weights alone. Where all are nearly equal, as between the components
    of a mixture that fits, that shape is of no consequence. `trace` (step) is the last run's.
    """
    k = pareto_k(log_weights)
    if k <= LARGEST_K or largest_shift(log_weights) <= SMALL_SHIFT:
        return ()
    fallen = fall(trace)
    down: tuple[str, ...] = ()
    if fallen is not None:
        best, last = fallen
        down = (
            f"The ELBO went down again, from {best:.1f} at its best to {last:.1f}: the steps are too large,"
            " so give the optimiser a lower rate, or take more particles.",
        )
    wider = "take AutoMultivariateNormalGuide, " if isinstance(guide, AutoNormalGuide) else ""
    centred = centred_ones({}, bound.density)
    other = f"write {_listed(centred)} non-centred, " if centred else ""
    return (
        *down,
        f"The guide misses parts of the posterior (its Pareto k̂ is {k:.2f}; it should be below {LARGEST_K}),"
        f" so that its means and spreads may be far off: run more steps, {wider}{other}or sample it with"
        " NUTS.",
    )


def fall(trace: Array) -> tuple[float, float] | None:
    """The greatest of the levels that a trace (step) had in twentieths of the run, and the last, where that
    is lower by 5 of its standard errors and more than 1 nat; None elsewhere.

    A level is a median, with the median absolute deviation for its error: single draws far out weigh little.
    """
    if len(trace) < FEWEST_TO_FALL:
        return None
    parts = np.array_split(trace, PARTS)
    levels = np.array([np.median(part) for part in parts])
    spreads = np.array([np.median(np.abs(part - np.median(part))) for part in parts])
    # Of a normal sample: the standard deviation is 1.48 of its MAD, a median's error 1.25 of a mean's.
    errors = 1.4826 * 1.2533 * spreads / math.sqrt(len(trace) / PARTS)
    best = int(levels.argmax())
    least = max(1.0, 5.0 * math.hypot(errors[best], errors[-1]))
    return (float(levels[best]), float(levels[-1])) if levels[best] - levels[-1] > least else None


def _listed(names: tuple[str, ...]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
