"""Arranges an objective's nodes in loop nests, with as few loops and as few arrays between them as it finds.

A node belongs in a loop over each axis that it runs over. Nodes share a loop where each reads the other's
value of the same round; a reduction over the loop's axis, or a gather along it, must wait for the loop to
end. So what a nest hands on within a round is a local variable, and the rest goes through arrays. What works
on whole rows or matrices, or one element after the other, is one statement within loops over its other axes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from quivers.backends.kernel.objective import Objective
from quivers.ir import graph
from quivers.ir.graph import ALONG, MATRIX, REDUCTIONS, SEQUENTIAL, Node
from quivers.ir.simplify import needed

STORE = "gradient"
"""The operation that writes a slope: `name` is the latent, its one argument the slope."""

NEXT = "next"
"""The operation at the end of a scan's body: its argument is the next state."""

HEAVY = frozenset({"exp", "log", "log1p", "sigmoid", "softplus", "logit", "xlogy", "xlog1py", "logaddexp"})
"""Operations that take so long one by one that it pays to have them on whole vectors."""

_LEAVES = frozenset({"constant", "size", "iota", "state", "outer", "spread"})


@dataclass(frozen=True, slots=True)
class Statement:
    """Computes a node; or sets its accumulator to the neutral element, or adds one element to it."""

    kind: Literal["compute", "start", "add"]
    node: int


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """Runs `body` for each element of `axis`."""

    axis: str
    body: tuple[Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Runs `loops`, all over `axis`, one behind the other for some hundred elements, then for the next.

    What they read is then still in the processor's caches.
    """

    axis: str
    loops: tuple[Loop, ...]


Item = Statement | Loop | Blocks
Body = tuple[Item, ...]


@dataclass(slots=True)
class Work:
    """The nodes to compute, all of which depend on the coordinates, and the axes that each runs over.

    `nodes` are the objective's, with the stores of its slopes behind them; `order` is the order in which
    axes are nested, outermost first. Loops over objects in `small` will be unrolled.
    """

    nodes: tuple[Node, ...]
    numbers: tuple[int, ...]
    runs: dict[int, tuple[str, ...]]
    order: tuple[str, ...]
    small: frozenset[str] = frozenset()
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

    def stays(self, axis: str) -> bool:
        """Whether a loop over an axis will stay one."""
        return graph.object_of(axis) not in self.small

    def own(self, number: int) -> tuple[str, ...]:
        """The axes of a node's value that one statement goes through by itself."""
        return own_axes(self.nodes, self.nodes[number])

    def needs(self, number: int) -> list[tuple[int, frozenset[str]]]:
        """The computed nodes that a node reads, each with the axes along which it reads beyond its round."""
        node = self.nodes[number]
        found: list[tuple[int, frozenset[str]]] = []
        for place, arg in enumerate(node.args):
            source = self.source(arg)
            if self.computed(source):
                found.append((source, _beyond(self.nodes, node, place)))
        return found


def work(found: Objective) -> Work:
    """What there is to compute for the log density and its slopes."""
    nodes = list(found.nodes)
    outputs = [found.value]
    for latent, slope in zip(found.latents, found.slopes, strict=True):
        outputs.append(len(nodes))
        nodes.append(Node(STORE, (slope,), latent.free_axes, name=latent.name))
    moves = [*found.moves, *[True] * (len(nodes) - len(found.moves))]
    numbers = tuple(
        number
        for number in needed(nodes, outputs)
        if moves[number] and nodes[number].op not in {"position", "spread"}
    )
    runs = {number: _runs_over(nodes, nodes[number]) for number in numbers}
    order = _nesting_order(nodes, numbers, runs)
    return Work(tuple(nodes), numbers, runs, order, frozenset(found.small))


def body_work(body: graph.Body, plates: frozenset[str]) -> Work:
    """What there is to compute in one step of a scan, in loops over `plates` that stand outside of it."""
    nodes = [
        replace(
            node,
            axes=tuple(axis for axis in node.axes if axis not in plates),
            over=tuple(axis for axis in node.over if axis not in plates),
        )
        for node in body.nodes
    ]
    nodes.append(Node(NEXT, (body.value,), nodes[body.value].axes))
    numbers = tuple(number for number in needed(nodes, [len(nodes) - 1]) if nodes[number].op not in _LEAVES)
    runs = {number: _runs_over(nodes, nodes[number]) for number in numbers}
    return Work(tuple(nodes), numbers, runs, _nesting_order(nodes, numbers, runs))


def plates_of(node: Node) -> tuple[str, ...]:
    """The axes of a scan's state along which its elements go their ways without one another."""
    assert node.body is not None
    return tuple(axis for axis in node.axes if axis != node.name and not _mixes(node.body, axis))


def _mixes(body: graph.Body, axis: str) -> bool:
    """Whether a step of a scan puts together values at different elements of an axis."""
    for node in body.nodes:
        if node.op in {"spread", "iota", "size"}:
            continue
        if axis == node.name or axis in node.over:
            return True
        if node.body is not None and _mixes(node.body, axis):
            return True
    return False


def own_axes(nodes: Sequence[Node], node: Node) -> tuple[str, ...]:
    """The axes of a node's value that one statement goes through by itself."""
    if node.op in ALONG:
        return (node.name or "",)
    if node.op == "cholesky":
        return node.over
    if node.op in MATRIX:
        return node.over[:1]
    if node.op in SEQUENTIAL:
        plates = plates_of(node)
        return tuple(axis for axis in node.axes if axis not in plates)
    return ()


def _beyond(nodes: Sequence[Node], node: Node, place: int) -> frozenset[str]:
    """The axes along which a node reads its argument at `place` at more than its round's element."""
    if node.op == "gather":
        return frozenset({node.name or ""}) if place == 0 else frozenset()
    if node.op in MATRIX and place == 0:
        return frozenset(node.over)
    if node.op in SEQUENTIAL:
        return frozenset(nodes[node.args[place]].axes) - frozenset(plates_of(node))
    return frozenset(own_axes(nodes, node))


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
    if node.op in MATRIX and node.op != "cholesky":
        matrix, right = (nodes[arg].axes for arg in node.args)
        plates = (*(axis for axis in matrix if axis not in node.over), *right)
        return tuple(dict.fromkeys(axis for axis in plates if axis != node.over[0]))
    own = own_axes(nodes, node)
    return tuple(axis for axis in node.axes if axis not in own) if own else node.axes


def _nesting_order(
    nodes: Sequence[Node], numbers: Iterable[int], runs: dict[int, tuple[str, ...]]
) -> tuple[str, ...]:
    """All axes: those that early reductions keep before those they remove, rows before what is in them.

    Such a reduction's accumulator is then a local variable. Reductions disagree where a value and its slope
    sum over different axes; the first, the value's, is followed.
    """
    axes = list(dict.fromkeys(axis for number in numbers for axis in runs[number]))
    inside: dict[str, set[str]] = {axis: set() for axis in axes}

    def reaches(start: str, end: str) -> bool:
        return start == end or any(reaches(axis, end) for axis in inside[start])

    for number in numbers:
        node = nodes[number]
        removed = node.over if node.op in REDUCTIONS else own_axes(nodes, node)
        for outer in runs[number]:
            for inner in removed:
                if outer not in removed and inner in inside and not reaches(inner, outer):
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
    place = _places(found, level, axis, partial(_wait, found, axis))
    body: list[Item] = []
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
            turn = _turns(found, group, bound, shared)
            parts = [
                [number for number in group if turn[number] == each] for each in sorted(set(turn.values()))
            ]
            loops = [Loop(shared, _level(found, part, (*bound, shared), started)) for part in parts]
            body.append(loops[0] if len(loops) == 1 else Blocks(shared, tuple(loops)))
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


def _places(
    found: Work,
    level: list[int],
    axis: Mapping[int, str | None],
    wait: Callable[[int, int, frozenset[str]], int],
) -> dict[int, int]:
    """Where in a sequence each node stands; nodes of loops over one axis at one place share a loop.

    `wait` says how far behind its source a node must stand.
    """
    place: dict[int, int] = {}
    users: dict[int, list[tuple[int, int]]] = {number: [] for number in level}
    sources: dict[int, set[int]] = {number: set() for number in level}
    for number in level:
        at = 0
        for source, beyond in found.needs(number):
            if source in place:
                behind = wait(source, number, beyond)
                users[source].append((number, behind))
                if axis[source] is not None:
                    sources[number].add(source)
                at = max(at, place[source] + behind)
        place[number] = at
    # A node that reads at most one value that stays behind may as well be computed where it is used first.
    for number in reversed(level):
        if found.accumulates(number) or axis[number] is None or not users[number]:
            continue
        later = min(place[user] - behind for user, behind in users[number])
        staying = [
            source
            for source in sources[number]
            if any(place[user] - behind < later for user, behind in users[source] if user != number)
            or found.accumulates(source)
            or axis[source] != axis[number]
        ]
        if len(staying) <= 1:
            place[number] = later
    return place


def _turns(found: Work, group: list[int], bound: tuple[str, ...], shared: str) -> dict[int, int]:
    """In which of several loops over the axis `shared`, one behind the other, each node of a group stands.

    Beside a read or a sum at places that an index says, and around inner loops, the compiler can't run a loop
    on whole vectors. So where that pays they get loops of their own.
    """
    inner = {
        number: any(found.stays(other) for other in set(found.runs[number]) - {*bound, shared})
        for number in group
    }
    heavy = any(found.nodes[number].op in HEAVY and not inner[number] for number in group)
    if not heavy or not found.stays(shared):
        return dict.fromkeys(group, 0)

    def wait(source: int, number: int, beyond: frozenset[str]) -> int:
        return int(_scattered(found, source, number) or inner[source] != inner[number])

    return _places(found, group, dict.fromkeys(group, shared), wait)


def _scattered(found: Work, source: int, number: int) -> bool:
    """Whether one of two nodes reads or adds at places that an index says."""
    return found.nodes[source].op == "gather" or found.nodes[number].op == "scatter"


def _wait(
    found: Work, axis: Mapping[int, str | None], source: int, number: int, beyond: frozenset[str]
) -> int:
    """1 where a node must stand behind the loop that computes its source, 0 where it may stand in it."""
    loop = axis[source]
    if loop is None:
        return 0
    return 0 if axis[number] == loop and loop in found.keeps(source) and loop not in beyond else 1
