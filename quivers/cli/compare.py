"""`qvr compare`: two saved runs side by side."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.cli.output import CLEAN, colour, say
from quivers.cli.tables import aligned
from quivers.runs.folders import found
from quivers.syntax.problems import Severity
from quivers.terminal.frames import title_line
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from quivers.runs.comparison import Comparison, LeaveOneOut, Shift

LONGEST = 60  # quantities that are shown; of more, those that moved most
MOVED = 4.0  # Monte Carlo errors that a shift is more than by chance


def compare(options: argparse.Namespace) -> int:
    """Print each common quantity's shift, and the difference of LOO."""
    from quivers.runs.comparison import compared
    from quivers.runs.saved import read_run

    a, b = read_run(found(options.a)), read_run(found(options.b))
    result = compared(a, b)
    if options.output_format == "json":
        say(sys.stdout, json_output.dumps(_plain({"a": a.folder.name, "b": b.folder.name, **asdict(result)})))
        return CLEAN
    for letter, run in (("A", a), ("B", b)):
        part = "" if run.kept == run.about.wanted else f" of {run.about.wanted}"
        draws = f"{run.about.chains} × {run.kept}{part} draws"
        data = "no data" if run.about.data_name is None else safe(run.about.data_name)
        say(sys.stdout, f"{letter}  {run.folder.name}  {draws}, seed {run.about.seed}, {data}")
    say(sys.stdout, "")
    _print_shifts(result)
    for letter, names in (("A", result.only_a), ("B", result.only_b)):
        if names:
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            say(sys.stdout, f"only in {letter}: {safe(', '.join(names[:8]))}{more}")
    say(sys.stdout, "")
    say(sys.stdout, f"No LOO: {result.no_loo}" if result.loo is None else _loo(result.loo))
    if result.loo is not None:
        for letter, count in (("A", result.loo.unreliable_a), ("B", result.loo.unreliable_b)):
            if count:
                have, them = ("has", "it") if count == 1 else ("have", "them")
                text = (
                    f"{count} of {result.loo.observations} observations of {letter} {have} a Pareto k above"
                    f" 0.7, so its LOO is not to be relied on: the model is surprised by {them}."
                )
                say(sys.stdout, title_line(Severity.WARNING, None, text, colour(sys.stdout)))
    return CLEAN


def _print_shifts(result: Comparison) -> None:
    if not result.shifts:
        say(sys.stdout, "The runs have no quantity in common.")
        return
    shown = list(result.shifts)
    if len(shown) > LONGEST:
        kept = sorted(shown, key=_moved, reverse=True)[:LONGEST]
        shown = [shift for shift in shown if shift in kept]
    lines: list[tuple[str, ...]] = [("", "mean A", "mean B", "sd A", "sd B", "shift", "± mcse", "")]
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
    say(sys.stdout, aligned(lines))
    if len(shown) < len(result.shifts):
        say(sys.stdout, f"… {len(result.shifts) - len(shown)} more, which moved less")
    say(sys.stdout, "shift: mean B - mean A in sds; *: more than four Monte Carlo errors")


def _moved(shift: Shift) -> float:
    """A shift in Monte Carlo errors; 0 where too few draws tell none."""
    if math.isnan(shift.shift):
        return math.inf
    if math.isnan(shift.mcse):
        return 0.0
    return abs(shift.shift) / shift.mcse if shift.mcse > 0 else math.inf if shift.shift else 0.0


def _loo(loo: LeaveOneOut) -> str:
    if loo.difference == 0.0:
        verdict = "they predict alike"
    else:
        better = "B" if loo.difference > 0 else "A"
        sure = abs(loo.difference) > 2 * loo.se
        verdict = f"{better} predicts better" if sure else "no clear difference"
    count = f"{loo.observations} observation{'' if loo.observations == 1 else 's'}"
    a, b = (f"{elpd:.1f} ± {_error(se, 1)}" for elpd, se in ((loo.elpd_a, loo.se_a), (loo.elpd_b, loo.se_b)))
    return f"LOO of {count}: A {a}, B {b}; B - A {loo.difference:+.2f} ± {_error(loo.se, 2)}: {verdict}"


def _error(se: float, decimals: int) -> str:
    """A standard error; a single observation has none."""
    return "–" if math.isnan(se) else f"{se:.{decimals}f}"


def _plain(value: Any) -> Any:
    """What JSON can say; a number that does not exist is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
