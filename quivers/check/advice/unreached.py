"""QVR705 and QVR713: a latent that no observation reaches, and an observation that no latent enters."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.deletion import deleting
from quivers.check.advice.sites import Sites, family_of
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Severity


def unreached_latents(sites: Sites) -> Iterator[Diagnostic]:
    """Latents that neither an observation nor the returned value depends on, where something is observed."""
    if not sites.conditions:
        return
    for step in sites.steps:
        if not isinstance(step, ast.Sample) or family_of(step) is None:
            continue
        name = step.name.text
        if name not in sites.reaching and name not in sites.returned:
            yield Diagnostic(
                "QVR705",
                Severity.WARNING,
                step.name.span,
                f"No observation depends on `{name}`, so its posterior is its prior.",
                fixes=deleting(step, sites),
                hint="Use it in what is observed, or remove it.",
            )


def idle_observations(sites: Sites) -> Iterator[Diagnostic]:
    """Observations of a distribution that is known in full, in a program that has latents."""
    if not any(isinstance(step, ast.Sample) for step in sites.steps):
        return
    for step in sites.steps:
        if not isinstance(step, ast.Observe) or family_of(step) is None:
            continue
        if not sites.rests_on_latents(step.draw.span):
            yield Diagnostic(
                "QVR713",
                Severity.WARNING,
                step.name.span,
                f"No latent enters the distribution of `{step.name.text}`, so observing it teaches nothing.",
                hint="Let a latent, or a `let` made from one, be among the distribution's arguments.",
            )
