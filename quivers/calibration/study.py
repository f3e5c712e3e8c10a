"""Simulation-based calibration of a program: draw from the prior, simulate data, fit, and rank the truth.

After Talts et al. 2018, "Validating Bayesian inference algorithms with simulation-based calibration",
arXiv:1804.06788, with the joint log likelihood among the quantities that are ranked, which sees a posterior
that ignores the data (Modrák et al. 2023, doi:10.1214/23-BA1404). A replicate is a pure function of the study
and its number, so threads or any `concurrent.futures.Executor` may run them, in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.calibration.bands import Band, simultaneous_band
from quivers.calibration.fit import Fit, Fitting, StoppedError
from quivers.calibration.simulation import BLOCK, Simulation
from quivers.dsl import Program, loads
from quivers.errors import DataError, QvrError
from quivers.inference.convergence import ess_bulk
from quivers.ir.graph import object_of
from quivers.sampling_defaults import TARGET_ACCEPT

_LOOK = 0.05  # seconds between looks at whether a study was cancelled

LOG_LIKELIHOOD = "log likelihood"
"""The name of the quantity that is no latent. No latent's name has a space."""

Samples = dict[str, NDArray[np.float64]]
Sampler = Callable[[Program, Mapping[str, Any], "Study", int, int], Samples]
"""From a program, its inputs, a study, a number of draws and a seed to one chain of draws, (draw, *axes)
each."""


@dataclass(frozen=True)
class Study:
    """What to calibrate. `data` gives the inputs that are not observed, and the sizes of all objects.

    Values of observed inputs in it tell sizes only. Each posterior is ranked by `draws` draws, one of every
    `thin` of a chain of NUTS; where these have fewer effective ones than that for some quantity, the chain
    goes on to twice its length, up to `extensions` times. `program` names the one to calibrate, by default
    the exported one, else the last. `sampler` takes the place of NUTS; it must be a function that can be
    pickled where an executor has processes.
    """

    source: bytes = field(repr=False)
    data: Mapping[str, Any] = field(repr=False)
    seed: int = 0
    draws: int = 99
    thin: int = 10
    warmup: int = 500
    extensions: int = 3
    target_accept: float = TARGET_ACCEPT
    program: str | None = None
    sampler: Sampler | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Replicate:
    """Where the truth came among the draws: of each quantity the number of draws below it, (*axes).

    `ess` is the least effective size of the chain that the draws were taken from. Where `problem` says why
    there is no posterior, there are no ranks.
    """

    number: int
    ranks: Mapping[str, NDArray[np.int64]]
    ess: float
    divergences: int = 0
    problem: str | None = None


