"""Whether a vector or a matrix lies in its space, as conditions: where it does not, a log density is −inf.

Sums and products are held to what rounding leaves of them, as torch.distributions' constraints do.
"""

from __future__ import annotations

from quivers.families.support import Space
from quivers.ir import matrices
from quivers.ir.graph import Builder
from quivers.ir.simplify import apply, gather, reduce

TOLERANCE = 1e-6

CORRELATIONS = frozenset({Space.CORRELATION, Space.CHOLESKY_CORRELATION})


def has_root(builder: Builder, space: Space, event: tuple[str, ...], value: int) -> list[int]:
    """Whether a matrix is one that a density can be worked out with: all that a parameter is asked for.

    Of a triangular one the diagonal is positive, of a covariance that of its Cholesky factor; densities read
    the lower triangles alone.
    """
    row, column = event
    root = value
    if space in (Space.CORRELATION, Space.COVARIANCE):
        root = matrices.cholesky(builder, value, row, column)
    # NaN, where there is no factor, is not positive either.
    positive = builder.apply("gt", matrices.diagonal(builder, root, row, column), builder.constant(0.0))
    return [_all(builder, positive, (row,))]


def inside(builder: Builder, space: Space, event: tuple[str, ...], value: int) -> list[int]:
    """Whether a drawn value lies in a space, without the axes of one draw."""
    value = matrices.spread_over(builder, value, *event)
    if space in (Space.ORDERED, Space.POSITIVE_ORDERED):
        return _rising(builder, space, event, value)
    if space in (Space.SIMPLEX, Space.ZERO_SUM):
        zero = builder.constant(0.0)
        total = reduce(builder, "sum", value, event)
        if space is Space.ZERO_SUM:
            return [_near(builder, total, zero)]
        return [
            _all(builder, builder.apply("ge", value, zero), event),
            _near(builder, total, builder.constant(1.0)),
        ]
    row, column = event
    conditions = has_root(builder, space, event, value)
    if space in (Space.CORRELATION, Space.COVARIANCE):
        mirrored = matrices.transposed(builder, value, row, column)
        conditions.append(_all(builder, _near(builder, value, mirrored), event))
    else:
        above = builder.apply("lt", matrices.iota(builder, row), matrices.iota(builder, column))
        empty = builder.apply(
            "eq", apply(builder, "where", above, value, builder.constant(0.0)), builder.constant(0.0)
        )
        conditions.append(_all(builder, empty, event))
    if space in CORRELATIONS:
        lengths = (
            matrices.diagonal(builder, value, row, column)
            if space is Space.CORRELATION
            else reduce(builder, "sum", apply(builder, "mul", value, value), (column,))
        )
        conditions.append(_all(builder, _near(builder, lengths, builder.constant(1.0)), (row,)))
    return conditions


def _rising(builder: Builder, space: Space, event: tuple[str, ...], value: int) -> list[int]:
    (axis,) = event
    place = apply(builder, "sub", matrices.iota(builder, axis), builder.constant(1.0))
    before = gather(builder, value, apply(builder, "max", place, builder.constant(0.0)), axis)
    conditions = [_all(builder, builder.apply("ge", value, before), event)]
    if space is Space.POSITIVE_ORDERED:
        conditions.append(_all(builder, builder.apply("gt", value, builder.constant(0.0)), event))
    return conditions


def _near(builder: Builder, left: int, right: int) -> int:
    """Whether two numbers are the same but for rounding, as far as the larger of them and 1 go."""
    scale = apply(builder, "max", builder.constant(1.0), apply(builder, "abs", left))
    distance = apply(builder, "abs", apply(builder, "sub", left, right))
    return builder.apply("le", distance, apply(builder, "mul", builder.constant(TOLERANCE), scale))


def _all(builder: Builder, condition: int, axes: tuple[str, ...]) -> int:
    """Whether a condition holds all along `axes`."""
    number = apply(builder, "where", condition, builder.constant(1.0), builder.constant(0.0))
    return builder.apply("ne", reduce(builder, "amin", number, axes), builder.constant(0.0))
