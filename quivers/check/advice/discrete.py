"""QVR702: a discrete latent outside a `marginalize` block, where no gradient-based sampler can follow it."""

from __future__ import annotations

import math
from collections.abc import Iterator

from quivers.check.advice.sites import Sites, family_of
from quivers.check.advice.trial import keeps_types
from quivers.check.rewrites.marginalizing import marginalizing
from quivers.check.types import Type
from quivers.families.family import Family
from quivers.families.support import Interval
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity

_PREDICTED = "Leave it out: `Predictive` draws new values of everything that is observed."


def discrete_latents(sites: Sites) -> Iterator[Diagnostic]:
    """Draws of whole numbers in a program that scores something, and so is meant to be run."""
    if not sites.conditions:
        return
    for step in sites.steps:
        family = family_of(step)
        if not isinstance(step, ast.Sample) or family is None or not family.discrete:
            continue
        name = step.name.text
        reached = name in sites.reaching
        if not reached and name not in sites.returned:
            continue
        readers = sites.readers(name)
        inside = {name, *(reader.name.text for reader in readers if isinstance(reader, ast.Let))}
        fix = marginalizing(step, sites.declaration, sites.text, sites.types, readers)
        if fix is not None and not keeps_types(fix, sites, but=inside):
            fix = None
        yield Diagnostic(
            "QVR702",
            Severity.WARNING,
            step.name.span,
            f"`{name}` is discrete, so it has no gradient, and NUTS can't sample it.",
            fixes=() if fix is None else (fix,),
            hint=_hint(step, family, sites) if reached else _PREDICTED,
        )


def _hint(step: ast.Sample, family: Family, sites: Sites) -> str:
    if family.event_rank:
        return f"Observe it, or take its expected counts in the place of `{step.name.text}`."
    header = f"marginalize {step.name.text} <- {family.name}(…)"
    type = sites.types.get(step.name.text)
    if isinstance(type, Type) and isinstance(type.element, Interval) and math.isinf(type.element.high):
        return f"Sum it out up to a value that it hardly passes: `{header} [high=…]`."
    return f"Sum it out: `{header}`."
