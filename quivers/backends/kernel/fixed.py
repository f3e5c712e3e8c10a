"""What depends on data alone, computed once by NumPy; values have the axes of their node, in its order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from quivers.backends.kernel import fixed_matrices, special
from quivers.ir.graph import ALONG, MATRIX, Body, Builder, Node, axis_size, object_of
from quivers.ir.scan import extended
from quivers.ir.simplify import needed

Array = np.ndarray[Any, Any]


def evaluate(
    nodes: Sequence[Node], wanted: Iterable[int], inputs: Mapping[str, Array], sizes: Mapping[str, int]
) -> dict[int, Array]:
    """The values of `wanted` and of all they need, none of which may depend on a latent.

    Raises:
        IndexError: an index lies outside the axis that it runs along.
    """
    values: dict[int, Array] = {}
    with np.errstate(all="ignore"):
        for number in needed(nodes, wanted):
            values[number] = _value(nodes, number, values, inputs, sizes)
    return values


def shape_of(axes: Iterable[str], sizes: Mapping[str, int]) -> tuple[int, ...]:
    """The number of elements of each axis."""
    return tuple(axis_size(axis, sizes) for axis in axes)


def aligned(value: Array, have: Sequence[str], wanted: Sequence[str]) -> Array:
    """A view of a value with axes `have` that broadcasts against one with axes `wanted`."""
    order = [have.index(axis) for axis in wanted if axis in have]
    places = tuple(slice(None) if axis in have else None for axis in wanted)
    return np.transpose(value, order)[places]


def checked_index(index: Array, axis: str, sizes: Mapping[str, int]) -> Array:
    """An index as integers; IndexError where one lies outside the axis."""
    size = axis_size(axis, sizes)
    if not ((index > -1.0) & (index < size)).all():
        raise IndexError(f"an index runs outside {object_of(axis)}, which has {size} elements")
    return index.astype(np.int64)


def _value(
    nodes: Sequence[Node],
    number: int,
    values: Mapping[int, Array],
    inputs: Mapping[str, Array],
    sizes: Mapping[str, int],
) -> Array:
    node = nodes[number]
    shape = shape_of(node.axes, sizes)
    if node.op == "constant":
        return np.array(node.value)
    if node.op == "input":
        return np.broadcast_to(np.asarray(inputs[node.name or ""], dtype=np.float64), shape)
    if node.op == "size":
        return np.array(float(axis_size(node.name or "", sizes)))
    if node.op == "iota":
        return np.arange(axis_size(node.name or "", sizes), dtype=np.float64)
    args = [(values[arg], nodes[arg].axes) for arg in node.args]
    if node.op in _ELEMENTWISE:
        parts = [aligned(value, axes, node.axes) for value, axes in args]
        return np.asarray(_ELEMENTWISE[node.op](*parts), dtype=np.float64)
    if node.op in _REDUCTIONS:
        ((value, axes),) = args
        over = tuple(axes.index(axis) for axis in node.over)
        return np.asarray(_REDUCTIONS[node.op](value, over), dtype=np.float64)
    if node.op == "spread":
        ((value, axes),) = args
        return np.broadcast_to(aligned(value, axes, node.axes), shape)
    if node.op in ALONG:
        ((value, axes),) = args
        return _running(node.op, aligned(value, axes, node.axes), node.axes.index(node.name or ""))
    if node.op in MATRIX:
        return _matrix(node, args)
    if node.body is not None:
        return _scan(node, node.body, args, sizes)
    (value, axes), (index, index_axes) = args
    along = node.name or ""
    if node.op == "gather" and axis_size(along, sizes) == 0:
        return np.zeros(shape)  # nothing to read: 0
    places = checked_index(index, along, sizes)
    if node.op == "gather":
        return _gather(value, axes, places, index_axes, node.axes, along, sizes)
    return _scatter(value, axes, places, index_axes, node.axes, along, sizes)


def _running(op: str, value: Array, dimension: int) -> Array:
    if op == "cumsum":
        return np.cumsum(value, axis=dimension)
    if op == "rcumsum":
        return np.flip(np.cumsum(np.flip(value, dimension), axis=dimension), dimension)
    return np.argsort(value, axis=dimension, kind="stable").astype(np.float64)


def _matrix(node: Node, args: Sequence[tuple[Array, tuple[str, ...]]]) -> Array:
    """A matrix operation with the plates in front, and in `solve` what L does not have as columns."""
    row, column = node.over
    lower, lower_axes = args[0]
    plates = tuple(axis for axis in node.axes if axis in lower_axes and axis not in node.over)
    matrix = aligned(lower, lower_axes, (*plates, row, column))
    if node.op == "cholesky":
        return aligned(fixed_matrices.cholesky(matrix), (*plates, row, column), node.axes)
    value, axes = args[1]
    columns = tuple(axis for axis in node.axes if axis not in lower_axes)
    wide = aligned(value, axes, (*plates, row, *columns))
    inner = wide.shape[len(plates) + 1 :]
    right = wide.reshape((*wide.shape[: len(plates) + 1], -1))
    solved = fixed_matrices.solve(matrix, right, transpose=node.op == "solve_transposed")
    result = solved.reshape((*solved.shape[:-1], *inner))
    return aligned(result, (*plates, row, *columns), node.axes)


def _scan(
    node: Node, body: Body, args: Sequence[tuple[Array, tuple[str, ...]]], sizes: Mapping[str, int]
) -> Array:
    """The states along the axis. The arguments may have more axes than the body was built for."""
    around = Builder()
    leaves = [around.add(Node("outer", axes=axes, name=str(n))) for n, (_, axes) in enumerate(args)]
    axes, step = extended(around, node, body, leaves)
    nodes, along = step.nodes, node.name or ""
    used = needed(nodes, [step.value])
    values: dict[int, Array] = {}
    read: list[tuple[int, Array]] = []
    moves: dict[int, bool] = {}
    state = -1
    for number in used:
        leaf = nodes[number]
        if leaf.op == "outer":
            value, have = args[leaves.index(step.outer[number])]
            moves[number] = along in have
            if along in have:
                read.append((number, np.moveaxis(value, have.index(along), 0)))
            else:
                values[number] = value
        elif leaf.op == "state":
            state, moves[number] = number, True
        else:
            moves[number] = any(moves[arg] for arg in leaf.args)
            if not moves[number]:
                values[number] = _value(nodes, number, values, {}, sizes)
    each = [number for number in used if moves[number] and nodes[number].args]
    count, shape = axis_size(along, sizes), shape_of(axes, sizes)
    states = np.empty((count, *shape))
    value, have = args[0]
    values[state] = np.broadcast_to(aligned(value, have, axes), shape)
    for element in reversed(range(count)) if node.op == "rscan" else range(count):
        for number, elements in read:
            values[number] = elements[element]
        for number in each:
            values[number] = _value(nodes, number, values, {}, sizes)
        states[element] = aligned(values[step.value], nodes[step.value].axes, axes)
        values[state] = states[element]
    return aligned(states, (along, *axes), node.axes)


def _gather(
    value: Array,
    axes: tuple[str, ...],
    places: Array,
    index_axes: tuple[str, ...],
    result_axes: tuple[str, ...],
    along: str,
    sizes: Mapping[str, int],
) -> Array:
    grid = _grid(result_axes, result_axes, sizes)
    index = aligned(places, index_axes, result_axes)
    chosen = tuple(index if axis == along else grid[axis] for axis in axes)
    return np.broadcast_to(value[chosen], shape_of(result_axes, sizes))


def _scatter(
    added: Array,
    axes: tuple[str, ...],
    places: Array,
    index_axes: tuple[str, ...],
    result_axes: tuple[str, ...],
    along: str,
    sizes: Mapping[str, int],
) -> Array:
    others = tuple(axis for axis in result_axes if axis != along)
    run = tuple(dict.fromkeys((*others, *index_axes, *axes)))
    result = np.zeros(shape_of(result_axes, sizes))
    # An axis named `along` in the index is that of its elements, not of the result.
    index = aligned(places, index_axes, run)
    grid = _grid(run, others, sizes)
    chosen = tuple(index if axis == along else grid[axis] for axis in result_axes)
    shape = shape_of(run, sizes)
    flat = tuple(np.broadcast_to(part, shape).ravel() for part in chosen)
    np.add.at(result, flat, np.broadcast_to(aligned(added, axes, run), shape).ravel())
    return result


def _grid(run: Sequence[str], axes: Iterable[str], sizes: Mapping[str, int]) -> dict[str, Array]:
    """For each of `axes` its element numbers, aligned with `run`."""
    return {axis: aligned(np.arange(axis_size(axis, sizes)), (axis,), run) for axis in axes}


def _by_element(function: Callable[[float], float]) -> Callable[[Array], Array]:
    """A function of one number over an array, computed once for each distinct element."""

    def apply(x: Array) -> Array:
        distinct, places = np.unique(x, return_inverse=True)
        results = np.array([function(float(element)) for element in distinct])
        return np.reshape(results[places], x.shape)

    return apply


def _by_elements(function: Callable[..., float]) -> Callable[..., Array]:
    """A function of several numbers over arrays, computed once for each distinct group of elements."""

    def apply(*args: Array) -> Array:
        wide = np.broadcast_arrays(*args)
        distinct, places = np.unique(np.stack([part.ravel() for part in wide]), axis=1, return_inverse=True)
        results = np.array([function(*map(float, group)) for group in distinct.T])
        return np.reshape(results[places.ravel()], wide[0].shape)

    return apply


def _lgamma(x: float) -> float:
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):
        return math.inf


def _softplus(x: Array) -> Array:
    return np.logaddexp(x, 0.0)


def _sigmoid(x: Array) -> Array:
    power = np.exp(-np.abs(x))
    return np.where(x >= 0.0, 1.0, power) / (1.0 + power)


def _sign(x: Array) -> Array:
    return np.where(x > 0.0, 1.0, np.where(x < 0.0, -1.0, 0.0))


def _xlogy(x: Array, y: Array) -> Array:
    return np.where((x == 0.0) & ~np.isnan(y), 0.0, x * np.log(y))


def _xlog1py(x: Array, y: Array) -> Array:
    return np.where((x == 0.0) & ~np.isnan(y), 0.0, x * np.log1p(y))


def _where(condition: Array, yes: Array, no: Array) -> Array:
    return np.where(condition != 0.0, yes, no)


def _logsumexp(x: Array, over: tuple[int, ...]) -> Array:
    greatest = np.max(x, axis=over, keepdims=True)
    shift = np.where(np.isfinite(greatest), greatest, 0.0)
    return np.asarray(np.squeeze(shift, over) + np.log(np.sum(np.exp(x - shift), axis=over)))


_ELEMENTWISE: Mapping[str, Callable[..., Any]] = {
    "neg": np.negative, "exp": np.exp, "log": np.log, "log1p": np.log1p, "expm1": np.expm1, "sqrt": np.sqrt,
    "abs": np.abs, "sigmoid": _sigmoid, "logit": lambda x: np.log(x / (1.0 - x)), "softplus": _softplus,
    "tanh": np.tanh, "erf": _by_element(math.erf), "lgamma": _by_element(_lgamma),
    "digamma": _by_element(special.digamma), "trigamma": _by_element(special.trigamma),
    "log_ndtr": _by_element(special.log_ndtr), "i0e": _by_element(special.i0e),
    "i1e": _by_element(special.i1e), "sin": np.sin, "cos": np.cos, "tan": np.tan, "atan": np.arctan,
    "floor": np.floor, "sign": _sign, "not": np.logical_not, "add": np.add, "sub": np.subtract,
    "mul": np.multiply, "div": np.divide, "pow": np.power, "max": np.maximum, "min": np.minimum,
    "xlogy": _xlogy, "xlog1py": _xlog1py, "logaddexp": np.logaddexp, "lt": np.less, "le": np.less_equal,
    "gt": np.greater, "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal, "and": np.logical_and,
    "or": np.logical_or, "where": _where, "difference": np.subtract,
    "log_gamma_below": _by_elements(special.log_gamma_below),
    "log_gamma_above": _by_elements(special.log_gamma_above),
    "log_beta_below": _by_elements(special.log_beta_below),
    "log_student_below": _by_elements(special.log_student_below),
}  # fmt: skip

_REDUCTIONS: Mapping[str, Callable[[Array, tuple[int, ...]], Any]] = {
    "sum": lambda x, over: np.sum(x, axis=over),
    "prod": lambda x, over: np.prod(x, axis=over),
    "amax": lambda x, over: np.max(x, axis=over),
    "amin": lambda x, over: np.min(x, axis=over),
    "logsumexp": _logsumexp,
}
