"""Moves a latent of a location-scale family between its centred and its non-centred form, continuously.

Gorinova, Moore and Hoffman 2020, "Automatic reparameterisation of probabilistic programs"; Papaspiliopoulos,
Roberts and Sköld 2007, "A general framework for the parametrization of hierarchical models". Where y, the
latent's value on the real line, is drawn from F(loc, scale), its coordinates are x̃ ~ F(a·loc, scaleᵇ), and
y = loc + scale¹⁻ᵇ · (x̃ − a·loc). With a = b = 1 they are y itself, the centred form; with a = b = 0 they are
independent of loc and scale before there are data, the non-centred form. a and b are data of the graph, one
for each element, so that another choice needs no other code.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from quivers.families.support import POSITIVE, REAL
from quivers.families.table import FAMILIES
from quivers.ir.densities import guarded, log_density
from quivers.ir.expressions import Value
from quivers.ir.graph import Builder, Centring, Density, Draw, Latent, Node
from quivers.ir.simplify import apply, depends_on

_OWN = ("Normal", "StudentT", "Cauchy", "Laplace", "Logistic", "Gumbel", "SkewNormal", "AsymmetricLaplace")
REAL_FAMILIES: Mapping[str, str] = {
    **{name: name for name in _OWN},
    "LogNormal": "Normal",
    "LogitNormal": "Normal",
}
"""The location-scale families, and that of their value on the real line: a LogNormal's log is Normal."""

SHARES = ("·loc", "·scale")
"""After a latent's name, what the inputs a and b are called; no input of a program's can be."""


@dataclass(frozen=True, slots=True)
class Movable:
    """A latent that can be moved, and which of its parameters depend on other latents."""

    loc: bool
    scale: bool


def movable(density: Density) -> dict[str, Movable | str]:
    """For each latent of a density in the constrained space: what can move it, or why it stays as written."""
    draws = {draw.site: draw for draw in density.draws if not draw.observed and not draw.summed}
    drawn = depends_on(density.nodes, frozenset({"site"}))
    return {latent.name: _movable(latent, draws[latent.name], drawn) for latent in density.latents}


def _movable(latent: Latent, draw: Draw, drawn: Sequence[bool]) -> Movable | str:
    if draw.family not in REAL_FAMILIES:
        return f"{draw.family} is no family of a location and a scale"
    if draw.ordered is not None:
        return "its values are kept in order"
    family = FAMILIES[draw.family]
    if latent.low is not None or latent.high is not None or latent.support != family.support:
        return "its values are bounded"
    found = Movable(drawn[draw.parameters["loc"]], drawn[draw.parameters["scale"]])
    if not (found.loc or found.scale):
        return "neither its location nor its scale depends on a latent"
    return found


def with_centring(density: Density, names: Iterable[str]) -> Density:
    """A density in the constrained space whose latents of these names, all movable, can be moved.

    It has two inputs more for each, called as `SHARES` says, with the latent's axes.
    """
    builder = Builder(list(density.nodes), {node: number for number, node in enumerate(density.nodes)})
    chosen = set(names)
    draws = {draw.site: draw for draw in density.draws}
    priors = {term.site: term.node for term in density.terms if term.kind == "prior"}
    latents = []
    for latent in density.latents:
        if latent.name in chosen:
            draw = draws[latent.name]
            loc, scale = (
                builder.add(Node("input", axes=latent.axes, name=latent.name + share)) for share in SHARES
            )
            centring = Centring(
                REAL_FAMILIES[draw.family],
                draw.parameters,
                loc,
                scale,
                _condition(builder, priors[latent.name]),
            )
            latent = replace(latent, centring=centring)
        latents.append(latent)
    return replace(density, nodes=tuple(builder.nodes), latents=tuple(latents))


def _condition(builder: Builder, node: int) -> int | None:
    """What a log density holds under, the rest being −inf, as `guarded` writes it."""
    while builder.nodes[node].op == "spread":
        (node,) = builder.nodes[node].args
    if builder.nodes[node].op != "where":
        return None
    condition, _, otherwise = builder.nodes[node].args
    while builder.nodes[otherwise].op == "spread":
        (otherwise,) = builder.nodes[otherwise].args
    return condition if builder.nodes[otherwise].value == -math.inf else None


def moved(builder: Builder, centring: Centring, position: int, at: Mapping[int, int]) -> tuple[int, int]:
    """A latent's value on the real line, and the log density of its coordinates, at `position`.

    `at` has the place in `builder` of each node that `centring` names.
    """
    given = {name: at[number] for name, number in centring.parameters.items()}
    loc, log_scale = given["loc"], apply(builder, "log", given["scale"])
    shifted = apply(builder, "mul", at[centring.loc_share], loc)
    one = builder.constant(1.0)
    rest = apply(builder, "sub", one, at[centring.scale_share])
    stretch = apply(builder, "exp", apply(builder, "mul", rest, log_scale))
    step = apply(builder, "mul", stretch, apply(builder, "sub", position, shifted))
    spread = apply(builder, "exp", apply(builder, "mul", at[centring.scale_share], log_scale))
    # That the scale is positive stands in the condition; the power of one always is.
    parameters = {name: Value(number, POSITIVE) for name, number in given.items()}
    parameters.update(loc=Value(shifted, REAL), scale=Value(spread, POSITIVE))
    family = FAMILIES[centring.family]
    density = log_density(builder, family, family.forms[0], parameters, Value(position, REAL)).node
    condition = None if centring.condition is None else at[centring.condition]
    return apply(builder, "add", loc, step), guarded(builder, density, condition)


def returned(builder: Builder, centring: Centring, value: int) -> int:
    """The coordinates of a latent whose value on the real line is `value`, over the same nodes."""
    loc, scale = centring.parameters["loc"], centring.parameters["scale"]
    power = apply(builder, "sub", centring.scale_share, builder.constant(1.0))
    shrink = apply(builder, "exp", apply(builder, "mul", power, apply(builder, "log", scale)))
    step = apply(builder, "mul", shrink, apply(builder, "sub", value, loc))
    return apply(builder, "add", apply(builder, "mul", centring.loc_share, loc), step)
