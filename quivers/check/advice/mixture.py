"""QVR703: a mixture whose components can change places without changing the density."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.sites import Sites, family_of
from quivers.check.types import Axis, Type
from quivers.families.support import Member
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Edit, Fix, Label, Severity


def unordered_mixtures(sites: Sites) -> Iterator[Diagnostic]:
    """Discrete latents that only pick among parameters drawn alike for every component."""
    for step in sites.steps:
        if not isinstance(step, ast.Sample | ast.Marginalize):
            continue
        family = family_of(step)
        if family is None or family.name != "Categorical":
            continue
        components = _components(step, sites)
        picked = _picked(step.name, sites)
        if components is None or not picked or not _alike_in_probability(step, components, sites):
            continue
        if all(_alike(name, components, sites) for name in picked):
            yield from _unordered(step, components, picked, sites)


def _components(step: ast.Sample | ast.Marginalize, sites: Sites) -> Axis | None:
    found = sites.types.get(step.name.text)
    if isinstance(found, Type) and isinstance(found.element, Member):
        return Axis(found.element.object)
    return None


def _picked(z: ast.Name, sites: Sites) -> list[str]:
    """The names indexed by z, in order; none when z is used in any other way, or picks from data."""
    picked: dict[str, None] = {}
    wanted = {use.span for use in sites.uses if use.name == z.text}
    for step in sites.steps:
        if z.text not in sites.reads(step):
            continue
        for part in ast.walk(step):
            if isinstance(part, ast.Index) and isinstance(part.value, ast.Variable):
                spans = {index.span for index in part.indices}
                if spans & wanted:
                    picked[part.value.name] = None
                    wanted -= spans
    return [] if wanted else list(picked)


def _alike_in_probability(step: ast.Sample | ast.Marginalize, components: Axis, sites: Sites) -> bool:
    """Whether no component is more probable than another before the data are seen."""
    return all(_alike(name, components, sites) for name in _names(step.draw))


def _names(node: object) -> list[str]:
    return [part.name for part in ast.walk(node) if isinstance(part, ast.Variable)]


def _alike(name: str, components: Axis, sites: Sites) -> bool:
    """Whether a value is the same for all components, or drawn alike for each and left in no order."""
    found = sites.types.get(name)
    if not isinstance(found, Type):
        return False
    if components not in found.axes:
        return True
    step = sites.binders.get(name)
    if isinstance(step, ast.Let):
        makes_order = any(
            isinstance(part, ast.Call) and part.function.text in ("index", "cumsum", "sort")
            for part in ast.walk(step.value)
        )
        return not makes_order and all(_alike(part, components, sites) for part in _names(step.value))
    if not isinstance(step, ast.Sample) or family_of(step) is None:
        return False
    ordered = any(option.name.text == "ordered" for option in step.options)
    walk = isinstance(step.draw, ast.Call) and step.draw.function.text == "GaussianRandomWalk"
    return not ordered and not walk and all(_alike(part, components, sites) for part in _names(step.draw))


def _unordered(
    step: ast.Sample | ast.Marginalize, components: Axis, picked: list[str], sites: Sites
) -> Iterator[Diagnostic]:
    drawn = [binder for name in picked if isinstance(binder := sites.binders.get(name), ast.Sample)]
    candidates = [
        draw
        for draw in drawn
        if isinstance(found := sites.types.get(draw.name.text), Type)
        and found.axes == (components,)
        and (family := family_of(draw)) is not None
        and family.event_rank == 0
    ]
    if not candidates:
        return
    location = candidates[0]
    yield Diagnostic(
        "QVR703",
        Severity.WARNING,
        location.name.span,
        f"The components of `{components}` are drawn alike and can change places, so the posterior has a "
        "mode for every order of them, and chains settle in different ones.",
        labels=(Label(step.name.span, f"`{step.name.text}` picks a component here"),),
        fixes=(ordering(location),),
        hint=f"Draw `{location.name.text}` in increasing order.",
    )


def ordering(step: ast.Sample) -> Fix:
    """The fix that draws the step's values in increasing order."""
    if step.options:
        last = step.options[-1].span.end
        return Fix("Add the option `ordered`", (Edit(ast.Span(last, last), ", ordered"),))
    end = step.span.end
    return Fix("Add `[ordered]`", (Edit(ast.Span(end, end), " [ordered]"),))
