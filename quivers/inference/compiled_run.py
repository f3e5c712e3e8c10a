"""A run by the kernel alone, which needs no torch: loading torch takes longer than most runs.

The draws are those of `MCMC` with the kernel and the same seed; only the check against torch is not made.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quivers.backends.kernel.draws import constrained
from quivers.backends.kernel.kernel import Kernels, NotCompiled
from quivers.backends.pointer import DensityPointer, kernel_pointer
from quivers.inference.chains import ChainProgress, Draws, per_draw, run_chains
from quivers.inference.checkpoint import Begun, Checkpoint, Record
from quivers.inference.checks import troubles
from quivers.inference.kept_sites import KeptSites, LeftOut, kept_sites
from quivers.inference.kernels import Kernel
from quivers.inference.machine_code import compiled_chain
from quivers.inference.reparameterize import (
    Asked,
    Chosen,
    Form,
    Forms,
    centred_ones,
    choose,
    forms_of,
    settled_forms,
    shifted,
    with_first_part,
)
from quivers.inference.samples import Samples
from quivers.inference.site_axes import site_axes
from quivers.inference.starts import uniform_starts
from quivers.inference.trajectory import STATISTICS
from quivers.ir.graph import Density

if TYPE_CHECKING:
    from quivers.element_names import Levels
    from quivers.results import SummaryRow, Trouble

_DIVERGED = STATISTICS.index("diverged")


@dataclass(frozen=True, eq=False)
class CompiledRun:
    """Draws from a posterior: `samples` as `MCMCResult` has them, each (chain, draw, *axes), as arrays.

    `latents` names those of them that are drawn; the others are lets.
    `axes` has the objects that each site runs over, `levels` the names of their elements where the data name
    them. `statistics` and those of `warmup` are (chain, transition, `STATISTICS`).
    `reparameterized` says how each latent was sampled.
    """

    samples: dict[str, NDArray[np.float64]]
    statistics: NDArray[np.float64]
    warmup: NDArray[np.float64]
    seconds: dict[str, float]
    cancelled: bool
    draws: Draws
    wanted: int
    axes: Mapping[str, tuple[str, ...]]
    levels: Levels
    latents: tuple[str, ...] = ()
    reparameterized: Mapping[str, Form] = field(default_factory=dict)
    engine: str = "kernel"
    engine_reason: str | None = None
    left_out: tuple[LeftOut, ...] = ()

    @property
    def total_divergences(self) -> int:
        return int(self.statistics[..., _DIVERGED].sum())

    @property
    def kept(self) -> int:
        """Draws of each chain."""
        return int(self.draws.positions.shape[1])

    def summary(self) -> tuple[SummaryRow, ...]:
        """A row for each number: mean, sd, quantiles, effective sizes, Monte Carlo error and R-hat."""
        return self._rows

    def check(self) -> tuple[str, ...]:
        """A sentence for each problem of the run, as `MCMCResult.check` gives them."""
        return tuple(trouble.message for trouble in self.troubles)

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """The problems of the run, the gravest first."""
        centred = centred_ones(self.reparameterized)
        return troubles(self.draws, self._rows, self.wanted, centred=centred)

    @cached_property
    def _rows(self) -> tuple[SummaryRow, ...]:
        from quivers.results import summarise

        return summarise(self.samples, self.axes, self.levels)


def run_compiled(
    density: Density,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    settings: Kernel,
    *,
    num_warmup: int,
    num_samples: int,
    num_chains: int,
    seed: int,
    thin: int = 1,
    init: str = "uniform",
    levels: Levels | None = None,
    reparameterize: Asked = None,
    progress: Callable[[ChainProgress], None] | None = None,
    cancel: threading.Event | None = None,
    record: Record | None = None,
    checkpoint: Checkpoint | None = None,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
) -> CompiledRun | NotCompiled:
    """Samples a density in the constrained space, over inputs that have the axes of the program's.

    `keep` and `drop` are `MCMC`'s. `init` says where the chains start: "uniform", or "pathfinder". `record`
    is told of the run just before its chains start; with a `checkpoint` of such a run they go on from there.

    Where there is no kernel, or it finds nowhere to start, that is the answer; torch can then run, or say
    what is wrong.

    Raises:
        QvrError: `keep` or `drop` names what is no latent and no let.
        SamplingError: the chains can't go on.
        Cancelled: the run was cancelled before every chain had drawn.
    """
    began = time.perf_counter()
    kept = kept_sites(density, sizes, keep, drop)
    forms = forms_of(reparameterize, density, sizes, num_warmup)
    if checkpoint is not None:
        forms = settled_forms(forms, checkpoint.begun.shares)
    shares = {} if forms is None else forms.shares
    density = density if forms is None else forms.density
    kernels = Kernels(density)
    built = kernels({**inputs, **shares}, sizes)
    if isinstance(built, NotCompiled):
        return built
    if built.dimension == 0:
        return NotCompiled("The program samples nothing")
    pointer = kernel_pointer(built)
    compiled_chain()
    compiled = time.perf_counter()
    blocks = [built.block() for _ in range(num_chains)]
    starts: NDArray[np.float64] | None
    variances = chosen = None
    if checkpoint is not None:
        starts, variances = checkpoint.begun.starts, checkpoint.begun.variances
        if forms is not None and checkpoint.begun.first is not None:
            chosen = Chosen(forms, starts, checkpoint.begun.first)
    else:
        data = built.block()
        starts = uniform_starts(pointer, built.dimension, num_chains=num_chains, seed=seed, data=data)
    if starts is None:
        return NotCompiled("The kernel found no starting point with a finite log density")
    if init == "pathfinder" and checkpoint is None:
        from quivers.inference.pathfinder_starts import pathfinder_starts

        starts, variances = pathfinder_starts(pointer, starts, seed=seed, data=built.block(), cancel=cancel)
    if forms is not None and forms.automatic:

        def at(forms: Forms) -> tuple[DensityPointer, list[NDArray[np.float64]]]:
            moved = kernels({**inputs, **forms.shares}, sizes)
            assert not isinstance(moved, NotCompiled), "what was compiled for these sizes serves them"
            return kernel_pointer(moved), [moved.block() for _ in range(num_chains)]

        chosen = choose(
            forms,
            inputs,
            sizes,
            at,
            starts,
            settings,
            num_warmup=num_warmup,
            total=num_warmup + num_samples * thin,
            seed=seed,
            progress=progress,
            cancel=cancel,
        )
        forms, starts = chosen.forms, chosen.starts
        pointer, blocks = at(forms)
    begun = 0 if chosen is None else chosen.transitions
    # A form that was chosen has other scales, which its first part learnt.
    variances = None if chosen is not None else variances
    first = None if chosen is None else chosen.warmup
    settled = Begun("kernel", starts, variances, {} if forms is None else forms.shares, first)
    draws = run_chains(
        pointer,
        starts,
        settings,
        num_warmup=num_warmup - begun,
        num_samples=num_samples,
        seed=seed,
        thin=thin,
        data=blocks,
        progress=shifted(progress, begun, num_warmup + num_samples * thin),
        cancel=cancel,
        watch=None if record is None else lambda chains: record(settled, chains),
        variances=variances,
        parts=None if checkpoint is None else checkpoint.parts,
    )
    seconds = {"compile": compiled - began, "sample": time.perf_counter() - compiled}
    if chosen is not None:
        draws = with_first_part(draws, chosen)
    return _result(density, inputs, sizes, draws, forms, seconds, num_samples, levels, kept)


def result_of(
    density: Density,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    draws: Draws,
    *,
    wanted: int,
    seconds: dict[str, float],
    levels: Levels | None,
    reparameterize: Asked,
    shares: Mapping[str, NDArray[np.float64]],
    engine: str,
    engine_reason: str | None,
    keep: Collection[str] = (),
    drop: Collection[str] = (),
) -> CompiledRun:
    """The result of draws that were made before, in the form that `shares` tells; `density` is as written."""
    forms = settled_forms(forms_of(reparameterize, density, sizes, draws.warmup.shape[1]), shares)
    density = density if forms is None else forms.density
    kept = kept_sites(density, sizes, keep, drop)
    result = _result(density, inputs, sizes, draws, forms, seconds, wanted, levels, kept)
    return replace(result, engine=engine, engine_reason=engine_reason)


def _result(
    density: Density,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    draws: Draws,
    forms: Forms | None,
    seconds: dict[str, float],
    wanted: int,
    levels: Levels | None,
    kept: KeptSites,
) -> CompiledRun:
    known = {**inputs, **({} if forms is None else forms.shares)}

    def worked_out(*names: str) -> dict[str, NDArray[np.float64]]:
        return constrained(density, known, sizes, draws.positions, names)

    return CompiledRun(
        Samples(worked_out(*kept.names), lambda name: worked_out(name)[name]),
        per_draw(draws.statistics, draws.states.thin),
        draws.warmup,
        seconds,
        draws.cancelled,
        draws,
        wanted,
        site_axes(density),
        levels or {},
        tuple(latent.name for latent in density.latents),
        {} if forms is None else forms.reparameterized,
        left_out=kept.left_out,
    )
