"""Evaluates a density graph over torch tensors: each node becomes a few steps on numbered slots.

Steps are compiled once, when data are bound. What depends on data alone is computed then and kept; a call
runs the rest in a row. Every value is float64.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor

from quivers.backends.torch.matrices import factor, running, solver
from quivers.backends.torch.operations import (
    ELEMENTWISE,
    aligner,
    expander,
    gatherer,
    reduction,
    scatterer,
    to_index,
)
from quivers.backends.torch.scalars import SCALARS
from quivers.backends.torch.scan import Loop, by_numbers, looper, packed, with_another
from quivers.ir.graph import ALONG, MATRIX, REDUCTIONS, Body, Node, axis_size
from quivers.ir.simplify import needed

Step = tuple[Callable[..., Any], int, int, int, int]
"""An operation, the slots of its up to three arguments (−1 for none), and the slot of its result."""

Slots = list[Any]
"""Tensors, and numbers where a plan computes scalars in plain Python; None where nothing is yet."""

NONE = -1


def run(steps: Iterable[Step], slots: Slots) -> None:
    """Carry out the steps in order, each reading and writing `slots`."""
    for operation, first, second, third, result in steps:
        if second < 0:
            slots[result] = operation(slots[first])
        elif third < 0:
            slots[result] = operation(slots[first], slots[second])
        else:
            slots[result] = operation(slots[first], slots[second], slots[third])


@dataclass(slots=True)
class Compiler:
    """Turns nodes into steps. The slot of a node is its number; views of it have slots of their own.

    `sizes` gives the number of elements of each object, `batched` the leaves whose values have batch
    dimensions in front. With `scalars`, values without axes are Python's numbers wherever they can be; that
    is for plans without batches and without autograd.
    """

    nodes: Sequence[Node]
    sizes: Mapping[str, int]
    batched: frozenset[int] = frozenset()
    scalars: bool = False
    numbers: set[int] = field(default_factory=set)
    carries_batch: list[bool] = field(default_factory=list)
    views: dict[tuple[int, object], int] = field(default_factory=dict)
    slot_count: int = 0

    def __post_init__(self) -> None:
        for number, node in enumerate(self.nodes):
            inherited = any(self.carries_batch[arg] for arg in node.args)
            self.carries_batch.append(inherited or number in self.batched)
        self.slot_count = len(self.nodes)

    def shape(self, axes: Sequence[str]) -> tuple[int, ...]:
        """The sizes of `axes`, in their order."""
        return tuple(axis_size(axis, self.sizes) for axis in axes)

    def leaf(self, number: int) -> Tensor | None:
        """The value of a leaf that needs no data, None for any other node."""
        node = self.nodes[number]
        if node.op == "constant":
            return torch.tensor(node.value, dtype=torch.float64)
        if node.op == "size":
            return torch.tensor(float(self.shape((node.name or "",))[0]), dtype=torch.float64)
        if node.op == "iota":
            return torch.arange(self.shape((node.name or "",))[0], dtype=torch.float64)
        return None

    def steps(self, number: int) -> list[Step]:
        """The steps that compute a node from its arguments; none for a leaf."""
        node = self.nodes[number]
        steps: list[Step] = []
        if not node.args:
            return steps
        if self.scalars and not node.axes and node.op in SCALARS:
            self.numbers.add(number)
            slots = [self._number(arg, steps) for arg in node.args]
            self._emit(steps, SCALARS[node.op], slots, number)
        elif node.op in ELEMENTWISE:
            slots = [self._aligned(arg, node.axes, steps) for arg in node.args]
            self._emit(steps, ELEMENTWISE[node.op], slots, number)
        elif node.op in REDUCTIONS:
            (arg,) = node.args
            have = self.nodes[arg].axes
            dimensions = [have.index(axis) - len(have) for axis in node.over]
            everything = not node.axes and not self.carries_batch[arg]
            slot = self._tensor(arg, steps)
            self._emit(steps, reduction(node.op, dimensions, everything=everything), [slot], number)
        elif node.op == "spread":
            slot = self._aligned(node.args[0], node.axes, steps, leading=True)
            self._emit(steps, expander(self.shape(node.axes)), [slot], number)
        elif node.op in ALONG:
            operation = running(node.op, node.axes.index(node.name or "") - len(node.axes))
            slot = self._aligned(node.args[0], node.axes, steps)
            self._emit(steps, operation, [slot], number)
        elif node.op in MATRIX:
            parts = [self.nodes[arg].axes for arg in node.args]
            if node.op == "cholesky":
                operation = factor(parts[0], node.axes, node.over)
            else:
                transpose = node.op == "solve_transposed"
                operation = solver(parts[0], parts[1], node.axes, node.over, transpose=transpose)
            self._emit(steps, operation, [self._tensor(arg, steps) for arg in node.args], number)
        elif node.body is not None:
            self._scan(number, node, node.body, steps)
        else:
            first, index = node.args
            place = self._view(self._tensor(index, steps), "index", to_index, steps)
            first_axes, index_axes = self.nodes[first].axes, self.nodes[index].axes
            along = node.name or ""
            if node.op == "gather":
                operation = gatherer(first_axes, index_axes, node.axes, along)
            else:
                operation = scatterer(first_axes, index_axes, node.axes, self.shape(node.axes), along)
            self._emit(steps, operation, [self._tensor(first, steps), place], number)
        return steps

    def _scan(self, number: int, node: Node, body: Body, steps: list[Step]) -> None:
        arg_axes = [self.nodes[arg].axes for arg in node.args]
        operation = by_numbers(node, arg_axes) if self.scalars else None
        if operation is None:
            operation = looper(node, arg_axes, self._loop(node, body))
        (count,) = self.shape((node.name or "",))
        state_axes = tuple(axis for axis in node.axes if axis != node.name)
        start = self._aligned(node.args[0], state_axes, steps)
        slot = self._view(start, ("arguments", number), packed, steps)
        for arg in node.args[1:]:
            steps.append((with_another, slot, self._tensor(arg, steps), NONE, self.slot_count))
            slot = self.slot_count
            self.slot_count += 1
        self._emit(steps, partial(operation, count=count), [slot], number)

    def _loop(self, node: Node, body: Body) -> Loop:
        """The body of a scan as steps on slots of its own."""
        any_batch = any(self.carries_batch[arg] for arg in node.args)
        state, outer = -1, {}
        batched, moves = set(), [False] * len(body.nodes)
        for number, leaf in enumerate(body.nodes):
            if leaf.op == "state":
                state, moves[number] = number, True
                batched |= {number} if any_batch else set()
            elif leaf.op == "outer":
                arg = node.args[int(leaf.name or "")]
                outer[int(leaf.name or "")] = number
                moves[number] = node.name in self.nodes[arg].axes
                batched |= {number} if self.carries_batch[arg] else set()
        compiler = Compiler(body.nodes, self.sizes, frozenset(batched))
        once: list[Step] = []
        each: list[Step] = []
        for number in range(len(body.nodes)):
            for step in compiler.steps(number):
                _sort(step, moves, once, each, compiler)
        template: Slots = [None] * compiler.slot_count
        for number in range(len(body.nodes)):
            template[number] = compiler.leaf(number)
        return Loop(run, template, tuple(once), tuple(each), state, outer, body.value)

    def output(self, number: int, axes: Sequence[str], steps: list[Step]) -> int:
        """The slot of a node seen with exactly `axes`, which include its own; adds the steps it takes."""
        if not axes:
            return number
        slot = self._aligned(number, axes, steps, leading=True)
        if set(axes) == set(self.nodes[number].axes):
            return slot
        return self._view(slot, ("expand", tuple(axes)), expander(self.shape(axes)), steps)

    def _aligned(self, number: int, axes: Sequence[str], steps: list[Step], *, leading: bool = False) -> int:
        leading = leading or self.carries_batch[number]
        view = aligner(self.nodes[number].axes, axes, leading=leading)
        slot = self._tensor(number, steps)
        return slot if view is None else self._view(slot, (tuple(axes), leading), view, steps)

    def _tensor(self, number: int, steps: list[Step]) -> int:
        """The slot of a node as a tensor."""
        return self._view(number, "tensor", _to_tensor, steps) if number in self.numbers else number

    def _number(self, number: int, steps: list[Step]) -> int:
        """The slot of a node without axes as a number."""
        return number if number in self.numbers else self._view(number, "number", Tensor.item, steps)

    def _view(self, slot: int, key: object, operation: Callable[..., Any], steps: list[Step]) -> int:
        known = self.views.get((slot, key))
        if known is not None:
            return known
        result = self.views[slot, key] = self.slot_count
        self.slot_count += 1
        steps.append((operation, slot, NONE, NONE, result))
        return result

    def _emit(
        self, steps: list[Step], operation: Callable[..., Any], args: Sequence[int], result: int
    ) -> None:
        first, second, third = (*args, NONE, NONE)[:3]
        steps.append((operation, first, second, third, result))


@dataclass(frozen=True, slots=True)
class Plan:
    """Straight-line code for some outputs of a graph.

    `slots` holds what depends on data alone; `leaves` maps the others' names to their slots, to be filled
    before `steps` run. `outputs` are slots, in the order asked for.
    """

    steps: tuple[Step, ...]
    slots: Slots
    leaves: Mapping[str, int]
    outputs: tuple[int, ...]

    def __call__(self, leaves: Mapping[str, Tensor]) -> list[Tensor]:
        """The outputs for these leaves; differentiable by torch's autograd."""
        slots = self.slots.copy()
        device = None
        for name, slot in self.leaves.items():
            slots[slot] = leaves[name]
            device = leaves[name].device
        if device is not None and device.type != "cpu":
            slots = [_on(device, slot) for slot in slots]
        run(self.steps, slots)
        return [_filled(slots[slot]) for slot in self.outputs]


