"""What a page with charts is made from: a run's draws, and draws from its prior and its posterior."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference.criticism.arviz_groups import some_predictions
from quivers.inference.criticism.predictive_check import CheckRow, compared, observed_values
from quivers.inference.criticism.psis_loo import LeftOut, psis_loo
from quivers.inference.prior_predictive import prior_predictive
from quivers.ir.graph import axis_size
from quivers.results import SummaryRow

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult

Array = NDArray[np.float64]
# Draws made for the page: so many, and fewer where they would have more numbers than these.
PRIOR_DRAWS, PREDICTED_DRAWS, FEWEST_DRAWS = 1000, 1000, 100
MOST_NUMBERS = 4_000_000
Found = TypeVar("Found")


@dataclass(frozen=True, eq=False, slots=True)
class Evidence:
    """The numbers behind the charts.

    `samples` are (chain, draw, *axes), with in `supports` the ends between which each latent lies. `energy`
    and `diverged` are (chain, draw). `blamed` names the sites and elements that a trouble lies with. `prior`
    has draws (draw, *axes) of each site, `observed` the data as they were scored, NaN where they were not,
    and `predicted` data drawn anew, (draw, *axes). Where something can't be had, a sentence stands in its
    place.
    """

    samples: Mapping[str, Array]
    latents: tuple[str, ...]
    supports: Mapping[str, tuple[float, float]]
    rows: tuple[SummaryRow, ...]
    diverged: NDArray[np.bool_]
    energy: Array
    e_bfmi: tuple[float, ...]
    blamed: tuple[str, ...]
    prior: Mapping[str, Array] | str
    observed: Mapping[str, Array]
    predicted: Mapping[str, Array] | str
    checks: tuple[CheckRow, ...] | str
    left_out: LeftOut | str


def evidence(result: MCMCResult) -> Evidence:
    """Everything that the charts of a run need; draws made here have the run's own seed."""
    density = result.run.bound.density
    blamed = [name for each in result.troubles for name in (each.element, each.site) if name is not None]
    predicted = _or_why(lambda: _predicted(result))
    observed: Mapping[str, Array] = {}
    checks: tuple[CheckRow, ...] | str = predicted if isinstance(predicted, str) else ()
    if not isinstance(predicted, str):
        known = observed_values(result, list(predicted))
        observed = {name: values for name, values in known.items() if values is not None}
        checks = _or_why(lambda: compared(known, predicted))
    return Evidence(
        samples={name: values.numpy() for name, values in result.samples.items()},
        latents=result.latents,
        supports={
            latent.name: (
                latent.support.low if latent.low is None else -math.inf,
                latent.support.high if latent.high is None else math.inf,
            )
            for latent in density.latents
        },
        rows=result.summary(),
        diverged=result.divergences.numpy().astype(bool),
        energy=result.statistics["energy"].numpy(),
        e_bfmi=tuple(float(each) for each in result.e_bfmi),
        blamed=tuple(dict.fromkeys(blamed)),
        prior=_or_why(lambda: _prior(result)),
        observed=observed,
        predicted=predicted,
        checks=checks,
        left_out=_or_why(lambda: psis_loo(result)),
    )


def _or_why(make: Callable[[], Found]) -> Found | str:
    """What is made, or the sentence that says why it can't be."""
    try:
        return make()
    except QvrError as error:
        return str(error)


def _prior(result: MCMCResult) -> Mapping[str, Array]:
    run = result.run
    numbers = sum(math.prod(values.shape[2:]) for values in result.samples.values()) + _observations(result)
    draws = _fitting(PRIOR_DRAWS, numbers)
    drawn = prior_predictive(run.model, run.observations, draws=draws, seed=result.seed % 2**63)
    return {name: values for name, values in drawn.samples.items() if name in result.samples}


def _predicted(result: MCMCResult) -> Mapping[str, Array]:
    """Every observed site drawn anew, (draw, *axes), at draws spread evenly over the run."""
    return some_predictions(result, result.seed, _fitting(PREDICTED_DRAWS, _observations(result)))


def _observations(result: MCMCResult) -> int:
    bound = result.run.bound
    observed = [step for step in bound.density.draws if step.observed]
    return sum(math.prod(axis_size(axis, bound.sizes) for axis in step.axes) for step in observed)


def _fitting(draws: int, numbers: int) -> int:
    """How many draws of so many numbers each are made, at most `draws`."""
    return max(FEWEST_DRAWS, min(draws, MOST_NUMBERS // max(1, numbers)))
