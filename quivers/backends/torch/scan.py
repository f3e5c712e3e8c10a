"""Runs a scan over torch tensors: a loop over its axis, whose body is straight-line code of its own.

With batch dimensions and under autograd the loop is made of tensors; where every value of the body is a
single number, and no one asks for a derivative, it is made of Python's numbers, which are much quicker.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from quivers.backends.torch.scalars import SCALARS
from quivers.ir.graph import Node

Operation = Callable[..., Any]
Values = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """A body ready to run. Slots are those of its own steps, `template` has what needs no arguments.

    `once` are the steps to take before the loop and `each` those of every element; `state`, `outer` and
    `value` are the slots of the state, of each argument that is read (by its place) and of the next state.
    """

    run: Callable[[Sequence[Any], list[Any]], None]
    template: list[Any]
    once: Sequence[Any]
    each: Sequence[Any]
    state: int
    outer: Mapping[int, int]
    value: int


def packed(value: Any) -> Values:
    """The start of a scan's arguments, which are put together one by one."""
    return (value,)


def with_another(values: Values, value: Any) -> Values:
    """One argument more."""
    return (*values, value)


def looper(node: Node, arg_axes: Sequence[tuple[str, ...]], loop: Loop) -> Operation:
    """A scan as a function of its packed arguments: the states stacked along its axis."""
    axis = node.name or ""
    along = {place: axes.index(axis) - len(axes) for place, axes in enumerate(arg_axes) if axis in axes}
    backwards = node.op == "rscan"
    dimension = -len(node.axes)

    def scan(values: Values, count: int) -> Tensor:
        slots = _moved(loop.template, values)
        state = values[0]
        read: list[tuple[int, Sequence[Tensor]]] = []
        for place, slot in loop.outer.items():
            if place in along:
                read.append((slot, values[place].unbind(along[place])))
            else:
                slots[slot] = values[place]
        loop.run(loop.once, slots)
        states: list[Tensor] = []
        for element in reversed(range(count)) if backwards else range(count):
            for slot, elements in read:
                slots[slot] = elements[element]
            slots[loop.state] = state
            loop.run(loop.each, slots)
            state = slots[loop.value]
            states.append(state)
        if not states:
            shape = list(values[0].shape)
            shape.insert(len(shape) + dimension + 1, 0)
            return torch.zeros(shape, dtype=torch.float64, device=values[0].device)
        if backwards:
            states.reverse()
        return torch.stack(states, dimension)

    return scan


def _moved(template: list[Any], values: Values) -> list[Any]:
    """The body's own values, on the device of the arguments."""
    device = next((value.device for value in values if isinstance(value, Tensor)), None)
    if device is None or device.type == "cpu":
        return template.copy()
    return [slot.to(device) if isinstance(slot, Tensor) else slot for slot in template]


def by_numbers(node: Node, arg_axes: Sequence[tuple[str, ...]]) -> Operation | None:
    """A scan in plain Python, where its body has operations on single numbers only; else None.

    For values without batch dimensions, outside autograd.
    """
    body = node.body
    assert body is not None, "a scan has a body"
    if len(node.axes) != 1:
        return None
    leaves = {"constant", "state", "outer"}
    if any(inner.axes or inner.op not in leaves | SCALARS.keys() for inner in body.nodes):
        return None
    template = [inner.value for inner in body.nodes]
    steps: list[tuple[Operation, int, int, int, int]] = []
    for number, inner in enumerate(body.nodes):
        if inner.op in SCALARS:
            first, second, third = (*inner.args, -1, -1)[:3]
            steps.append((SCALARS[inner.op], number, first, second, third))
    outer = {int(inner.name or ""): n for n, inner in enumerate(body.nodes) if inner.op == "outer"}
    before = next(number for number, inner in enumerate(body.nodes) if inner.op == "state")
    value, backwards = body.value, node.op == "rscan"

    def scan(values: Values, count: int) -> Tensor:
        slots: list[Any] = template.copy()
        slots[before] = float(values[0])
        read: list[tuple[int, list[float]]] = []
        for place, slot in outer.items():
            if arg_axes[place]:
                read.append((slot, values[place].tolist()))
            else:
                slots[slot] = float(values[place])
        states = [0.0] * count
        for element in reversed(range(count)) if backwards else range(count):
            for slot, elements in read:
                slots[slot] = elements[element]
            for operation, result, first, second, third in steps:
                if second < 0:
                    slots[result] = operation(slots[first])
                elif third < 0:
                    slots[result] = operation(slots[first], slots[second])
                else:
                    slots[result] = operation(slots[first], slots[second], slots[third])
            slots[before] = states[element] = slots[value]
        return torch.tensor(states, dtype=torch.float64)

    return scan
