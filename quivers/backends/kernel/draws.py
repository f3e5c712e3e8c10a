"""The values of latents and lets at many points of the unconstrained space at once, by NumPy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.backends.kernel.fixed import evaluate, shape_of
from quivers.ir.constrain import constrain
from quivers.ir.graph import Density, Node
from quivers.ir.simplify import depends_on

# The axis of the points. No object is called this.
POINT = "·"


def constrained(
    density: Density,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    positions: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Latents, and lets that depend on them, at positions (*batch, dimension), in the program's order.

    Each has the shape (*batch, *axes), with the axes that the program gives it.
    """
    free = constrain(density)
    flat = positions.reshape(math.prod(positions.shape[:-1]), positions.shape[-1])
    given = dict(inputs)
    start = 0
    for latent in density.latents:
        shape = shape_of(latent.free_axes, sizes)
        stop = start + math.prod(shape)
        given[_position(latent.name)] = flat[:, start:stop].reshape(len(flat), *shape)
        start = stop
    moves = depends_on(free.nodes, frozenset({"position"}))
    nodes = [_over_points(node) if moved else node for node, moved in zip(free.nodes, moves, strict=True)]
    numbers = {latent.name: (latent.value, latent.axes) for latent in free.latents}
    for name, number in free.deterministic.items():
        if moves[number]:
            numbers[name] = (number, density.nodes[density.deterministic[name]].axes)
    wanted = {name: numbers[name] for name in density.order if name in numbers}
    all_sizes = {**sizes, POINT: len(flat)}
    values = evaluate(nodes, [number for number, _ in wanted.values()], given, all_sizes)
    result = {}
    for name, (number, axes) in wanted.items():
        have = nodes[number].axes
        order = [have.index(axis) for axis in (POINT, *axes) if axis in have]
        places = tuple(slice(None) if axis in have else None for axis in (POINT, *axes))
        value = np.broadcast_to(
            np.transpose(values[number], order)[places], shape_of((POINT, *axes), all_sizes)
        )
        result[name] = np.array(value).reshape(*positions.shape[:-1], *value.shape[1:])
    return result


def _over_points(node: Node) -> Node:
    """A node that depends on the coordinates, with the axis of the points in front."""
    if node.op == "position":
        return Node("input", axes=(POINT, *node.axes), name=_position(node.name or ""))
    return replace(node, axes=(POINT, *node.axes))


def _position(latent: str) -> str:
    return f"{POINT}{latent}"
