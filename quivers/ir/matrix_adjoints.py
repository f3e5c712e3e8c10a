"""Adjoints of reading, of running sums and of matrix factors: the rules that look at axes.

Those of matrices follow Murray, Differentiation of the Cholesky decomposition (2016), and Giles, Collected
Matrix Derivative Results for Forward and Reverse Mode Algorithmic Differentiation (2008).
"""

from __future__ import annotations

from quivers.ir.graph import Builder, Node
from quivers.ir.matrices import (
    along,
    below_diagonal,
    fresh,
    iota,
    is_renaming,
    on_diagonal,
    renamed,
    solve,
    spread_over,
    transposed,
)
from quivers.ir.simplify import apply, reduce

Contributions = tuple[tuple[int, int], ...]


def gathered(b: Builder, number: int, node: Node, adjoint: int) -> Contributions:
    """Adds up what was read at each place; an axis that only got another name gets its own back."""
    value, index = node.args
    if is_renaming(b, node):
        return ((value, renamed(b, adjoint, b.nodes[index].name or "", node.name or "")),)
    source = tuple(axis for axis in node.axes if axis not in b.axes(adjoint))
    if source:
        adjoint = b.add(Node("spread", (adjoint,), node.axes, over=source))
    return ((value, b.add(Node("scatter", (adjoint, index), b.axes(value), name=node.name))),)


def scattered(b: Builder, number: int, node: Node, adjoint: int) -> Contributions:
    """Reads the adjoint at the place that each element was added to."""
    added, index = node.args
    if node.name not in b.axes(adjoint):
        return ((added, adjoint),)
    return ((added, b.add(Node("gather", (adjoint, index), b.axes(added), name=node.name))),)


def summed_up(b: Builder, number: int, node: Node, adjoint: int) -> Contributions:
    """Element j is in the running sums from j on, so its adjoint is the running sum from the end."""
    assert node.name is not None, "a running sum has an axis"
    op = "rcumsum" if node.op == "cumsum" else "cumsum"
    return ((node.args[0], along(b, op, adjoint, node.name)),)


def factored(b: Builder, number: int, node: Node, adjoint: int) -> Contributions:
    """Of A = L Lᵀ: the lower triangle of S + Sᵀ with its diagonal halved (Murray, equation 10).

    S = L⁻ᵀ Φ(Lᵀ L̄) L⁻¹, where Φ takes the lower triangle and half the diagonal. The upper
    triangle of A is not read.
    """
    row, column = node.over
    zero, half = b.constant(0.0), b.constant(0.5)
    adjoint = spread_over(b, adjoint, row, column)
    between = fresh(column, (row, column, *node.axes))
    # Lᵀ L̄ over (row, column): both factors are summed over L's rows.
    left = renamed(b, renamed(b, number, row, between), column, row)
    right = renamed(b, adjoint, row, between)
    multiplied = spread_over(b, apply(b, "mul", left, right), row, column, between)
    inner = reduce(b, "sum", multiplied, (between,))
    below, here = below_diagonal(b, row, column), on_diagonal(b, row, column)
    lower = apply(b, "where", below, inner, zero)
    phi = apply(b, "where", here, apply(b, "mul", half, inner), lower)
    once = solve(b, number, phi, row, column, transpose=True)
    s = solve(b, number, transposed(b, once, row, column), row, column, transpose=True)
    both = apply(b, "add", s, transposed(b, s, row, column))
    lower = apply(b, "where", below, both, zero)
    return ((node.args[0], apply(b, "where", here, s, lower)),)


def solved(b: Builder, number: int, node: Node, adjoint: int) -> Contributions:
    """Of x = L⁻¹ b: b̄ = L⁻ᵀ x̄ and L̄ = −b̄ xᵀ, of which the upper triangle is not read; x = L⁻ᵀ b alike."""
    lower, value = node.args
    row, column = node.over
    transpose = node.op == "solve"
    back = solve(b, lower, spread_over(b, adjoint, row), row, column, transpose=transpose)
    rows, columns = (back, number) if node.op == "solve" else (number, back)
    outer = apply(b, "mul", rows, renamed(b, columns, row, column))
    not_above = b.apply("ge", iota(b, row), iota(b, column))
    slope = apply(b, "where", not_above, apply(b, "neg", outer), b.constant(0.0))
    return ((lower, slope), (value, back))
