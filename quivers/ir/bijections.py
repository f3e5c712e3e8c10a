"""The bijections between ℝⁿ and where a latent lies, as nodes: there with the log |Jacobian|, and back.

They are those of Stan's reference manual, "Constraint transforms". A lower bound a is a + eˣ, an upper bound
b is b − eˣ, an interval is a + (b − a) · logistic(x). Increasing numbers are running sums of eˣ. A simplex is
the softmax of a vector of sum 0, which an orthonormal basis gives. A correlation's factor is made of its
partial correlations, each a tanh, row by row; a covariance's has the logs of its diagonal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from quivers.families.support import Space
from quivers.ir import matrices
from quivers.ir.graph import BELOW_DIAGONAL, ONE_LESS, TRIANGLE, Builder
from quivers.ir.simplify import apply, gather, reduce

Placed = tuple[int, int | None]
"""A constrained value's node, and that of its log |Jacobian| without the event axes, None where it is 0."""

LOG_TWO = math.log(2.0)


def into_interval(builder: Builder, position: int, low: int | None, high: int | None) -> Placed:
    """The value between two ends, each of which may be none; its log |Jacobian| goes element by element."""
    if low is None and high is None:
        return position, None
    if high is None:
        assert low is not None
        return apply(builder, "add", low, apply(builder, "exp", position)), position
    if low is None:
        return apply(builder, "sub", high, apply(builder, "exp", position)), position
    width = apply(builder, "sub", high, low)
    fraction = apply(builder, "sigmoid", position)
    value = apply(builder, "add", low, apply(builder, "mul", width, fraction))
    softpluses = apply(
        builder,
        "add",
        apply(builder, "softplus", position),
        apply(builder, "softplus", apply(builder, "neg", position)),
    )
    return value, apply(builder, "sub", apply(builder, "log", width), softpluses)


def out_of_interval(builder: Builder, value: int, low: int | None, high: int | None) -> int:
    """The inverse of `into_interval`: infinite at an end."""
    above = None if low is None else apply(builder, "log", apply(builder, "sub", value, low))
    below = None if high is None else apply(builder, "log", apply(builder, "sub", high, value))
    if above is not None and below is not None:
        return apply(builder, "sub", above, below)
    return next((log for log in (above, below) if log is not None), value)


def into_space(builder: Builder, space: Space, event: tuple[str, ...], position: int) -> Placed:
    """The value over `event` from coordinates along the axis that stands for it."""
    return _INTO[space](builder, event, position)


def out_of_space(builder: Builder, space: Space, event: tuple[str, ...], value: int) -> int:
    """The inverse of `into_space`. What it gives for a value outside the space means nothing."""
    return _OUT_OF[space](builder, event, value)


# ------------------------------------------------------------ increasing numbers


def _is_first(builder: Builder, axis: str) -> int:
    return builder.apply("eq", matrices.iota(builder, axis), builder.constant(0.0))


