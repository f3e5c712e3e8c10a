"""Each operation of the density graph as a function of torch tensors.

A value with axes (School, Item) is a tensor of shape (*batch, School, Item). Dimensions are counted from
the right, so that any batch shape may stand in front.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from quivers.backends.torch.incomplete import INCOMPLETE

Operation = Callable[..., Tensor]


_ZERO = torch.zeros((), dtype=torch.float64)


def _softplus(x: Tensor) -> Tensor:
    # torch's own softplus is x above 20, which is wrong by 2e-9 there.
    return torch.logaddexp(x, _ZERO)


def _prod(dimensions: Sequence[int]) -> Operation:
    ordered = sorted(dimensions)  # from the left: a dimension removed moves only those on its left

    def prod(x: Tensor) -> Tensor:
        for dimension in ordered:
            x = torch.prod(x, dimension)
        return x

    return prod


def _condition(x: Tensor) -> Tensor:
    return x if x.dtype == torch.bool else x != 0


def _trigamma(x: Tensor) -> Tensor:
    return torch.polygamma(1, x)


def where(condition: Tensor, yes: Tensor, no: Tensor) -> Tensor:
    """`yes` where the condition holds, else `no`."""
    return torch.where(_condition(condition), yes, no)


ELEMENTWISE: Mapping[str, Operation] = {
    "neg": torch.neg,
    "exp": torch.exp,
    "log": torch.log,
    "log1p": torch.log1p,
    "expm1": torch.expm1,
    "sqrt": torch.sqrt,
    "abs": torch.abs,
    "sigmoid": torch.sigmoid,
    "logit": torch.logit,
    "softplus": _softplus,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "lgamma": torch.lgamma,
    "digamma": torch.digamma,
    "trigamma": _trigamma,
    "log_ndtr": torch.special.log_ndtr,
    "i0e": torch.special.i0e,
    "i1e": torch.special.i1e,
    "sin": torch.sin,
    "cos": torch.cos,
    "tan": torch.tan,
    "atan": torch.atan,
    "floor": torch.floor,
    "sign": torch.sign,
    "not": torch.logical_not,
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": torch.div,
    "pow": torch.pow,
    "max": torch.maximum,
    "min": torch.minimum,
    "xlogy": torch.xlogy,
    "xlog1py": torch.special.xlog1py,
    "logaddexp": torch.logaddexp,
    "lt": torch.lt,
    "le": torch.le,
    "gt": torch.gt,
    "ge": torch.ge,
    "eq": torch.eq,
    "ne": torch.ne,
    "and": torch.logical_and,
    "or": torch.logical_or,
    "where": where,
    **INCOMPLETE,
}


def reduction(op: str, dimensions: Sequence[int], *, everything: bool) -> Operation:
    """`sum`, `prod`, `amax`, `amin` or `logsumexp` over the given dimensions, counted from the right.

    `everything` says that they are all the dimensions there are, batch dimensions included.
    """
    if op == "prod":
        return torch.prod if everything else _prod(dimensions)
    if op == "sum" and everything:
        return torch.sum
    function: Any = getattr(torch, op)
    chosen = tuple(dimensions)

    def reduce(x: Tensor) -> Tensor:
        result: Tensor = function(x, chosen)
        return result

    return reduce


def aligner(have: Sequence[str], wanted: Sequence[str], *, leading: bool) -> Operation | None:
    """A view of a value with axes `have` that broadcasts against one with axes `wanted`; None if it is one.

    With `leading`, axes missing on the left are put in too, because batch dimensions stand before them.
    """
    order = [have.index(axis) for axis in wanted if axis in have]
    permuted = order != sorted(order)
    inserted = [
        place - len(wanted)
        for place, axis in reversed(list(enumerate(wanted)))
        if axis not in have and (leading or any(before in have for before in wanted[:place]))
    ]
    if not permuted and not inserted:
        return None
    count = len(have)

    def align(x: Tensor) -> Tensor:
        if permuted:
            batch = x.ndim - count
            x = x.permute(*range(batch), *(batch + place for place in order))
        for dimension in inserted:
            x = x.unsqueeze(dimension)
        return x

    return align


def expander(shape: Sequence[int]) -> Operation:
    """Broadcast the trailing dimensions of an aligned value to `shape`."""
    count = len(shape)
    sizes = tuple(shape)

    def expand(x: Tensor) -> Tensor:
        return x.expand((*x.shape[: x.ndim - count], *sizes))

    return expand


def to_index(x: Tensor) -> Tensor:
    """Whole numbers kept as float64, as the integers that torch indexes by."""
    return x.to(torch.long)


_READ = "·"


def gatherer(
    value_axes: Sequence[str], index_axes: Sequence[str], axes: Sequence[str], along: str
) -> Operation:
    """Reads a value along the axis `along` at an index, aligned by name in every other axis.

    Along an axis without elements it reads 0, at index 0 only.
    """
    # The axis that is read is none of the result's, though the index may run along one of the same name.
    read = [_READ if axis == along else axis for axis in value_axes]
    to_value = aligner(read, (*axes, _READ), leading=True)
    to_place = aligner(index_axes, axes, leading=True)
    shared = any(axis in value_axes for axis in index_axes)
    place = value_axes.index(along)
    dimension = place - len(value_axes)
    in_place = tuple(axes) == (*value_axes[:place], *index_axes, *value_axes[place + 1 :])
    count = len(index_axes)

    def gather(value: Tensor, index: Tensor) -> Tensor:
        if value.shape[dimension] == 0:
            value = torch.zeros_like(value.sum(dimension, keepdim=True))  # nothing to read: 0
        if in_place and not shared and index.ndim == count:
            if count == 1:
                return torch.index_select(value, dimension, index)
            chosen = torch.index_select(value, dimension, index.reshape(-1))
            if count == 0:
                return chosen.squeeze(dimension)
            left = value.ndim + dimension
            return chosen.reshape((*value.shape[:left], *index.shape, *value.shape[left + 1 :]))
        wide = value if to_value is None else to_value(value)
        place = (index if to_place is None else to_place(index)).unsqueeze(-1)
        shape = _broadcast(wide.shape[:-1], place.shape[:-1])
        wide = wide.expand(*shape, wide.shape[-1])
        return torch.gather(wide, -1, place.expand(*shape, 1)).squeeze(-1)

    return gather


def _broadcast(left: Sequence[int], right: Sequence[int]) -> tuple[int, ...]:
    count = max(len(left), len(right))
    padded = [(1,) * (count - len(shape)) + tuple(shape) for shape in (left, right)]
    return tuple(b if a == 1 else a for a, b in zip(*padded, strict=True))


def scatterer(
    added_axes: Sequence[str],
    index_axes: Sequence[str],
    axes: Sequence[str],
    shape: Sequence[int],
    along: str,
) -> Operation:
    """The adjoint of a gather: adds each element at its index along `along`, into zeros of `shape`."""
    others = tuple(axis for axis in axes if axis != along)
    free = tuple(axis for axis in index_axes if axis not in others)
    to_added = aligner(added_axes, (*others, *free), leading=True)
    to_place = aligner(index_axes, (*others, *free), leading=True)
    back = aligner((*others, along), axes, leading=True)
    sizes = dict(zip(axes, shape, strict=True))
    other_sizes = tuple(sizes[axis] for axis in others)
    length = sizes[along]
    simple = not others and len(free) == 1

    def scatter(added: Tensor, index: Tensor) -> Tensor:
        if simple and added.ndim == 1:
            return torch.zeros(length, dtype=added.dtype, device=added.device).index_add_(0, index, added)
        wide = added if to_added is None else to_added(added)
        place = index if to_place is None else to_place(index)
        batch = wide.shape[: wide.ndim - len(others) - len(free)]
        lead = (*batch, *other_sizes)
        flat = wide.reshape(*lead, -1)
        places = place.expand((*lead, *(place.shape[place.ndim - len(free) :] if free else ()))).reshape(
            *lead, -1
        )
        zeros = torch.zeros(*lead, length, dtype=added.dtype, device=added.device)
        result = zeros.scatter_add(-1, places, flat) if length else zeros
        return result if back is None else back(result)

    return scatter
