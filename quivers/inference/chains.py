"""Several chains at once, each in a thread without the interpreter's lock, watched from the caller's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from quivers.errors import Cancelled, SamplingError
from quivers.inference import chain as chain_code
from quivers.inference.compiled import Address
from quivers.inference.kernels import NUTSKernel
from quivers.inference.mass_matrix import KINDS, SCALE, identity_metric
from quivers.inference.random import stream
from quivers.inference.step_size import AVERAGING_SIZE
from quivers.inference.trajectory import DRAW, STATISTICS, workspace
from quivers.inference.warmup import windows

Array = NDArray[np.float64]

# Seconds between looks at the chains, and between reports of their progress.
LOOK = 0.02
REPORT = 0.1


class DensityFunction(Protocol):
    """A log density and its gradient as a C function; `failure` tells of an exception inside it."""

    @property
    def address(self) -> int: ...

    @property
    def failure(self) -> Callable[[], BaseException | None]: ...


@dataclass(frozen=True, slots=True)
class ChainProgress:
    """How far a chain is: `done` of `total` transitions, warm-up among them, with `divergences` after it."""

    chain: int
    chains: int
    phase: Literal["warm-up", "sampling"]
    done: int
    total: int
    divergences: int


@dataclass(frozen=True, slots=True)
class Draws:
    """What the chains drew, on the unconstrained space.

    `positions` has shape (chain, draw, coordinate); `statistics` and `warmup` have (chain, transition,
    `STATISTICS`); `inverse_mass` is the adapted diagonal (chain, coordinate). A cancelled run has the draws
    that all chains made.
    """

    positions: Array
    statistics: Array
    warmup: Array
    inverse_mass: Array
    cancelled: bool


class _Chain:
    """One chain's arguments, and the arrays that it writes."""

    def __init__(
        self, number: int, start: Array, *, kernel: NUTSKernel, num_warmup: int, num_samples: int, seed: int
    ) -> None:
        dimension = len(start)
        self.kernel = kernel
        self.windows = windows(num_warmup)
        self.kind = KINDS[kernel.mass_matrix]
        self.metric = identity_metric(self.kind, dimension)
        self.memory, self.weights = workspace(dimension, kernel.max_tree_depth)
        self.memory[DRAW] = start
        self.generator = stream(seed, number)
        self.positions = np.zeros((num_samples, dimension))
        self.statistics = np.zeros((num_warmup + num_samples, len(STATISTICS)))
        self.counts = np.zeros(chain_code.COUNTS_SIZE, dtype=np.int64)

    def run(self, density: DensityFunction, data: Array, cancel: NDArray[np.int64]) -> int:
        return chain_code.compiled_chain()(
            Address(density.address),
            data,
            self.kind,
            self.metric,
            self.memory,
            self.weights,
            np.zeros(AVERAGING_SIZE),
            self.generator,
            self.windows.start,
            self.windows.stop,
            np.array(self.windows.updates, dtype=np.int64),
            float(self.kernel.target_accept),
            self.kernel.max_tree_depth,
            self.positions,
            self.statistics,
            self.counts,
            cancel,
        )

    @property
    def done(self) -> int:
        return int(self.counts[chain_code.COUNT_DONE])


