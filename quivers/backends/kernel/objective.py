"""From a density to the graph that a kernel computes: the joint log density and its slopes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from quivers.backends.kernel.fixed import evaluate
from quivers.errors import QvrError
from quivers.ir.constrain import constrain
from quivers.ir.differentiate import differentiate
from quivers.ir.graph import Body, Builder, Density, Latent, Node
from quivers.ir.joint import joint
from quivers.ir.settle import conditions, settle
from quivers.ir.simplify import depends_on, needed

# Up to so many elements, loops over an object are unrolled, and a kernel is one for this size alone.
SMALL = 8

Arrays = Mapping[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, slots=True)
class Objective:
    """A graph with the nodes of the log density and of its slope along each latent's coordinates.

    A slope may lack axes of its latent, along which it is constant. `moves` says which nodes depend on the
    coordinates, `names` what the user calls some of them; `small` has the sizes of small objects.
    """

    program: str
    nodes: tuple[Node, ...]
    value: int
    slopes: tuple[int, ...]
    latents: tuple[Latent, ...]
    moves: tuple[bool, ...]
    names: Mapping[int, str]
    small: Mapping[str, int] = field(default_factory=dict)


def objective(density: Density, inputs: Arrays, sizes: Mapping[str, int]) -> Objective:
    """The log density of the unconstrained coordinates and its slopes; all but small sizes are left open.

    The data are used only to settle those guards that they decide as a whole.

    Raises:
        QvrError: a latent is discrete, or an input that the density needs is not given.
    """
    free = constrain(density)
    return settled(free, decisions(free, inputs, sizes), sizes)


def decisions(free: Density, inputs: Arrays, sizes: Mapping[str, int]) -> dict[int, bool]:
    """The guards of a density on the unconstrained space that the data decide as a whole, each with how.

    Raises:
        QvrError: an input that the density needs is not given.
    """
    _require_inputs(free, inputs)
    chosen = conditions(free)
    outcomes = evaluate(free.nodes, chosen, inputs, sizes)
    decided = {}
    for number in chosen:
        held = outcomes[number] != 0.0
        if held.all() or not held.any():
            decided[number] = bool(held.all())
    return decided


def settled(free: Density, decided: Mapping[int, bool], sizes: Mapping[str, int]) -> Objective:
    """The objective of a density on the unconstrained space whose guards are decided so."""
    small = {name: size for name, size in sizes.items() if 0 < size <= SMALL}
    return replace(_sloped(settle(free, decided)), small=small)


def open_objective(density: Density) -> Objective:
    """The objective before there are data: it keeps the guards that data would settle.

    Raises:
        QvrError: a latent is discrete.
    """
    return _sloped(constrain(density))


def _sloped(free: Density) -> Objective:
    known = {node: number for number, node in enumerate(free.nodes)}
    builder = Builder(list(free.nodes), known)
    output = joint(builder, [(term.node, builder.axes(term.node)) for term in free.terms])
    positions = [
        builder.add(Node("position", axes=latent.free_axes, name=latent.name)) for latent in free.latents
    ]
    slopes = differentiate(builder, output, positions)
    named = {latent.value: latent.name for latent in free.latents}
    named.update({number: name for name, number in free.deterministic.items()})
    return _lowered(
        Objective(
            program=free.program,
            nodes=tuple(builder.nodes),
            value=output,
            slopes=tuple(slopes[number] for number in positions),
            latents=free.latents,
            moves=(),
            names=named,
        )
    )


def _require_inputs(density: Density, inputs: Arrays) -> None:
    terms = needed(density.nodes, [term.node for term in density.terms])
    used = [density.nodes[number] for number in terms]
    missing = [node.name for node in used if node.op == "input" and node.name not in inputs]
    if missing:
        names = " and ".join(f"`{name}`" for name in missing)
        raise QvrError(f"The log density of {density.program} needs {names}, which is not given")


def _lowered(found: Objective) -> Objective:
    """The objective without `logsumexp`."""
    nodes, placed = lowered(found.nodes, [found.value, *found.slopes])
    return replace(
        found,
        nodes=nodes,
        value=placed[found.value],
        slopes=tuple(placed[slope] for slope in found.slopes),
        moves=tuple(depends_on(nodes, frozenset({"position"}))),
        names={placed[number]: name for number, name in found.names.items() if number in placed},
    )


def lowered(nodes: Sequence[Node], wanted: Iterable[int]) -> tuple[tuple[Node, ...], dict[int, int]]:
    """What `wanted` needs of a graph, without `logsumexp`, and where each node went.

    Exponentials are summed with the greatest element taken out. The slope e^(x − logsumexp x) is a share of
    that sum, so the exponentials are computed once.
    """
    builder = Builder()
    placed: dict[int, int] = {}
    sums: dict[int, tuple[int, int]] = {}
    for number in needed(nodes, wanted):
        node = nodes[number]
        if node.op == "logsumexp":
            placed[number], *parts = _logsumexp(builder, placed[node.args[0]], node)
            sums[number] = (parts[0], parts[1])
            continue
        if node.op == "exp" and nodes[node.args[0]].op == "sub":
            whole, log_sum = nodes[node.args[0]].args
            if log_sum in sums and nodes[log_sum].args == (whole,):
                placed[number] = builder.apply("div", *sums[log_sum])
                continue
        body = node.body
        if body is not None:
            inner, at = lowered(body.nodes, [body.value])
            body = Body(inner, at[body.value])
        args = tuple(placed[arg] for arg in node.args)
        placed[number] = builder.add(replace(node, args=args, body=body))
    return tuple(builder.nodes), placed


def _logsumexp(builder: Builder, x: int, node: Node) -> tuple[int, int, int]:
    """The result, the exponentials, and their sum."""
    greatest = builder.reduce("amax", x, node.over)
    finite = builder.apply("lt", builder.apply("abs", greatest), builder.constant(math.inf))
    shift = builder.apply("where", finite, greatest, builder.constant(0.0))
    # Were it reassociated with what x was computed from, great numbers would not cancel to 0.
    powers = builder.apply("exp", builder.apply("difference", x, shift))
    total = builder.reduce("sum", powers, node.over)
    return builder.apply("add", shift, builder.apply("log", total)), powers, total


def constant_of(nodes: Sequence[Node], number: int) -> float | None:
    """The value of a constant, also of one that is spread over axes; None for any other node."""
    while nodes[number].op == "spread":
        (number,) = nodes[number].args
    return nodes[number].value if nodes[number].op == "constant" else None
