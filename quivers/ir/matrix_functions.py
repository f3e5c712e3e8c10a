"""The built-in functions that move, order or add axes, as nodes: running sums, sorting, and matrices.

A matrix's columns run along its last axis, its rows along the last one before over the same object. The
results have the axes that the checker gives them, in that order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quivers.ir import matrices
from quivers.ir.graph import Builder, object_of
from quivers.ir.matrices import in_order, iota
from quivers.ir.simplify import apply, gather, reduce

Visible = Callable[[int], tuple[str, ...]]
"""The axes that a node's value has to the expression that it stands in; others count as plates."""


def matrix_axes(axes: Sequence[str]) -> tuple[str, str] | None:
    """The rows' and the columns' axis of a matrix; None where there is none."""
    rows = [axis for axis in axes[:-1] if object_of(axis) == object_of(axes[-1])]
    return (rows[-1], axes[-1]) if rows else None


def numbered(axes: Sequence[str]) -> tuple[str, ...]:
    """Axes over the same objects, each time one comes again with one more prime: `K`, `K′`."""
    objects = [object_of(axis) for axis in axes]
    return tuple(name + "′" * objects[:place].count(name) for place, name in enumerate(objects))


def contracted(builder: Builder, left: int, right: int, visible: Visible) -> int | None:
    """The sum of products over the last axis of both; None where those run over different objects."""
    ends = [visible(side)[-1:] for side in (left, right)]
    if not all(ends) or object_of(ends[0][0]) != object_of(ends[1][0]):
        return None
    return matrices.product(builder, left, right, ends[0][0], ends[1][0])


def applied(
    builder: Builder, name: str, arguments: Sequence[int], along: tuple[str, ...], visible: Visible
) -> int | None:
    """The value of a function that the table leaves to its name; None where there is no rule for it.

    `along` are the axes that the call works over.
    """
    x = arguments[0]
    match name:
        case "cumsum" if len(along) == 1:
            return matrices.along(builder, "cumsum", x, along[0])
        case "sort" if len(along) == 1:
            return gather(builder, x, matrices.along(builder, "argsort", x, along[0]), along[0])
        case "lag" if len(along) == 1:
            place = apply(builder, "sub", iota(builder, along[0]), arguments[1])
            earlier = apply(builder, "max", place, builder.constant(0.0))
            return gather(builder, x, earlier, along[0])
        case "dot":
            return contracted(builder, x, arguments[1], visible)
        case "outer":
            return _outer(builder, x, arguments[1], visible)
        case "diag":
            return _diag(builder, x, visible)
        case "solve_triangular":
            return _solved(builder, x, arguments[1], visible)
    pair = matrix_axes(visible(x))
    if pair is None:
        return None
    row, column = pair
    have = builder.axes(x)
    match name:
        case "cholesky":
            return matrices.cholesky(builder, x, row, column)
        case "transpose":
            return in_order(builder, matrices.transposed(builder, x, row, column), have)
        case "tcrossprod":
            return in_order(builder, matrices.squared(builder, x, row, column), have)
        case "diagonal":
            return matrices.diagonal(builder, x, row, column)
        case "log_determinant":
            root = matrices.cholesky(builder, x, row, column)
            logs = apply(builder, "log", matrices.diagonal(builder, root, row, column))
            return apply(builder, "mul", builder.constant(2.0), reduce(builder, "sum", logs, (row,)))
    return None


def _as_numbered(builder: Builder, value: int, old: Sequence[str], new: Sequence[str]) -> int:
    """`value` with the visible axes `old` called `new`; the others keep their names."""
    names = dict(zip(old, new, strict=True))
    return matrices.renamed_all(builder, value, [names.get(axis, axis) for axis in builder.axes(value)])


def _outer(builder: Builder, left: int, right: int, visible: Visible) -> int:
    """Every product; an object that comes twice has a prime the second time."""
    first, second = visible(left), visible(right)
    names = numbered((*first, *second))
    left = _as_numbered(builder, left, first, names[: len(first)])
    right = _as_numbered(builder, right, second, names[len(first) :])
    hidden = [axis for side in (left, right) for axis in builder.axes(side) if axis not in names]
    wanted = (*dict.fromkeys(hidden), *names)
    return in_order(builder, apply(builder, "mul", left, right), wanted)


def _diag(builder: Builder, x: int, visible: Visible) -> int | None:
    have = visible(x)
    if not have:
        return None
    names = numbered((*have, have[-1]))
    x = _as_numbered(builder, x, have, names[:-1])
    return matrices.diagonal_matrix(builder, x, names[-2], names[-1])


def _solved(builder: Builder, lower: int, value: int, visible: Visible) -> int | None:
    """L's rows stand along the value's last axis; the value may run over L's object once more."""
    pair, have = matrix_axes(visible(lower)), visible(value)
    if pair is None or not have or object_of(have[-1]) != object_of(pair[0]):
        return None
    row = have[-1]
    column = matrices.fresh(row, (*builder.axes(lower), *builder.axes(value)))
    names = {pair[0]: row, pair[1]: column if row == pair[1] or pair[1] in builder.axes(value) else pair[1]}
    lower = matrices.renamed_all(builder, lower, [names.get(axis, axis) for axis in builder.axes(lower)])
    plates = [axis for axis in builder.axes(lower) if axis not in names.values()]
    wanted = tuple(dict.fromkeys((*plates, *builder.axes(value))))
    return in_order(builder, matrices.solve(builder, lower, value, row, names[pair[1]]), wanted)