def run_chains(
    density: DensityFunction,
    starts: Array,
    kernel: NUTSKernel,
    *,
    num_warmup: int,
    num_samples: int,
    seed: int,
    data: Array | Sequence[Array] | None = None,
    threads: int | None = None,
    progress: Callable[[ChainProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Draws:
    """Runs a chain from each of `starts` (chain, coordinate), by default all of them at the same time.

    The draws depend on the seed alone, not on `threads` or on `progress`, which is called in this thread
    about ten times a second. Setting `cancel` stops every chain at its next leapfrog step. `data` is passed
    to the density, a sequence of arrays one to each chain.

    Raises `SamplingError` where the density fails or a chain finds no step size, `Cancelled` where the run
    was cancelled before every chain had a draw.
    """
    chains = [
        _Chain(number, start, kernel=kernel, num_warmup=num_warmup, num_samples=num_samples, seed=seed)
        for number, start in enumerate(starts)
    ]
    stop = np.zeros(1, dtype=np.int64)
    if data is None or isinstance(data, np.ndarray):
        data = [np.zeros(0) if data is None else np.ascontiguousarray(data, dtype=np.float64)] * len(chains)
    chain_code.compiled_chain()
    pool = ThreadPoolExecutor(threads or len(chains), thread_name_prefix="chain")
    try:
        running = [
            pool.submit(chain.run, density, numbers, stop)
            for chain, numbers in zip(chains, data, strict=True)
        ]
        cancelled = _watch(
            running, chains, density, stop, num_warmup=num_warmup, progress=progress, cancel=cancel
        )
    finally:
        # Also on the way out of an interrupt or of an exception in `progress`: the chains must not outlive
        # the call.
        stop[0] = 1
        pool.shutdown(wait=True)
    failure = density.failure()
    if failure is not None:
        raise SamplingError(f"The log density could not be computed: {failure}") from failure
    _check_ends([future.result() for future in running])
    completed = min(chain.done for chain in chains) - num_warmup if cancelled else num_samples
    if cancelled and completed <= 0:
        raise Cancelled("The run was cancelled before every chain had drawn.")
    return Draws(
        positions=np.stack([chain.positions[:completed] for chain in chains]),
        statistics=np.stack([chain.statistics[num_warmup : num_warmup + completed] for chain in chains]),
        warmup=np.stack([chain.statistics[:num_warmup] for chain in chains]),
        inverse_mass=np.stack([chain.metric[SCALE] for chain in chains]),
        cancelled=cancelled and completed < num_samples,
    )


def _watch(
    running: list[Future[int]],
    chains: list[_Chain],
    density: DensityFunction,
    stop: NDArray[np.int64],
    *,
    num_warmup: int,
    progress: Callable[[ChainProgress], None] | None,
    cancel: threading.Event | None,
) -> bool:
    """Waits for the chains and reports on them; tells whether the run was cancelled."""
    finished = threading.Event()
    left = len(running)
    lock = threading.Lock()

    def one_less(_: Future[int]) -> None:
        nonlocal left
        with lock:
            left -= 1
            if left == 0:
                finished.set()

    for future in running:
        future.add_done_callback(one_less)
    reported = [-1] * len(chains)
    next_report = time.monotonic() + REPORT
    cancelled = False
    while not finished.wait(LOOK):
        if cancel is not None and cancel.is_set():
            cancelled = True
            stop[0] = 1
        elif density.failure() is not None or any(future.done() and future.result() for future in running):
            stop[0] = 1
        if progress is not None and time.monotonic() >= next_report:
            _report(chains, num_warmup, progress, reported)
            next_report = time.monotonic() + REPORT
    if progress is not None:
        _report(chains, num_warmup, progress, reported)
    return cancelled


def _report(
    chains: list[_Chain], num_warmup: int, progress: Callable[[ChainProgress], None], reported: list[int]
) -> None:
    """Tells of each chain that moved since it was last told of."""
    for number, chain in enumerate(chains):
        done = chain.done
        if done != reported[number]:
            reported[number] = done
            phase: Literal["warm-up", "sampling"] = "warm-up" if done < num_warmup else "sampling"
            divergences = int(chain.counts[chain_code.COUNT_DIVERGENCES])
            progress(ChainProgress(number, len(chains), phase, done, len(chain.statistics), divergences))


def _check_ends(ends: list[int]) -> None:
    for number, end in enumerate(ends, start=1):
        if end == chain_code.STEP_TOO_SMALL:
            raise SamplingError(
                f"Chain {number} found no step size: however small its steps, the log density or its"
                " gradient is not finite near its position. Look for a parameter at the edge of its support."
            )
        if end == chain_code.STEP_TOO_LARGE:
            raise SamplingError(
                f"Chain {number} found no step size: however far it steps, the log density hardly falls, so"
                " the posterior has no finite mass. Give every latent a proper prior."
            )
