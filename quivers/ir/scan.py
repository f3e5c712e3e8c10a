"""Puts scans into the graph: what a step needs of its state stays in the body, the rest is computed at once.

While it is worked out, a step is a graph like a `Body`'s: `outer` leaves stand for nodes of the builder
around it, `state` for the state before. What does not depend on the state leaves that graph for the one
around it, over the whole axis, so that a body holds the recursion and little else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from quivers.ir.graph import ELEMENTWISE, REDUCTIONS, Body, Builder, Node
from quivers.ir.matrices import fresh, iota
from quivers.ir.simplify import apply, gather, needed, reduce, spread, total

FREE_LEAVES = frozenset({"constant", "size", "iota"})
"""Leaves that a body has as they are."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a scan. `outer` are the nodes of the builder around it for which its leaves stand."""

    nodes: Sequence[Node]
    value: int
    outer: Mapping[int, int]


def sequence(builder: Builder, op: str, axis: str, initial: int, axes: tuple[str, ...], step: Step) -> int:
    """The states of a scan, over (axis, *axes); `op` is "scan" or "rscan".

    A leaf whose outer node has the axis is that node at the element being worked out. `initial` has no axes
    besides `axes`, those of the state.
    """
    nodes = step.nodes
    used = needed(nodes, [step.value])
    moving: set[int] = set()
    timed: set[int] = set()
    for number in used:
        node = nodes[number]
        if node.op == "state" or any(arg in moving for arg in node.args):
            moving.add(number)
        outer = step.outer.get(number)
        if (outer is not None and axis in builder.axes(outer)) or any(arg in timed for arg in node.args):
            timed.add(number)
    if step.value not in moving:
        placed = instantiated(builder, nodes, [step.value], step.outer)
        return spread(builder, placed[step.value], (axis, *axes))
    frontier = _frontier(nodes, used, moving, timed, step.outer)
    placed = instantiated(builder, nodes, frontier, step.outer)
    inner = Builder(sizes=builder.sizes)
    given: dict[int, int] = {}
    args: list[int] = []
    for number in used:
        if nodes[number].op == "state":
            given[number] = inner.add(Node("state", axes=axes))
        elif number in frontier:
            given[number] = _leaf(builder, inner, placed[number], axis, args)
    value = instantiated(inner, nodes, [step.value], given)[step.value]
    if inner.nodes[value].op == "state":
        return spread(builder, initial, (axis, *axes))
    have = inner.axes(value)
    if have != axes:
        value = inner.add(Node("spread", (value,), axes, over=tuple(new for new in axes if new not in have)))
    body, kept = _compact(inner.nodes, value, args)
    start = spread(builder, initial, axes)
    return builder.add(Node(op, (start, *kept), (axis, *axes), name=axis, body=body))


def _frontier(
    nodes: Sequence[Node], used: Sequence[int], moving: set[int], timed: set[int], outer: Mapping[int, int]
) -> set[int]:
    """The nodes that a body takes from outside.

    One that only lays values with different axes against each other stays inside: outside it would be an
    array of all their axes and the scan's.
    """
    inside = set(moving)
    frontier: set[int] = set()

    def widens(number: int) -> bool:
        node = nodes[number]
        if number not in timed or node.op not in ELEMENTWISE or len(node.args) < 2:
            return False
        return all(len(nodes[arg].axes) + (arg in timed) < len(node.axes) + 1 for arg in node.args)

    for number in reversed(used):
        if number not in inside:
            continue
        for arg in nodes[number].args:
            if arg in inside:
                continue
            if (nodes[arg].op in FREE_LEAVES and arg not in outer) or widens(arg):
                inside.add(arg)
            else:
                frontier.add(arg)
    return frontier - inside


def _leaf(builder: Builder, inner: Builder, number: int, axis: str, args: list[int]) -> int:
    """A node of `builder` as a leaf of a body: itself where it needs no data, else one of `args`."""
    node = builder.nodes[number]
    if node.op in FREE_LEAVES and node.name != axis:
        return inner.add(node)
    if number not in args:
        args.append(number)
    left = tuple(own for own in node.axes if own != axis)
    return inner.add(Node("outer", axes=left, name=str(args.index(number) + 1)))


