"""Arranges an objective's nodes in loop nests, with as few loops and as few arrays between them as it finds.

A node belongs in a loop over each axis that it runs over. Nodes share a loop where each reads the other's
value of the same round; a reduction over the loop's axis, or a gather along it, must wait for the loop to
end. So what a nest hands on within a round is a local variable, and the rest goes through arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from quivers.backends.kernel.objective import Objective
from quivers.ir.graph import REDUCTIONS, Node
from quivers.ir.simplify import needed

STORE = "gradient"
"""The operation that writes a slope: `name` is the latent, its one argument the slope."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Computes a node; or sets its accumulator to the neutral element, or adds one element to it."""

    kind: Literal["compute", "start", "add"]
    node: int


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Runs `body` for each element of `axis`."""

    axis: str
    body: tuple[Statement | Loop, ...]


Body = tuple[Statement | Loop, ...]


@dataclass(slots=True)
class Work:
    """The nodes to compute, all of which depend on the coordinates, and the axes that each runs over.

    `nodes` are the objective's, with the stores of its slopes behind them; `order` is the order in which
    axes are nested, outermost first.
    """

    nodes: tuple[Node, ...]
    numbers: tuple[int, ...]
    runs: dict[int, tuple[str, ...]]
    order: tuple[str, ...]
    _members: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        self._members = frozenset(self.numbers)

    def source(self, number: int) -> int:
        """The node whose value a node has: its own, or what it spreads over more axes."""
        while self.nodes[number].op == "spread":
            (number,) = self.nodes[number].args
        return number

    def computed(self, number: int) -> bool:
        """Whether a node's value comes from a statement, not from memory or as a number."""
        return number in self._members

    def accumulates(self, number: int) -> bool:
        return self.nodes[number].op in REDUCTIONS or self.nodes[number].op == "scatter"

    def keeps(self, number: int) -> tuple[str, ...]:
        """The axes along which a node's value of a round is the one that this round computes."""
        node = self.nodes[number]
        return tuple(axis for axis in node.axes if node.op != "scatter" or axis != node.name)

    def needs(self, number: int) -> list[tuple[int, str | None]]:
        """The computed nodes that a node reads, each with the axis along which it reads it at an index."""
        node = self.nodes[number]
        found: list[tuple[int, str | None]] = []
        for place, arg in enumerate(node.args):
            source = self.source(arg)
            if self.computed(source):
                found.append((source, node.name if node.op == "gather" and place == 0 else None))
        return found


def work(found: Objective) -> Work:
    """What there is to compute for the log density and its slopes."""
    nodes = list(found.nodes)
    outputs = [found.value]
    for latent, slope in zip(found.latents, found.slopes, strict=True):
        outputs.append(len(nodes))
        nodes.append(Node(STORE, (slope,), latent.axes, name=latent.name))
    moves = [*found.moves, *[True] * (len(nodes) - len(found.moves))]
    numbers = tuple(
        number
        for number in needed(nodes, outputs)
        if moves[number] and nodes[number].op not in {"position", "spread"}
    )
    runs = {number: _runs_over(nodes, nodes[number]) for number in numbers}
    return Work(tuple(nodes), numbers, runs, _nesting_order(nodes, numbers, runs))


def arranged(found: Work) -> Body:
    """Every statement in its nest, each after what it needs."""
    return _level(found, list(found.numbers), (), set())


def _runs_over(nodes: Sequence[Node], node: Node) -> tuple[str, ...]:
    if node.op in REDUCTIONS:
        return nodes[node.args[0]].axes
    if node.op == "scatter":
        added, index = (nodes[arg].axes for arg in node.args)
        others = (axis for axis in node.axes if axis != node.name)
        return tuple(dict.fromkeys((*others, *index, *added)))
    return node.axes


def _nesting_order(
    nodes: Sequence[Node], numbers: Iterable[int], runs: dict[int, tuple[str, ...]]
) -> tuple[str, ...]:
    """All axes, those that early reductions keep before those that they remove.

    Such a reduction's accumulator is then a local variable. Reductions disagree where a value and its slope
    sum over different axes; the first, the value's, is followed.
    """
    axes = list(dict.fromkeys(axis for number in numbers for axis in runs[number]))
    inside: dict[str, set[str]] = {axis: set() for axis in axes}

    def reaches(start: str, end: str) -> bool:
        return start == end or any(reaches(axis, end) for axis in inside[start])

    for number in numbers:
        node = nodes[number]
        if node.op in REDUCTIONS:
            for outer in node.axes:
                for inner in node.over:
                    if not reaches(inner, outer):
                        inside[outer].add(inner)
    order: list[str] = []
    while len(order) < len(axes):
        free = (a for a in axes if a not in order and not any(a in inside[b] for b in axes if b not in order))
        order.append(next(free))
    return tuple(order)


def _level(found: Work, level: list[int], bound: tuple[str, ...], started: set[int]) -> Body:
    """The statements and loops for `level` within loops over `bound`.

    `started` are the accumulators that a loop outside has set.
    """
    axis = {number: _next_axis(found, number, bound) for number in level}
    place = _places(found, level, axis)
    body: list[Statement | Loop] = []
    for here in range(max(place.values(), default=-1) + 1):
        now = [number for number in level if place[number] == here]
        for number in now:
            if axis[number] is None:
                body += _statements(found, number, started)
        for shared in found.order:
            group = [number for number in now if axis[number] == shared]
            if not group:
                continue
            for number in group:
                if found.accumulates(number) and number not in started and shared not in found.keeps(number):
                    body.append(Statement("start", number))
                    started.add(number)
            body.append(Loop(shared, _level(found, group, (*bound, shared), started)))
    return tuple(body)


def _statements(found: Work, number: int, started: set[int]) -> list[Statement]:
    if not found.accumulates(number):
        return [Statement("compute", number)]
    if number in started:
        return [Statement("add", number)]
    return [Statement("start", number), Statement("add", number)]


def _next_axis(found: Work, number: int, bound: tuple[str, ...]) -> str | None:
    left = (axis for axis in found.order if axis in found.runs[number] and axis not in bound)
    return next(left, None)


def _places(found: Work, level: list[int], axis: dict[int, str | None]) -> dict[int, int]:
    """Where in the level's sequence each node stands; loops over one axis at one place are one loop."""
    place: dict[int, int] = {}
    users: dict[int, list[tuple[int, int]]] = {number: [] for number in level}
    sources: dict[int, set[int]] = {number: set() for number in level}
    for number in level:
        at = 0
        for source, along in found.needs(number):
            if source in place:
                wait = _wait(found, source, number, along, axis)
                users[source].append((number, wait))
                if axis[source] is not None:
                    sources[number].add(source)
                at = max(at, place[source] + wait)
        place[number] = at
    # A node that reads at most one other loop's value may as well be computed where it is used first.
    for number in reversed(level):
        if found.accumulates(number):
            continue
        if axis[number] is not None and users[number] and len(sources[number]) <= 1:
            place[number] = min(place[user] - wait for user, wait in users[number])
    return place


def _wait(found: Work, source: int, number: int, along: str | None, axis: dict[int, str | None]) -> int:
    """1 where a node must stand behind the loop that computes its source, 0 where it may stand in it."""
    loop = axis[source]
    if loop is None:
        return 0
    return 0 if axis[number] == loop and loop in found.keeps(source) and along != loop else 1
