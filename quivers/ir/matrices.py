"""Axes under other names, running sums, and matrices over two axes of one object, as nodes.

A matrix's rows run along one axis and its columns along another of the same object, such as `K` and `K′`.
Every function here is a constructor: it adds nodes to a builder and returns the number of the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quivers.ir.graph import ELEMENTWISE, REDUCTIONS, Builder, Node, source_of
from quivers.ir.simplify import apply, gather, reduce, spread


def iota(builder: Builder, axis: str) -> int:
    """0, 1, 2, … along an axis."""
    return builder.add(Node("iota", axes=(axis,), name=axis))


def same_length(left: str, right: str) -> bool:
    """Whether two axes are copies of each other, as `K` and `K′` are, and so have equally many elements."""
    return source_of(left) == source_of(right)


def fresh(axis: str, taken: Iterable[str]) -> str:
    """A copy of an axis that is none of `taken`: `K′`, or with more primes."""
    used = {axis, *taken}
    name = source_of(axis)
    while name in used:
        name += "′"
    return name


def renamed(builder: Builder, value: int, old: str, new: str) -> int:
    """`value` with its axis `old` called `new`: a gather by `new`'s own numbers, and nothing is added up.

    Where the value has an axis `new` already, it is the diagonal of the two.
    """
    if old == new or old not in builder.axes(value):
        return value
    if new in builder.axes(value):
        return gather(builder, value, iota(builder, new), old)
    names = [new if axis == old else axis for axis in builder.axes(value)]
    while is_renaming(builder, builder.nodes[value]):
        value = builder.nodes[value].args[0]
    return renamed_all(builder, value, names)


def is_renaming(builder: Builder, node: Node) -> bool:
    """Whether a node is a gather that does no more than give an axis another name."""
    if node.op != "gather":
        return False
    value, index = node.args
    by = builder.nodes[index]
    return (
        by.op == "iota"
        and node.name is not None
        and by.name is not None
        and same_length(node.name, by.name)
        and by.name not in builder.axes(value)
    )


def renamed_all(builder: Builder, value: int, names: Sequence[str]) -> int:
    """`value` with its axes, in their order, called `names`, all at once."""
    for old, new in _renamings(builder.axes(value), names):
        value = _read_as(builder, value, old, new)
    return value


def renamed_below(builder: Builder, value: int, names: Sequence[str]) -> int:
    """As `renamed_all`, but the nodes under `value` that work on each element by itself are renamed too.

    So no array of them is made for the sake of a name.
    """
    called = dict(zip(builder.axes(value), names, strict=True))
    for old, new in _renamings(tuple(called), tuple(called.values())):
        value = _renamed_below(builder, value, old, new, {})
    return value


def _renamings(have: Sequence[str], wanted: Sequence[str]) -> list[tuple[str, str]]:
    """Renamings one after the other that give each of `have` its new name, without ever giving one twice."""
    names, steps = list(have), []
    while names != list(wanted):
        open_ones = [pair for pair in zip(names, wanted, strict=True) if pair[0] != pair[1]]
        # Where each new name is another axis's old one, one of them goes by way of a name that nothing has.
        old, new = next(
            (pair for pair in open_ones if pair[1] not in names),
            (open_ones[0][0], fresh(open_ones[0][0], (*names, *wanted))),
        )
        steps.append((old, new))
        names[names.index(old)] = new
    return steps


def _read_as(builder: Builder, value: int, old: str, new: str) -> int:
    if builder.nodes[value].op == "iota":
        return iota(builder, new)
    return gather(builder, value, iota(builder, new), old)


def _renamed_below(builder: Builder, value: int, old: str, new: str, known: dict[int, int]) -> int:
    """`value`, which does not have the axis `new`, with its axis `old` called that."""
    node = builder.nodes[value]
    if old not in node.axes:
        return value
    if value not in known:
        known[value] = _renamed_node(builder, value, old, new, known)
    return known[value]


def _renamed_node(builder: Builder, value: int, old: str, new: str, known: dict[int, int]) -> int:
    node = builder.nodes[value]

    def inside(arg: int) -> int:
        return _renamed_below(builder, arg, old, new, known)

    if node.op in ELEMENTWISE:
        return apply(builder, node.op, *map(inside, node.args))
    if node.op == "spread":
        return in_order(builder, inside(node.args[0]), [new if axis == old else axis for axis in node.axes])
    if node.op in REDUCTIONS and new not in node.over:
        return reduce(builder, node.op, inside(node.args[0]), node.over)
    if node.op == "gather" and old != node.name:
        read, index = node.args
        if old not in builder.axes(read):
            return gather(builder, read, inside(index), node.name or "")
        if new not in builder.axes(read):
            return gather(builder, inside(read), inside(index), node.name or "")
    return _read_as(builder, value, old, new)


def transposed(builder: Builder, value: int, row: str, column: str) -> int:
    """A matrix with its rows and columns exchanged: over the same two axes, three renamings."""
    between = fresh(row, (column, *builder.axes(value)))
    value = renamed(builder, value, row, between)
    value = renamed(builder, value, column, row)
    return renamed(builder, value, between, column)


def along(builder: Builder, op: str, value: int, axis: str) -> int:
    """`cumsum`, `rcumsum` or `argsort` along an axis, which the value is spread over if it lacks it."""
    value = spread(builder, value, with_axes(builder, value, (axis,)))
    return builder.add(Node(op, (value,), builder.axes(value), name=axis))


def with_axes(builder: Builder, value: int, axes: Iterable[str]) -> tuple[str, ...]:
    """The axes of a value, then those of `axes` that it lacks."""
    return tuple(dict.fromkeys((*builder.axes(value), *axes)))


def cholesky(builder: Builder, matrix: int, row: str, column: str) -> int:
    """The lower triangular L with L Lᵀ = `matrix`."""
    matrix = spread(builder, matrix, with_axes(builder, matrix, (row, column)))
    return builder.add(Node("cholesky", (matrix,), builder.axes(matrix), over=(row, column)))


def solve(builder: Builder, lower: int, value: int, row: str, column: str, *, transpose: bool = False) -> int:
    """L⁻¹ b, or L⁻ᵀ b, for a lower triangular L over (row, column) and a b over `row`.

    Where b has axes called like the columns of L, L's get another name: they are not the same.
    """
    if column in builder.axes(value):
        other = fresh(column, (*builder.axes(lower), *builder.axes(value)))
        lower, column = renamed(builder, lower, column, other), other
    lower = spread(builder, lower, with_axes(builder, lower, (row, column)))
    value = spread(builder, value, with_axes(builder, value, (row,)))
    plates = [axis for axis in builder.axes(lower) if axis not in (row, column)]
    op = "solve_transposed" if transpose else "solve"
    axes = tuple(dict.fromkeys((*plates, *builder.axes(value))))
    return builder.add(Node(op, (lower, value), axes, over=(row, column)))


def product(builder: Builder, left: int, right: int, left_axis: str, right_axis: str) -> int:
    """The sum of products over `left_axis` of the one and `right_axis` of the other."""
    if left_axis == right_axis or left_axis not in builder.axes(right):
        between = left_axis
    elif right_axis not in builder.axes(left):
        between = right_axis
    else:
        between = fresh(left_axis, (*builder.axes(left), *builder.axes(right)))
    left, right = renamed(builder, left, left_axis, between), renamed(builder, right, right_axis, between)
    multiplied = spread_over(builder, apply(builder, "mul", left, right), between)
    return reduce(builder, "sum", multiplied, (between,))


def in_order(builder: Builder, value: int, axes: Sequence[str]) -> int:
    """`value` with exactly `axes` in their order; it is the same along those that it lacks."""
    value = spread(builder, value, axes)
    if builder.axes(value) == tuple(axes):
        return value
    return builder.add(Node("spread", (value,), tuple(axes)))


def spread_over(builder: Builder, value: int, *axes: str) -> int:
    """`value` broadcast to those of `axes` that it lacks."""
    return spread(builder, value, with_axes(builder, value, axes))


def squared(builder: Builder, lower: int, row: str, column: str) -> int:
    """L Lᵀ over (row, column)."""
    between = fresh(row, (column, *builder.axes(lower)))
    left = renamed(builder, lower, column, between)
    return reduce(
        builder, "sum", apply(builder, "mul", left, renamed(builder, left, row, column)), (between,)
    )


def diagonal(builder: Builder, matrix: int, row: str, column: str) -> int:
    """The diagonal of a matrix, over `row`."""
    if row not in builder.axes(matrix):
        return renamed(builder, matrix, column, row)
    return gather(builder, matrix, iota(builder, row), column)


def on_diagonal(builder: Builder, row: str, column: str) -> int:
    """Where a matrix has its diagonal, over (row, column)."""
    return builder.apply("eq", iota(builder, row), iota(builder, column))


def below_diagonal(builder: Builder, row: str, column: str) -> int:
    """Where a matrix has what lies under its diagonal, over (row, column)."""
    return builder.apply("gt", iota(builder, row), iota(builder, column))


def diagonal_matrix(builder: Builder, value: int, row: str, column: str) -> int:
    """The matrix over (row, column) with `value`, over `row`, on its diagonal and zeros elsewhere."""
    places = spread(builder, on_diagonal(builder, row, column), with_axes(builder, value, (row, column)))
    return apply(builder, "where", places, value, builder.constant(0.0))