def plan(
    nodes: Sequence[Node],
    outputs: Sequence[tuple[int, tuple[str, ...]]],
    sizes: Mapping[str, int],
    inputs: Mapping[str, Tensor],
    *,
    moving: str = "position",
    given: Collection[str] = (),
    batched: bool,
    scalars: bool = False,
) -> Plan:
    """Compile the outputs, each a node and the axes to see it with, over the bound `inputs`.

    `moving` names the leaf operation whose values come with each call, and `given` inputs whose values do so
    too, without batch dimensions. With `scalars`, values without axes are computed in plain Python where they
    can be: quicker, without batches and without autograd.
    """
    batch = (number for number, node in enumerate(nodes) if batched and node.op == moving)
    compiler = Compiler(nodes, sizes, frozenset(batch), scalars)
    wanted = needed(nodes, [number for number, _ in outputs])
    moves = [False] * len(nodes)
    fixed: list[Step] = []
    later: list[Step] = []
    leaves: dict[str, int] = {}
    values: dict[int, Tensor] = {}
    for number in wanted:
        node = nodes[number]
        leaf_of_call = node.op == moving or (node.op == "input" and node.name in given)
        moves[number] = leaf_of_call or any(moves[arg] for arg in node.args)
        if leaf_of_call:
            leaves[node.name or ""] = number
        elif node.op == "input":
            values[number] = inputs[node.name or ""]
        else:
            leaf = compiler.leaf(number)
            if leaf is not None:
                values[number] = leaf
        # A view of a fixed value is fixed too, though a moving node asks for it.
        for step in compiler.steps(number):
            _sort(step, moves, fixed, later, compiler)
    slots = []
    for number, axes in outputs:
        steps: list[Step] = []
        slots.append(compiler.output(number, axes, steps))
        for step in steps:
            _sort(step, moves, fixed, later, compiler)
    template: Slots = [None] * compiler.slot_count
    for number, value in values.items():
        template[number] = value
    with torch.no_grad():
        run(fixed, template)
    return Plan(tuple(later), template, leaves, tuple(slots))


def _sort(step: Step, moves: list[bool], fixed: list[Step], later: list[Step], compiler: Compiler) -> None:
    """Put a step among those done once or those of every call, by the slots that it reads."""
    moves.extend([False] * (compiler.slot_count - len(moves)))
    moves[step[4]] = any(moves[slot] for slot in step[1:4] if slot >= 0)
    (later if moves[step[4]] else fixed).append(step)


def _on(device: torch.device, slot: Any) -> Any:
    """A slot's value on a device; a tuple is the arguments of a scan."""
    if isinstance(slot, tuple):
        return tuple(_on(device, part) for part in slot)
    return slot.to(device) if isinstance(slot, Tensor) else slot


def _filled(value: Any) -> Tensor:
    assert isinstance(value, Tensor), "an output was not computed"
    return value


def _to_tensor(number: float) -> Tensor:
    return torch.scalar_tensor(number, dtype=torch.float64)
