"""Pathfinder as a start for chains: a path for each, a draw of its normal, and that normal's variances."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from quivers.errors import SamplingError
from quivers.inference.compiled import python_function
from quivers.inference.one_chain import DensityFunction
from quivers.inference.pathfinder_path import Evaluate, NoPath, find_path

Array = NDArray[np.float64]

TRIES = 100


def pathfinder_starts(
    density: DensityFunction,
    begins: Array,
    *,
    seed: int,
    data: Array,
    cancel: threading.Event | None = None,
) -> tuple[Array, Array]:
    """Where each chain starts, and a variance for each coordinate there, both (chain, coordinate).

    `begins` (chain, coordinate) is where the paths begin; the density is finite there. What a chain gets
    depends on its number, the seed and its beginning only.

    Raises:
        SamplingError: a path found no normal distribution, or the density fails.
        Cancelled: `cancel` was set.
    """
    evaluate = evaluation(density, data)
    starts, variances = [], []
    for chain, begin in enumerate(begins):
        generator = path_generator(seed, chain)
        path = find_path(evaluate, begin, generator, cancel=cancel)
        if isinstance(path, NoPath):
            raise SamplingError(
                f"Pathfinder found no start for chain {chain + 1}: {path.reason}. Give every latent a proper"
                ' prior, or start the chains at "uniform" points.'
            )
        points, _ = path.normal.draw(generator.standard_normal((TRIES, len(begin))))
        start = next((point for point in points if _finite(*evaluate(point))), None)
        if start is None:
            raise SamplingError(
                f"Pathfinder found no start for chain {chain + 1}: the log density is finite at none of"
                f' {TRIES} draws of its normal distribution. Start the chains at "uniform" points.'
            )
        starts.append(start)
        variances.append(path.normal.variances)
    return np.stack(starts), np.stack(variances)


def path_generator(seed: int, path: int) -> np.random.Generator:
    """A path's random numbers, which depend on the seed and its number only."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, path, 1])))


def evaluation(density: DensityFunction, data: Array) -> Evaluate:
    """A density as a function of a point that also gives the gradient."""
    function = python_function(density.address)

    def evaluate(point: Array) -> tuple[float, Array]:
        gradient = np.zeros(len(point))
        value = function(np.ascontiguousarray(point), gradient, data)
        failure = density.failure()
        if failure is not None:
            raise SamplingError(f"The log density could not be computed: {failure}") from failure
        return value, gradient

    return evaluate


def _finite(value: float, gradient: Array) -> bool:
    return bool(np.isfinite(value) and np.isfinite(gradient).all())
