"""What a run of Markov chains gives: its draws by name, their diagnostics, and the ways to question them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from quivers.inference import convergence
from quivers.inference.chains import ChainStates, Draws, per_draw
from quivers.inference.checks import troubles
from quivers.inference.engine import Engine, Name, engine_for
from quivers.inference.reparameterize import Form, centred_ones
from quivers.inference.samples import Samples
from quivers.inference.site_axes import named_axes, site_axes
from quivers.inference.site_draws import SiteDraws, draws_of
from quivers.inference.trajectory import ENERGY, STATISTICS
from quivers.notebook.rows import Problems, Rows

if TYPE_CHECKING:
    from quivers.backends.torch.bound import BoundModel
    from quivers.backends.torch.module import ProgramModule
    from quivers.element_names import Levels
    from quivers.inference.criticism.power_scaling import Sensitivity
    from quivers.inference.criticism.predictive_check import CheckRow, Statistic
    from quivers.inference.kept_sites import KeptSites, LeftOut
    from quivers.inference.responsibilities import Responsibilities
    from quivers.results import Summary, Trouble

_WHOLE_NUMBERS = ("tree_depth", "leapfrogs")
_YES_OR_NO = ("diverged", "saturated")


@dataclass(frozen=True, eq=False)
class MCMCResult:
    """Draws from a posterior, and what there is to know about them.

    `samples` holds the latents and the lets that depend on them, in the program's order, each (chain, draw,
    *axes); `latents` names the former. What `left_out` names, above all lets of more than 1,000 numbers, can
    be asked for too, and is then worked out, but is not iterated over and is in no summary.
    `divergences` is (chain, draw), as is each of `statistics`: log_density, energy, tree_depth, leapfrogs,
    acceptance, step_size, diverged, saturated (the greatest depth ended the trajectory); in a thinned run a
    draw's count for all the transitions that led to it. `warmup_statistics` has the same for warm-up.
    `seconds` says how long "compile" and "sample" took.
    `engine` computed the log density; where a kernel was looked for and torch ran, `engine_reason` says why.
    """

    samples: dict[str, Tensor]
    latents: tuple[str, ...]
    statistics: dict[str, Tensor]
    warmup_statistics: dict[str, Tensor] = field(repr=False)
    seed: int
    seconds: dict[str, float]
    run: Origin = field(repr=False)
    cancelled: bool = False
    engine: Name = "torch"
    engine_reason: str | None = None

    def __repr__(self) -> str:
        from quivers.notebook.posterior import posterior_text

        return posterior_text(self._title, self.summary(), self.check(), self._not_shown)

    def _repr_html_(self) -> str:
        from quivers.notebook.posterior import posterior_html

        return posterior_html(self._title, self.summary(), self.check(), self._not_shown)

    def __getitem__(self, name: str) -> SiteDraws:
        """The draws of a site, `result["theta"]`, or of an element as tables have it, `theta[Choate]`.

        They are (chain, draw, *axes), NumPy's, and know the names of axes and elements.

        Raises:
            QvrError: the posterior has none of that name.
        """
        return draws_of(name, self.samples, named_axes(self.run.bound.density), self.levels)

    def __contains__(self, name: object) -> bool:
        return name in self.samples

    def __iter__(self) -> Iterator[str]:
        return iter(self.samples)

    def keys(self) -> KeysView[str]:
        """The names of the sites."""
        return self.samples.keys()

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.samples)

    @property
    def _not_shown(self) -> dict[str, int]:
        """The sites that are left out unasked, with how many numbers each has."""
        return {each.site: each.numbers for each in self.left_out if not each.asked}

    @property
    def _title(self) -> str:
        chains, draws = self.divergences.shape
        count = self.total_divergences
        return (
            f"{self.run.model.program.name}: {chains} {'chain' if chains == 1 else 'chains'} of {draws}"
            f" draws, seed {self.seed}, {count} {'divergence' if count == 1 else 'divergences'}"
        )

    @property
    def reparameterized(self) -> Mapping[str, Form]:
        """How each latent was sampled, and why; empty where `reparameterize` was not given."""
        return self.run.forms

    @property
    def divergences(self) -> Tensor:
        return self.statistics["diverged"]

    @property
    def total_divergences(self) -> int:
        return int(self.divergences.sum().item())

    @cached_property
    def r_hat(self) -> dict[str, Tensor]:
        """Rank-normalised split R-hat of each site, (*axes): above 1.01 the chains have not converged."""
        return self._for_each_site(convergence.r_hat)

    @cached_property
    def ess(self) -> dict[str, Tensor]:
        """Effective number of draws for the bulk of each site, (*axes)."""
        return self._for_each_site(convergence.ess_bulk)

    @cached_property
    def ess_tail(self) -> dict[str, Tensor]:
        """Effective number of draws for the tails of each site, (*axes)."""
        return self._for_each_site(convergence.ess_tail)

    @cached_property
    def mcse(self) -> dict[str, Tensor]:
        """Monte Carlo standard error of each site's mean, (*axes)."""
        return self._for_each_site(convergence.mcse_mean)

    @cached_property
    def e_bfmi(self) -> Tensor:
        """Each chain's fraction of missing information, (chain,); below 0.3 is too low."""
        # Of all transitions: between the draws that a thinned run keeps, energies differ by more.
        return torch.from_numpy(convergence.e_bfmi(self.run.draws.statistics[..., ENERGY]))

    @property
    def axes(self) -> dict[str, tuple[str, ...]]:
        """The objects that each site of `samples` runs over."""
        axes = site_axes(self.run.bound.density)
        return {name: axes[name] for name in self.samples}

    @property
    def levels(self) -> Levels:
        """The names of the elements of those objects that the data name, in the order of the elements."""
        return self.run.bound.levels

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The sites whose draws are not kept."""
        return self.run.kept.left_out

    @property
    def kept(self) -> int:
        """Draws of each chain."""
        return int(self.run.draws.positions.shape[1])

    @property
    def states(self) -> ChainStates:
        """Where the chains stand after their last draw, with their step sizes and mass matrices."""
        return self.run.draws.states

    def summary(self) -> Summary:
        """A row for each number: mean, sd, quantiles, effective sizes, Monte Carlo error and R-hat.

        It is a tuple that shows itself as a table, with `to_pandas()` and `to_polars()`.
        """
        return self._rows

    def check(self) -> Problems:
        """A sentence for each problem of the run, with what to do about it; none where it looks sound."""
        return Problems(trouble.message for trouble in self.troubles)

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """The problems of the run, each with the latent that is responsible where one is."""
        run = self.run
        centred = centred_ones(run.forms, run.bound.density)
        return troubles(run.draws, self._rows, run.wanted, run.bound.coordinates, centred)

    def posterior_of(self, site: str) -> Responsibilities:
        """What the run says of a latent that is summed out
        (`quivers.inference.responsibilities.posterior_of`).
        """
        from quivers.inference.responsibilities import posterior_of

        return posterior_of(self, site)

    def to_arviz(
        self,
        *,
        prior: int = 500,
        predictive: bool = True,
        log_likelihood: bool = True,
        seed: int | None = None,
    ) -> Any:
        """The run as ArviZ's own object (`quivers.inference.criticism.arviz_groups.to_arviz`)."""
        from quivers.inference.criticism.arviz_groups import to_arviz

        return to_arviz(self, prior=prior, predictive=predictive, log_likelihood=log_likelihood, seed=seed)

    def loo(self, site: str | None = None) -> Any:
        """PSIS leave-one-out by ArviZ (`quivers.inference.criticism.leave_one_out.loo`)."""
        from quivers.inference.criticism.leave_one_out import loo

        return loo(self, site)

    def waic(self, site: str | None = None) -> Any:
        """WAIC by ArviZ (`quivers.inference.criticism.leave_one_out.waic`)."""
        from quivers.inference.criticism.leave_one_out import waic

        return waic(self, site)

    def predictive_check(
        self, statistics: Mapping[str, Statistic] | None = None, seed: int | None = None
    ) -> Rows[CheckRow]:
        """Statistics of the data beside those of data drawn from the posterior
        (`quivers.inference.criticism.predictive_check.posterior_predictive_check`).
        """
        from quivers.inference.criticism.predictive_check import posterior_predictive_check

        return Rows(posterior_predictive_check(self, statistics, seed))

    def power_scaling(self, priors: Collection[str] | None = None) -> Rows[Sensitivity]:
        """How far priors and likelihood move each number
        (`quivers.inference.criticism.power_scaling.power_scaling`).
        """
        from quivers.inference.criticism.power_scaling import power_scaling

        return Rows(power_scaling(self, priors))

    @cached_property
    def _rows(self) -> Summary:
        from quivers.results import summarise

        samples = {name: values.numpy() for name, values in self.samples.items()}
        return summarise(samples, self.axes, self.levels)

    def _for_each_site(self, diagnostic: Callable[[np.ndarray], np.ndarray]) -> dict[str, Tensor]:
        return {name: torch.as_tensor(diagnostic(values.numpy())) for name, values in self.samples.items()}


