"""Where the chains start: points with a finite log density and gradient, drawn or given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError, SamplingError
from quivers.inference.compiled import python_function
from quivers.inference.one_chain import DensityFunction

if TYPE_CHECKING:
    import torch

    from quivers.backends.torch.bound import BoundModel

Array = NDArray[np.float64]

STRATEGIES = ("prior", "uniform", "pathfinder", "value")
TRIES = 100


def starting_points(
    bound: BoundModel,
    density: DensityFunction,
    *,
    strategy: str,
    num_chains: int,
    seed: int,
    initial_values: Mapping[str, Any] | None = None,
    data: Array | None = None,
) -> Array:
    """A start for each chain, (chain, coordinate): drawn from the prior, from Uniform(−2, 2) on ℝⁿ, where
    Pathfinder is to begin too, or as given.

    A drawn start depends on the seed and the chain's number only; it is drawn anew up to 100 times until
    the log density and its gradient are finite. `data` is passed to the density. Raises `SamplingError`
    saying which terms were not finite.
    """
    numbers = np.zeros(0) if data is None else data
    if strategy == "value":
        given = _unconstrained(bound, initial_values or {})
        return np.stack([_first_finite(bound, density, numbers, lambda: given, 1)] * num_chains)
    starts = []
    for chain in range(num_chains):
        sequence = np.random.SeedSequence([seed, chain])
        draw = _prior(bound, sequence) if strategy == "prior" else _uniform(bound.dimension, sequence)
        starts.append(_first_finite(bound, density, numbers, draw, TRIES))
    return np.stack(starts)


def uniform_starts(
    density: DensityFunction, dimension: int, *, num_chains: int, seed: int, data: Array
) -> Array | None:
    """The starts that `starting_points` finds by "uniform", without torch; None where it would raise."""
    starts = []
    for chain in range(num_chains):
        draw = _uniform(dimension, np.random.SeedSequence([seed, chain]))
        point, value, gradient = _search(density, dimension, data, draw, TRIES)
        if not _finite(value, gradient):
            return None
        starts.append(point)
    return np.stack(starts)


def _prior(bound: BoundModel, sequence: np.random.SeedSequence) -> Callable[[], Array]:
    import torch

    generator = torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))
    return lambda: _array(bound.unconstrain(bound.sample_prior((1,), generator))[0])


def _uniform(dimension: int, sequence: np.random.SeedSequence) -> Callable[[], Array]:
    generator = np.random.Generator(np.random.Philox(sequence))
    return lambda: generator.uniform(-2.0, 2.0, size=dimension)


def _unconstrained(bound: BoundModel, values: Mapping[str, Any]) -> Array:
    names = [coordinates.name for coordinates in bound.coordinates]
    unknown = [name for name in values if name not in names]
    missing = [name for name in names if name not in values]
    if unknown:
        raise QvrError(
            f"initial_values names {_listed(unknown)}, which the program does not sample;"
            f" it samples {_listed(names)}."
        )
    if missing:
        raise QvrError(f"initial_values must give every latent a value, it has none for {_listed(missing)}.")
    batch = {name: _numbers(name, value)[None] for name, value in values.items()}
    return _array(bound.unconstrain(batch)[0])


def _numbers(name: str, value: Any) -> torch.Tensor:
    import torch

    try:
        return torch.as_tensor(value, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError):
        raise QvrError(
            f"The initial value of {name} must be a number or an array of them, not {value!r}."
        ) from None


def _array(q: torch.Tensor) -> Array:
    return np.array(q.detach().cpu().numpy(), dtype=np.float64, order="C")


def _first_finite(
    bound: BoundModel, density: DensityFunction, data: Array, draw: Callable[[], Array], tries: int
) -> Array:
    """The first of `tries` points where the log density and its gradient are finite."""
    point, log_density, gradient = _search(density, bound.dimension, data, draw, tries)
    if _finite(log_density, gradient):
        return point
    raise SamplingError(_no_start(bound, point, log_density, gradient, tries))


def _search(
    density: DensityFunction, dimension: int, data: Array, draw: Callable[[], Array], tries: int
) -> tuple[Array, float, Array]:
    """The first of `tries` points where all is finite, else the last, with its log density and gradient."""
    evaluate = python_function(density.address)
    gradient = np.zeros(dimension)
    for _ in range(tries):
        point = draw()
        log_density = evaluate(point, gradient, data)
        failure = density.failure()
        if failure is not None:
            raise SamplingError(f"The log density could not be computed: {failure}") from failure
        if _finite(log_density, gradient):
            break
    return point, log_density, gradient


def _finite(log_density: float, gradient: Array) -> bool:
    return bool(np.isfinite(log_density) and np.isfinite(gradient).all())


def _no_start(bound: BoundModel, point: Array, log_density: float, gradient: Array, tries: int) -> str:
    """What is not finite at the last point tried: terms, or else gradients; and the sites' values there."""
    import torch

    q = torch.from_numpy(point)
    terms = [
        f"the {term.kind} of {term.site} is {term.value:g}"
        for term in bound.explain(q)
        if not np.isfinite(term.value)
    ]
    slopes = [
        f"the gradient along {coordinates.name} is not finite"
        for coordinates in bound.coordinates
        if not np.isfinite(gradient[coordinates.start : coordinates.stop]).all()
    ]
    causes = terms or slopes or [f"their sum is {log_density:g}"]
    constrained = bound.constrain(q[None])
    values = ", ".join(
        f"{coordinates.name} = {_shown(constrained[coordinates.name][0])}"
        for coordinates in bound.coordinates
    )
    where = "at the given start" if tries == 1 else f"in {tries} tries"
    return f"No starting point with a finite log density {where}: {', '.join(causes)}, where {values}."


def _shown(value: torch.Tensor) -> str:
    numbers = [f"{number:.4g}" for number in value.reshape(-1)[:4].tolist()]
    if value.dim() == 0:
        return numbers[0]
    return f"[{', '.join(numbers)}{', …' if value.numel() > len(numbers) else ''}]"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nothing"
