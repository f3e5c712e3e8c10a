"""Which programs of a file can be run, why not where one can't, and how runs are going, in words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from quivers.check.program import Checked
from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.problems import Severity


@record
class RunTarget:
    """A program to offer a run for. `span` covers its name; `reason` says why it is not `runnable`."""

    program: str
    span: Span
    title: str
    runnable: bool
    reason: str | None = None


def run_targets(checked: Checked) -> tuple[RunTarget, ...]:
    """One target for each program, in the order of the file."""
    return tuple(run_target(checked, name) for name in checked.programs)


def run_target(checked: Checked, name: str) -> RunTarget:
    """The target of one program."""
    program = checked.programs[name]
    span = program.declaration.name.span.shifted(program.offset)
    title = f"▶ Run {name}"
    if program.parameters:
        listed = ", ".join(f"`{parameter.name}`" for parameter in program.parameters)
        reason = f"`{name}` takes {listed}; run a program that draws from it."
        return RunTarget(name, span, title, runnable=False, reason=reason)
    if not program.has_errors:
        return RunTarget(name, span, title, runnable=True)
    start, end = program.offset, program.offset + program.declaration.span.end
    errors = sum(
        problem.severity is Severity.ERROR and start <= problem.span.start <= end
        for problem in checked.diagnostics
    )
    if errors == 0:
        reason = f"`{name}` uses a declaration that has an error."
    else:
        reason = f"`{name}` has {errors} {'error' if errors == 1 else 'errors'}."
    return RunTarget(name, span, title, runnable=False, reason=reason)


# ------------------------------------------------------------------- in words


def lens_title(
    target: RunTarget,
    *,
    running: int | None = None,
    last: str | None = None,
    when: str | None = None,
    stale: bool = False,
) -> str:
    """A program's lens: what it offers, and its last answer. `running` is how far a run is, in per cent.

    `when` is given for the answer of another session, and says of what time it is.
    """
    if running is not None:
        return f"■ Stop · {running} %"
    if last is None:
        return target.title
    of = "" if when is None else f" ({when})"
    return f"▶ Run · last{of}: {last}{' · stale' if stale else ''}"


def run_text(seed: int, finished: float, now: float) -> str:
    """A run that ended in words, "run of 3 minutes ago, seed 0"; times are seconds of one clock."""
    return f"run {_ago(now - finished)}, seed {seed}"


def clock_text(finished: float, now: float) -> str:
    """When a run ended, by the clock here: the time of a run of today, else the date."""
    then, today = time.localtime(finished), time.localtime(now)
    if then[:3] == today[:3]:
        return time.strftime("%H:%M", then)
    return f"{then.tm_year}-{then.tm_mon:02}-{then.tm_mday:02}"


def _ago(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if (count := int(seconds // length)) >= 1:
            return f"of {_counted(count, unit)} ago"
    return "just now"


def answer_text(result: Mapping[str, Any]) -> str:
    """A run's result in a few words, `R̂ 1.00, 0 divergences`: the worst R-hat, and the divergences."""
    r_hats = [row["r_hat"] for row in result["summary"].values() if row["r_hat"] is not None]
    parts = [f"R̂ {max(r_hats):.2f}"] if r_hats else []
    return ", ".join([*parts, _counted(result["divergences"], "divergence")])


def ending_text(result: Mapping[str, Any]) -> str:
    """What progress says at the end of a run: its answer, and the seconds that it took."""
    return f"{answer_text(result)}, {result['seconds']['total']:.1f} s"


def progress_text(chains: Sequence[Mapping[str, Any]]) -> tuple[int, str]:
    """How far a run is, in per cent, and each chain in words, from the newest report of each.

    A chain says how far it is, its draws a second, its divergences and the time that it has left.
    """
    number = max(report["chains"] for report in chains)
    done = sum(_share(report) for report in chains) / number
    phases = {report["phase"] for report in chains}
    phase = "warm-up" if "warm-up" in phases else "sampling"
    told = [_chain(report) for report in sorted(chains, key=lambda each: each["chain"])]
    return _percent(done), " · ".join([phase, *told])


def _chain(report: Mapping[str, Any]) -> str:
    parts = [f"{report['chain'] + 1}: {_percent(_share(report))} %"]
    if (rate := report.get("draws_per_second")) is not None:
        parts.append(f"{rate:,.0f} draws/s" if rate >= 10 else f"{rate:.1f} draws/s")
    if report["divergences"]:
        parts.append(_counted(report["divergences"], "divergence"))
    if (left := report.get("seconds_left")) is not None and report["done"] < report["total"]:
        parts.append(f"{_time(left)} left")
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _share(report: Mapping[str, Any]) -> float:
    """The share of a chain that is done, its warm-up included."""
    return float(report["done"] / report["total"]) if report["total"] else 1.0


def _percent(share: float) -> int:
    return min(100, int(100 * share))
