"""Inference: `MCMC` with its kernels, `SVI` with its guides, `Predictive`, and the diagnostics of chains.

Names are loaded when they are first used, so that `quivers.inference.convergence` needs neither torch nor
LLVM.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quivers.inference.chains import ChainProgress
    from quivers.inference.guide_full_rank import AutoMultivariateNormal, AutoMultivariateNormalGuide
    from quivers.inference.guides import AutoNormalGuide, Guide
    from quivers.inference.kernels import HMCKernel, NUTSKernel
    from quivers.inference.mcmc import MCMC, MCMCResult
    from quivers.inference.predictive import Predictive
    from quivers.inference.svi import ELBO, SVI, SVIProgress, SVIResult

__all__ = [
    "ELBO",
    "MCMC",
    "SVI",
    "AutoMultivariateNormal",
    "AutoMultivariateNormalGuide",
    "AutoNormalGuide",
    "ChainProgress",
    "Guide",
    "HMCKernel",
    "MCMCResult",
    "NUTSKernel",
    "Predictive",
    "SVIProgress",
    "SVIResult",
]

_HOMES = {
    "ELBO": "svi",
    "MCMC": "mcmc",
    "SVI": "svi",
    "AutoMultivariateNormal": "guide_full_rank",
    "AutoMultivariateNormalGuide": "guide_full_rank",
    "AutoNormalGuide": "guides",
    "ChainProgress": "chains",
    "Guide": "guides",
    "HMCKernel": "kernels",
    "MCMCResult": "mcmc",
    "NUTSKernel": "kernels",
    "Predictive": "predictive",
    "SVIProgress": "svi",
    "SVIResult": "svi",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
