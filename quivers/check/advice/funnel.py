"""QVR701: a centred hierarchical draw whose scale is latent: the posterior has the shape of a funnel."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.sites import Sites
from quivers.check.advice.trial import keeps_types, reads_inferred_input
from quivers.check.rewrites.centring import noncentring
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity


def funnels(sites: Sites) -> Iterator[Diagnostic]:
    """Plate-draws from a location-scale family whose scale is itself drawn, or made from what is drawn."""
    for step in sites.steps:
        if not isinstance(step, ast.Sample) or not step.plate:
            continue
        name = step.name.text
        if name not in sites.used or (sites.conditions and name not in sites.reaching):
            continue
        scaled = sites.scaled.get(step.span)
        latents = [] if scaled is None else sites.rests_on_latents(scaled.scale.span)
        if scaled is None or not latents:
            continue
        source = sites.binders[latents[0]]
        where = Label(source.name.span, f"`{latents[0]}` is drawn here")
        fix = noncentring(step, scaled, sites.text, sites.types, lambda taken: _is_taken(taken, sites))
        if fix is not None and reads_inferred_input(step.draw.span, sites) and not keeps_types(fix, sites):
            fix = None
        yield Diagnostic(
            "QVR701",
            Severity.HINT,
            scaled.scale.span,
            f"The scale of `{name}` is itself unknown: as it nears zero, all of `{name}` must move as one, "
            "and the posterior narrows to a funnel that a sampler hardly enters.",
            labels=(where,) if len(latents) == 1 else (),
            fixes=() if fix is None else (fix,),
            hint="Where the data say little about each element, draw it non-centred.",
        )


def _is_taken(name: str, sites: Sites) -> bool:
    return name in sites.types or name in sites.binders or sites.scope.names.find(name) is not None
