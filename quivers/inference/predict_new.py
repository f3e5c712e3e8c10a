"""Predictions for new data from the result of a run, with a seed of their own."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch

from quivers.families.support import Member
from quivers.inference.draw_count import draws_to_take
from quivers.inference.kernels import check_count
from quivers.inference.predicted import predictable
from quivers.inference.predictive import Predictions, Predictive
from quivers.inference.site_axes import named_axes
from quivers.ir.graph import axis_size

if TYPE_CHECKING:
    from quivers.check.program import Input
    from quivers.inference.mcmc_result import MCMCResult
    from quivers.inference.new_elements import Elements


def predict_new(
    result: MCMCResult,
    data: Mapping[str, Any],
    *,
    seed: int,
    num_samples: int | None = None,
    elements: Mapping[str, Elements] | None = None,
    sites: Collection[str] | None = None,
) -> Predictions:
    """Draws of everything that the program computes for `data`, or of `sites`, each (draw, *axes).

    What `data` leave out is the fit's, where `filled` says so. Without `num_samples` each of the run's draws
    is taken once, or of many rows so many, spread evenly, as make 20 million numbers. The same `seed` gives
    the same draws; torch's global generator is left as it was.

    Raises:
        DataError: an input is missing or does not fit.
        QvrError: it is not known which elements are new (`Predictive`), or the predictions would take more
            memory than 4 GiB.
    """
    check_count("seed", seed, 0)
    values = {**data, **filled(result, data)}
    predictive = Predictive(result.run.model, result, num_samples, elements)
    predictive.num_samples = _draws_to_take(result, values, sites, num_samples)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return predictive(None, values, sites=sites)


def _draws_to_take(
    result: MCMCResult, data: Mapping[str, Any], sites: Collection[str] | None, asked: int | None
) -> int | None:
    """How many draws to predict from; None takes each once."""
    bound = result.run.model.bind(data, require_observed=False)
    axes = named_axes(bound.density) | {step.site: step.axes for step in bound.density.draws}
    wanted = predictable(bound.density) if sites is None else sites
    each = sum(math.prod(axis_size(axis, bound.sizes) for axis in axes[n]) for n in wanted if n in axes)
    available = result.divergences.numel()
    count = draws_to_take(each, available, asked)
    return None if asked is None and count == available else count


def filled(result: MCMCResult, data: Mapping[str, Any]) -> dict[str, Any]:
    """The fit's values of inputs that `data` lack: those that run over no object of which `data` tell.

    A prior's constant is one; a forgotten column is none, since other columns tell of its rows.
    """
    inputs = result.run.model.program.inputs
    told = {name for entry in inputs if entry.name in data for name in _objects(entry)}
    before = result.run.observations
    missing = [
        entry.name
        for entry in inputs
        if entry.name not in data and not entry.observed and not told.intersection(_objects(entry))
    ]
    own = [name for name in result.run.model.checked.objects if name not in told and name not in data]
    return {name: before[name] for name in (*missing, *own) if name in before}


def _objects(entry: Input) -> set[str]:
    """Those that an input runs over, and the one that it indexes."""
    objects = {axis.object for axis in entry.type.axes}
    element = entry.type.element
    return objects | {element.object} if isinstance(element, Member) else objects
