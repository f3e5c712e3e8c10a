"""Two saved runs side by side: how far each posterior lies from the other, and which predicts better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.runs.saved import SavedRun

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.results import SummaryRow

LARGEST_K = 0.7  # above this an observation's part of LOO is not to be relied on (Vehtari et al. 2024)


@dataclass(frozen=True, slots=True)
class Shift:
    """One quantity in both runs. `shift` is mean b − mean a, in units of the root mean square of both sds.

    `mcse` is the Monte Carlo standard error of `shift`, that of two runs that don't depend on each other.
    """

    name: str
    site: str
    mean_a: float
    sd_a: float
    mean_b: float
    sd_b: float
    shift: float
    mcse: float


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """Expected log predictive densities by PSIS-LOO with their standard errors.

    `difference` is b − a, positive where b predicts better, and `se` its standard error, from the differences
    of the single observations. `unreliable_a` and `unreliable_b` count those with a Pareto k above 0.7.
    """

    elpd_a: float
    se_a: float
    elpd_b: float
    se_b: float
    difference: float
    se: float
    observations: int
    unreliable_a: int
    unreliable_b: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Quantities of both runs, names that one alone has, and LOO, or why there is none."""

    shifts: tuple[Shift, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    loo: LeaveOneOut | None
    no_loo: str | None


def compared(a: SavedRun, b: SavedRun) -> Comparison:
    """Two runs side by side. Raises QvrError where one has no draws."""
    rows_a = {row.name: row for row in a.compiled_run().summary()}
    rows_b = {row.name: row for row in b.compiled_run().summary()}
    shifts = tuple(_shift(rows_a[name], rows_b[name]) for name in rows_a if name in rows_b)
    loo: LeaveOneOut | None = None
    why = None
    try:
        loo = leave_one_out(a, b)
    except QvrError as error:
        why = str(error)
    return Comparison(
        shifts,
        tuple(name for name in rows_a if name not in rows_b),
        tuple(name for name in rows_b if name not in rows_a),
        loo,
        why,
    )


def leave_one_out(a: SavedRun, b: SavedRun) -> LeaveOneOut:
    """The difference of expected log predictive densities (Vehtari, Gelman and Gabry 2017, eq. 24).

    Raises:
        QvrError: ArviZ is not installed, nothing is observed, or the runs observe different data.
    """
    from quivers.inference.criticism.arviz_groups import arviz

    arviz()
    one, other = a.result(), b.result()
    if not _same_observations(one, other):
        raise QvrError("The runs observe different data, so their predictions can't be compared by LOO.")
    first, second = _pointwise(one), _pointwise(other)
    each = second[0] - first[0]
    count = len(each)
    return LeaveOneOut(
        *_sum(first[0]), *_sum(second[0]), *_sum(each), count,
        int((first[1] > LARGEST_K).sum()), int((second[1] > LARGEST_K).sum()),
    )  # fmt: skip


def _shift(a: SummaryRow, b: SummaryRow) -> Shift:
    scale = math.sqrt((a.sd**2 + b.sd**2) / 2.0)
    moved, error = b.mean - a.mean, math.hypot(a.mcse_mean, b.mcse_mean)
    if scale > 0.0:
        moved, error = moved / scale, error / scale
    elif moved != 0.0:
        moved = math.nan  # two constants: there is no scale to measure by
    return Shift(a.name, a.site, a.mean, a.sd, b.mean, b.sd, moved, error)


def _same_observations(a: MCMCResult, b: MCMCResult) -> bool:
    sites = _observed(a)
    if sites != _observed(b):
        return False
    inputs, others = a.run.bound.inputs, b.run.bound.inputs
    if not sites <= inputs.keys():  # a let of the data is observed: what it is made of must be the same
        sites = set(inputs) | set(others)
    return all(
        name in inputs and name in others and np.array_equal(inputs[name], others[name], equal_nan=True)
        for name in sites
    )


def _observed(result: MCMCResult) -> set[str]:
    return {step.site for step in result.run.bound.density.draws if step.observed}


def _pointwise(result: MCMCResult) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each observation its part of elpd, and its Pareto k."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large k, which are counted
        found = result.loo()
    parts = found.loo_i if "loo_i" in found else found.elpd_i
    return np.asarray(parts, dtype=np.float64).reshape(-1), np.asarray(found.pareto_k).reshape(-1)


def _sum(parts: Sequence[float] | NDArray[np.float64]) -> tuple[float, float]:
    """The sum of independent parts, and its standard error."""
    numbers = np.asarray(parts)
    spread = float(numbers.std(ddof=1)) if len(numbers) > 1 else math.nan
    return float(numbers.sum()), math.sqrt(len(numbers)) * spread