def _compact(nodes: Sequence[Node], value: int, args: Sequence[int]) -> tuple[Body, tuple[int, ...]]:
    """The body of what `value` needs, and those of `args` that it still reads."""
    used = needed(nodes, [value])
    places = sorted({int(nodes[number].name or "") for number in used if nodes[number].op == "outer"})
    numbers = {number: place for place, number in enumerate(used)}
    kept: list[Node] = []
    for number in used:
        node = replace(nodes[number], args=tuple(numbers[arg] for arg in nodes[number].args))
        if node.op == "outer":
            node = replace(node, name=str(places.index(int(node.name or "")) + 1))
        kept.append(node)
    return Body(tuple(kept), numbers[value]), tuple(args[place - 1] for place in places)


# ------------------------------------------------------- from one graph into another


def instantiated(
    builder: Builder, nodes: Sequence[Node], wanted: Iterable[int], given: Mapping[int, int]
) -> dict[int, int]:
    """Rebuild what `wanted` needs in `builder`, the nodes `given` taken as they are.

    Those may have more axes than in their own graph, or fewer: what depends on them gains the axes, and
    where one matters that is gone it is put back.
    """
    placed = dict(given)
    for number in needed(nodes, wanted, stop=given):
        if number not in placed:
            placed[number] = _instance(builder, nodes, number, placed)
    return placed


def _instance(builder: Builder, nodes: Sequence[Node], number: int, placed: Mapping[int, int]) -> int:
    node = nodes[number]
    args = [placed[arg] for arg in node.args]
    if node.op == "size":
        return builder.size(node.name or "")
    if not args:
        return builder.add(node)
    if node.op in ELEMENTWISE:
        return apply(builder, node.op, *args)
    if node.op == "sum":
        return total(builder, args[0], node.over)
    extra: dict[str, None] = {}
    for place, arg in enumerate(node.args):
        had, have = nodes[arg].axes, builder.axes(args[place])
        extra.update(dict.fromkeys(axis for axis in have if axis not in had))
        args[place] = spread(builder, args[place], tuple(dict.fromkeys((*have, *had))))
    if node.op in REDUCTIONS:
        return reduce(builder, node.op, args[0], node.over)
    if node.op == "gather":
        return gather(builder, args[0], args[1], node.name or "")
    if node.body is not None:
        return _rescanned(builder, node, node.body, args)
    axes = (*extra, *(axis for axis in node.axes if axis not in extra))
    if node.op == "spread":
        return spread(builder, args[0], axes)
    if node.op == "scatter":
        have = builder.axes(args[0])
        args[0] = spread(builder, args[0], (*have, *(axis for axis in extra if axis not in have)))
    return builder.add(replace(node, args=tuple(args), axes=axes))


def _rescanned(builder: Builder, node: Node, body: Body, args: Sequence[int]) -> int:
    """A scan of a body over other arguments, which may have more axes."""
    axes, step = extended(builder, node, body, args)
    return sequence(builder, node.op, node.name or "", args[0], axes, step)


def extended(builder: Builder, node: Node, body: Body, args: Sequence[int]) -> tuple[tuple[str, ...], Step]:
    """The axes of a scan's state and its step when its arguments are `args`, which may have more axes."""
    (own,) = {leaf.axes for leaf in body.nodes if leaf.op == "state"}
    extra = dict.fromkeys(axis for axis in builder.axes(args[0]) if axis not in own)
    left: dict[int, tuple[str, ...]] = {}
    for number, leaf in enumerate(body.nodes):
        if leaf.op == "outer":
            have = builder.axes(args[int(leaf.name or "")])
            left[number] = tuple(axis for axis in have if axis != node.name)
            extra.update(dict.fromkeys(axis for axis in left[number] if axis not in leaf.axes))
    axes = (*(axis for axis in extra if axis not in own), *own)
    inner = Builder(sizes=builder.sizes)
    given: dict[int, int] = {}
    outer: dict[int, int] = {}
    for number, leaf in enumerate(body.nodes):
        if leaf.op == "state":
            given[number] = inner.add(replace(leaf, axes=axes))
        elif leaf.op == "outer":
            given[number] = inner.add(replace(leaf, axes=left[number]))
            outer[given[number]] = args[int(leaf.name or "")]
    value = instantiated(inner, body.nodes, [body.value], given)[body.value]
    return axes, Step(inner.nodes, value, outer)


