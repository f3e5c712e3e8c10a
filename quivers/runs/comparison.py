"""Two saved runs side by side: how far each posterior lies from the other, and which predicts better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.notebook.comparison import comparison_html, comparison_text
from quivers.notebook.rows import Rows
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
    of the single observations; errors are NaN for a single one. `unreliable_a` and `unreliable_b` count those
    with a Pareto k above 0.7.
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


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Quantities of both runs, names that one alone has, and LOO, or why there is none.

    A notebook or a terminal shows what `qvr compare` prints.
    """

    shifts: Rows[Shift]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    loo: LeaveOneOut | None
    no_loo: str | None

    def __repr__(self) -> str:
        return comparison_text(self)

    def _repr_html_(self) -> str:
        return comparison_html(self)


def compared(a: SavedRun, b: SavedRun) -> Comparison:
    """Two runs side by side. Raises QvrError where one has no draws."""
    rows_a = {row.name: row for row in a.compiled_run().summary()}
    rows_b = {row.name: row for row in b.compiled_run().summary()}
    shifts = Rows(_shift(rows_a[name], rows_b[name]) for name in rows_a if name in rows_b)
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
        QvrError: nothing is observed, the runs observe different data, or one has too few draws.
    """
    from quivers.inference.criticism.psis_loo import psis_loo

    one, other = a.result(), b.result()
    different = _difference(_observed(one), _observed(other))
    if different is not None:
        raise QvrError(different)
    first, second = psis_loo(one), psis_loo(other)
    count = len(first.pointwise)
    if count != len(second.pointwise):
        raise QvrError(
            f"A scores {count} observations and B {len(second.pointwise)}, by their [where=…] or [over=…],"
            " so their predictions can't be compared by LOO."
        )
    each = second.pointwise - first.pointwise
    return LeaveOneOut(
        elpd_a=first.elpd,
        se_a=first.se if count > 1 else math.nan,
        elpd_b=second.elpd,
        se_b=second.se if count > 1 else math.nan,
        difference=float(each.sum()),
        se=float(np.sqrt(count * each.var())) if count > 1 else math.nan,
        observations=count,
        unreliable_a=_unreliable(first.pareto_k),
        unreliable_b=_unreliable(second.pareto_k),
    )


def _shift(a: SummaryRow, b: SummaryRow) -> Shift:
    scale = math.sqrt((a.sd**2 + b.sd**2) / 2.0)
    moved, error = b.mean - a.mean, math.hypot(a.mcse_mean, b.mcse_mean)
    if scale > 0.0:
        moved, error = moved / scale, error / scale
    elif moved != 0.0:
        moved = math.nan  # two constants: there is no scale to measure by
    return Shift(a.name, a.site, a.mean, a.sd, b.mean, b.sd, moved, error)


def _observed(result: MCMCResult) -> dict[str, NDArray[np.float64]]:
    """What each observed site had for its values, (*axes), lets of the data among them."""
    bound = result.run.bound
    density = bound.density
    forward = bound.forward()
    found = {}
    for step in density.draws:
        if step.observed:
            given = bound.inputs.get(step.site)
            values = forward.filled(density.deterministic[step.site], step.axes) if given is None else given
            found[step.site] = values.cpu().numpy()
    return found


def _difference(a: dict[str, NDArray[np.float64]], b: dict[str, NDArray[np.float64]]) -> str | None:
    """Why two runs do not predict the same, as a sentence; None where they do.

    A site that is alone in its program may be called otherwise in the other's.
    """
    end = ", so their predictions can't be compared by LOO."
    if len(a) == len(b) == 1:
        b = dict(zip(a, b.values(), strict=True))
    if a.keys() != b.keys():
        told = [", ".join(f"`{name}`" for name in each) or "nothing" for each in (a, b)]
        return f"A observes {told[0]} and B {told[1]}{end}"
    for name, values in a.items():
        if values.size != b[name].size:
            return f"A has {values.size} observations of `{name}` and B has {b[name].size}{end}"
        unlike = int((~np.isclose(values, b[name].reshape(values.shape), 0.0, 0.0, equal_nan=True)).sum())
        if unlike:
            return (
                f"The runs observe different data: {unlike} of {values.size} values of `{name}` are"
                f" not the same{end}"
            )
    return None


def _unreliable(shapes: NDArray[np.float64]) -> int:
    """How many Pareto k are too large, or none at all."""
    return int((~(shapes <= LARGEST_K)).sum())
