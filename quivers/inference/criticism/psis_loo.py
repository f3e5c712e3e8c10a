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
from quivers.inference.psis import FEWEST_WEIGHTS, smoothed_rows

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult

# Numbers to weigh: of more, the draws are thinned.
MOST_WEIGHED = 20_000_000
# As many observations at a time as have so many numbers, 2 MB of them.
_AT_ONCE = 250_000


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
    sites = pointwise_log_likelihood(result, MOST_WEIGHED)
    if not sites:
        raise QvrError("The program observes nothing, so there is no observation to leave out.")
    values = np.concatenate([_flat(each) for each in sites])
    count, draws = values.shape
    if count == 0:
        raise QvrError("Every observation is left out by [where=…], so there is none to leave out.")
    if draws < FEWEST_WEIGHTS:
        raise QvrError(f"Leave-one-out needs at least {FEWEST_WEIGHTS} draws, there are {draws}.")
    parts, shapes, pooled = np.empty(count), np.empty(count), np.empty(count)
    step = max(1, _AT_ONCE // draws)
    for start in range(0, count, step):
        here = slice(start, start + step)
        weights, shapes[here] = smoothed_rows(-values[here])
        parts[here] = _log_sum(weights + values[here]) - _log_sum(weights)
        pooled[here] = _log_sum(values[here]) - np.log(draws)
    return LeftOut(
        elpd=float(parts.sum()),
        se=float(np.sqrt(len(parts) * parts.var())),
        effective=float((pooled - parts).sum()),
        names=tuple(name for each in sites for name in observation_names(result, each)),
        pointwise=parts,
        pareto_k=shapes,
    )


def _flat(each: Pointwise) -> NDArray[np.float64]:
    """(observation, draw), without what `[where=…]` leaves out."""
    draws = each.values.shape[0] * each.values.shape[1]
    return np.ascontiguousarray(each.values.reshape(draws, -1).T[each.counted.reshape(-1)])


def _log_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """log Σ exp(value) of each row; −∞ where all are."""
    most = values.max(axis=1)
    with np.errstate(invalid="ignore"):
        found = most + np.log(np.exp(values - most[:, None]).sum(axis=1))
    return np.asarray(np.where(np.isfinite(most), found, most))
