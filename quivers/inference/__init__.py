"""Inference: `MCMC` with its kernels, `SVI` with its guides, `Predictive`, and the diagnostics of chains.

Names are loaded when they are first used, so that `quivers.inference.convergence` needs neither torch nor
numba.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from quivers.inference.chains import ChainProgress
    from quivers.inference.guides import AutoNormalGuide
    from quivers.inference.kernels import HMCKernel, NUTSKernel
    from quivers.inference.mcmc import MCMC, MCMCResult
    from quivers.inference.predictive import Predictive
    from quivers.inference.svi import ELBO, SVI

__all__ = [
    "ELBO",
    "MCMC",
    "SVI",
    "AutoNormalGuide",
    "ChainProgress",
    "HMCKernel",
    "MCMCResult",
    "NUTSKernel",
    "Predictive",
]

_HOMES = {
    "ELBO": "svi",
    "MCMC": "mcmc",
    "SVI": "svi",
    "AutoNormalGuide": "guides",
    "ChainProgress": "chains",
    "HMCKernel": "kernels",
    "MCMCResult": "mcmc",
    "NUTSKernel": "kernels",
    "Predictive": "predictive",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
