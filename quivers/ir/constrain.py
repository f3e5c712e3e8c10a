"""Puts every latent on the whole real line: a bijection for its value, the log Jacobian as a term of its own.

The maps are those of Stan's reference manual, "Constraint transforms": a lower bound a is a + eˣ, an upper
bound b is b − eˣ, an interval is a + (b − a) · logistic(x). Ends may depend on earlier latents.
"""

from __future__ import annotations

import math
from dataclasses import replace

from quivers.errors import QvrError
from quivers.ir.graph import Builder, Density, Latent, Node, Term
from quivers.ir.joint import renumbered, roots
from quivers.ir.simplify import apply, needed, rebuilt, spread


def constrain(density: Density) -> Density:
    """The density of the unconstrained coordinates: `position` leaves for `site` leaves, and jacobian terms.

    Raises:
        QvrError: a latent is discrete, so that no map from the reals reaches it.
    """
    builder = Builder()
    placed: dict[int, int] = {}
    jacobians: list[Term] = []
    for latent in density.latents:
        ends = [end for end in (latent.low, latent.high) if end is not None]
        _place(builder, density, ends, placed)
        position = builder.add(Node("position", axes=latent.axes, name=latent.name))
        value, jacobian = _bijection(builder, latent, position, placed)
        placed[latent.value] = value
        if jacobian is not None:
            jacobians.append(Term(latent.name, "jacobian", spread(builder, jacobian, latent.axes)))
    _place(builder, density, roots(density), placed)
    # The bijections keep every latent inside its support.
    moved = renumbered(density, builder, placed)
    terms = (replace(term, guard=None) for term in moved.terms)
    return replace(moved, nodes=tuple(builder.nodes), terms=(*terms, *jacobians))


def _place(builder: Builder, density: Density, wanted: list[int], placed: dict[int, int]) -> None:
    for number in needed(density.nodes, wanted, stop=placed):
        if number not in placed:
            placed[number] = rebuilt(builder, density.nodes[number], placed)


def _bijection(
    builder: Builder, latent: Latent, position: int, placed: dict[int, int]
) -> tuple[int, int | None]:
    """The constrained value at `position`, and its log |Jacobian| (None where the map is the identity)."""
    if latent.support.integer:
        raise QvrError(
            f"{latent.name} is discrete, so it has no gradient to follow; sum it out with "
            f"`marginalize {latent.name} <- …`, or observe it"
        )
    low = _end(builder, latent.low, latent.support.low, placed)
    high = _end(builder, latent.high, latent.support.high, placed)
    if low is None and high is None:
        return position, None
    if high is None:
        assert low is not None
        return apply(builder, "add", low, apply(builder, "exp", position)), position
    if low is None:
        return apply(builder, "sub", high, apply(builder, "exp", position)), position
    width = apply(builder, "sub", high, low)
    fraction = apply(builder, "sigmoid", position)
    value = apply(builder, "add", low, apply(builder, "mul", width, fraction))
    softpluses = apply(
        builder,
        "add",
        apply(builder, "softplus", position),
        apply(builder, "softplus", apply(builder, "neg", position)),
    )
    return value, apply(builder, "sub", apply(builder, "log", width), softpluses)


def _end(builder: Builder, node: int | None, constant: float, placed: dict[int, int]) -> int | None:
    if node is not None:
        return placed[node]
    return None if math.isinf(constant) else builder.constant(constant)
