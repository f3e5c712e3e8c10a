"""Would the fitted program, or its prior, give data like those observed: statistics of both, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from quivers.errors import QvrError
from quivers.inference.arguments import a_kind, check_by_name, check_kind, check_result
from quivers.inference.criticism.arviz_groups import predictions
from quivers.inference.kernels import check_seed
from quivers.notebook.rows import Rows
from quivers.results import PriorDraws

if TYPE_CHECKING:
    from quivers.inference.mcmc_result import MCMCResult

Statistic = Callable[[NDArray[np.float64]], float]

STATISTICS: dict[str, Statistic] = {
    "mean": lambda values: float(values.mean()),
    "sd": lambda values: float(values.std()),
    "min": lambda values: float(values.min()),
    "median": lambda values: float(np.median(values)),
    "max": lambda values: float(values.max()),
}
MOST_DRAWS = 1000


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One statistic T of an observed site: of the data, and of data drawn from the program.

    `p` is the share of draws with T at least as large as observed, ties by half (Gelman, Meng and Stern
    1996). Near 0 or 1 the program gives hardly any data like these; near ½ it need not be right, as a
    statistic that a parameter fits is close to ½ by itself. `mean`, `q5` and `q95` are those of T over draws.
    """

    site: str
    statistic: str
    observed: float
    mean: float
    q5: float
    q95: float
    p: float


def posterior_predictive_check(
    result: MCMCResult, statistics: Mapping[str, Statistic] | None = None, seed: int | None = None
) -> tuple[CheckRow, ...]:
    """A row for each observed site and statistic, over at most 1000 draws spread evenly over the run.

    `statistics` are functions of one data set's values along one axis, by name; by default mean, sd, min,
    median and max. What `[where=…]` leaves out, or the data lack, is left out of both sides.

    Raises:
        QvrError: nothing is observed, a statistic fails or gives no number, or an argument is none of these.
    """
    check_result("result", result)
    check_seed(seed)
    _check_statistics(statistics)
    drawn = predictions(result, result.seed if seed is None else seed)
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in drawn.items()}
    return compared(observed_values(result, list(flat)), flat, statistics)


def compared(
    observed: Mapping[str, NDArray[np.float64] | None],
    drawn: Mapping[str, NDArray[np.float64]],
    statistics: Mapping[str, Statistic] | None = None,
) -> tuple[CheckRow, ...]:
    """The same of predictions that are at hand, (draw, *axes) each, and the data that they are held against.

    Raises:
        QvrError: as `posterior_predictive_check` does.
    """
    _check_statistics(statistics)
    return _rows(observed, _spread(drawn), statistics or STATISTICS)


def prior_predictive_check(
    draws: PriorDraws, statistics: Mapping[str, Statistic] | None = None
) -> Rows[CheckRow]:
    """The same for draws from the prior, `quivers.inference.prior_predictive.prior_predictive`.

    The observed values that are missing are left out of the data's side only.

    Raises:
        QvrError: as `posterior_predictive_check` does.
    """
    check_kind("draws", draws, PriorDraws, "draws from a prior, prior_predictive(…)")
    _check_statistics(statistics)
    flat = {name: values for name, values in draws.samples.items() if draws.roles[name] == "observed"}
    observed = {name: draws.data.get(name) for name in flat}
    return Rows(_rows(observed, _spread(flat), statistics or STATISTICS))


def _check_statistics(statistics: object) -> None:
    if statistics is None:
        return
    check_by_name("statistics", statistics, '{"largest": np.max}')
    assert isinstance(statistics, Mapping)
    if not statistics:
        raise QvrError("statistics has none: leave it out for mean, sd, min, median and max.")
    for name, statistic in statistics.items():
        if not (isinstance(name, str) and callable(statistic)):
            raise QvrError(
                f"statistics must be functions of the values by name, such as {{'largest': np.max}}; under"
                f" {name!r} it has {a_kind(statistic)}."
            )


def _rows(
    observed: Mapping[str, NDArray[np.float64] | None],
    drawn: Mapping[str, NDArray[np.float64]],
    statistics: Mapping[str, Statistic],
) -> tuple[CheckRow, ...]:
    if not drawn:
        raise QvrError("The program observes nothing, so there are no data to compare its predictions with.")
    rows = []
    for site, values in drawn.items():
        data = observed[site]
        if data is None or data.size == 0:
            continue
        there = np.isfinite(data)
        sets = values.reshape(len(values), -1)
        if data.shape == values.shape[1:]:
            sets = sets[:, there.reshape(-1)]
        for name, statistic in statistics.items():
            seen = _number(name, site, statistic, data[there])
            found = np.array([_number(name, site, statistic, each) for each in sets])
            q5, q95 = np.quantile(found, (0.05, 0.95))
            p = float((found > seen).mean() + 0.5 * (found == seen).mean())
            rows.append(CheckRow(site, name, seen, float(found.mean()), float(q5), float(q95), p))
    return tuple(rows)


def _number(name: str, site: str, statistic: Statistic, values: NDArray[np.float64]) -> float:
    try:
        number = float(statistic(values))
    except Exception as error:
        raise QvrError(f"The statistic {name} of {site} fails: {error}.") from error
    if not np.isfinite(number):
        raise QvrError(f"The statistic {name} of {site} is {number:g}, which can't be compared.")
    return number


def observed_values(result: MCMCResult, names: list[str]) -> dict[str, NDArray[np.float64] | None]:
    """The values of each site as they were scored, NaN where `[where=…]` leaves them out."""
    bound = result.run.bound
    density = bound.density
    forward = bound.forward()
    found: dict[str, Any] = {}
    draws = {step.site: step for step in density.draws}
    counted = {term.site: term.counted for term in density.terms if term.kind == "likelihood"}
    for name in names:
        step = draws[name]
        if step.value is None:
            continue
        values = forward.filled(step.value, step.axes).cpu().numpy().astype(np.float64)
        mask = counted.get(name)
        if mask is not None:
            kept = forward.filled(mask, step.axes).cpu().numpy().astype(bool)
            values = np.where(kept, values, np.nan)
        found[name] = values
    return found


def _spread(flat: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """At most 1000 of the draws, evenly."""
    return {name: values[:: max(1, -(-len(values) // MOST_DRAWS))] for name, values in flat.items()}
