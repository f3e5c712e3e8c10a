"""`qvr compare`: two saved runs side by side."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import asdict
from typing import Any

from quivers import json_output
from quivers.cli.output import CLEAN, colour, say
from quivers.cli.tables import aligned
from quivers.runs.folders import found
from quivers.syntax.problems import Severity
from quivers.terminal.comparison import NOTHING_IN_COMMON, loo_line, loo_warnings, only_lines, shift_cells
from quivers.terminal.frames import title_line
from quivers.terminal.width import safe


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
    if result.shifts:
        lines, below = shift_cells(result.shifts)
        say(sys.stdout, aligned(lines))
    else:
        below = [NOTHING_IN_COMMON]
    told = [*below, *only_lines(result.only_a, result.only_b), "", loo_line(result.loo, result.no_loo)]
    say(sys.stdout, "\n".join(told))
    for text in loo_warnings(result.loo):
        say(sys.stdout, title_line(Severity.WARNING, None, text, colour(sys.stdout)))
    return CLEAN


def _plain(value: Any) -> Any:
    """What JSON can say; a number that does not exist is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, (list, tuple)) else value