def _ordered(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    (axis,) = event
    first, zero = _is_first(builder, axis), builder.constant(0.0)
    logs = apply(builder, "where", first, zero, position)
    steps = apply(builder, "where", first, position, apply(builder, "exp", logs))
    return matrices.along(builder, "cumsum", steps, axis), reduce(builder, "sum", logs, event)


def _positive_ordered(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    (axis,) = event
    steps = apply(builder, "exp", position)
    return matrices.along(builder, "cumsum", steps, axis), reduce(builder, "sum", position, event)


def _logs_of_steps(builder: Builder, axis: str, value: int, first: int) -> int:
    """The log of each element less the one before it; `first` where there is none before."""
    at_first = _is_first(builder, axis)
    place = apply(builder, "sub", matrices.iota(builder, axis), builder.constant(1.0))
    before = gather(builder, value, apply(builder, "max", place, builder.constant(0.0)), axis)
    step = apply(builder, "where", at_first, builder.constant(1.0), apply(builder, "sub", value, before))
    return apply(builder, "where", at_first, first, apply(builder, "log", step))


def _from_ordered(builder: Builder, event: tuple[str, ...], value: int) -> int:
    return _logs_of_steps(builder, event[0], value, value)


def _from_positive_ordered(builder: Builder, event: tuple[str, ...], value: int) -> int:
    return _logs_of_steps(builder, event[0], value, apply(builder, "log", value))


# ------------------------------------------------------------ vectors with a given sum


def _basis(builder: Builder, axis: str) -> tuple[int, int]:
    """An orthonormal basis of the vectors of sum 0, over (axis, one less), and where it is not 0.

    Column j has 1/√((j+1)(j+2)) in its rows 0 … j, and −(j+1) times that in row j + 1 (Helmert's, turned
    round; the same as that of Stan's `sum_to_zero_vector`).
    """
    one, zero = builder.constant(1.0), builder.constant(0.0)
    row, column = matrices.iota(builder, axis), matrices.iota(builder, axis + ONE_LESS)
    count = apply(builder, "add", one, column)
    scale = apply(builder, "sqrt", apply(builder, "mul", count, apply(builder, "add", one, count)))
    above = builder.apply("lt", row, count)
    entry = apply(builder, "where", above, one, apply(builder, "neg", count))
    inside = builder.apply("le", row, count)
    return apply(builder, "where", inside, apply(builder, "div", entry, scale), zero), inside


def _zero_sum(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    (axis,) = event
    basis, _ = _basis(builder, axis)
    return reduce(builder, "sum", apply(builder, "mul", basis, position), (axis + ONE_LESS,)), None


def _simplex(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    (axis,) = event
    z, _ = _zero_sum(builder, event, position)
    total = reduce(builder, "logsumexp", matrices.spread_over(builder, z, axis), event)
    size = builder.size(axis)
    # Σ log xᵢ is −K times the log of the sum, because the sum of z is 0.
    root = apply(builder, "mul", builder.constant(0.5), apply(builder, "log", size))
    jacobian = apply(builder, "sub", root, apply(builder, "mul", size, total))
    return apply(builder, "exp", apply(builder, "sub", z, total)), jacobian


def _from_zero_sum(builder: Builder, event: tuple[str, ...], value: int) -> int:
    basis, inside = _basis(builder, event[0])
    # Not 0 times the log of an element that is 0.
    part = apply(builder, "where", inside, apply(builder, "mul", basis, value), builder.constant(0.0))
    return reduce(builder, "sum", part, event)


def _from_simplex(builder: Builder, event: tuple[str, ...], value: int) -> int:
    return _from_zero_sum(builder, event, apply(builder, "log", value))


# ------------------------------------------------------------ matrices


def _entries(builder: Builder, event: tuple[str, ...], position: int, *, diagonal: bool) -> int:
    """The coordinates as a lower triangle, row by row; 0 elsewhere."""
    row, column = event
    free = row + (TRIANGLE if diagonal else BELOW_DIAGONAL)
    i, j = matrices.iota(builder, row), matrices.iota(builder, column)
    one, zero = builder.constant(1.0), builder.constant(0.0)
    neighbour = apply(builder, "add" if diagonal else "sub", i, one)
    start = apply(builder, "mul", builder.constant(0.5), apply(builder, "mul", i, neighbour))
    inside = builder.apply("ge" if diagonal else "gt", i, j)
    place = apply(builder, "where", inside, apply(builder, "add", start, j), zero)
    return apply(builder, "where", inside, gather(builder, position, place, free), zero)


def _coordinates(builder: Builder, event: tuple[str, ...], matrix: int, *, diagonal: bool) -> int:
    """The lower triangle of a matrix as coordinates, row by row: the inverse of `_entries`."""
    row, column = event
    free = row + (TRIANGLE if diagonal else BELOW_DIAGONAL)
    m, one, half = matrices.iota(builder, free), builder.constant(1.0), builder.constant(0.5)
    root = apply(builder, "sqrt", apply(builder, "add", one, apply(builder, "mul", builder.constant(8.0), m)))
    # The row i with i(i − 1)/2 ≤ m, or i(i + 1)/2 ≤ m with the diagonal.
    top = apply(builder, "sub", root, one) if diagonal else apply(builder, "add", root, one)
    i = apply(builder, "floor", apply(builder, "mul", half, top))
    neighbour = apply(builder, "add" if diagonal else "sub", i, one)
    start = apply(builder, "mul", half, apply(builder, "mul", i, neighbour))
    rows = gather(builder, matrices.spread_over(builder, matrix, row, column), i, row)
    return gather(builder, rows, apply(builder, "sub", m, start), column)


def _sticks(builder: Builder, event: tuple[str, ...], position: int) -> tuple[int, int, int]:
    """The factor of a correlation; z, the unconstrained partial correlations, as a triangle; and
    ½ log(1 − tanh² z) there, which is z − softplus(2z) + log 2."""
    row, column = event
    z = _entries(builder, event, position, diagonal=False)
    below = matrices.below_diagonal(builder, row, column)
    here = matrices.on_diagonal(builder, row, column)
    zero = builder.constant(0.0)
    double = apply(builder, "softplus", apply(builder, "mul", builder.constant(2.0), z))
    secant = apply(builder, "add", apply(builder, "sub", z, double), builder.constant(LOG_TWO))
    secant = apply(builder, "where", below, secant, zero)
    left = apply(builder, "sub", matrices.along(builder, "cumsum", secant, column), secant)
    stick = apply(builder, "exp", left)  # what the entries before leave of the row's length
    entry = apply(builder, "mul", apply(builder, "tanh", z), stick)
    lower = apply(builder, "where", below, entry, apply(builder, "where", here, stick, zero))
    return lower, z, secant


def _cholesky_correlation(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    """The entry (i, j) has the slope (1 − tanh² z) · stick: each log secant counts i − j + 1 times."""
    row, column = event
    lower, _, secant = _sticks(builder, event, position)
    distance = apply(builder, "sub", matrices.iota(builder, row), matrices.iota(builder, column))
    times = apply(builder, "add", builder.constant(1.0), distance)
    return lower, reduce(builder, "sum", apply(builder, "mul", secant, times), event)


def _correlation(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    """The element (i, j) has the slope L_jj in the factor's: each log secant counts K − j times."""
    row, column = event
    lower, _, secant = _sticks(builder, event, position)
    times = apply(builder, "sub", builder.size(row), matrices.iota(builder, column))
    jacobian = reduce(builder, "sum", apply(builder, "mul", secant, times), event)
    product = matrices.squared(builder, lower, row, column)
    # Exactly 1 on the diagonal, and not to rounding.
    here = matrices.on_diagonal(builder, row, column)
    return apply(builder, "where", here, builder.constant(1.0), product), jacobian


def _triangle(builder: Builder, event: tuple[str, ...], position: int) -> tuple[int, int]:
    """The factor of a covariance, and the log of its diagonal as a matrix, 0 elsewhere."""
    row, column = event
    entries = _entries(builder, event, position, diagonal=True)
    here = matrices.on_diagonal(builder, row, column)
    logs = apply(builder, "where", here, entries, builder.constant(0.0))
    return apply(builder, "where", here, apply(builder, "exp", logs), entries), logs


def _cholesky_covariance(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    lower, logs = _triangle(builder, event, position)
    return lower, reduce(builder, "sum", logs, event)


def _covariance(builder: Builder, event: tuple[str, ...], position: int) -> Placed:
    """2ᴷ Π Lᵢᵢ^(K − i) from the product, i from 0, and Π Lᵢᵢ from the logs."""
    row, column = event
    lower, logs = _triangle(builder, event, position)
    size = builder.size(row)
    times = apply(
        builder, "sub", apply(builder, "add", size, builder.constant(1.0)), matrices.iota(builder, row)
    )
    weighted = reduce(builder, "sum", apply(builder, "mul", logs, times), event)
    twos = apply(builder, "mul", builder.constant(LOG_TWO), size)
    return matrices.squared(builder, lower, row, column), apply(builder, "add", twos, weighted)


def _from_cholesky_correlation(builder: Builder, event: tuple[str, ...], value: int) -> int:
    """z = asinh(L_ij / √(Σ L_il² over l > j)): an entry over the rest of its row, which has length 1."""
    row, column = event
    one, zero = builder.constant(1.0), builder.constant(0.0)
    below = matrices.below_diagonal(builder, row, column)
    rests = matrices.along(builder, "rcumsum", apply(builder, "mul", value, value), column)
    after = apply(builder, "add", one, matrices.iota(builder, column))
    last = apply(builder, "sub", builder.size(column), one)
    rest = gather(builder, rests, apply(builder, "min", after, last), column)
    ratio = apply(builder, "div", value, apply(builder, "sqrt", apply(builder, "where", below, rest, one)))
    size = apply(builder, "abs", ratio)
    square = apply(builder, "mul", size, size)
    root = apply(builder, "sqrt", apply(builder, "add", one, square))
    more = apply(builder, "div", square, apply(builder, "add", one, root))
    asinh = apply(builder, "log1p", apply(builder, "add", size, more))
    signed = apply(builder, "mul", apply(builder, "sign", ratio), asinh)
    return _coordinates(builder, event, apply(builder, "where", below, signed, zero), diagonal=False)


def _from_correlation(builder: Builder, event: tuple[str, ...], value: int) -> int:
    return _from_cholesky_correlation(builder, event, matrices.cholesky(builder, value, *event))


def _from_cholesky_covariance(builder: Builder, event: tuple[str, ...], value: int) -> int:
    row, column = event
    here = matrices.on_diagonal(builder, row, column)
    diagonal = apply(builder, "where", here, value, builder.constant(1.0))
    return _coordinates(
        builder, event, apply(builder, "where", here, apply(builder, "log", diagonal), value), diagonal=True
    )


def _from_covariance(builder: Builder, event: tuple[str, ...], value: int) -> int:
    return _from_cholesky_covariance(builder, event, matrices.cholesky(builder, value, *event))


_INTO: Mapping[Space, Callable[[Builder, tuple[str, ...], int], Placed]] = {
    Space.ORDERED: _ordered,
    Space.POSITIVE_ORDERED: _positive_ordered,
    Space.SIMPLEX: _simplex,
    Space.ZERO_SUM: _zero_sum,
    Space.CHOLESKY_CORRELATION: _cholesky_correlation,
    Space.CORRELATION: _correlation,
    Space.COVARIANCE: _covariance,
    Space.CHOLESKY_COVARIANCE: _cholesky_covariance,
}

_OUT_OF: Mapping[Space, Callable[[Builder, tuple[str, ...], int], int]] = {
    Space.ORDERED: _from_ordered,
    Space.POSITIVE_ORDERED: _from_positive_ordered,
    Space.SIMPLEX: _from_simplex,
    Space.ZERO_SUM: _from_zero_sum,
    Space.CHOLESKY_CORRELATION: _from_cholesky_correlation,
    Space.CORRELATION: _from_correlation,
    Space.COVARIANCE: _from_covariance,
    Space.CHOLESKY_COVARIANCE: _from_cholesky_covariance,
}
