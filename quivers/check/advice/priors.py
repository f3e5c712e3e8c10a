"""QVR707 and QVR711: priors on scales that are flat, or that only look vague."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.sites import Sites, family_of
from quivers.check.objects import constant
from quivers.check.rewrites.centring import argument_values
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Label, Severity

# A uniform prior this wide says nothing in any unit that a scale is measured in.
_VERY_WIDE = 1000.0
# The shape and rate from which a gamma or inverse gamma counts as an attempt at "no information".
_TINY = 0.01


def flat_scales(sites: Sites) -> Iterator[Diagnostic]:
    """Scales with an improper prior, or one that is uniform over a very wide interval."""
    flat = {step.name.text: step for step in sites.steps if isinstance(step, ast.Sample) and _is_flat(step)}
    if not flat:
        return
    told: set[str] = set()
    for step in sites.steps:
        family = family_of(step)
        if family is None or not isinstance(step, ast.Sample | ast.Observe):
            continue
        for parameter, node in argument_values(step.draw, family):
            name = _drawn_as(node, sites) if parameter == "scale" else None
            if name is None or name not in flat or name in told:
                continue
            told.add(name)
            yield _flat(flat[name], step, node)


def _flat(prior: ast.Sample, used: ast.Sample | ast.Observe, node: ast.Expression) -> Diagnostic:
    if isinstance(used, ast.Sample):
        danger = "with few elements nothing keeps it from growing without bound"
    else:
        danger = "only the data keep it from growing without bound"
    return Diagnostic(
        "QVR707",
        Severity.WARNING,
        prior.draw.span,
        f"`{prior.name.text}` is a scale with a flat prior: {danger}.",
        labels=(Label(node.span, f"the scale of `{used.name.text}`"),),
        hint="Write a proper prior in the units of the data, such as a `HalfNormal` or an `Exponential`.",
    )


def _is_flat(step: ast.Sample) -> bool:
    if isinstance(step.draw, ast.Hole):
        return False
    if step.draw.function.text == "Uniform":
        ends = [constant(argument.value) for argument in step.draw.arguments]
        return len(ends) == 2 and all(end is not None for end in ends) and _width(ends) >= _VERY_WIDE
    return step.draw.function.text in ("Flat", "HalfFlat")


def _width(ends: list[float | None]) -> float:
    return abs((ends[1] or 0.0) - (ends[0] or 0.0))


def _drawn_as(node: ast.Expression, sites: Sites) -> str | None:
    """The latent that an expression is, or is the exponential of, through any number of lets."""
    while True:
        if isinstance(node, ast.Call) and node.function.text in ("exp", "softplus"):
            node = node.arguments[0].value
        elif isinstance(node, ast.Variable) and isinstance(step := sites.binders.get(node.name), ast.Let):
            node = step.value
        else:
            break
    return node.name if isinstance(node, ast.Variable) else None


def nearly_improper(sites: Sites) -> Iterator[Diagnostic]:
    """Gamma and inverse gamma priors with a tiny shape and rate, BUGS's stand-in for no prior."""
    for step in sites.steps:
        if isinstance(step, ast.Sample) and is_nearly_improper(step) and isinstance(step.draw, ast.Call):
            family = step.draw.function.text
            yield Diagnostic(
                "QVR711",
                Severity.WARNING,
                step.draw.span,
                f"This `{family}` is not vague: it is close to improper, and where the data say little about "
                f"`{step.name.text}`, the tiny numbers in it decide the posterior.",
                hint="Put a `HalfNormal` or a `HalfStudentT` on the standard deviation (Gelman, 2006).",
            )


def is_nearly_improper(step: ast.Sample) -> bool:
    """Whether this is `Gamma(ε, ε)` or `InverseGamma(ε, ε)`."""
    if isinstance(step.draw, ast.Hole) or step.draw.function.text not in ("Gamma", "InverseGamma"):
        return False
    values = [constant(argument.value) for argument in step.draw.arguments]
    return len(values) == 2 and all(value is not None and 0 < value <= _TINY for value in values)
