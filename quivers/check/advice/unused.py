"""QVR708: a `let` that no draw, observation, score or returned value is made from."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.deletion import deleting
from quivers.check.advice.outer import runs_over_pairs
from quivers.check.advice.sites import Sites
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


def unused_lets(sites: Sites) -> Iterator[Diagnostic]:
    """Lets that nothing needs, those that only such lets read among them."""
    lets = [step for step in sites.steps if isinstance(step, ast.Let)]
    if not lets:
        return
    needed = sites.ancestors(
        name for step in sites.steps if not isinstance(step, ast.Let) for name in sites.reads(step)
    )
    for step in lets:
        name = step.name.text
        if name in needed or runs_over_pairs(step, sites):
            continue
        if sites.rests_on_latents(step.value.span):
            message = f"No other step needs `{name}`; it is only reported with the draws."
            hint = "If it is a result, return it; if not, remove it."
        else:
            message, hint = f"No other step needs `{name}`.", None
        yield Diagnostic(
            "QVR708", Severity.HINT, step.name.span, message, fixes=deleting(step, sites), hint=hint
        )
