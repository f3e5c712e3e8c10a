"""Puts every latent on the whole real line: a bijection for its value, the log Jacobian as a term of its own.

Ends of a latent's support may depend on earlier latents. The maps are those of `quivers.ir.bijections`, after
that of `quivers.ir.centring` where a latent has one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from quivers.errors import QvrError
from quivers.families.support import Space
from quivers.ir.bijections import Placed, into_interval, into_space, out_of_interval, out_of_space
from quivers.ir.centring import moved, returned
from quivers.ir.graph import Builder, Density, Latent, Node, Term
from quivers.ir.joint import named, renumbered, roots
from quivers.ir.known_factors import Known
from quivers.ir.simplify import apply, needed, reduce, spread


def constrain(density: Density) -> Density:
    """The density of the unconstrained coordinates: `position` leaves for `site` leaves, and jacobian terms.

    A `position` has the latent's `free_axes`. The prior of a latent with a centring is the density of its
    coordinates, and has no jacobian term.

    Raises:
        QvrError: a latent is discrete, so that no map from the reals reaches it.
    """
    builder = Builder()
    placed: dict[int, int] = {}
    known = Known()
    jacobians: list[Term] = []
    priors: dict[str, int] = {}
    for latent in density.latents:
        ends = [end for end in (latent.low, latent.high) if end is not None]
        _place(builder, density, [*ends, *named(latent.centring)], placed, known)
        position = builder.add(Node("position", axes=latent.free_axes, name=latent.name))
        if latent.centring is not None:
            position, prior = moved(builder, latent.centring, position, placed)
            priors[latent.name] = spread(builder, prior, latent.axes)
        value, jacobian = _bijection(builder, latent, position, placed)
        placed[latent.value] = value
        known.note_latent(builder, latent, position, value)
        if jacobian is not None and latent.centring is None:
            counted = latent.axes if latent.space is None else _plates(latent)
            jacobians.append(Term(latent.name, "jacobian", spread(builder, jacobian, counted)))
    kept = [term for term in density.terms if term.kind != "prior" or term.site not in priors]
    rest = replace(density, terms=tuple(kept))
    _place(builder, rest, roots(rest), placed, known)
    # The bijections keep every latent inside its support.
    free = renumbered(rest, builder, placed)
    others = iter(free.terms)
    terms = [
        replace(next(others), guard=None)
        if term.kind != "prior" or term.site not in priors
        else Term(term.site, "prior", priors[term.site])
        for term in density.terms
    ]
    return replace(free, nodes=tuple(builder.nodes), terms=(*terms, *jacobians))


def unconstrained(density: Density) -> tuple[Sequence[Node], tuple[int, ...]]:
    """The nodes of each latent's coordinates, with its `free_axes`, as functions of the `site` leaves.

    Returns all nodes, and the number of each latent's. A value on the edge of its support has infinite
    coordinates.
    """
    builder = Builder(list(density.nodes), {node: number for number, node in enumerate(density.nodes)})
    same = range(len(density.nodes))
    found: list[int] = []
    for latent in density.latents:
        if latent.space is Space.ORDERED:
            low, high = _ends(builder, latent, same)
            position = out_of_interval(builder, latent.value, low, high)
            if low is None and high is not None:
                position = apply(builder, "neg", position)
            position = out_of_space(builder, latent.space, latent.event, position)
        elif latent.space is not None:
            position = out_of_space(builder, latent.space, latent.event, latent.value)
        else:
            position = out_of_interval(builder, latent.value, *_ends(builder, latent, same))
        if latent.centring is not None:
            position = returned(builder, latent.centring, position)
        found.append(spread(builder, position, latent.free_axes))
    return builder.nodes, tuple(found)


def _plates(latent: Latent) -> tuple[str, ...]:
    return tuple(axis for axis in latent.axes if axis not in latent.event)


def _place(
    builder: Builder, density: Density, wanted: list[int], placed: dict[int, int], known: Known
) -> None:
    for number in needed(density.nodes, wanted, stop=placed):
        if number not in placed:
            placed[number] = known.placed(builder, density.nodes[number], placed)


def _bijection(builder: Builder, latent: Latent, position: int, placed: Mapping[int, int]) -> Placed:
    """The constrained value at `position`, and its log |Jacobian| (None where the map is the identity)."""
    if latent.support.integer:
        raise QvrError(
            f"{latent.name} is discrete, so it has no gradient to follow; sum it out with "
            f"`marginalize {latent.name} <- …`, or observe it"
        )
    if latent.space is None:
        return into_interval(builder, position, *_ends(builder, latent, placed))
    value, jacobian = into_space(builder, latent.space, latent.event, position)
    if latent.space is not Space.ORDERED:
        return value, jacobian
    low, high = _ends(builder, latent, placed)
    if low is None and high is not None:
        value = apply(builder, "neg", value)  # the map to what lies below an end turns the order round
    between, more = into_interval(builder, value, low, high)
    if more is None:
        return between, jacobian
    assert jacobian is not None, "the map to increasing numbers is not the identity"
    total = reduce(builder, "sum", spread(builder, more, latent.axes), latent.event)
    return between, apply(builder, "add", jacobian, total)


def _ends(
    builder: Builder, latent: Latent, placed: Mapping[int, int] | Sequence[int]
) -> tuple[int | None, int | None]:
    return (
        _end(builder, latent.low, latent.support.low, placed),
        _end(builder, latent.high, latent.support.high, placed),
    )


def _end(
    builder: Builder, node: int | None, constant: float, placed: Mapping[int, int] | Sequence[int]
) -> int | None:
    if node is not None:
        return placed[node]
    return None if math.isinf(constant) else builder.constant(constant)
