"""The two ways to write a draw from a location-scale family: centred, and non-centred.

`theta <- Normal(mu, tau)` and `theta = mu + tau * theta_raw` with `theta_raw <- Normal(0, 1)` are one
model: the joint density of θ is that of the raw value divided by τ, which is the Jacobian of the
map between them (Papaspiliopoulos, Roberts & Sköld, 2007).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from quivers.check.arguments import BoundForm, bind_family
from quivers.check.expressions import type_of
from quivers.check.objects import Names
from quivers.check.program import Role
from quivers.check.rewrites.lines import (
    first_line,
    indentation,
    line_ending,
    renamed_draw,
    spelt,
    without,
)
from quivers.check.scope import Binding, Scope
from quivers.check.types import AnyType, Type
from quivers.families.family import Family
from quivers.families.functions import FUNCTIONS
from quivers.families.support import Interval
from quivers.families.table import FAMILIES
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Edit, Fix

# Families with a `loc` and a `scale`; the last two are the normal seen through a function.
LOCATION_SCALE: Mapping[str, str | None] = {
    "Normal": None,
    "StudentT": None,
    "Cauchy": None,
    "Laplace": None,
    "Logistic": None,
    "Gumbel": None,
    "SkewNormal": None,
    "AsymmetricLaplace": None,
    "LogNormal": "exp",
    "LogitNormal": "sigmoid",
}
_THROUGH: Mapping[str, str] = {"exp": "LogNormal", "sigmoid": "LogitNormal", "inv_logit": "LogitNormal"}

# Arguments are told apart without a word; what is wrong with them has been said by the check.
_SILENT = Scope(Names({}), "", {}, {})

_LOWER_THAN_SUM = frozenset({"==", "!=", "<", "<=", ">", ">=", "and", "or"})


# --------------------------------------------------------------- from centred to non-centred


@record
class Scaled:
    """A draw from a location-scale family, with its arguments as they are written."""

    family: str
    bound: BoundForm
    loc: ast.Expression | None
    scale: ast.Expression


def location_scale(step: ast.Sample | ast.Observe) -> Scaled | None:
    """The draw's location and scale; None for other families, without a scale and when cut off."""
    draw = step.draw
    if isinstance(draw, ast.Hole) or draw.function.text not in LOCATION_SCALE:
        return None
    if any(option.name.text in ("low", "high") for option in step.options):
        return None
    bound = bind_family(draw, FAMILIES[draw.function.text], _SILENT)
    if not bound.complete or "scale" not in bound.values:
        return None
    return Scaled(draw.function.text, bound, bound.values.get("loc"), bound.values["scale"])


def argument_values(draw: ast.Call | ast.Hole, family: Family) -> tuple[tuple[str, ast.Expression], ...]:
    """The arguments of a draw, each with the name of its parameter."""
    if isinstance(draw, ast.Hole):
        return ()
    bound = bind_family(draw, family, _SILENT)
    return tuple((parameter.name, node) for parameter, node in bound.parameters)


def noncentring(
    step: ast.Sample,
    scaled: Scaled,
    text: bytes,
    types: Mapping[str, AnyType],
    is_taken: Callable[[str], bool],
) -> Fix | None:
    """The fix that draws the step's name non-centred, with spans relative to the program."""
    type = types.get(step.name.text)
    if not isinstance(type, Type) or not step.plate or isinstance(step.draw, ast.Hole):
        return None
    scalar = all(_is_scalar(part, types) for part in (scaled.loc, scaled.scale) if part is not None)
    if any(option.name.text not in ("ordered", "over") for option in step.options):
        return None
    if not scalar and step.options:
        # With a location or scale of its own for each element, an increasing θ is no increasing raw value.
        return None
    raw = fresh_name(f"{step.name.text}_raw", is_taken)
    through = LOCATION_SCALE[scaled.family]
    arguments = {scaled.scale.span: "1.0"}
    no_loc = scaled.loc is None or _is_zero(scaled.loc)
    if scaled.loc is not None and not no_loc:
        arguments[scaled.loc.span] = "0.0"
    if through is not None:
        arguments[step.draw.function.span] = "Normal"
    draw = renamed_draw(text, step, raw, arguments)
    # Axes come in the order in which they are first met, and the plate's own order is to stay.
    raw_first = len(type.axes) > 1 and not scalar
    value = _affine(None if no_loc else scaled.loc, scaled.scale, raw, text, raw_first=raw_first)
    value = value if through is None else f"{through}({value})"
    at = first_line(text, step)
    line = f"{indentation(text, step)}{draw}{line_ending(text)}"
    edits = (Edit(Span(at, at), line), Edit(step.span, f"let {step.name.text} = {value}"))
    return Fix(f"Draw `{step.name.text}` non-centred", edits)


def fresh_name(wanted: str, is_taken: Callable[[str], bool]) -> str:
    """`wanted`, or with a number after it where that is taken."""
    name, number = wanted, 1
    while is_taken(name) or name in FAMILIES or name in FUNCTIONS:
        number += 1
        name = f"{wanted}_{number}"
    return name


def _is_scalar(expression: ast.Expression, types: Mapping[str, AnyType]) -> bool:
    """Whether no name in an expression has axes."""
    return all(
        isinstance(found := types.get(part.name), Type) and not found.axes
        for part in ast.walk(expression)
        if isinstance(part, ast.Variable)
    )


