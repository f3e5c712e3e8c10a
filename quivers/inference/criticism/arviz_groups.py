"""A run as ArviZ knows it: groups of arrays whose dimensions are objects and coordinates their elements."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quivers import __version__
from quivers.element_names import labels
from quivers.errors import QvrError
from quivers.inference.arguments import check_kind, check_result
from quivers.inference.criticism.pointwise import pointwise_log_likelihood
from quivers.inference.kernels import check_count, check_seed
from quivers.inference.predicted import worked_out
from quivers.inference.prior_predictive import prior_predictive
from quivers.inference.site_axes import named_axes
from quivers.ir.graph import axis_size, object_of

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.inference.mcmc_result import MCMCResult

PRIOR_DRAWS = 500

# ArviZ's names of the sampler's statistics (its schema of InferenceData).
_STATISTICS = {
    "log_density": "lp",
    "energy": "energy",
    "tree_depth": "tree_depth",
    "leapfrogs": "n_steps",
    "acceptance": "acceptance_rate",
    "step_size": "step_size",
    "diverged": "diverging",
    "saturated": "reached_max_treedepth",
}


def to_arviz(
    result: MCMCResult,
    *,
    prior: int = PRIOR_DRAWS,
    predictive: bool = True,
    log_likelihood: bool = True,
    seed: int | None = None,
) -> Any:
    """The run as ArviZ's own object: an `InferenceData`, or from ArviZ 1.0 on a `DataTree`.

    Groups: posterior, sample_stats, observed_data and constant_data; with `log_likelihood` that of each
    observation; with `predictive` a posterior_predictive draw for each draw of the posterior; with `prior`
    above 0, so many draws of prior and prior_predictive. An array's dimensions are (chain, draw, *axes), each
    axis under its object's name, a second one as `School′`; its coordinates are the names that the data give
    the elements, else their numbers from 1. `seed` is that of the draws made here, by default the run's.

    Where the prior can't be drawn from, its groups are left out and a warning says why.

    Raises:
        QvrError: ArviZ is not installed, or the log likelihood or predictions would not fit into memory.
    """
    check_result("result", result)
    check_count("prior", prior, 0)
    for name, value in (("predictive", predictive), ("log_likelihood", log_likelihood)):
        check_kind(name, value, bool, "True or False")
    check_seed(seed)
    seed = result.seed if seed is None else seed
    bound = result.run.bound
    dims = Dimensions(bound)
    groups: dict[str, Any] = {
        "posterior": dims.dataset(
            {name: value.numpy() for name, value in result.samples.items()},
            named_axes(bound.density),
            ("chain", "draw"),
        )
    }
    if log_likelihood:
        pointwise = pointwise_log_likelihood(result)
        if pointwise:
            groups["log_likelihood"] = dims.dataset(
                {each.site: each.values for each in pointwise},
                {each.site: each.axes for each in pointwise},
                ("chain", "draw"),
            )
    groups["sample_stats"] = dims.dataset(
        {_STATISTICS[name]: value.numpy() for name, value in result.statistics.items()},
        {},
        ("chain", "draw"),
    )
    observed = {step.site: step.axes for step in bound.density.draws if step.observed}
    if predictive and observed:
        groups["posterior_predictive"] = dims.dataset(predictions(result, seed), observed, ("chain", "draw"))
    if prior:
        groups |= _prior_groups(result, dims, prior, seed)
    groups |= _data_groups(bound, dims, observed)
    return _together(groups, _attributes(result, seed))


def predictions(result: MCMCResult, seed: int) -> dict[str, np.ndarray[Any, Any]]:
    """Every observed site drawn anew at each draw of the run, (chain, draw, *axes) each."""
    chains = tuple(result.divergences.shape)
    drawn = some_predictions(result, seed, result.divergences.numel())
    return {name: values.reshape(*chains, *values.shape[1:]) for name, values in drawn.items()}


def some_predictions(result: MCMCResult, seed: int, most: int) -> dict[str, np.ndarray[Any, Any]]:
    """The same at no more than `most` draws, spread evenly over the run, (draw, *axes) each."""
    bound = result.run.bound
    every = max(1, -(-result.divergences.numel() // most))
    latents = {name: result.samples[name].flatten(0, 1)[::every] for name in result.latents}
    generator = torch.Generator().manual_seed(seed % 2**63)
    names = [step.site for step in bound.density.draws if step.observed]
    count = len(range(0, result.divergences.numel(), every))
    drawn = worked_out(latents, bound, bound, {}, names, count, generator)
    return {name: values.numpy() for name, values in drawn.items()}


def arviz() -> Any:
    """The library. Raises `QvrError` where it is not installed."""
    try:
        import arviz as library
    except ImportError as error:
        raise QvrError(f"This needs ArviZ: pip install 'qvr[report]' ({error}).") from None
    return library


class Dimensions:
    """Makes data sets whose dimensions are the axes of a bound program."""

    def __init__(self, bound: BoundModel) -> None:
        self.sizes = bound.sizes
        self.labels = labels(bound.levels)

    def dataset(
        self,
        arrays: Mapping[str, np.ndarray[Any, Any]],
        axes: Mapping[str, Sequence[str]],
        before: tuple[str, ...],
    ) -> Any:
        """The arrays, each (*before, *axes), in one xarray `Dataset`."""
        arviz()  # says what is missing where neither is installed
        import xarray

        coordinates: dict[str, Any] = {}
        variables = {}
        for name, values in arrays.items():
            own = tuple(axes.get(name, ()))
            variables[name] = ((*before, *own), values)
            for axis in own:
                coordinates[axis] = self._elements(axis)
            coordinates |= {axis: np.arange(values.shape[place]) for place, axis in enumerate(before)}
        return xarray.Dataset(variables, coordinates)

    def _elements(self, axis: str) -> Any:
        size = axis_size(axis, self.sizes)
        names = self.labels.get(object_of(axis))
        return list(names) if names is not None and len(names) == size else np.arange(1, size + 1)


def _prior_groups(result: MCMCResult, dims: Dimensions, draws: int, seed: int) -> dict[str, Any]:
    run = result.run
    try:
        found = prior_predictive(run.model, run.observations, draws=draws, seed=seed % 2**63)
    except QvrError as error:
        warnings.warn(f"No draws from the prior are given. {error}", stacklevel=4)
        return {}
    axes = named_axes(run.bound.density) | {step.site: step.axes for step in run.bound.density.draws}
    groups = {}
    for group, observed in (("prior", False), ("prior_predictive", True)):
        samples = {
            name: values[None]
            for name, values in found.samples.items()
            if (found.roles[name] == "observed") == observed and name in axes
        }
        if samples:
            groups[group] = dims.dataset(samples, axes, ("chain", "draw"))
    return groups


def _data_groups(
    bound: BoundModel, dims: Dimensions, observed: Mapping[str, tuple[str, ...]]
) -> dict[str, Any]:
    """What was observed, lets of the data among it, and the other inputs."""
    density = bound.density
    leaves = {node.name: node.axes for node in density.nodes if node.op == "input" and node.name}
    inputs = {name: value.cpu().numpy() for name, value in bound.inputs.items() if name in leaves}
    seen = {name: inputs[name] for name in observed if name in inputs}
    forward = bound.forward()
    for name, axes in observed.items():
        if name not in inputs and name in density.deterministic:
            seen[name] = forward.filled(density.deterministic[name], axes).cpu().numpy()
    others = {name: value for name, value in inputs.items() if name not in seen}
    groups = {}
    if seen:
        groups["observed_data"] = dims.dataset(seen, {**leaves, **observed}, ())
    if others:
        groups["constant_data"] = dims.dataset(others, leaves, ())
    return groups


def _attributes(result: MCMCResult, seed: int) -> dict[str, Any]:
    return {
        "inference_library": "qvr",
        "inference_library_version": __version__,
        "created_at": datetime.now(UTC).isoformat(),
        "program": result.run.bound.density.program,
        "seed": str(result.seed),
        "seed_of_predictions": str(seed),
        "sampling_time": result.seconds["sample"],
        "engine": result.engine,
        "cancelled": int(result.cancelled),
    }


def _together(groups: Mapping[str, Any], attributes: Mapping[str, Any]) -> Any:
    library = arviz()
    for group in groups.values():
        group.attrs.update(attributes)
    if hasattr(library, "InferenceData"):
        return library.InferenceData(**groups)
    import xarray

    return xarray.DataTree.from_dict({f"/{name}": group for name, group in groups.items()})
