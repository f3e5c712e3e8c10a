"""A bound program's log density over some elements of an object alone, scaled to stand for all of them.

Terms over the object count N/n times, N being its elements and n those chosen. Whichever n are chosen with
equal probability, the mean of that is the whole log density (Hoffman, Blei, Wang and Paisley 2013,
"Stochastic variational inference").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from quivers.backends.torch.bound import BoundModel
from quivers.backends.torch.evaluate import Plan, plan
from quivers.errors import QvrError
from quivers.ir.graph import ALONG, MATRIX, SEQUENTIAL, Builder, Node, object_of
from quivers.ir.joint import joint
from quivers.ir.simplify import apply, depends_on, needed, substitute


@dataclass(frozen=True, slots=True)
class Minibatch:
    """The log density with some elements standing for all.

    `chosen` (coordinate chosen) has the places in q of the coordinates that it reads, and `shares` how often
    each counts: a latent over no subsampled object once, one over an object N/n times.
    """

    chosen: Tensor
    shares: Tensor
    _plan: Plan
    _leaves: Mapping[str, Tensor]
    _places: Mapping[str, tuple[Tensor, tuple[int, ...]]]

    def log_density(self, q: Tensor) -> Tensor:
        """The joint log density at q (*batch, dimension), estimated, log Jacobians included: (*batch)."""
        leaves = dict(self._leaves)
        for name, (places, shape) in self._places.items():
            leaves[name] = q[..., places].reshape((*q.shape[:-1], *shape))
        (value,) = self._plan(leaves)
        return value.expand(q.shape[:-1])


class Subsampling:
    """A bound program, of which `counts` has how many elements of some objects a minibatch takes.

    What depends on the data alone is computed once, from all of them.

    Raises:
        QvrError: a count makes no sense, or the elements of an object depend on one another, so that the
            density of some says nothing about that of all.
    """

    def __init__(self, bound: BoundModel, counts: Mapping[str, int]) -> None:
        self.totals = {name: _total(bound, name, count) for name, count in counts.items()}
        self.counts = dict(counts)
        self._bound = bound
        self._sizes = {**bound.sizes, **counts}
        self._orders = {name: torch.zeros(0, dtype=torch.int64) for name in counts}
        density = bound.unconstrained
        nodes = density.nodes
        moves = depends_on(nodes, frozenset({"position"}))
        wanted = needed(nodes, [term.node for term in density.terms])
        for term in density.terms:
            for number in needed(nodes, [term.node]):
                if moves[number]:
                    _refuse_coupling(nodes, number, self.totals, term.site)
        edge = [
            number
            for number in wanted
            if not moves[number]
            and nodes[number].op != "constant"
            and (
                any(number in nodes[user].args for user in wanted if moves[user])
                or any(term.node == number for term in density.terms)
            )
        ]
        values = plan(
            nodes, [(number, nodes[number].axes) for number in edge], bound.sizes, bound.inputs, batched=False
        )({})
        builder = Builder(sizes=self._sizes)
        placed = {
            number: builder.add(Node("input", axes=nodes[number].axes, name=_leaf(number))) for number in edge
        }
        self._known = {_leaf(number): value for number, value in zip(edge, values, strict=True)}
        self._axes = {_leaf(number): nodes[number].axes for number in edge}
        self._changing = tuple(name for name, axes in self._axes.items() if self._over(axes))
        placed = substitute(builder, nodes, [term.node for term in density.terms], placed)
        terms = []
        for term in density.terms:
            axes = nodes[term.node].axes
            scale = builder.constant(self._scale(axes))
            terms.append((apply(builder, "mul", scale, placed[term.node]), axes))
        output = joint(builder, terms)
        self._plan = plan(
            builder.nodes, [(output, ())], self._sizes, self._known, given=self._changing, batched=True
        )

    def draw(self, generator: torch.Generator | None = None) -> Minibatch:
        """The next minibatch. Elements come in a random order, each once before any comes again.

        Those that are left over when they are fewer than a minibatch wait for another order.
        """
        chosen = {}
        for name, count in self.counts.items():
            if len(self._orders[name]) < count:
                self._orders[name] = torch.randperm(self.totals[name], generator=generator)
            chosen[name], self._orders[name] = self._orders[name][:count], self._orders[name][count:]
        return self.minibatch(chosen)

    def minibatch(self, elements: Mapping[str, Tensor]) -> Minibatch:
        """The minibatch of these elements, (element) for each object, counted from 0."""
        leaves = {
            name: self._selected(self._known[name], self._axes[name], elements) for name in self._changing
        }
        places: dict[str, tuple[Tensor, tuple[int, ...]]] = {}
        shares: list[Tensor] = []
        for coordinates, latent in zip(self._bound.coordinates, self._bound.density.latents, strict=True):
            numbers = torch.arange(coordinates.start, coordinates.stop).reshape(coordinates.free_shape)
            numbers = self._selected(numbers, latent.free_axes, elements)
            places[coordinates.name] = (numbers.reshape(-1), tuple(numbers.shape))
            scale = self._scale(latent.free_axes)
            shares.append(torch.full((numbers.numel(),), scale, dtype=torch.float64))
        chosen = torch.cat([place for place, _ in places.values()])
        return Minibatch(chosen, torch.cat(shares), self._plan, leaves, places)

    def _over(self, axes: Sequence[str]) -> list[str]:
        return [axis for axis in axes if object_of(axis) in self.totals]

    def _scale(self, axes: Sequence[str]) -> float:
        result = 1.0
        for axis in self._over(axes):
            result *= self.totals[axis] / self.counts[axis]
        return result

    def _selected(self, value: Tensor, axes: Sequence[str], elements: Mapping[str, Tensor]) -> Tensor:
        for place, axis in enumerate(axes):
            if axis in elements:
                value = value.index_select(place, elements[axis])
        return value


def _leaf(number: int) -> str:
    return f"={number}"  # no name in a program begins like that


def _total(bound: BoundModel, name: str, count: object) -> int:
    total = bound.sizes.get(name)
    if total is None:
        known = ", ".join(each for each in bound.sizes if each.isidentifier())
        raise QvrError(
            f"subsample has {name}, which is not an object of the program; its objects are {known}."
        )
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= total:
        raise QvrError(
            f"subsample must take between 1 and {total} of the {total} elements of {name}, it has {count!r}."
        )
    return total


def _refuse_coupling(nodes: Sequence[Node], number: int, totals: Mapping[str, int], site: str) -> None:
    """Refuses a node that depends on latents and mixes elements of a subsampled object."""
    node = nodes[number]
    have = {axis for arg in node.args for axis in nodes[arg].axes}
    for name in totals:
        marked = [axis for axis in (*node.axes, *have) if object_of(axis) == name and axis != name]
        along = node.op in {"gather", "scatter", *ALONG, *SEQUENTIAL} and object_of(node.name or "") == name
        mixes = node.op in MATRIX and name in node.over
        if marked or along or mixes or (name in have and name not in node.axes):
            raise QvrError(
                f"The density of {site} depends on several elements of {name} at once, so some of them can't"
                f" stand for all: subsample another object, or take every element of {name}."
            )
