"""Predictions for new data from the result of a run, with a seed of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from quivers.families.support import Member
from quivers.inference.kernels import check_count
from quivers.inference.predictive import Predictions, Predictive

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
) -> Predictions:
    """Draws of everything that the program computes for `data`, each (draw, *axes).

    What `data` leave out is the fit's, where `filled` says so. The same `seed` gives the same draws; torch's
    global generator is left as it was.

    Raises:
        DataError: an input is missing or does not fit.
        QvrError: it is not known which elements are new (`Predictive`).
    """
    check_count("seed", seed, 0)
    predictive = Predictive(result.run.model, result, num_samples, elements)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return predictive(None, {**data, **filled(result, data)})


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
