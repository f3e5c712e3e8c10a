"""Leave-one-out by Pareto smoothed importance sampling, in NumPy: for a page that can't wait for ArviZ.

After Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference.arguments import check_result
from quivers.inference.criticism.pointwise import Pointwise, observation_names, pointwise_log_likelihood
from quivers.inference.psis import FEWEST_WEIGHTS, smoothed

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult

# Numbers to weigh: of more, the draws are thinned, down to the fewest.
MOST_WEIGHED = 20_000_000
FEWEST_DRAWS = 500


@dataclass(frozen=True, eq=False, slots=True)
class LeftOut:
    """The expected log pointwise predictive density, `elpd`, with its standard error `se`.

    `effective` is the effective number of parameters, p_loo. `names` are the observations, with each one's
    part of elpd in `pointwise` and its k̂ in `pareto_k`, (observation) each.
    """

    elpd: float
    se: float
    effective: float
    names: tuple[str, ...]
    pointwise: NDArray[np.float64]
    pareto_k: NDArray[np.float64]


def psis_loo(result: MCMCResult) -> LeftOut:
    """Each observation of a run predicted from all others, by weighing the draws.

    Raises:
        QvrError: nothing is observed, or there are fewer than 25 draws.
    """
    check_result("result", result)
    sites = pointwise_log_likelihood(result)
    if not sites:
        raise QvrError("The program observes nothing, so there is no observation to leave out.")
    values = np.concatenate([_flat(each) for each in sites], axis=1)
    if values.shape[1] == 0:
        raise QvrError("Every observation is left out by [where=…], so there is none to leave out.")
    if len(values) < FEWEST_WEIGHTS:
        raise QvrError(f"Leave-one-out needs at least {FEWEST_WEIGHTS} draws, there are {len(values)}.")
    values = values[:: max(1, min(len(values) // FEWEST_DRAWS, values.size // MOST_WEIGHED))]
    parts, shapes = np.empty(values.shape[1]), np.empty(values.shape[1])
    for number, column in enumerate(values.T):
        weights, shapes[number] = smoothed(-column)
        parts[number] = _log_sum(weights + column) - _log_sum(weights)
    pooled = np.array([_log_sum(column) for column in values.T]) - np.log(len(values))
    return LeftOut(
        elpd=float(parts.sum()),
        se=float(np.sqrt(len(parts) * parts.var())),
        effective=float((pooled - parts).sum()),
        names=tuple(name for each in sites for name in observation_names(result, each)),
        pointwise=parts,
        pareto_k=shapes,
    )


def _flat(each: Pointwise) -> NDArray[np.float64]:
    """(draw, observation), without what `[where=…]` leaves out."""
    draws = each.values.shape[0] * each.values.shape[1]
    return each.values.reshape(draws, -1)[:, each.counted.reshape(-1)]


def _log_sum(values: NDArray[np.float64]) -> float:
    """log Σ exp(value); −∞ where all are."""
    most = float(values.max())
    return most if not np.isfinite(most) else most + float(np.log(np.exp(values - most).sum()))
