"""Several chains at once, each in a thread without the interpreter's lock, watched from the caller's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from quivers.errors import Cancelled, SamplingError
from quivers.inference import chain as chain_code
from quivers.inference.checkpoint import ChainPart
from quivers.inference.kernels import Kernel
from quivers.inference.machine_code import compiled_chain
from quivers.inference.mass_matrix import SCALE
from quivers.inference.one_chain import Chain, DensityFunction
from quivers.inference.step_size import STEP
from quivers.inference.trajectory import ACCEPTANCE, DIVERGENT, LEAPFROGS, SATURATED

Array = NDArray[np.float64]

# Seconds between looks at the chains, and between reports of their progress.
LOOK = 0.02
REPORT = 0.1


@dataclass(frozen=True, slots=True)
class ChainProgress:
    """How far a chain is: `done` of `total` transitions, warm-up among them, with `divergences` after it."""

    chain: int
    chains: int
    phase: Literal["warm-up", "sampling"]
    done: int
    total: int
    divergences: int


@dataclass(frozen=True, eq=False, slots=True)
class ChainStates:
    """All that chains go on from after warm-up, and so all that `MCMC.resume` needs beside model and data.

    `positions` (chain, coordinate) are unconstrained, `metrics` (chain, row, coordinate) the adapted mass
    matrices as `mass_matrix` lays them out, `step_sizes` (chain,). `transitions` counts each chain's, those
    of warm-up among them; a transition's random numbers come from its number and `seed`.
    """

    positions: Array
    metrics: Array
    step_sizes: Array
    transitions: int
    num_warmup: int
    thin: int
    seed: int
    kernel: Kernel


@dataclass(frozen=True, eq=False, slots=True)
class Draws:
    """What the chains drew, on the unconstrained space.

    `positions` has shape (chain, draw, coordinate); `statistics` and `warmup` have (chain, transition,
    `STATISTICS`); `inverse_mass` is the adapted diagonal (chain, coordinate). A cancelled run has the draws
    that all chains made. `states` is where the chains stood after the last of these.
    """

    positions: Array
    statistics: Array
    warmup: Array
    inverse_mass: Array
    cancelled: bool
    states: ChainStates


def per_draw(statistics: Array, thin: int) -> Array:
    """Statistics of each draw that is kept, from (chain, transition, `STATISTICS`), over its `thin`
    transitions.

    The log density, the energy, the depth and the step size are the last transition's. Leapfrog steps are
    summed, acceptance is averaged, and a draw has diverged where any of its transitions has.
    """
    if thin == 1:
        return statistics
    chains, transitions, columns = statistics.shape
    blocks = statistics.reshape(chains, transitions // thin, thin, columns)
    kept = blocks[:, :, -1].copy()
    kept[..., LEAPFROGS] = blocks[..., LEAPFROGS].sum(axis=2)
    kept[..., ACCEPTANCE] = blocks[..., ACCEPTANCE].mean(axis=2)
    kept[..., DIVERGENT] = blocks[..., DIVERGENT].max(axis=2)
    kept[..., SATURATED] = blocks[..., SATURATED].max(axis=2)
    return kept


def joined(first: Draws, second: Draws) -> Draws:
    """The draws of a run and of its continuation as those of one run."""
    return Draws(
        positions=np.concatenate([first.positions, second.positions], axis=1),
        statistics=np.concatenate([first.statistics, second.statistics], axis=1),
        warmup=first.warmup,
        inverse_mass=second.inverse_mass,
        cancelled=second.cancelled,
        states=second.states,
    )


def run_chains(
    density: DensityFunction,
    starts: Array,
    kernel: Kernel,
    *,
    num_warmup: int,
    num_samples: int,
    seed: int,
    thin: int = 1,
    data: Array | Sequence[Array] | None = None,
    threads: int | None = None,
    progress: Callable[[ChainProgress], None] | None = None,
    cancel: threading.Event | None = None,
    watch: Callable[[Sequence[Chain]], None] | None = None,
    variances: Array | None = None,
    parts: Sequence[ChainPart | None] | None = None,
) -> Draws:
    """Runs a chain from each of `starts` (chain, coordinate), by default all of them at the same time.

    Of the transitions after warm-up each `thin`-th is kept, `num_samples` in all. The draws depend on the
    seed alone, not on `threads` or on `progress`, which is called in this thread about ten times a second.
    Setting `cancel` stops every chain at its next leapfrog step. `data` is passed to the density, a sequence
    of arrays one to each chain. `watch` is given the chains before they start; their counts, and the draws
    that these say are there, may be read from any thread while they run. `variances` (chain, coordinate) are
    a first guess of each chain's inverse mass. `parts` has what an earlier process made of each chain; the
    draws are, to the bit, those of a run that was not interrupted.

    Raises `SamplingError` where the density fails or a chain finds no step size, `Cancelled` where the run
    was cancelled before every chain had a draw.
    """
    chains = [
        Chain(
            number,
            start,
            kernel=kernel,
            num_warmup=num_warmup,
            num_samples=num_samples,
            seed=seed,
            thin=thin,
            variances=None if variances is None else variances[number],
        )
        for number, start in enumerate(starts)
    ]
    for chain, part in zip(chains, parts or (), strict=False):
        if part is not None:
            chain.take_over(part)
    if watch is not None:
        watch(chains)
    cancelled = _run(chains, density, data, threads, num_warmup=num_warmup, progress=progress, cancel=cancel)
    return _drawn(chains, num_warmup, num_samples, thin, seed, kernel, cancelled)


def continue_chains(
    density: DensityFunction,
    states: ChainStates,
    num_samples: int,
    *,
    data: Array | Sequence[Array] | None = None,
    threads: int | None = None,
    progress: Callable[[ChainProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Draws:
    """`num_samples` further draws from where chains stood: to the bit those of a longer `run_chains`."""
    chains = []
    for number, start in enumerate(states.positions):
        chain = Chain(
            number, start, kernel=states.kernel, num_warmup=states.num_warmup, num_samples=num_samples,
            seed=states.seed, thin=states.thin, resumed=states.transitions,
        )  # fmt: skip
        chain.take_up(states.metrics[number], float(states.step_sizes[number]))
        chains.append(chain)
    cancelled = _run(chains, density, data, threads, num_warmup=0, progress=progress, cancel=cancel)
    return _drawn(chains, states.num_warmup, num_samples, states.thin, states.seed, states.kernel, cancelled)


def _run(
    chains: list[Chain],
    density: DensityFunction,
    data: Array | Sequence[Array] | None,
    threads: int | None,
    *,
    num_warmup: int,
    progress: Callable[[ChainProgress], None] | None,
    cancel: threading.Event | None,
) -> bool:
    """Runs the chains to their ends; tells whether they were cancelled."""
    stop = np.zeros(1, dtype=np.int64)
    if data is None or isinstance(data, np.ndarray):
        data = [np.zeros(0) if data is None else np.ascontiguousarray(data, dtype=np.float64)] * len(chains)
    compiled_chain()
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
    return cancelled


def _drawn(
    chains: list[Chain],
    num_warmup: int,
    num_samples: int,
    thin: int,
    seed: int,
    kernel: Kernel,
    cancelled: bool,
) -> Draws:
    begin = chains[0].begin
    warmed = max(num_warmup - begin, 0)
    completed = num_samples
    if cancelled:
        completed = max(min(chain.done for chain in chains) - begin - warmed, 0) // thin
        if completed == 0 and begin == 0:
            raise Cancelled("The run was cancelled before every chain had drawn.")
    made = completed * thin
    positions = np.stack([chain.positions[:completed] for chain in chains])
    last = positions[:, -1] if completed else np.stack([chain.start for chain in chains])
    return Draws(
        positions=positions,
        statistics=np.stack([chain.statistics[warmed : warmed + made] for chain in chains]),
        warmup=np.stack([chain.statistics[:warmed] for chain in chains]),
        inverse_mass=np.stack([chain.metric[SCALE] for chain in chains]),
        cancelled=cancelled and completed < num_samples,
        states=ChainStates(
            positions=last.copy(),
            metrics=np.stack([chain.metric for chain in chains]),
            step_sizes=np.array([chain.state[STEP] for chain in chains]),
            transitions=begin + warmed + made,
            num_warmup=num_warmup,
            thin=thin,
            seed=seed,
            kernel=kernel,
        ),
    )


def _watch(
    running: list[Future[int]],
    chains: list[Chain],
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
    chains: list[Chain], num_warmup: int, progress: Callable[[ChainProgress], None], reported: list[int]
) -> None:
    """Tells of each chain that moved since it was last told of."""
    for number, chain in enumerate(chains):
        done = chain.done
        if done != reported[number]:
            reported[number] = done
            phase: Literal["warm-up", "sampling"] = "warm-up" if done < num_warmup else "sampling"
            made, total = done - chain.begin, chain.end - chain.begin
            progress(ChainProgress(number, len(chains), phase, made, total, chain.divergences))


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
