"""The adjoint of a scan: a scan the other way for the states' adjoints, vectorised code for everything else.

With S_t = f(S_{t−1}, c_t), S̄ the adjoint of the states as the rest of the graph uses them, and
ρ_t = (∂f/∂s at t)ᵀ (S̄_t + ρ_{t+1}), λ_t = S̄_t + ρ_{t+1} is the whole adjoint of S_t: the slope of c is
(∂f/∂c at t)ᵀ λ_t, that of the start is the first ρ. Only ρ is a recursion, and its body is linear in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from quivers.ir.graph import Body, Builder, Node
from quivers.ir.matrices import iota
from quivers.ir.scan import Step, instantiated, sequence
from quivers.ir.simplify import apply, gather, reduce, scaled_by_size

Differentiate = Callable[[Builder, int, Iterable[int], int], dict[int, int]]
"""Derivatives of a node with respect to others, given the node's adjoint."""


def adjoint_of_scan(
    differentiate: Differentiate, builder: Builder, number: int, node: Node, adjoint: int
) -> tuple[tuple[int, int], ...]:
    """What a scan adds to the adjoint of each of its arguments: pairs of argument and contribution.

    Each contribution has no axes but its argument's.
    """
    assert node.body is not None, "a scan has a body"
    axis, axes = node.axes[0], node.axes[1:]
    turn = _Turn(builder, axis, forwards=node.op == "scan")
    back = _derived(differentiate, builder, node.body, axes)
    before = turn.shifted(number, node.args[0], later=False)
    at = {back.value: number, back.state: before}
    at.update({leaf: node.args[place] for leaf, place in back.outer.items()})
    carried = _carried(builder, turn, back, at, adjoint, axes)
    whole = adjoint
    if carried is not None:
        later = turn.shifted(carried, builder.constant(0.0), later=True)
        whole = apply(builder, "add", adjoint, later)
    placed = instantiated(builder, back.nodes, back.slopes.values(), {**at, back.adjoint: whole})
    contributions: list[tuple[int, int]] = []
    if carried is not None:
        contributions.append((node.args[0], gather(builder, carried, turn.first, axis)))
    for leaf, place in back.outer.items():
        arg, slope = node.args[place], placed[back.slopes[leaf]]
        target, have = builder.axes(arg), builder.axes(slope)
        summed = reduce(builder, "sum", slope, [own for own in have if own not in target])
        if axis not in target and axis not in have:
            summed = scaled_by_size(builder, summed, (axis,))
        contributions.append((arg, summed))
    return tuple(contributions)


@dataclass(frozen=True, slots=True)
class _Derived:
    """A body with the slopes of its value along each of its leaves, all in one graph.

    `adjoint` is the leaf of the value's adjoint; `outer` has the argument's place for each outer leaf.
    """

    nodes: list[Node]
    value: int
    adjoint: int
    state: int
    slopes: dict[int, int]
    outer: dict[int, int]


def _derived(differentiate: Differentiate, builder: Builder, body: Body, axes: tuple[str, ...]) -> _Derived:
    inner = Builder(list(body.nodes), {node: place for place, node in enumerate(body.nodes)}, builder.sizes)
    outer = {place: int(node.name or "") for place, node in enumerate(body.nodes) if node.op == "outer"}
    state = next(place for place, node in enumerate(body.nodes) if node.op == "state")
    adjoint = inner.add(Node("outer", axes=axes, name="adjoint"))
    slopes = differentiate(inner, body.value, (state, *outer), adjoint)
    return _Derived(inner.nodes, body.value, adjoint, state, slopes, outer)


def _carried(
    builder: Builder, turn: _Turn, back: _Derived, at: dict[int, int], adjoint: int, axes: tuple[str, ...]
) -> int | None:
    """ρ over (axis, *axes); None where the state is not carried on smoothly, so that ρ is 0."""
    slope = back.slopes[back.state]
    node = back.nodes[slope]
    if (back.nodes[node.args[0]] if node.op == "spread" else node).value == 0:
        return None
    inner = Builder(sizes=builder.sizes)
    outer: dict[int, int] = {}

    def leaf(node: int) -> int:
        left = tuple(own for own in builder.axes(node) if own != turn.axis)
        found = inner.add(Node("outer", axes=left, name=str(node)))
        outer[found] = node
        return found

    given = {number: leaf(node) for number, node in at.items()}
    carried = inner.add(Node("state", axes=axes))
    given[back.adjoint] = apply(inner, "add", leaf(adjoint), carried)
    value = instantiated(inner, back.nodes, [slope], given)[slope]
    zero = builder.constant(0.0)
    return sequence(builder, turn.back, turn.axis, zero, axes, Step(inner.nodes, value, outer))


@dataclass(frozen=True, slots=True)
class _Turn:
    """Which way a scan runs along its axis, and so what comes before and after an element."""

    builder: Builder
    axis: str
    forwards: bool

    @property
    def back(self) -> str:
        return "rscan" if self.forwards else "scan"

    @property
    def first(self) -> int:
        return self._end(self.forwards)

    def shifted(self, value: int, edge: int, *, later: bool) -> int:
        """At each element the value one step later, or before; `edge` where there is none."""
        b, at = self.builder, iota(self.builder, self.axis)
        up = later == self.forwards
        end = self._end(not up)
        moved = apply(b, "add" if up else "sub", at, b.constant(1.0))
        place = apply(b, "min" if up else "max", moved, end)
        return apply(b, "where", apply(b, "eq", at, end), edge, gather(b, value, place, self.axis))

    def _end(self, low: bool) -> int:
        b = self.builder
        return b.constant(0.0) if low else apply(b, "sub", b.size(self.axis), b.constant(1.0))