class Prepared:
    """A study with its program loaded, checked and given its data, ready for any of its replicates."""

    def __init__(self, study: Study) -> None:
        """Raises:
        ProgramError: the program has errors.
        DataError: an input that is not observed is missing, or does not fit.
        UnsuitableError: no data can be simulated, or NUTS can't sample a latent.
        QvrError: there is no program of the name asked for.
        """
        for name, least in (("draws", 1), ("thin", 1), ("warmup", 0), ("extensions", 0)):
            if getattr(study, name) < least:
                raise QvrError(f"A study's {name} must be at least {least}, not {getattr(study, name)}.")
        program = loads(study.source)
        if study.program is not None:
            if study.program not in program.checked.programs:
                raise QvrError(f"There is no program `{study.program}`.")
            program = replace(program, name=study.program)
        self.study = study
        self.program = program
        self.simulation = Simulation(program, study.data, study.seed)
        density = self.simulation.module.density
        self.fitting = Fitting(density, self.simulation.bound.sizes)
        self.axes = {latent.name: tuple(map(object_of, latent.axes)) for latent in density.latents}

    def replicate(self, number: int, stop: NDArray[np.int64] | None = None) -> Replicate:
        """One draw from the prior, data simulated at it, and its ranks in their posterior.

        A one in `stop` ends it; raises StoppedError then.
        """
        simulated = self.simulation.at(number)
        if isinstance(simulated, str):
            return Replicate(number, {}, 0.0, problem=simulated)
        seeds = np.random.SeedSequence([self.study.seed, number]).generate_state(2, np.uint64)
        try:
            fit = self._fit(simulated.inputs, int(seeds[0] >> np.uint64(1)), stop)
            if fit.problem is not None:
                return Replicate(number, {}, 0.0, problem=fit.problem)
            latents = {name: np.concatenate([values, simulated.truth[name][None]])
                       for name, values in fit.latents.items()}  # fmt: skip
            values = {**latents, LOG_LIKELIHOOD: self.fitting.log_likelihood(simulated.inputs, latents)}
        except DataError as error:
            return Replicate(number, {}, 0.0, problem=f"The simulated data do not fit: {error}")
        for name, each in values.items():
            if not np.isfinite(each).all():
                return Replicate(number, {}, 0.0, problem=f"Some draws of {name} are not finite.")
        generator = np.random.Generator(np.random.Philox(int(seeds[1])))
        ranks = {name: _rank(each[:-1], each[-1], generator) for name, each in values.items()}
        return Replicate(number, ranks, fit.ess, fit.divergences)

    def _fit(self, inputs: dict[str, NDArray[np.float64]], seed: int, stop: NDArray[np.int64] | None) -> Fit:
        study = self.study
        if study.sampler is None:
            return self.fitting.fit(
                inputs, seed, np.zeros(1, dtype=np.int64) if stop is None else stop,
                target_accept=study.target_accept, warmup=study.warmup, draws=study.draws, thin=study.thin,
                extensions=study.extensions,
            )  # fmt: skip
        length = study.draws * study.thin
        for attempt in range(study.extensions + 1):
            chain = study.sampler(self.program, inputs, study, length, seed + attempt)
            ess = min(float(np.min(ess_bulk(values[None]), initial=np.inf)) for values in chain.values())
            if not ess < study.draws:
                break
            length *= 2
        every = len(next(iter(chain.values()))) // study.draws
        return Fit({name: values[every - 1 :: every] for name, values in chain.items()}, ess, 0)


def _rank(
    draws: NDArray[np.float64], truth: NDArray[np.float64], generator: np.random.Generator
) -> NDArray[np.int64]:
    """How many draws, (draw, *axes), are below the truth, (*axes); equal ones are by chance."""
    below, equal = (draws < truth).sum(axis=0), (draws == truth).sum(axis=0)
    return np.asarray(below + generator.integers(0, equal, endpoint=True), dtype=np.int64)


def replicate(study: Study, number: int) -> Replicate:
    """One replicate by itself; raises what `Prepared` raises."""
    return Prepared(study).replicate(number)


