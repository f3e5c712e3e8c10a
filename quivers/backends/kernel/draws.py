"""The values of latents and lets at many points of the unconstrained space at once, by NumPy."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quivers.backends.blocks import points_at_once
from quivers.backends.kernel.fixed import aligned, evaluate, shape_of
from quivers.ir.constrain import constrain
from quivers.ir.graph import Density, Latent, Node
from quivers.ir.simplify import depends_on

# The axis of the points. No object is called this.
POINT = "·"


def constrained(
    density: Density,
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    positions: NDArray[np.float64],
    names: Collection[str] | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Latents, and lets that depend on them, at positions (*batch, dimension), in the program's order.

    Each has the shape (*batch, *axes), with the axes that the program gives it. With `names`, those alone.
    """
    return Constrained(density, names)(inputs, sizes, positions)


class Constrained:
    """`constrained` for one data set after another."""

    def __init__(self, density: Density, names: Collection[str] | None = None) -> None:
        free = constrain(density)
        moves = depends_on(free.nodes, frozenset({"position"}))
        self._latents = density.latents
        self._free = free.nodes
        self._nodes = [
            _over_points(node) if moved else node for node, moved in zip(free.nodes, moves, strict=True)
        ]
        numbers = {latent.name: (latent.value, latent.axes) for latent in free.latents}
        for name, number in free.deterministic.items():
            if moves[number]:
                numbers[name] = (number, density.nodes[density.deterministic[name]].axes)
        self._wanted = {
            name: numbers[name]
            for name in density.order
            if name in numbers and (names is None or name in names)
        }

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        sizes: Mapping[str, int],
        positions: NDArray[np.float64],
    ) -> dict[str, NDArray[np.float64]]:
        flat = positions.reshape(math.prod(positions.shape[:-1]), positions.shape[-1])
        result = {
            name: np.empty((len(flat), *shape_of(axes, sizes))) for name, (_, axes) in self._wanted.items()
        }
        step = points_at_once(self._free, [number for number, _ in self._wanted.values()], sizes)
        for start in range(0, len(flat), step):
            block = slice(start, start + step)
            given, _ = _coordinates(self._latents, inputs, sizes, flat[block])
            all_sizes = {**sizes, POINT: len(flat[block])}
            values = evaluate(self._nodes, [number for number, _ in self._wanted.values()], given, all_sizes)
            for name, (number, axes) in self._wanted.items():
                have = self._nodes[number].axes
                result[name][block] = _filled(values[number], have, (POINT, *axes), all_sizes)
        return {
            name: value.reshape(*positions.shape[:-1], *value.shape[1:]) for name, value in result.items()
        }


class Moving:
    """Of each latent that has a centring its coordinates, its location and its scale at many points."""

    def __init__(self, density: Density) -> None:
        free = constrain(density)
        moves = depends_on(free.nodes, frozenset({"position"}))
        self._latents = free.latents
        self._nodes = [
            _over_points(node) if moved else node for node, moved in zip(free.nodes, moves, strict=True)
        ]

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        sizes: Mapping[str, int],
        positions: NDArray[np.float64],
    ) -> dict[str, tuple[slice, tuple[NDArray[np.float64], ...]]]:
        """By latent its place in a position and those three, (point, *axes), at positions (point, dimension).

        Of a latent that is moved on another scale, such as a LogNormal's, they are those on the real line.
        """
        given, places = _coordinates(self._latents, inputs, sizes, positions)
        all_sizes = {**sizes, POINT: len(positions)}
        chosen = [latent for latent in self._latents if latent.centring is not None]
        numbers = {
            latent.name: [latent.centring.parameters[name] for name in ("loc", "scale")]
            for latent in chosen
            if latent.centring is not None
        }
        values = evaluate(self._nodes, [one for both in numbers.values() for one in both], given, all_sizes)
        result = {}
        for latent in chosen:
            filled = [
                _filled(values[number], self._nodes[number].axes, (POINT, *latent.axes), all_sizes)
                for number in numbers[latent.name]
            ]
            result[latent.name] = (places[latent.name], (given[_position(latent.name)], *filled))
        return result


class LogLikelihood:
    """The sum of all likelihood terms and scores at many values of the latents, for one data set after
    another."""

    def __init__(self, density: Density) -> None:
        moves = depends_on(density.nodes, frozenset({"site"}))
        self._latents = {latent.name: latent.axes for latent in density.latents}
        self._nodes = [
            _over_points(node) if moved else node for node, moved in zip(density.nodes, moves, strict=True)
        ]
        self._terms = [term for term in density.terms if term.kind in ("likelihood", "score")]

    def __call__(
        self,
        inputs: Mapping[str, np.ndarray[Any, Any]],
        sizes: Mapping[str, int],
        latents: Mapping[str, NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        """(point,), at latents of (point, *axes) each; −∞ where a guard does not hold."""
        given = {**inputs, **{_position(name): latents[name] for name in self._latents}}
        count = len(next(iter(latents.values())))
        all_sizes = {**sizes, POINT: count}
        guards = [term.guard for term in self._terms if term.guard is not None]
        values = evaluate(self._nodes, [*(term.node for term in self._terms), *guards], given, all_sizes)
        total = np.zeros(count)
        for term in self._terms:
            own = tuple(axis for axis in self._nodes[term.node].axes if axis != POINT)
            have = self._nodes[term.node].axes
            value = _filled(values[term.node], have, (POINT, *own), all_sizes).reshape(count, -1)
            if term.guard is not None:
                held = values[term.guard]
                inside = _filled(held, self._nodes[term.guard].axes, (POINT, *own), all_sizes)
                value = np.where(inside.reshape(count, -1) != 0.0, value, -np.inf)
            total += value.sum(axis=1)
        return total


def _coordinates(
    latents: Sequence[Latent],
    inputs: Mapping[str, np.ndarray[Any, Any]],
    sizes: Mapping[str, int],
    positions: NDArray[np.float64],
) -> tuple[dict[str, np.ndarray[Any, Any]], dict[str, slice]]:
    """The inputs with each latent's coordinates among them, (point, *free axes), and where these lie."""
    given, places = dict(inputs), {}
    start = 0
    for latent in latents:
        shape = shape_of(latent.free_axes, sizes)
        stop = start + math.prod(shape)
        given[_position(latent.name)] = positions[:, start:stop].reshape(len(positions), *shape)
        places[latent.name] = slice(start, stop)
        start = stop
    return given, places


def _filled(
    value: np.ndarray[Any, Any], have: tuple[str, ...], wanted: tuple[str, ...], sizes: Mapping[str, int]
) -> np.ndarray[Any, Any]:
    """A value with all of the axes `wanted`, in their order."""
    return np.broadcast_to(aligned(value, have, wanted), shape_of(wanted, sizes))


def _over_points(node: Node) -> Node:
    """A node that depends on the coordinates or on latents, with the axis of the points in front."""
    if node.op in {"position", "site"}:
        return Node("input", axes=(POINT, *node.axes), name=_position(node.name or ""))
    return replace(node, axes=(POINT, *node.axes))


def _position(latent: str) -> str:
    return f"{POINT}{latent}"
