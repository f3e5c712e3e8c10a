"""QVR712: a variance or a precision in the place of a standard deviation."""

from __future__ import annotations

from collections.abc import Iterator

from quivers.check.advice.priors import is_nearly_improper
from quivers.check.advice.sites import Sites
from quivers.check.types import Type
from quivers.families.support import Interval
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity

# Names of variances and precisions, or their first or last word; `sigma2` and `tau_sq` as a whole.
_VARIANCES = frozenset({"var", "variance"})
_PRECISIONS = frozenset({"prec", "precision"})
_SQUARES = frozenset(
    scale + square
    for scale in ("sigma", "tau", "sd", "σ", "τ")
    for square in ("2", "sq", "_sq", "squared", "_squared")
)


@record
class _Mistaken:
    """What was given in the place of a standard deviation, and how that would be written."""

    what: str
    instead: str


def mistaken_scales(sites: Sites) -> Iterator[Diagnostic]:
    """Scales that are squares, inverses of a precision, or called a variance or a precision."""
    for scaled in sites.scaled.values():
        node, family = scaled.scale, scaled.family
        mistaken = _mistaken(node, sites)
        if mistaken is not None:
            yield Diagnostic(
                "QVR712",
                Severity.WARNING,
                node.span,
                f"The second parameter of `{family}` is a standard deviation, but this is {mistaken.what}."
                if family == "Normal"
                else f"`scale` of `{family}` is in the units of the value, but this is {mistaken.what}.",
                fixes=(Fix(f"Write `{mistaken.instead}`", (Edit(node.span, mistaken.instead),)),),
            )


def _mistaken(node: ast.Expression, sites: Sites) -> _Mistaken | None:
    if isinstance(node, ast.Variable):
        if _is_precision(node.name, sites):
            return _Mistaken(f"`{node.name}`, a precision", f"1 / sqrt({node.name})")
        if _is_variance(node.name, sites):
            return _Mistaken(f"`{node.name}`, a variance", f"sqrt({node.name})")
    elif isinstance(node, ast.Binary) and isinstance(node.right, ast.Variable | ast.Number):
        squared = _squared(node)
        if squared is not None and _is_non_negative(squared, sites):
            return _Mistaken(f"the square of `{squared}`, a variance", squared)
        inverse = node.right.name if isinstance(node.right, ast.Variable) else ""
        one = isinstance(node.left, ast.Number) and node.left.value == 1
        if node.operator == "/" and one and (_is_precision(inverse, sites) or _is_gamma(inverse, sites)):
            return _Mistaken(f"the inverse of the precision `{inverse}`, a variance", f"1 / sqrt({inverse})")
    return None


def _squared(node: ast.Binary) -> str | None:
    left, right = node.left, node.right
    if not isinstance(left, ast.Variable):
        return None
    if node.operator == "^" and isinstance(right, ast.Number) and right.value == 2:
        return left.name
    if node.operator == "*" and isinstance(right, ast.Variable) and right.name == left.name:
        return left.name
    return None


def _is_non_negative(name: str, sites: Sites) -> bool:
    """Whether a name could be the scale itself; squaring a real number may be a way to make it positive."""
    found = sites.types.get(name)
    return isinstance(found, Type) and isinstance(found.element, Interval) and found.element.low >= 0


def _is_gamma(name: str, sites: Sites) -> bool:
    step = sites.binders.get(name)
    return (
        isinstance(step, ast.Sample)
        and isinstance(step.draw, ast.Call)
        and step.draw.function.text == "Gamma"
    )


def _is_precision(name: str, sites: Sites) -> bool:
    """By its name, or because it has the prior that BUGS programs give to precisions."""
    step = sites.binders.get(name)
    if isinstance(step, ast.Sample) and is_nearly_improper(step) and _is_gamma(name, sites):
        return True
    return _is_called(name, _PRECISIONS)


def _is_variance(name: str, sites: Sites) -> bool:
    """By its name; `sigma2` beside `sigma1` or `sigma` is the second of several."""
    if not _is_called(name, _VARIANCES) and name.lower() not in _SQUARES:
        return False
    if not name.endswith("2"):
        return True
    stem = name[:-1]
    return not any(other in sites.types for other in (stem, f"{stem}1", f"{stem}3", stem.rstrip("_")))


def _is_called(name: str, words: frozenset[str]) -> bool:
    """Whether the first or the last word of a name, as in `beta_var`, is one of these."""
    parts = name.lower().split("_")
    return parts[0] in words or parts[-1] in words
