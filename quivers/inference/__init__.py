"""Inference: `MCMC` with its kernels, `SVI` with its guides, `Predictive`, and the diagnostics of chains.

Names are loaded when they are first used, so that `quivers.inference.convergence` needs neither torch nor
LLVM.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quivers.inference.chains import ChainProgress
    from quivers.inference.guide_flow import AutoFlowGuide
    from quivers.inference.guide_full_rank import AutoMultivariateNormal, AutoMultivariateNormalGuide
    from quivers.inference.guide_low_rank import AutoLowRankMultivariateNormalGuide
    from quivers.inference.guide_mixture import AutoMixtureGuide
    from quivers.inference.guide_points import AutoDeltaGuide, AutoLaplaceApproximation
    from quivers.inference.guides import AutoNormalGuide, Guide
    from quivers.inference.kernels import HMCKernel, NUTSKernel
    from quivers.inference.mcmc import MCMC
    from quivers.inference.mcmc_result import MCMCResult
    from quivers.inference.objectives import ELBO, IWAE, RenyiELBO
    from quivers.inference.pathfinder_run import PathfinderResult, pathfinder
    from quivers.inference.predictive import Predictive
    from quivers.inference.svi import SVI, SVIProgress, SVIResult

__all__ = [
    "ELBO",
    "IWAE",
    "MCMC",
    "SVI",
    "AutoDeltaGuide",
    "AutoFlowGuide",
    "AutoLaplaceApproximation",
    "AutoLowRankMultivariateNormalGuide",
    "AutoMixtureGuide",
    "AutoMultivariateNormal",
    "AutoMultivariateNormalGuide",
    "AutoNormalGuide",
    "ChainProgress",
    "Guide",
    "HMCKernel",
    "MCMCResult",
    "NUTSKernel",
    "PathfinderResult",
    "Predictive",
    "RenyiELBO",
    "SVIProgress",
    "SVIResult",
    "pathfinder",
]

_HOMES = {
    "ELBO": "objectives",
    "IWAE": "objectives",
    "MCMC": "mcmc",
    "SVI": "svi",
    "AutoDeltaGuide": "guide_points",
    "AutoFlowGuide": "guide_flow",
    "AutoLaplaceApproximation": "guide_points",
    "AutoLowRankMultivariateNormalGuide": "guide_low_rank",
    "AutoMixtureGuide": "guide_mixture",
    "AutoMultivariateNormal": "guide_full_rank",
    "AutoMultivariateNormalGuide": "guide_full_rank",
    "AutoNormalGuide": "guides",
    "ChainProgress": "chains",
    "Guide": "guides",
    "HMCKernel": "kernels",
    "MCMCResult": "mcmc_result",
    "NUTSKernel": "kernels",
    "PathfinderResult": "pathfinder_run",
    "Predictive": "predictive",
    "RenyiELBO": "objectives",
    "SVIProgress": "svi",
    "SVIResult": "svi",
    "pathfinder": "pathfinder_run",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