@dataclass(frozen=True, eq=False, slots=True)
class Origin:
    """What a result is made from and can be resumed from; `wanted` draws were to be kept of each chain.

    `observations` are the data as they were given.
    """

    model: ProgramModule
    observations: Mapping[str, Any]
    bound: BoundModel
    engine: Engine
    draws: Draws
    wanted: int
    kept: KeptSites
    forms: Mapping[str, Form] = field(default_factory=dict)

    def __reduce__(self) -> tuple[Any, ...]:
        # Machine code stays in its process: a copy, and another process, make the engine anew.
        rest = (self.draws, self.wanted, self.kept, self.forms)
        return _origin_again, (self.model, self.observations, self.bound, self.engine.name, rest)


def _origin_again(
    model: ProgramModule, observations: Mapping[str, Any], bound: BoundModel, engine: Name, rest: Any
) -> Origin:
    choice = "torch" if engine == "torch" else "auto"
    return Origin(model, observations, bound, engine_for(choice, bound.density, bound), *rest)


def result_of(run: Origin, seconds: dict[str, float]) -> MCMCResult:
    """The result of chains that have drawn; `seconds` as in a result."""
    draws, engine = run.draws, run.engine
    kept = run.bound.draws_of(run.kept.names, torch.from_numpy(draws.positions))
    return MCMCResult(
        samples=Samples(kept, partial(_worked_out, run.bound, draws)),
        latents=tuple(coordinates.name for coordinates in run.bound.coordinates),
        statistics=_columns(per_draw(draws.statistics, draws.states.thin)),
        warmup_statistics=_columns(draws.warmup),
        seed=draws.states.seed,
        seconds=seconds,
        run=run,
        cancelled=draws.cancelled,
        engine=engine.name,
        engine_reason=engine.reason,
    )


def _worked_out(bound: BoundModel, draws: Draws, name: str) -> Tensor:
    return bound.draws_of([name], torch.from_numpy(draws.positions))[name]


def _columns(statistics: np.ndarray) -> dict[str, Tensor]:
    columns = {}
    for place, name in enumerate(STATISTICS):
        column = torch.from_numpy(statistics[..., place].copy())
        if name in _WHOLE_NUMBERS:
            column = column.to(torch.int64)
        elif name in _YES_OR_NO:
            column = column.to(torch.bool)
        columns[name] = column
    return columns