# ------------------------------------------------------------------ from an expression


def captured(builder: Builder, number: int, inner: Builder, outer: dict[int, int]) -> int:
    """The leaf of `inner` that stands for a node of `builder`, noted in `outer` unless it is one itself."""
    node = builder.nodes[number]
    if node.op in FREE_LEAVES:
        return inner.add(node)
    leaf = inner.add(Node("outer", axes=node.axes, name=str(number)))
    outer[leaf] = number
    return leaf


def scanned(
    builder: Builder, axis: str, initial: int, axes: tuple[str, ...], step: Step, place: int
) -> tuple[int, str]:
    """The states of a scan whose step was written with all of its values at hand, and the axis along which.

    `place` is the leaf of the element being worked out. Other than in a `Body`, a leaf whose node has the
    axis is all of that node; `x[t]` is a gather at `place`. Where the step or its state uses the axis besides
    in such a gather, the scan runs along a copy of it.
    """
    nodes = step.nodes
    used = needed(nodes, [step.value])
    still: set[int] = set()
    for number in used:
        leaf = nodes[number].op in {"state", "outer"} and number not in step.outer
        if not leaf and all(arg in still for arg in nodes[number].args):
            still.add(number)
    changing = [number for number in used if number not in still]
    current = {
        number
        for number in changing
        if nodes[number].op == "gather" and nodes[number].args[1] == place and nodes[number].args[0] in still
    }
    run = axis
    if axis in axes or _uses(nodes, axis, [step.value, *changing], current):
        taken = {own for number in used for own in _axes_in(nodes[number])}
        run = fresh(axis, (*axes, *taken))
    whole = {arg for number in changing if number not in current for arg in nodes[number].args}
    whole = (whole | {step.value}) & still
    read = {nodes[number].args[0] for number in current}
    placed = instantiated(builder, nodes, whole | read, step.outer)
    inner = Builder(sizes=builder.sizes)
    given: dict[int, int] = {}
    outer: dict[int, int] = {}

    def put(number: int, node: int) -> None:
        if builder.nodes[node].op in FREE_LEAVES and builder.nodes[node].name != run:
            given[number] = inner.add(builder.nodes[node])
            return
        left = tuple(own for own in builder.axes(node) if own != run)
        given[number] = inner.add(Node("outer", axes=left, name=str(node)))
        outer[given[number]] = node

    at = iota(builder, run)
    for number in used:
        if number in current:
            put(number, gather(builder, placed[nodes[number].args[0]], at, nodes[number].name or ""))
        elif number == place:
            put(number, at)
        elif nodes[number].op == "state":
            given[number] = inner.add(nodes[number])
        elif number in whole:
            put(number, placed[number])
    value = instantiated(inner, nodes, [step.value], given)[step.value]
    return sequence(builder, "scan", run, initial, axes, Step(inner.nodes, value, outer)), run


def _uses(nodes: Sequence[Node], axis: str, numbers: Iterable[int], current: set[int]) -> bool:
    """Whether a step has an axis besides in what it reads at the current element."""
    for number in numbers:
        args = () if number in current else nodes[number].args
        if axis in _axes_in(nodes[number]) or any(axis in nodes[arg].axes for arg in args):
            return True
    return False


def _axes_in(node: Node) -> set[str]:
    """The axes of a node, and those inside it."""
    found = set(node.axes)
    if node.body is not None:
        for inner in node.body.nodes:
            found |= _axes_in(inner)
    return found
