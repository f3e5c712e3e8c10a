"""The posterior in figures: one row for each element of each quantity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quivers.inference.convergence import ess_bulk, ess_tail, mcse_mean, r_hat


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One quantity's posterior. `name` counts elements from 1, `theta[1]`; `index` counts from 0.

    `mcse_mean` is the Monte Carlo standard error of the mean. R-hat and both effective sample sizes are
    the rank-normalised ones of Vehtari et al. (2021), doi:10.1214/20-BA1221; they are NaN for a constant.
    """

    name: str
    site: str
    index: tuple[int, ...]
    mean: float
    sd: float
    q5: float
    q50: float
    q95: float
    ess_bulk: float
    ess_tail: float
    mcse_mean: float
    r_hat: float


def summarise(samples: Mapping[str, ArrayLike]) -> tuple[SummaryRow, ...]:
    """The rows of every quantity, in the order given; each array is (chain, draw, *axes)."""
    return tuple(
        row for site, draws in samples.items() for row in _site(site, np.asarray(draws, dtype=np.float64))
    )


def _site(site: str, draws: NDArray[np.float64]) -> list[SummaryRow]:
    """All elements of one quantity; a quantity with a NaN or infinite draw has NaN for what depends on it."""
    if draws.size == 0:
        return []
    pooled = draws.reshape(-1, *draws.shape[2:])
    with np.errstate(invalid="ignore"):
        figures = (
            pooled.mean(axis=0),
            pooled.std(axis=0, ddof=1) if len(pooled) > 1 else np.full(draws.shape[2:], np.nan),
            *np.quantile(pooled, (0.05, 0.5, 0.95), axis=0),
            ess_bulk(draws),
            ess_tail(draws),
            mcse_mean(draws),
            r_hat(draws),
        )
    return [
        SummaryRow(_element(site, index), site, index, *(float(figure[index]) for figure in figures))
        for index in np.ndindex(draws.shape[2:])
    ]


def _element(site: str, index: tuple[int, ...]) -> str:
    return f"{site}[{','.join(str(i + 1) for i in index)}]" if index else site
