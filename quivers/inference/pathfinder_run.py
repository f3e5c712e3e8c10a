"""Pathfinder: draws near a program's posterior in a fraction of the time that sampling takes.

Paths of L-BFGS climb the log density, each gives the normal of greatest ELBO along it, and the draws of all
are weighed by what they miss (Zhang, Carpenter, Gelman and Vehtari 2022, JMLR 23(306), algorithms 1 and 2).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from quivers.errors import QvrError, SamplingError
from quivers.inference.arguments import check_model, check_watching
from quivers.inference.engine import Name, engine_for, held_against_torch
from quivers.inference.kernels import check_choice, check_count, check_seed
from quivers.inference.pathfinder_path import ELBO_DRAWS, HISTORY, ITERATIONS, NoPath, find_path
from quivers.inference.pathfinder_starts import evaluation, path_generator
from quivers.inference.psis import FEWEST_WEIGHTS, LARGEST_K, smoothed
from quivers.inference.starts import starting_points
from quivers.sampling_defaults import CHAINS, DRAWS, ENGINE, ENGINES

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False, slots=True)
class PathfinderResult:
    """Draws near a posterior, and how near: below 0.7, `pareto_k` says that they can stand for it.

    `samples` holds the latents and the lets that depend on them, each (draw, *axes); `latents` names the
    former, `positions` (draw, coordinate) are the draws on the unconstrained space. `elbo` (path) is that of
    each path's normal, NaN for a path that found none, and `evaluations` how often the log density was
    evaluated. Where a kernel was looked for and torch ran, `engine_reason` says why.
    """

    samples: dict[str, Tensor]
    latents: tuple[str, ...]
    positions: Tensor = field(repr=False)
    pareto_k: float
    elbo: NDArray[np.float64]
    evaluations: int
    failures: tuple[str, ...]
    seed: int
    seconds: float
    engine: Name
    engine_reason: str | None

    def check(self) -> tuple[str, ...]:
        """A sentence for each problem, with what to do about it; none where the draws can be relied on."""
        found = []
        if self.pareto_k > LARGEST_K:
            found.append(
                "Pathfinder's normal distributions miss parts of the posterior (their Pareto k̂ is"
                f" {self.pareto_k:.2f}; it should be below {LARGEST_K}), so that means and spreads may be far"
                ' off: sample with NUTS, which can start there (init_strategy="pathfinder").'
            )
        return (*found, *self.failures)


def pathfinder(
    model: ProgramModule,
    x: Any = None,
    observations: Mapping[str, Any] | None = None,
    *,
    num_draws: int = DRAWS,
    num_paths: int = CHAINS,
    num_elbo_draws: int = ELBO_DRAWS,
    history: int = HISTORY,
    max_iterations: int = ITERATIONS,
    seed: int | None = None,
    engine: str = ENGINE,
    cancel: threading.Event | None = None,
) -> PathfinderResult:
    """Draws `num_draws` times near the posterior of `model` given `observations`, its inputs by name.

    Each of `num_paths` paths begins on (−2, 2) of the unconstrained space and takes at most `max_iterations`
    steps; the curvature comes from its last `history` steps, an ELBO from `num_elbo_draws` draws. Every path
    gives `num_draws` draws, and as many of all are kept by Pareto smoothed weights, with repetitions. `x`,
    `seed` and `engine` are as `MCMC` has them.

    Raises `DataError` where the observations do not fit, `SamplingError` where there is nowhere to begin or
    no path finds a normal distribution, `Cancelled` where `cancel` was set.
    """
    check_count("num_draws", num_draws, FEWEST_WEIGHTS)
    for name, count in (("num_paths", num_paths), ("num_elbo_draws", num_elbo_draws), ("history", history)):
        check_count(name, count, 1)
    check_count("max_iterations", max_iterations, 1)
    check_choice("engine", engine, ENGINES)
    check_model(model)
    check_seed(seed)
    check_watching(None, cancel)
    began = time.perf_counter()
    bound = model.bind({} if observations is None else observations)
    if bound.dimension == 0:
        raise QvrError("The program samples nothing, so there is no posterior to draw from.")
    chosen = engine_for(engine, model.density, bound)
    seed = int(torch.randint(2**62, ()).item()) if seed is None else seed
    block = chosen.density.block()
    begins = starting_points(
        bound, chosen.density, strategy="uniform", num_chains=num_paths, seed=seed, data=block
    )
    chosen = held_against_torch(chosen, engine, bound, begins)
    evaluate = evaluation(chosen.density, chosen.density.block())
    positions, log_weights, elbo, failures = [], [], np.full(num_paths, np.nan), []
    evaluations = 0
    for number, begin in enumerate(begins):
        generator = path_generator(seed, number)
        path = find_path(
            evaluate, begin, generator,
            history=history, iterations=max_iterations, elbo_draws=num_elbo_draws, cancel=cancel,
        )  # fmt: skip
        if isinstance(path, NoPath):
            failures.append((number, path))
            continue
        points, log_densities = path.normal.draw(generator.standard_normal((num_draws, bound.dimension)))
        positions.append(points)
        log_weights.append(np.array([evaluate(point)[0] for point in points]) - log_densities)
        elbo[number] = path.elbo
        evaluations += path.evaluations + num_draws
    if not positions:
        raise SamplingError(
            f"Pathfinder found no approximation of the posterior: {failures[0][1].reason}. Give every latent"
            " a proper prior, or sample with NUTS."
        )
    if not np.isfinite(np.concatenate(log_weights)).any():
        raise SamplingError(
            "The log density is finite at none of the draws of Pathfinder's normal distributions: sample with"
            " NUTS."
        )
    weights, k = smoothed(np.concatenate(log_weights))
    kept = np.concatenate(positions)[_resampled(weights, num_draws, path_generator(seed, num_paths))]
    with torch.no_grad():
        constrained = bound.constrain(torch.from_numpy(kept))
    return PathfinderResult(
        samples={name: value.detach().to(torch.float64) for name, value in constrained.items()},
        latents=tuple(coordinates.name for coordinates in bound.coordinates),
        positions=torch.from_numpy(kept),
        pareto_k=k,
        elbo=elbo,
        evaluations=evaluations,
        failures=tuple(
            f"Path {number + 1} of {num_paths} found no approximation: {path.reason}."
            for number, path in failures
        ),
        seed=seed,
        seconds=time.perf_counter() - began,
        engine=chosen.name,
        engine_reason=chosen.reason,
    )


def _resampled(log_weights: Array, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
    """So many places in the order of chance, each as often as its weight says, but for one (systematic)."""
    weights = np.exp(log_weights - log_weights.max())
    ends = np.cumsum(weights)
    points = (np.arange(count) + generator.uniform()) / count * ends[-1]
    found = np.minimum(np.searchsorted(ends, points, side="right"), len(ends) - 1)
    return np.asarray(generator.permutation(found), dtype=np.int64)