@dataclass(frozen=True, eq=False, repr=False)
class Calibration:
    """All replicates that were made, in order; of `asked` fewer where the study was stopped.

    A terminal shows the verdicts and what they mean, a notebook the picture too.
    """

    study: Study
    made: tuple[Replicate, ...]
    asked: int
    axes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    engine_reason: str | None = None

    def __repr__(self) -> str:
        from quivers.calibration.verdicts import calibration_title, meaning, remarks, verdicts
        from quivers.notebook.calibration import calibration_text

        found = verdicts(self)
        told = remarks(self), meaning(self, found)
        return calibration_text(calibration_title(self), found, self.study.draws, *told)

    def _repr_html_(self) -> str:
        from quivers.calibration.picture import picture
        from quivers.calibration.verdicts import band_of, calibration_title, meaning, remarks, verdicts
        from quivers.notebook.calibration import calibration_html

        found = verdicts(self)
        told = remarks(self), meaning(self, found), picture(found, band_of(self)) if found else ""
        return calibration_html(calibration_title(self), found, self.study.draws, *told)

    @property
    def fitted(self) -> tuple[Replicate, ...]:
        """The replicates that have ranks."""
        return tuple(each for each in self.made if each.problem is None)

    @property
    def failed(self) -> tuple[Replicate, ...]:
        """Those that have none."""
        return tuple(each for each in self.made if each.problem is not None)

    @property
    def replicates(self) -> int:
        """How many have ranks."""
        return len(self.fitted)

    @property
    def ranks(self) -> dict[str, NDArray[np.int64]]:
        """For each quantity (replicate, *axes); no quantity where no replicate has ranks."""
        fitted = self.fitted
        if not fitted:
            return {}
        return {name: np.stack([found.ranks[name] for found in fitted]) for name in fitted[0].ranks}

    @property
    def ess(self) -> NDArray[np.float64]:
        return np.array([found.ess for found in self.fitted])

    def band(self, probability: float = 0.999) -> Band:
        """What the ranks of one quantity stay within, if the posterior is right, with this probability."""
        return simultaneous_band(self.replicates, self.study.draws + 1, probability)

    def quantities(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Each number's name, its elements counted from 1 as in `theta[1]`, and its ranks, (replicate,)."""
        for name, ranks in self.ranks.items():
            for index in np.ndindex(ranks.shape[1:]):
                label = f"{name}[{','.join(str(i + 1) for i in index)}]" if index else name
                yield label, ranks[(slice(None), *index)]

    def failures(self, probability: float = 0.999) -> dict[str, float]:
        """The quantities whose ranks leave the band, with how far as a share of the replicates."""
        band = self.band(probability)
        found = {name: band.excess(ranks) for name, ranks in self.quantities()}
        return {name: excess for name, excess in found.items() if excess > 0.0}


def calibrate(
    study: Study | Prepared,
    replicates: int,
    executor: Executor | None = None,
    progress: Callable[[Replicate], None] | None = None,
    *,
    threads: int = 1,
    cancel: threading.Event | None = None,
) -> Calibration:
    """Run the replicates in threads, or by an executor of processes; the ranks are the same.

    `progress` is given each replicate as it is done, in any order, from one thread at a time. Setting
    `cancel` ends the chains that run, and the result has what was done until then; it works with threads
    only. Raises what `Prepared` raises.
    """
    if replicates < 1:
        raise QvrError(f"A calibration needs at least one replicate, not {replicates}.")
    if threads < 1:
        raise QvrError(f"A calibration needs at least one thread, not {threads}.")
    prepared = study if isinstance(study, Prepared) else Prepared(study)
    study = prepared.study
    numbers = [range(first, min(first + BLOCK, replicates)) for first in range(0, replicates, BLOCK)]
    if executor is not None:
        made = []
        for block in executor.map(partial(_block, study), numbers):
            made += block
            for each in block if progress is not None else ():
                progress(each)  # type: ignore[misc]
    else:
        made = _in_threads(prepared, replicates, threads, progress, cancel)
    bound = prepared.simulation.bound
    return Calibration(study, tuple(made), replicates, prepared.axes, bound.levels, prepared.fitting.reason)


def _block(study: Study, numbers: range) -> list[Replicate]:
    """Replicates that are simulated together, in a process of their own."""
    prepared = Prepared(study)
    return [prepared.replicate(number) for number in numbers]


def _in_threads(
    prepared: Prepared,
    replicates: int,
    threads: int,
    progress: Callable[[Replicate], None] | None,
    cancel: threading.Event | None,
) -> list[Replicate]:
    stop = np.zeros(1, dtype=np.int64)
    made: list[Replicate] = []
    telling = threading.Lock()
    numbers = iter(range(replicates))

    def work() -> None:
        while not stop[0]:
            with telling:
                number = next(numbers, None)
            if number is None:
                return
            try:
                found = prepared.replicate(number, stop)
            except StoppedError:
                return
            with telling:
                made.append(found)
                if progress is not None:
                    progress(found)

    pool = ThreadPoolExecutor(threads, thread_name_prefix="replicate")
    try:
        running = [pool.submit(work) for _ in range(threads)]
        while any(not future.done() for future in running):
            wait(running, timeout=_LOOK, return_when=FIRST_EXCEPTION)
            failed = any(future.done() and future.exception() is not None for future in running)
            if failed or (cancel is not None and cancel.is_set()):
                stop[0] = 1
        for future in running:
            future.result()
    finally:
        # Also on the way out of an exception: the chains must not outlive the call.
        stop[0] = 1
        pool.shutdown(wait=True)
    return sorted(made, key=lambda each: each.number)
