"""Two runs side by side, in words: cells of the table of shifts, and a sentence for all else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from quivers.terminal.width import safe

LONGEST = 60  # quantities that are shown; of more, those that moved most
MOVED = 4.0  # Monte Carlo errors that a shift is more than by chance
HEADER = ("", "mean A", "mean B", "sd A", "sd B", "shift", "± mcse", "")
LEGEND = "shift: mean B - mean A in sds; *: more than four Monte Carlo errors"
NOTHING_IN_COMMON = "The runs have no quantity in common."


class Shift(Protocol):
    """A quantity of both runs (`quivers.runs.comparison.Shift`)."""

    @property
    def name(self) -> str: ...
    @property
    def mean_a(self) -> float: ...
    @property
    def sd_a(self) -> float: ...
    @property
    def mean_b(self) -> float: ...
    @property
    def sd_b(self) -> float: ...
    @property
    def shift(self) -> float: ...
    @property
    def mcse(self) -> float: ...


class LeaveOneOut(Protocol):
    """How well both predict (`quivers.runs.comparison.LeaveOneOut`)."""

    @property
    def elpd_a(self) -> float: ...
    @property
    def se_a(self) -> float: ...
    @property
    def elpd_b(self) -> float: ...
    @property
    def se_b(self) -> float: ...
    @property
    def difference(self) -> float: ...
    @property
    def se(self) -> float: ...
    @property
    def observations(self) -> int: ...
    @property
    def unreliable_a(self) -> int: ...
    @property
    def unreliable_b(self) -> int: ...


def shift_cells(shifts: Sequence[Shift]) -> tuple[list[tuple[str, ...]], list[str]]:
    """The header and a line for each shift that is shown, in the program's order; then lines below them."""
    shown = list(shifts)
    if len(shown) > LONGEST:
        kept = sorted(shown, key=_moved, reverse=True)[:LONGEST]
        shown = [shift for shift in shown if shift in kept]
    lines: list[tuple[str, ...]] = [HEADER]
    lines += [
        (
            safe(shift.name),
            *(f"{value:.3g}" for value in (shift.mean_a, shift.mean_b, shift.sd_a, shift.sd_b)),
            f"{shift.shift:+.2f}",
            f"{shift.mcse:.2f}",
            "*" if _moved(shift) > MOVED else "",
        )
        for shift in shown
    ]
    left = len(shifts) - len(shown)
    return lines, [*([f"… {left} more, which moved less"] if left else []), LEGEND]


def only_lines(only_a: Sequence[str], only_b: Sequence[str]) -> list[str]:
    """What one run alone has."""
    return [
        f"only in {letter}: {safe(', '.join(names[:8]))}" + (f" and {len(names) - 8} more" * (len(names) > 8))
        for letter, names in (("A", only_a), ("B", only_b))
        if names
    ]


def loo_line(loo: LeaveOneOut | None, no_loo: str | None) -> str:
    """Which predicts better, or why that can't be told."""
    if loo is None:
        return f"No LOO: {no_loo}"
    if loo.difference == 0.0:
        verdict = "they predict alike"
    else:
        better = "B" if loo.difference > 0 else "A"
        sure = abs(loo.difference) > 2 * loo.se
        verdict = f"{better} predicts better" if sure else "no clear difference"
    count = f"{loo.observations} observation{'' if loo.observations == 1 else 's'}"
    a, b = (f"{elpd:.1f} ± {_error(se, 1)}" for elpd, se in ((loo.elpd_a, loo.se_a), (loo.elpd_b, loo.se_b)))
    return f"LOO of {count}: A {a}, B {b}; B - A {loo.difference:+.2f} ± {_error(loo.se, 2)}: {verdict}"


def loo_warnings(loo: LeaveOneOut | None) -> list[str]:
    """A sentence for each run whose LOO is not to be relied on."""
    if loo is None:
        return []
    return [
        f"{count} of {loo.observations} observations of {letter} {'has' if count == 1 else 'have'} a Pareto k"
        f" above 0.7, so its LOO is not to be relied on: the model is surprised by"
        f" {'it' if count == 1 else 'them'}."
        for letter, count in (("A", loo.unreliable_a), ("B", loo.unreliable_b))
        if count
    ]


def _moved(shift: Shift) -> float:
    """A shift in Monte Carlo errors; 0 where too few draws tell none."""
    if math.isnan(shift.shift):
        return math.inf
    if math.isnan(shift.mcse):
        return 0.0
    return abs(shift.shift) / shift.mcse if shift.mcse > 0 else math.inf if shift.shift else 0.0


def _error(se: float, decimals: int) -> str:
    """A standard error; a single observation has none."""
    return "–" if math.isnan(se) else f"{se:.{decimals}f}"
