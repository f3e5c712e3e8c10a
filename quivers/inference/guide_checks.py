"""Does a guide match the posterior: k̂ of the weights that would correct its draws, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from quivers.errors import QvrError
from quivers.inference.guides import AutoNormalGuide, Guide
from quivers.inference.kernels import check_count
from quivers.inference.psis import FEWEST_WEIGHTS, LARGEST_K, pareto_k

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel

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
    if not guide.has_spread:
        raise QvrError(NO_SPREAD)
    check_count("num_samples", num_samples, FEWEST_WEIGHTS)
    guide.check(bound)
    guide.finish(bound)
    log_weights = []
    with torch.no_grad():
        for first in range(0, num_samples, BATCH):
            q = guide.rsample((min(BATCH, num_samples - first),))
            log_weights.append(bound.log_density(q) - guide.log_density(q))
    return pareto_k(torch.cat(log_weights).numpy())


def problems(guide: Guide, k: float) -> tuple[str, ...]:
    """A sentence where k̂ says that the guide does not match; none where it does."""
    if k <= LARGEST_K:
        return ()
    wider = "take AutoMultivariateNormalGuide, " if isinstance(guide, AutoNormalGuide) else ""
    return (
        f"The guide misses parts of the posterior (its Pareto k̂ is {k:.2f}; it should be below {LARGEST_K}),"
        f" so that its means and spreads may be far off: run more steps, {wider}write the model non-centred,"
        " or sample it with NUTS.",
    )