def _is_zero(expression: ast.Expression) -> bool:
    return isinstance(expression, ast.Number) and expression.value == 0


def _affine(
    loc: ast.Expression | None, scale: ast.Expression, raw: str, text: bytes, *, raw_first: bool
) -> str:
    if raw_first:
        product = f"{raw} * {_operand(scale, text, tight=True)}"
        return product if loc is None else f"{product} + {_operand(loc, text, tight=False, right=True)}"
    product = f"{_operand(scale, text, tight=False, factor=True)} * {raw}"
    return product if loc is None else f"{_operand(loc, text, tight=False)} + {product}"


def _operand(
    node: ast.Expression, text: bytes, *, tight: bool, right: bool = False, factor: bool = False
) -> str:
    """An expression as an operand: of a sum, as a left `factor`, or where it must hold together (`tight`)."""
    written = spelt(text, node.span)
    loose = isinstance(node, ast.If | ast.Factor | ast.Scan)
    if isinstance(node, ast.Binary):
        loose = node.operator in _LOWER_THAN_SUM
        loose |= (right or factor) and node.operator in "+-"
        loose |= factor and node.operator == "@"
        loose |= tight and node.operator != "^"
    elif isinstance(node, ast.Unary):
        loose = tight or right or factor or node.operator == "not"
    return f"({written})" if loose or "\n" in written or "\r" in written else written


# --------------------------------------------------------------- and back


def centring(
    let: ast.Let,
    steps: Sequence[ast.Step],
    text: bytes,
    types: Mapping[str, AnyType],
    uses: Sequence[str],
) -> Fix | None:
    """The fix that draws what `let` makes centred, with spans relative to the program.

    `steps` are those of the block it stands in, `uses` the names that the program reads, each as often as it
    does.
    """
    value, through = let.value, None
    if isinstance(value, ast.Call) and value.function.text in _THROUGH and len(value.arguments) == 1:
        through = _THROUGH[value.function.text]
        value = value.arguments[0].value
    for loc, scale, raw in _readings(value):
        drawn = (step for step in steps if isinstance(step, ast.Sample) and step.name.text == raw)
        step = next(drawn, None)
        if step is None or uses.count(raw) != 1 or not _fits(let, step, scale, types):
            continue
        edit = _centred_draw(let, step, text, loc=loc, scale=scale, through=through)
        if edit is not None:
            return Fix(f"Draw `{let.name.text}` centred", (without(text, step), edit))
    return None


def _readings(value: ast.Expression) -> list[tuple[ast.Expression | None, ast.Expression, str]]:
    """The ways to read an expression as `loc + scale * raw`, or without a location."""
    found: list[tuple[ast.Expression | None, ast.Expression, str]] = []
    terms: list[tuple[ast.Expression | None, ast.Expression]] = [(None, value)]
    if isinstance(value, ast.Binary) and value.operator == "+":
        terms = [(value.left, value.right), (value.right, value.left)]
    for loc, product in terms:
        if isinstance(product, ast.Binary) and product.operator == "*":
            for scale, raw in ((product.left, product.right), (product.right, product.left)):
                if isinstance(raw, ast.Variable):
                    found.append((loc, scale, raw.name))
    return found


def _fits(let: ast.Let, raw: ast.Sample, scale: ast.Expression, types: Mapping[str, AnyType]) -> bool:
    """Whether the let has the axes of the raw draw, and the scale is positive."""
    bindings = {name: Binding(name, Role.LET, type, let.span) for name, type in types.items()}
    found = type_of(scale, Scope(Names({}), "", bindings, {}))
    made, drawn = types.get(let.name.text), types.get(raw.name.text)
    if not isinstance(found, Type) or not isinstance(made, Type) or not isinstance(drawn, Type):
        return False
    positive = isinstance(found.element, Interval) and found.element.low >= 0
    plain = not raw.options or (
        not found.axes and all(option.name.text in ("ordered", "over") for option in raw.options)
    )
    return positive and plain and bool(raw.plate) and made.axes == drawn.axes


def _centred_draw(
    let: ast.Let,
    step: ast.Sample,
    text: bytes,
    *,
    loc: ast.Expression | None,
    scale: ast.Expression,
    through: str | None,
) -> Edit | None:
    """The raw draw, with its standard arguments replaced, in the place of the let."""
    draw = step.draw
    if isinstance(draw, ast.Hole) or LOCATION_SCALE.get(draw.function.text, "") is not None:
        return None
    if through is not None and draw.function.text != "Normal":
        return None
    bound = bind_family(draw, FAMILIES[draw.function.text], _SILENT)
    standard = {"loc": 0.0, "scale": 1.0}
    arguments: dict[Span, str] = {}
    added = ""
    for name, wanted in (("loc", loc), ("scale", scale)):
        written = bound.values.get(name)
        if written is None:
            added += "" if wanted is None else f", {name}={spelt(text, wanted.span)}"
        elif not isinstance(written, ast.Number) or written.value != standard[name]:
            return None
        elif wanted is not None:
            arguments[written.span] = spelt(text, wanted.span)
    if not bound.complete:
        return None
    if added:
        end = draw.arguments[-1].span.end
        arguments[Span(end, end)] = added
    if through is not None:
        arguments[draw.function.span] = through
    return Edit(let.span, renamed_draw(text, step, let.name.text, arguments))
