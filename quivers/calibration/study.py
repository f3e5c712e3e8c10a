"""Simulation-based calibration of a program: draw from the prior, simulate data, fit, and rank the truth.

After Talts et al. 2018, "Validating Bayesian inference algorithms with simulation-based calibration", with
the joint log likelihood among the quantities that are ranked, which sees a posterior that ignores the data
(Modrák et al. 2023, doi:10.1214/23-BA1404). A replicate is a pure function of the study and its number, so
any `concurrent.futures.Executor` may run them, in any order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from quivers.backends.torch.module import ProgramModule
from quivers.calibration.bands import Band, simultaneous_band
from quivers.data import bind
from quivers.dsl import Program, loads
from quivers.errors import QvrError
from quivers.inference.compiled_run import CompiledRun, run_compiled
from quivers.inference.convergence import ess_bulk
from quivers.inference.kernels import NUTSKernel
from quivers.inference.mcmc import MCMC
from quivers.sampling_defaults import TARGET_ACCEPT

LOG_LIKELIHOOD = "log likelihood"
"""The name of the quantity that is no latent. No latent's name has a space."""

Samples = dict[str, NDArray[np.float64]]
Sampler = Callable[[Program, Mapping[str, Any], "Study", int, int], Samples]
"""From a program, data, a study, a number of draws and a seed to one chain of draws, (draw, *axes) each."""


def nuts(program: Program, data: Mapping[str, Any], study: Study, draws: int, seed: int) -> Samples:
    """One chain by NUTS, on the kernel where there is one, else on torch."""
    bound = bind(program.checked, program.program, data)
    module = program.morphism
    settings = NUTSKernel(target_accept=study.target_accept)
    run = run_compiled(
        module.density,
        bound.values,
        bound.sizes,
        settings,
        num_warmup=study.warmup,
        num_samples=draws,
        num_chains=1,
        seed=seed,
    )
    names = [latent.name for latent in module.density.latents]
    if isinstance(run, CompiledRun):
        return {name: run.samples[name][0] for name in names}
    by_torch = MCMC(settings, study.warmup, draws, 1, seed=seed, engine="torch").run(module, None, data)
    return {name: by_torch.samples[name][0].numpy() for name in names}


@dataclass(frozen=True)
class Study:
    """What to calibrate. `data` gives the inputs that are not observed, and the sizes of all objects.

    Values of observed inputs in it tell sizes only. Each posterior is ranked by `draws` draws, one of every
    `thin` of a chain; where these have fewer effective ones than that for some quantity, the chain is made
    anew with twice the length, up to `extensions` times. `sampler` must be a function that can be pickled
    where the executor has processes.
    """

    source: bytes
    data: Mapping[str, Any] = field(repr=False)
    seed: int = 0
    draws: int = 99
    thin: int = 10
    warmup: int = 500
    extensions: int = 3
    target_accept: float = TARGET_ACCEPT
    sampler: Sampler = field(default=nuts, repr=False)


@dataclass(frozen=True)
class Replicate:
    """Where the truth came among the draws: of each quantity the number of draws below it, (*axes).

    `ess` is the least effective size of the chain that the draws were taken from.
    """

    number: int
    ranks: Mapping[str, NDArray[np.int64]]
    ess: float


def replicate(study: Study, number: int) -> Replicate:
    """One draw from the prior, data simulated at it, and its ranks in their posterior.

    Raises:
        ProgramError: the program has errors.
        QvrError: it can't be simulated, because a prior is improper or an observed value is used elsewhere.
        SamplingError: the chain can't start or go on.
    """
    program = _loaded(study.source)
    sequence = np.random.SeedSequence([study.seed, number]).generate_state(2, np.uint64)
    truth, data = simulated(program, study.data, int(sequence[0] >> np.uint64(1)))
    thin = study.thin
    for attempt in range(study.extensions + 1):
        chain = study.sampler(program, data, study, study.draws * thin, int(sequence[1]) + attempt)
        chain[LOG_LIKELIHOOD] = log_likelihood(program, data, chain)
        sizes = [np.min(ess_bulk(values[None]), initial=np.inf) for values in chain.values()]
        if min(sizes) >= study.draws:
            break
        thin *= 2
    step = len(chain[LOG_LIKELIHOOD]) // study.draws
    ranks = {
        name: np.asarray((values[step - 1 :: step] < truth[name]).sum(axis=0), dtype=np.int64)
        for name, values in chain.items()
    }
    return Replicate(number, ranks, float(min(sizes)))


@cache
def _loaded(source: bytes) -> Program:
    """A process loads a program once for all its replicates."""
    return loads(source)


def simulated(program: Program, data: Mapping[str, Any], seed: int) -> tuple[Samples, dict[str, Any]]:
    """The latents and their log likelihood by a draw from the prior, and data as they make them.

    Raises:
        QvrError: a prior is improper, or an observed value is used before it is drawn.
    """
    module = program.morphism
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        drawn = module.rsample(data, generator=generator)
    observed = [entry.name for entry in program.program.inputs if entry.observed]
    missing = [name for name in observed if name not in drawn]
    if missing:
        raise QvrError(f"`{missing[0]}` is observed, but the program does not say how it is drawn.")
    made = {**data, **{name: drawn[name].numpy() for name in observed}}
    truth = {latent.name: drawn[latent.name].numpy() for latent in module.density.latents}
    alone = {name: value[None] for name, value in truth.items()}
    return {**truth, LOG_LIKELIHOOD: log_likelihood(program, made, alone)[0]}, made


def log_likelihood(program: Program, data: Mapping[str, Any], latents: Samples) -> NDArray[np.float64]:
    """The sum of all likelihood terms and scores, (draw,), at latents of (draw, *axes)."""
    module: ProgramModule = program.morphism
    scored = {term.site for term in module.density.terms if term.kind in ("likelihood", "score")}
    values = {name: draws for name, draws in latents.items() if name != LOG_LIKELIHOOD}
    with torch.no_grad():
        terms = module.log_prob({name: torch.from_numpy(np.array(x)) for name, x in values.items()}, data)
    count = len(next(iter(values.values())))
    total = np.zeros(count)
    for name in scored:
        total += terms[name].expand(count, *terms[name].shape[1:]).reshape(count, -1).sum(dim=1).numpy()
    return total


@dataclass(frozen=True, eq=False)
class Calibration:
    """The ranks of all replicates. `ranks` has for each quantity (replicate, *axes)."""

    study: Study
    ranks: Mapping[str, NDArray[np.int64]]
    ess: NDArray[np.float64]

    @property
    def replicates(self) -> int:
        return len(self.ess)

    def band(self, probability: float = 0.999) -> Band:
        """What the ranks of one quantity stay within, if the posterior is right, with this probability."""
        return simultaneous_band(self.replicates, self.study.draws + 1, probability)

    def quantities(self) -> Iterable[tuple[str, NDArray[np.int64]]]:
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
    study: Study,
    replicates: int,
    executor: Executor | None = None,
    progress: Callable[[int], None] | None = None,
) -> Calibration:
    """Run the replicates, in this thread or by an executor; the ranks are the same.

    `progress` is told how many are done. Raises what `replicate` raises.
    """
    if replicates < 1:
        raise QvrError(f"A calibration needs at least one replicate, not {replicates}.")
    run = partial(replicate, study)
    done: list[Replicate] = []
    for found in (map if executor is None else executor.map)(run, range(replicates)):
        done.append(found)
        if progress is not None:
            progress(len(done))
    names = done[0].ranks
    ranks = {name: np.stack([found.ranks[name] for found in done]) for name in names}
    return Calibration(study, ranks, np.array([found.ess for found in done]))
