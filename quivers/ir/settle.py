"""Takes out the choices that the data have made, such as a guard on an observed value once it is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from quivers.ir.graph import Builder, Density
from quivers.ir.joint import renumbered, roots
from quivers.ir.simplify import depends_on, needed, rebuilt, spread


def conditions(density: Density) -> tuple[int, ...]:
    """The conditions of every `where` that depend on data alone."""
    moves = depends_on(density.nodes, frozenset({"position", "site"}))
    terms = needed(density.nodes, [term.node for term in density.terms])
    found = {density.nodes[number].args[0] for number in terms if density.nodes[number].op == "where"}
    return tuple(sorted(number for number in found if not moves[number]))


def settle(density: Density, decided: Mapping[int, bool]) -> Density:
    """The density with each condition in `decided` taken to be true, or false, everywhere."""
    builder = Builder()
    placed: dict[int, int] = {}
    for number in needed(density.nodes, roots(density)):
        node = density.nodes[number]
        if node.op == "where" and node.args[0] in decided:
            chosen = node.args[1] if decided[node.args[0]] else node.args[2]
            placed[number] = spread(builder, placed[chosen], node.axes)
        else:
            placed[number] = rebuilt(builder, node, placed)
    settled = renumbered(density, builder, placed)
    return replace(settled, nodes=tuple(builder.nodes))
