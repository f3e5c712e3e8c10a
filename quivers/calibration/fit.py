"""One posterior by one chain of NUTS, long enough for as many effective draws as its ranks are of.

The chain runs without the interpreter's lock, so that replicates in threads run side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from quivers.backends.given import settled_sizes
from quivers.backends.kernel.draws import Constrained, LogLikelihood
from quivers.backends.kernel.kernel import Kernels, NotCompiled
from quivers.backends.pointer import kernel_pointer, torch_pointer
from quivers.backends.torch.bound import BoundModel
from quivers.inference import chain as chain_code
from quivers.inference.convergence import ess_bulk
from quivers.inference.kernels import NUTSKernel
from quivers.inference.one_chain import Chain
from quivers.inference.starts import uniform_starts
from quivers.inference.step_size import STEP
from quivers.inference.trajectory import STATISTICS
from quivers.ir.graph import Density

Array = NDArray[np.float64]
Samples = dict[str, Array]
Inputs = Mapping[str, Array]

_LOG_DENSITY = STATISTICS.index("log_density")
_ENDS = {
    chain_code.STEP_TOO_SMALL: "The chain found no step size small enough: the log density or its gradient is"
    " not finite near its position.",
    chain_code.STEP_TOO_LARGE: "The chain found no step size large enough: the log density hardly falls.",
}


class StoppedError(Exception):
    """The study was stopped while this chain ran."""


@dataclass(frozen=True)
class Fit:
    """Draws of one posterior, `latents` (draw, *axes) each, taken evenly from a chain; or what went wrong.

    `ess` is the least effective size of the whole chain's unconstrained coordinates and log density.
    """

    latents: Samples
    ess: float
    divergences: int
    problem: str | None = None


class Fitting:
    """Fits of one program to one data set after another, in whichever threads."""

    def __init__(self, density: Density, sizes: Mapping[str, int]) -> None:
        self._density = density
        self._sizes = sizes
        self._kernels = Kernels(density)
        self._constrained = Constrained(density)
        self._log_likelihood = LogLikelihood(density)
        self.reason: str | None = None
        """Why torch computes the density, where there is no kernel."""

    def log_likelihood(self, inputs: Inputs, latents: Samples) -> Array:
        """The joint log likelihood, (point,), at latents of (point, *axes) each."""
        sizes = settled_sizes(self._density, inputs, self._sizes)
        return self._log_likelihood(inputs, sizes, latents)

    def fit(
        self, inputs: Inputs, seed: int, stop: NDArray[np.int64], *,
        target_accept: float, warmup: int, draws: int, thin: int, extensions: int,
    ) -> Fit:  # fmt: skip
        """`draws` draws, each `thin`-th of a chain; its length is doubled up to `extensions` times where the
        chain has fewer effective ones.

        A one in `stop` ends the chain. Raises:
            StoppedError: it was ended so.
            DataError: the data do not meet a demand of the program's.
        """
        built = self._kernels(inputs, self._sizes)
        if isinstance(built, NotCompiled):
            self.reason = built.reason
            pointer = torch_pointer(BoundModel(self._density, inputs, self._sizes))
        else:
            pointer = kernel_pointer(built)
        block = pointer.block()
        starts = uniform_starts(pointer, pointer.dimension, num_chains=1, seed=seed, data=block)
        if starts is None:
            return Fit({}, 0.0, 0, "No starting point with a finite log density was found.")
        settings = NUTSKernel(target_accept=target_accept)
        point, wanted, divergences = starts[0], draws * thin, 0
        positions, densities = np.zeros((0, len(point))), np.zeros(0)
        metric, step = None, 0.0
        for _ in range(extensions + 1):
            more = wanted - len(positions)
            chain = Chain(
                0, point, kernel=settings, num_warmup=warmup, num_samples=more, seed=seed, thin=1,
                resumed=None if metric is None else warmup + len(positions),
            )  # fmt: skip
            if metric is not None:
                chain.take_up(metric, step)
            outcome = chain.run(pointer, block, stop)
            failure = pointer.failure()
            if failure is not None:
                return Fit({}, 0.0, 0, f"The log density could not be computed: {failure}")
            if outcome == chain_code.CANCELLED:
                raise StoppedError
            if outcome != chain_code.FINISHED:
                return Fit({}, 0.0, 0, _ENDS[outcome])
            divergences += chain.divergences
            positions = np.concatenate([positions, chain.positions])
            densities = np.concatenate([densities, chain.statistics[-more:, _LOG_DENSITY]])
            point, metric, step = positions[-1], chain.metric, float(chain.state[STEP])
            sizes = ess_bulk(np.column_stack([positions, densities])[None])
            ess = float(np.min(sizes))
            if not ess < draws:  # NaN does not get better by more of it
                break
            wanted *= 2
        every = len(positions) // draws
        kept = positions[every - 1 :: every]
        values = self._constrained(inputs, settled_sizes(self._density, inputs, self._sizes), kept)
        return Fit({latent.name: values[latent.name] for latent in self._density.latents}, ess, divergences)
