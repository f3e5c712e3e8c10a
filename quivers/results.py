"""What was drawn, in figures: a row for each element of each quantity, histograms, and what is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal, SupportsIndex, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from quivers.element_names import AxisLabels, Levels, axis_labels, element_name, labels
from quivers.errors import QvrError
from quivers.inference.convergence import described
from quivers.notebook.rows import Problems, Rows, problems_list

TroubleKind = Literal[
    "cancelled", "stuck", "divergences", "tree_depth", "e_bfmi", "r_hat", "ess", "not_finite"
]


@dataclass(frozen=True, slots=True)
class SummaryRow:
    """One quantity's posterior. `name` has the names that the data give, `theta[Choate]`, and else counts
    elements from 1, `theta[1]`; `index` counts from 0.

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


class Summary(Rows[SummaryRow]):
    """A posterior's rows, a tuple that shows itself as a table; `summary["theta[Choate]"]` is one of them.

    `to_dict`, `to_pandas` and `to_polars` give its columns.
    """

    __slots__ = ()

    @overload
    def __getitem__(self, key: SupportsIndex | str) -> SummaryRow: ...
    @overload
    def __getitem__(self, key: slice) -> tuple[SummaryRow, ...]: ...
    def __getitem__(self, key: SupportsIndex | slice | str) -> SummaryRow | tuple[SummaryRow, ...]:
        if not isinstance(key, str):
            return super().__getitem__(key)
        for row in self:
            if row.name == key:
                return row
        close = difflib.get_close_matches(key, [row.name for row in self], n=1)
        raise QvrError(
            f"The summary has no row `{key}`" + (f": did you mean `{close[0]}`?" if close else ".")
        )

    def __repr__(self) -> str:
        from quivers.notebook.posterior import summary_text

        return summary_text(self)

    def _repr_html_(self) -> str:
        from quivers.notebook.posterior import summary_html

        return summary_html(self)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One problem of a run. `site` is the latent or let responsible, None where none stands out.

    `element` is the one of its elements that is worst, `theta[3]` or `theta[Choate]`, where it has axes.
    `count` says how many transitions, chains or numbers have the problem.
    """

    kind: TroubleKind
    message: str
    site: str | None = None
    element: str | None = None
    count: int | None = None


@dataclass(frozen=True, eq=False, slots=True, repr=False)
class PriorDraws:
    """Draws of everything that a program samples, observes and works out, before it has seen the data.

    A notebook or a terminal shows them as a table; `figures(draws.samples, draws.axes, draws.levels)` has its
    rows.

    `samples` are (draw, *axes), with in `axes` the objects that each site runs over and in `roles` whether
    it is a latent, observed or a let. `data` has the observed values that were given. `problems` are
    sentences about what the draws show or leave out. `levels` names the elements of objects as the data do.
    `left_out` has the lets that were not kept since they have many numbers, and how many.
    """

    program: str
    draws: int
    samples: Mapping[str, NDArray[np.float64]]
    roles: Mapping[str, Literal["latent", "observed", "let"]]
    axes: Mapping[str, tuple[str, ...]]
    data: Mapping[str, NDArray[np.float64]]
    problems: tuple[str, ...]
    levels: Levels = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)

    def __repr__(self) -> str:
        rows = figures(self.samples, self.axes, self.levels)
        return "\n".join([self._title, *([repr(rows)] if rows else []), repr(Problems(self.problems))])

    def _repr_html_(self) -> str:
        rows = figures(self.samples, self.axes, self.levels)
        table = rows._repr_html_() if rows else ""
        return f"<p>{escape(self._title)}</p>{table}{problems_list(self.problems)}"

    @property
    def _title(self) -> str:
        return f"{self.program}: {self.draws} draws from the prior"


def summarise(
    samples: Mapping[str, ArrayLike],
    axes: Mapping[str, Sequence[str]] | None = None,
    levels: Levels | None = None,
) -> Summary:
    """The rows of every quantity, in the order given; each array is (chain, draw, *axes).

    `axes` says which objects a quantity runs over, and `levels` what those objects' elements are called.
    """
    names, rows = labels(levels or {}), []
    for site, given in samples.items():
        draws = np.asarray(given, dtype=np.float64)
        rows += _site(site, draws, axis_labels((axes or {}).get(site, ()), draws.shape[2:], names))
    return Summary(rows)


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one number's draws: mean, standard deviation and quantiles. `name` is as a summary has it."""

    name: str
    mean: float
    sd: float
    q5: float
    q50: float
    q95: float


def figures(
    samples: Mapping[str, ArrayLike], axes: Mapping[str, Sequence[str]], levels: Levels
) -> Rows[Figures]:
    """A row for each number of draws that come from no chain, each site (draw, *axes)."""
    names, rows = labels(levels), list[Figures]()
    for site, given in samples.items():
        draws = np.asarray(given, dtype=np.float64)
        own = axis_labels(axes.get(site, ()), draws.shape[1:], names)
        with np.errstate(invalid="ignore"):
            spread = draws.std(axis=0, ddof=1) if len(draws) > 1 else np.full(draws.shape[1:], np.nan)
            told = np.stack([draws.mean(axis=0), spread, *np.quantile(draws, (0.05, 0.5, 0.95), axis=0)])
        rows += [
            Figures(element_name(site, index, own), *(float(each) for each in told[(slice(None), *index)]))
            for index in np.ndindex(draws.shape[1:])
        ]
    return Rows(rows)


BINS = 24
# Of more numbers than this, a histogram takes as many evenly.
MOST_BINNED = 100_000


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many of some numbers lie in each of 24 equal bins from `low` to `high`."""

    low: float
    high: float
    counts: tuple[int, ...]


def histogram(draws: ArrayLike) -> Histogram | None:
    """The histogram of all numbers of an array; None where none is finite.

    The farthest half per cent at each end is left out, so that a heavy tail does not hide the rest. Of whole
    numbers each bin holds equally many, and the last bins may lie beyond the greatest.
    """
    numbers = np.asarray(draws, dtype=np.float64).reshape(-1)
    numbers = numbers[:: max(1, -(-numbers.size // MOST_BINNED))]
    numbers = numbers[np.isfinite(numbers)]
    if numbers.size == 0:
        return None
    low, high = (float(end) for end in np.quantile(numbers, (0.005, 0.995)))
    if bool((numbers == np.floor(numbers)).all()):
        low, high = float(np.floor(low)), float(np.ceil(high))
        wide = max(1.0, np.ceil((high - low + 1.0) / BINS))
        low, high = low - 0.5, low - 0.5 + BINS * wide
    elif not high - low > 1e-12 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    counts, _ = np.histogram(numbers, BINS, (low, high))
    return Histogram(low, high, tuple(int(count) for count in counts))


def _site(site: str, draws: NDArray[np.float64], names: AxisLabels) -> list[SummaryRow]:
    """All elements of one quantity; a quantity with a NaN or infinite draw has NaN for what depends on it."""
    if draws.size == 0:
        return []
    told = described(draws)
    figures = (
        told.mean, told.sd, told.q5, told.q50, told.q95, told.ess_bulk, told.ess_tail, told.mcse_mean,
        told.r_hat,
    )  # fmt: skip
    return [
        SummaryRow(
            element_name(site, index, names), site, index, *(float(figure[index]) for figure in figures)
        )
        for index in np.ndindex(draws.shape[2:])
    ]
