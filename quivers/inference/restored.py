"""The result of a run whose chains have drawn in another process."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from quivers.inference.engine import engine_for
from quivers.inference.kept_sites import kept_sites
from quivers.inference.mcmc_result import MCMCResult, Origin, result_of
from quivers.inference.reparameterize import forms_of, settled_forms

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.chains import Draws
    from quivers.inference.checkpoint import Begun
    from quivers.inference.reparameterize import Asked


def restored(
    model: ProgramModule,
    observations: Mapping[str, Any],
    draws: Draws,
    begun: Begun,
    *,
    wanted: int,
    reparameterize: Asked,
    seconds: dict[str, float],
    keep: Collection[str] = (),
    drop: Collection[str] = (),
) -> MCMCResult:
    """What `MCMC.run` gave, or would have given: `begun` and `draws` are the run's, `wanted` of each chain.

    Raises:
        DataError: the observations do not fit the model.
        QvrError: the engine that the run was made with is not to be had.
    """
    bound = model.bind(observations)
    kept = kept_sites(bound.density, bound.sizes, keep, drop)
    forms = settled_forms(
        forms_of(reparameterize, model.density, bound.sizes, draws.warmup.shape[1]), begun.shares
    )
    density = model.density if forms is None else forms.density
    bound = bound if forms is None else bound.moved(density, forms.shares)
    engine = engine_for(begun.engine, density, bound)
    how = {} if forms is None else forms.reparameterized
    return result_of(Origin(model, observations, bound, engine, draws, wanted, kept, how), seconds)
