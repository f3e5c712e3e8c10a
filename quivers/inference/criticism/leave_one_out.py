"""How well a run predicts observations that it has not seen: PSIS leave-one-out and WAIC, by ArviZ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference.arguments import check_result, check_site
from quivers.inference.criticism.arviz_groups import arviz
from quivers.inference.criticism.pointwise import Pointwise, observation_names, pointwise_log_likelihood
from quivers.inference.psis import FEWEST_WEIGHTS

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult


def loo(result: MCMCResult, site: str | None = None) -> Any:
    """ArviZ's `ELPDData`: the expected log pointwise predictive density by PSIS-LOO, with each Pareto k.

    It is that of one observed site, or of all of them together. Its `loo_i` and `pareto_k` are (observation),
    whose coordinates are the names of what is left out, `y[Choate]`; rows that `[where=…]` leaves out are not
    among them. After Vehtari, Gelman and Gabry 2017, doi:10.1007/s11222-016-9696-4.

    Raises:
        QvrError: ArviZ is not installed, nothing is observed, or `site` is not.
    """
    library = arviz()
    return library.loo(_inference_data(result, site, library), pointwise=True)


def waic(result: MCMCResult, site: str | None = None) -> Any:
    """ArviZ's `ELPDData` of the widely applicable information criterion (Watanabe 2010), as `loo` is.

    Raises:
        QvrError: as `loo` does; and from ArviZ 1.0 on, which has dropped it in favour of `loo`.
    """
    library = arviz()
    if not hasattr(library, "waic"):
        raise QvrError("This ArviZ has no WAIC any more: ask for loo, which is more reliable.")
    return library.waic(_inference_data(result, site, library), pointwise=True)


def _inference_data(result: MCMCResult, site: str | None, library: Any) -> Any:
    """The least that ArviZ needs: the posterior, and all observations along one dimension."""
    import xarray

    check_result("result", result)
    check_site(site, optional=True)
    draws = result.divergences.numel()
    if draws < FEWEST_WEIGHTS:
        raise QvrError(f"loo and waic need at least {FEWEST_WEIGHTS} draws, the run has {draws}: draw more.")
    pointwise = pointwise_log_likelihood(result)
    if not pointwise:
        raise QvrError(
            "The program observes nothing, so there is no observation to leave out: loo and waic need an"
            " `observe`."
        )
    chosen = [each for each in pointwise if site in (None, each.site)]
    if not chosen:
        known = ", ".join(each.site for each in pointwise)
        raise QvrError(f"The program observes no {site}; it observes {known}.")
    observations = np.concatenate([_flat(each) for each in chosen], axis=2)
    if observations.shape[2] == 0:
        raise QvrError("Every observation is left out by [where=…], so there is none to leave out.")
    names = [name for each in chosen for name in observation_names(result, each)]
    latents = {
        name: (("chain", "draw", *(f"{name}:{place}" for place in range(values.ndim - 2))), values.numpy())
        for name, values in result.samples.items()
        if name in result.latents
    }
    likelihood = xarray.Dataset(
        {"log_likelihood": (("chain", "draw", "observation"), observations)}, {"observation": names}
    )
    posterior = xarray.Dataset(latents)
    if hasattr(library, "InferenceData"):
        return library.InferenceData(posterior=posterior, log_likelihood=likelihood)
    return xarray.DataTree.from_dict({"/posterior": posterior, "/log_likelihood": likelihood})


def _flat(each: Pointwise) -> NDArray[np.float64]:
    """(chain, draw, observation), without what `[where=…]` leaves out."""
    chains, draws = each.values.shape[:2]
    return each.values.reshape(chains, draws, -1)[:, :, each.counted.reshape(-1)]
