"""One chain's arguments, the arrays that it writes, and its course: warm-up in stretches, then draws."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference import chain as chain_code
from quivers.inference.checkpoint import ChainPart
from quivers.inference.compiled import python_function
from quivers.inference.kernels import HMCKernel, Kernel, NUTSKernel, metric_kind
from quivers.inference.low_rank import update_low_rank
from quivers.inference.machine_code import compiled_chain
from quivers.inference.mass_matrix import (
    BACKGROUND,
    FISHER,
    FOREGROUND,
    GRADIENT_MEAN,
    LOW_RANK,
    MEAN,
    SCALE,
    begin_with_variances,
    identity_metric,
)
from quivers.inference.random import stream
from quivers.inference.step_size import BACKGROUND_COUNT, FOREGROUND_COUNT, SEARCHING, STATE_SIZE, STEP
from quivers.inference.trajectory import DIVERGENT, DRAW, LEAPFROGS, STATISTICS, workspace
from quivers.inference.warmup import (
    SWITCH,
    UPDATE,
    schedule_by_draws,
    schedule_by_gradients,
)

Array = NDArray[np.float64]

# Eigen-decompositions of several chains at a time hold each other up: each takes all the cores it can get.
_DECOMPOSING = threading.Lock()


class DensityFunction(Protocol):
    """A log density and its gradient as a C function; `failure` tells of an exception inside it."""

    @property
    def address(self) -> int: ...

    @property
    def failure(self) -> Callable[[], BaseException | None]: ...


class Chain:
    """A chain from the beginning of its warm-up; with `resumed`, from the transition of that number on.

    `statistics` and `positions` begin where the chain does. `positions` has a row for each draw that is
    kept, every `thin`-th after warm-up. `variances` (coordinate) are a first guess of the inverse mass.
    """

    def __init__(
        self, number: int, start: Array, *, kernel: Kernel, num_warmup: int, num_samples: int, seed: int,
        thin: int, resumed: int | None = None, variances: Array | None = None,
    ) -> None:  # fmt: skip
        dimension = len(start)
        self.start = start
        self.kind = metric_kind(kernel)
        self.actions = schedule(self.kind, num_warmup)
        self.begin = 0 if resumed is None else resumed
        self.at = self.begin  # the transition that `run` starts with
        self.end = (num_warmup if resumed is None else resumed) + num_samples * thin
        self.thin = thin
        self.settings = _settings(kernel)
        self.metric = identity_metric(self.kind, dimension)
        self.scaled = variances is not None
        if variances is not None:
            begin_with_variances(self.kind, self.metric, variances)
        depth = kernel.max_tree_depth if isinstance(kernel, NUTSKernel) else 1
        self.memory, self.weights = workspace(dimension, depth)
        self.memory[DRAW] = start
        self.state = np.zeros(STATE_SIZE)
        self.state[STEP] = self.settings[chain_code.FIXED_STEP] or 1.0
        self.state[SEARCHING] = self.settings[chain_code.FIXED_STEP] == 0.0
        self.generator = stream(seed, number)
        try:
            self.positions = np.zeros((num_samples, dimension))
            self.statistics = np.zeros((self.end - self.begin, len(STATISTICS)))
        except (MemoryError, ValueError) as error:
            raise QvrError(
                f"{num_samples:,} draws of {dimension:,} numbers don't fit into memory: draw fewer."
            ) from error
        self.counts = np.zeros(chain_code.COUNTS_SIZE, dtype=np.int64)
        self.counts[chain_code.COUNT_DONE] = self.begin

    @property
    def done(self) -> int:
        """Transitions made, warm-up's among them, those before it was resumed too."""
        return int(self.counts[chain_code.COUNT_DONE])

    @property
    def divergences(self) -> int:
        return int(self.counts[chain_code.COUNT_DIVERGENCES])

    @property
    def leapfrogs(self) -> int:
        """Leapfrog steps made, those of the transition under way not among them."""
        return int(self.counts[chain_code.COUNT_LEAPFROGS])

    @property
    def kept(self) -> int:
        """Rows of `positions` that hold draws so far."""
        before = max(self.begin, len(self.actions))
        return max(self.done - before, 0) // self.thin

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Of each row of `positions` whether a transition that led to it has diverged."""
        before = max(self.begin, len(self.actions)) - self.begin
        marks = self.statistics[before:, DIVERGENT].reshape(-1, self.thin)
        return np.asarray((marks != 0.0).any(axis=1))

    def take_up(self, metric: Array, step: float) -> None:
        """Goes on with an adapted metric and step size."""
        self.metric[:] = metric
        self.state[STEP] = step
        self.state[SEARCHING] = 0.0

    def take_over(self, part: ChainPart) -> None:
        """Goes on after what an earlier process made of this chain, as if it had been made here."""
        kept, warmed = len(part.positions), len(part.warmup)
        self.at = warmed + len(part.statistics)
        self.positions[:kept] = part.positions
        self.statistics[:warmed] = part.warmup
        self.statistics[warmed : self.at] = part.statistics
        self.memory[DRAW] = part.positions[-1]
        self.counts[chain_code.COUNT_DONE] = self.at
        self.counts[chain_code.COUNT_DIVERGENCES] = int((part.statistics[:, DIVERGENT] != 0.0).sum())
        self.counts[chain_code.COUNT_LEAPFROGS] = int(self.statistics[: self.at, LEAPFROGS].sum())
        self.take_up(part.metric, part.step_size)

    def run(self, density: DensityFunction, data: Array, cancel: NDArray[np.int64]) -> int:
        """Makes all transitions; returns how the chain ended."""
        learns = self.at == 0 and (self.actions & UPDATE).any()
        if learns and self.kind in (FISHER, LOW_RANK):
            self._begin_with_gradient(density, data)
        if not (learns and self.kind == LOW_RANK):
            return self._stretch(density, data, cancel, self.at, self.end)
        draws, gradients = [self.memory[DRAW].copy()], [self.metric[FOREGROUND + GRADIENT_MEAN].copy()]
        behind = at = 0  # draws before the background window's; transitions made
        for last in np.flatnonzero(self.actions & (UPDATE | SWITCH)):
            history = np.zeros((2 * (int(last) + 1 - at), self.memory.shape[1]))
            outcome = self._stretch(density, data, cancel, at, int(last) + 1, history)
            if outcome != chain_code.FINISHED:
                return outcome
            at = int(last) + 1
            draws.extend(history[0::2])
            gradients.extend(history[1::2])
            if self.actions[last] & UPDATE:
                with _DECOMPOSING:
                    update_low_rank(self.metric, np.array(draws), np.array(gradients))
            if self.actions[last] & SWITCH:
                draws, gradients = draws[behind:], gradients[behind:]
                behind = len(draws)
        return self._stretch(density, data, cancel, at, self.end)

    def _stretch(
        self, density: DensityFunction, data: Array, cancel: NDArray[np.int64], begin: int, end: int,
        history: Array | None = None,
    ) -> int:  # fmt: skip
        if history is None:
            history = np.zeros((0, self.memory.shape[1]))
        return compiled_chain()(
            density.address, data.ctypes.data, self.settings, self.kind, self.metric, self.memory,
            self.weights, self.state, self.generator, self.actions, len(self.actions), begin, end, self.begin,
            self.thin, self.positions, self.statistics, history, self.counts, cancel,
        )  # fmt: skip

    def _begin_with_gradient(self, density: DensityFunction, data: Array) -> None:
        """The start is the first point of both windows, and 1/|∇| the first guess of the inverse mass, unless
        variances were given.
        """
        gradient = np.zeros(len(self.memory[DRAW]))
        python_function(density.address)(self.memory[DRAW], gradient, data)
        if not self.scaled:
            with np.errstate(divide="ignore"):
                guess = np.clip(1.0 / np.abs(gradient), 1e-10, 1e10)
            self.metric[SCALE] = np.where(np.isfinite(gradient) & (gradient != 0.0), guess, 1.0)
        for moments in (FOREGROUND, BACKGROUND):
            self.metric[moments + MEAN] = self.memory[DRAW]
            self.metric[moments + GRADIENT_MEAN] = gradient
        self.state[FOREGROUND_COUNT] = self.state[BACKGROUND_COUNT] = 1.0


def schedule(kind: int, num_warmup: int) -> NDArray[np.int64]:
    """What warm-up does after each transition with a metric of that kind."""
    if kind == FISHER:
        return schedule_by_gradients(num_warmup)
    if kind == LOW_RANK:
        return schedule_by_gradients(num_warmup, each_draw=False)
    return schedule_by_draws(num_warmup)


def _settings(kernel: Kernel) -> Array:
    settings = np.zeros(6)
    settings[chain_code.TARGET_ACCEPT] = kernel.target_accept
    if isinstance(kernel, HMCKernel):
        settings[chain_code.METHOD] = chain_code.HMC
        settings[chain_code.LENGTH] = kernel.trajectory_length
        settings[chain_code.STEPS] = kernel.num_steps or 0
        settings[chain_code.FIXED_STEP] = kernel.step_size or 0.0
    else:
        settings[chain_code.METHOD] = chain_code.NUTS
        settings[chain_code.MAX_DEPTH] = kernel.max_tree_depth
    return settings
