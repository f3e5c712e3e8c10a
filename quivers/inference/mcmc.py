"""Markov chain Monte Carlo on a program: binds the data, runs the chains, and names what they drew."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from quivers.errors import QvrError
from quivers.inference.arguments import (
    check_by_name,
    check_called,
    check_kind,
    check_model,
    check_names,
    check_result,
    check_watching,
)
from quivers.inference.chains import ChainProgress, continue_chains, joined, run_chains
from quivers.inference.checkpoint import Begun, Checkpoint, Record
from quivers.inference.engine import Engine, engine_for, held_against_torch, moved_engine
from quivers.inference.kept_sites import KeptSites, kept_sites
from quivers.inference.kernels import HMCKernel, Kernel, NUTSKernel, check_choice, check_count, check_seed
from quivers.inference.machine_code import compiled_chain
from quivers.inference.mcmc_result import MCMCResult, Origin, result_of
from quivers.inference.one_chain import Chain
from quivers.inference.pathfinder_starts import pathfinder_starts
from quivers.inference.reparameterize import (
    Asked,
    Chosen,
    Forms,
    check_asked,
    choose,
    forms_of,
    settled_forms,
    shifted,
    with_first_part,
)
from quivers.inference.site_axes import site_axes
from quivers.inference.starts import STRATEGIES, starting_points
from quivers.sampling_defaults import CHAINS, DRAWS, ENGINE, ENGINES, WARMUP

if TYPE_CHECKING:
    from quivers.backends.pointer import DensityPointer
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.element_names import Levels

# A look at a run under way works out no more numbers than these.
MOST_NUMBERS_OF_A_LOOK = 2_000_000


class MCMC:
    """A run to be made: how each chain moves, how many there are, how long they run and where they start.

    Each chain keeps `num_samples` draws, every `thin`-th of those it makes after warm-up. `init_strategy` is
    "prior"; "uniform", on (−2, 2) of the unconstrained space; "pathfinder", a draw where a path of Pathfinder
    goes from there, whose variances are the first mass matrix; or "value", which starts every chain at
    `initial_values`, a value for each latent on its own scale. A run with a given `seed` can be repeated
    exactly; without one, torch's global generator gives it, so `torch.manual_seed` governs, and the result
    records it. At most `threads` chains run at a time, by default all of them; the draws do not depend on it.

    `engine` says what computes the log density: "kernel", machine code made of the program; "torch"; or
    "auto", the kernel wherever it can be built. A kernel is held against torch at the starting points, and
    where they differ torch runs; the result's `engine` and `engine_reason` tell.

    `reparameterize` moves latents of location-scale families whose location or scale depends on other latents
    between the centred form, in which they are written, and the non-centred one: "noncentred" all of them,
    "auto" each element as far as the first draws of warm-up say, or by name, such as {"theta": 0.3}, a number
    or an array from 0, non-centred, to 1, centred. "centred" and None leave them as written. The draws come
    back under the names the user wrote; the result's `reparameterized` tells what was done.

    The result holds draws of all latents, and of the lets that depend on them. A let of more than 1,000
    numbers is worked out when it is asked for, `samples["m"]`, unless `keep` names it; what `drop` names is
    left out as well, which saves memory where a latent runs over many rows.
    """

    def __init__(
        self,
        kernel: Kernel,
        num_warmup: int = WARMUP,
        num_samples: int = DRAWS,
        num_chains: int = CHAINS,
        init_strategy: str = "uniform",
        seed: int | None = None,
        initial_values: Mapping[str, Any] | None = None,
        engine: str = ENGINE,
        thin: int = 1,
        threads: int | None = None,
        reparameterize: Asked = None,
        keep: Collection[str] = (),
        drop: Collection[str] = (),
    ) -> None:
        check_kind("kernel", kernel, (NUTSKernel, HMCKernel), "a kernel, such as NUTSKernel()")
        check_count("num_warmup", num_warmup, 0)
        check_count("num_samples", num_samples, 1)
        check_count("num_chains", num_chains, 1)
        check_count("thin", thin, 1)
        if threads is not None:
            check_count("threads", threads, 1)
        check_seed(seed)
        check_choice("init_strategy", init_strategy, STRATEGIES)
        if (init_strategy == "value") != (initial_values is not None):
            raise QvrError('initial_values and init_strategy="value" go together: give both or neither.')
        check_by_name("initial_values", initial_values, '{"mu": 0.0}')
        check_choice("engine", engine, ENGINES)
        check_asked(reparameterize)
        check_names("keep", keep)
        check_names("drop", drop)
        self.kernel = kernel
        self.num_warmup = num_warmup
        self.num_samples = num_samples
        self.num_chains = num_chains
        self.init_strategy = init_strategy
        self.seed = seed
        self.initial_values = initial_values
        self.engine = engine
        self.thin = thin
        self.threads = threads
        self.reparameterize = reparameterize
        self.keep = tuple(keep)
        self.drop = tuple(drop)

    def run(
        self,
        model: ProgramModule,
        x: Any = None,
        observations: Mapping[str, Any] | None = None,
        *,
        progress: bool | Callable[[ChainProgress], None] | None = None,
        cancel: threading.Event | None = None,
        watch: Callable[[Underway], None] | None = None,
        record: Record | None = None,
        checkpoint: Checkpoint | None = None,
    ) -> MCMCResult:
        """Samples the posterior of `model` given `observations`, the program's inputs by name.

        `x` is a value of the program's domain, which no program reads yet. `progress` is called in this
        thread, about ten times a second; True draws bars where standard error is a terminal. Setting `cancel`
        ends the run within a tenth of a second; it then has the draws made so far. `watch` is given a view of
        the chains, just before they start, through which any thread may look at what they have drawn so far.
        `record` is told of the run then too, so that it can be saved while it is made; with a `checkpoint` of
        such a run its chains go on from there.

        Raises `DataError` where the observations do not fit, `SamplingError` where the chains cannot start
        or go on, `Cancelled` where the run was cancelled before every chain had drawn.
        """
        check_model(model)
        check_watching(progress, cancel)
        check_called("watch", watch, "the view of a run")
        check_called("record", record, "how a run begins and its chains")
        if checkpoint is not None:
            check_kind("checkpoint", checkpoint, Checkpoint, "a Checkpoint of a saved run")
        if isinstance(progress, bool):
            with _bars(progress) as shown:
                return self.run(
                    model, x, observations, progress=shown, cancel=cancel, watch=watch, record=record,
                    checkpoint=checkpoint,
                )  # fmt: skip
        began = time.perf_counter()
        bound = model.bind({} if observations is None else observations)
        if bound.dimension == 0:
            raise QvrError("The program samples nothing, so there is no posterior to draw from.")
        kept = kept_sites(bound.density, bound.sizes, self.keep, self.drop)
        forms = forms_of(self.reparameterize, model.density, bound.sizes, self.num_warmup)
        if checkpoint is not None:
            forms = settled_forms(forms, checkpoint.begun.shares)
        density = model.density if forms is None else forms.density
        bound = bound if forms is None else bound.moved(density, forms.shares)
        engine = engine_for(self.engine, density, bound)
        compiled_chain()
        compiled = time.perf_counter()
        seed = int(torch.randint(2**62, ()).item()) if self.seed is None else self.seed
        starts = self._starts(bound, engine, seed) if checkpoint is None else checkpoint.begun.starts
        checked = held_against_torch(engine, self.engine, bound, starts)
        if checked is not engine:
            engine = checked
            starts = self._starts(bound, checked, seed) if checkpoint is None else starts
        variances = chosen = None
        if checkpoint is not None:
            _same_engine(checkpoint, engine)
            variances = checkpoint.begun.variances
            if forms is not None and checkpoint.begun.first is not None:
                chosen = Chosen(forms, starts, checkpoint.begun.first)
        elif self.init_strategy == "pathfinder":
            starts, variances = pathfinder_starts(
                engine.density, starts, seed=seed, data=engine.density.block(), cancel=cancel
            )
        if forms is not None and forms.automatic:
            chosen = self._chosen(forms, bound, engine, starts, seed, progress, cancel)
            forms, starts = chosen.forms, chosen.starts
            bound = bound.moved(density, forms.shares)
            engine = moved_engine(engine, bound)
        begun = 0 if chosen is None else chosen.transitions
        # A form that was chosen has other scales, which its first part learnt.
        variances = None if chosen is not None else variances
        first = None if chosen is None else chosen.warmup
        settled = Begun(engine.name, starts, variances, {} if forms is None else forms.shares, first)

        def watching(chains: Sequence[Chain]) -> None:
            if record is not None:
                record(settled, chains)
            if watch is not None:
                watch(Underway(bound, chains, kept))

        draws = run_chains(
            engine.density,
            starts,
            self.kernel,
            num_warmup=self.num_warmup - begun,
            num_samples=self.num_samples,
            seed=seed,
            thin=self.thin,
            data=[engine.density.block() for _ in range(self.num_chains)],
            threads=self.threads,
            progress=shifted(progress, begun, self._transitions),
            cancel=cancel,
            watch=watching,
            variances=variances,
            parts=None if checkpoint is None else checkpoint.parts,
        )
        if chosen is not None:
            draws = with_first_part(draws, chosen)
        sampled = time.perf_counter()
        seconds = {"compile": compiled - began, "sample": sampled - compiled}
        given = {} if observations is None else observations
        how = {} if forms is None else forms.reparameterized
        return result_of(Origin(model, given, bound, engine, draws, self.num_samples, kept, how), seconds)

    def resume(
        self,
        previous: MCMCResult,
        num_samples: int,
        *,
        progress: bool | Callable[[ChainProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> MCMCResult:
        """Goes on where a run ended, or was cancelled, for `num_samples` draws more of each chain.

        The result has the draws of both; to the bit it is what one run of that length gives. Kernel, seed and
        thinning are the previous run's, and so are its model and data. `progress` and `cancel` are as in
        `run`.

        Raises as `run` does.
        """
        check_result("previous", previous)
        check_count("num_samples", num_samples, 1)
        check_watching(progress, cancel)
        if isinstance(progress, bool):
            with _bars(progress) as shown:
                return self.resume(previous, num_samples, progress=shown, cancel=cancel)
        before = previous.run
        began = time.perf_counter()
        draws = continue_chains(
            before.engine.density,
            before.draws.states,
            num_samples,
            data=[before.engine.density.block() for _ in range(len(before.draws.positions))],
            threads=self.threads,
            progress=progress,
            cancel=cancel,
        )
        seconds = {**previous.seconds, "sample": previous.seconds["sample"] + time.perf_counter() - began}
        wanted = before.draws.positions.shape[1] + num_samples
        return result_of(replace(before, draws=joined(before.draws, draws), wanted=wanted), seconds)

    @property
    def _transitions(self) -> int:
        """Those of a chain, in warm-up and after it."""
        return self.num_warmup + self.num_samples * self.thin

    def _chosen(
        self,
        forms: Forms,
        bound: BoundModel,
        engine: Engine,
        starts: np.ndarray,
        seed: int,
        progress: Callable[[ChainProgress], None] | None,
        cancel: threading.Event | None,
    ) -> Chosen:
        def at(forms: Forms) -> tuple[DensityPointer, list[np.ndarray]]:
            moved = moved_engine(engine, bound.moved(forms.density, forms.shares)).density
            return moved, [moved.block() for _ in range(self.num_chains)]

        return choose(
            forms,
            {name: value.numpy() for name, value in bound.inputs.items()},
            bound.sizes,
            at,
            starts,
            self.kernel,
            num_warmup=self.num_warmup,
            total=self._transitions,
            seed=seed,
            threads=self.threads,
            progress=progress,
            cancel=cancel,
        )

    def _starts(self, bound: BoundModel, engine: Engine, seed: int) -> np.ndarray:
        return starting_points(
            bound,
            engine.density,
            strategy=self.init_strategy,
            num_chains=self.num_chains,
            seed=seed,
            initial_values=self.initial_values,
            data=engine.density.block(),
        )


@dataclass(frozen=True, eq=False, slots=True)
class Underway:
    """A run while it is made; what it says may be asked from any thread."""

    bound: BoundModel
    chains: Sequence[Chain]
    kept_sites: KeptSites

    @property
    def leapfrogs(self) -> int:
        """Leapfrog steps of all chains so far."""
        return sum(chain.leapfrogs for chain in self.chains)

    @property
    def kept(self) -> tuple[int, int]:
        """Draws that all chains have kept so far, and how many there will be."""
        return sum(chain.kept for chain in self.chains), sum(len(chain.positions) for chain in self.chains)

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """The objects that each site runs over."""
        return site_axes(self.bound.density)

    @property
    def levels(self) -> Levels:
        """The names of the elements of those objects that the data name."""
        return self.bound.levels

    def samples(self, numbers: int) -> dict[str, np.ndarray]:
        """The sites that the run keeps in the draws so far, (draw, *axes), the chains one after another.

        Of more than `numbers` coordinates in all, draws are taken evenly.
        """
        made = np.concatenate([chain.positions[: chain.kept] for chain in self.chains])
        every = max(1, -(-made.size // numbers))
        drawn = self.bound.draws_of(self.kept_sites.names, torch.from_numpy(made[::every]))
        return {name: value.numpy() for name, value in drawn.items()}

    def draws_of(
        self, site: str, index: Sequence[int], points: int
    ) -> tuple[list[np.ndarray], list[np.ndarray], int]:
        """One number of a site, `index` from 0: its draws so far by chain, which diverged, and the thinning.

        About `points` draws of each chain, fewer of a very large site.

        Raises:
            LookupError: there is no such site or number.
        """
        kept = [chain.kept for chain in self.chains]
        shape = tuple(self.bound.sizes[name] for name in self.axes[site])
        if len(index) != len(shape) or not all(0 <= i < n for i, n in zip(index, shape, strict=True)):
            raise LookupError(index)
        size = max(1, math.prod(shape), self.bound.dimension)
        points = max(2, min(points, MOST_NUMBERS_OF_A_LOOK // (size * len(self.chains))))
        every = max(1, -(-max(kept) // points))
        rows = [chain.positions[:count:every] for chain, count in zip(self.chains, kept, strict=True)]
        values = self.bound.draws_of([site], torch.from_numpy(np.concatenate(rows)))[site]
        place: tuple[Any, ...] = (slice(None), *index)
        drawn = values[place].numpy()
        ends = np.cumsum([len(each) for each in rows])[:-1]
        diverged = [
            np.flatnonzero(chain.diverged[:count]) for chain, count in zip(self.chains, kept, strict=True)
        ]
        return np.split(drawn, ends), diverged, every


def _bars(wanted: bool) -> AbstractContextManager[Callable[[ChainProgress], None] | None]:
    """Bars of the chains on standard error, where they are wanted and it is a terminal."""
    from quivers.terminal.progress import progress

    return progress(sys.stderr, quiet=not (wanted and sys.stderr.isatty()))


def _same_engine(checkpoint: Checkpoint, engine: Engine) -> None:
    if checkpoint.begun.engine != engine.name:
        why = "" if engine.reason is None else f" ({engine.reason})"
        raise QvrError(
            f"The run was sampled by the {checkpoint.begun.engine} engine, which is not to be had now{why},"
            " so it can't go on to the same draws: run it anew."
        )
