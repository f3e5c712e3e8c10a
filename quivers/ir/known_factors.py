"""Takes the Cholesky factor of a matrix from where it was made, in place of working it out again.

A correlation or a covariance that is drawn is the square of the factor that its coordinates are mapped to,
and so is a product that the program writes as L Lᵀ. The factor is exact, always there, and costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from quivers.families.support import Space
from quivers.ir import matrices
from quivers.ir.bijections import into_space
from quivers.ir.graph import BINARY, TERNARY, UNARY, Builder, Latent, Node
from quivers.ir.simplify import apply, gather, rebuilt

FACTORS: Mapping[Space, Space] = {
    Space.CORRELATION: Space.CHOLESKY_CORRELATION,
    Space.COVARIANCE: Space.CHOLESKY_COVARIANCE,
}
"""For a space of matrices, that of their factors."""

# What a comparison of a row's number with a column's is on the diagonal.
_ON_DIAGONAL = {"eq": True, "le": True, "ge": True, "ne": False, "lt": False, "gt": False}


@dataclass(frozen=True, slots=True)
class Factor:
    """A lower triangle with a positive diagonal: the node `lower` over `row` and `column`.

    A node that is this triangle, or its square, has `axes` for them.
    """

    lower: int
    row: str
    column: str
    axes: tuple[str, str]


@dataclass(slots=True)
class Known:
    """What is known of a builder's nodes: which are triangles, and of which triangle others are squares."""

    triangles: dict[int, Factor] = field(default_factory=dict)
    squares: dict[int, Factor] = field(default_factory=dict)

    def note_latent(self, builder: Builder, latent: Latent, position: int, value: int) -> None:
        """A latent's value at `position`, where it is a matrix with a factor, or a factor itself."""
        if latent.space is None or len(latent.event) != 2:
            return
        row, column = latent.event
        if latent.space in FACTORS:
            lower, _ = into_space(builder, FACTORS[latent.space], latent.event, position)
            self.squares[value] = Factor(lower, row, column, (row, column))
        else:
            lower = value
        self.triangles[lower] = Factor(lower, row, column, (row, column))

    def placed(self, builder: Builder, node: Node, at: Mapping[int, int]) -> int:
        """One node with its arguments where `at` says; a factor that is known in place of a new one."""
        args = tuple(at[arg] for arg in node.args)
        if node.op == "cholesky" and args[0] in self.squares:
            factor = self.squares[args[0]]
            if set(factor.axes) == set(node.over) and not _crowded(builder, factor, node.over):
                return self._written(builder, factor, node)
        if node.op == "gather" and args[0] in self.triangles:
            row, column = self.triangles[args[0]].axes
            if node.name == column and builder.nodes[args[1]] == Node("iota", axes=(row,), name=row):
                return _diagonal(builder, args[0], row, column)
        number = rebuilt(builder, node, at)
        self._note(builder, number)
        return number

    def _written(self, builder: Builder, factor: Factor, node: Node) -> int:
        row, column = node.over
        names = {factor.row: row, factor.column: column}
        axes = [names.get(axis, axis) for axis in builder.axes(factor.lower)]
        lower = matrices.renamed_all(builder, factor.lower, axes)
        lower = matrices.in_order(builder, lower, matrices.with_axes(builder, lower, node.axes))
        self.triangles[lower] = Factor(factor.lower, factor.row, factor.column, (row, column))
        return lower

    def _note(self, builder: Builder, number: int) -> None:
        """What is known of a node from what is known of its arguments."""
        node = builder.nodes[number]
        for known in (self.triangles, self.squares):
            factor = known.get(node.args[0]) if node.args else None
            if factor is None or number in known:
                continue
            if node.op == "spread":
                known[number] = factor
            elif matrices.is_renaming(builder, node) and node.name in factor.axes:
                new = builder.nodes[node.args[1]].name or ""
                row, column = (new if axis == node.name else axis for axis in factor.axes)
                known[number] = Factor(factor.lower, factor.row, factor.column, (row, column))
        if node.op == "mul":
            for side, scale in (node.args, node.args[::-1]):
                factor = self.triangles.get(side)
                if factor and factor.axes[1] not in builder.axes(scale) and _positive(builder, scale):
                    self.triangles[number] = Factor(number, *factor.axes, factor.axes)
        if node.op == "sum" and builder.nodes[node.args[0]].op == "mul":
            left, right = (self.triangles.get(arg) for arg in builder.nodes[node.args[0]].args)
            if left and right and left.lower == right.lower:
                (row, between), (column, other) = left.axes, right.axes
                if node.over == (between,) == (other,) and row != column:
                    self.squares[number] = Factor(left.lower, left.row, left.column, (row, column))


def _crowded(builder: Builder, factor: Factor, axes: tuple[str, ...]) -> bool:
    """Whether a plate of a factor has one of the names that its rows and columns are to have."""
    plates = set(builder.axes(factor.lower)) - {factor.row, factor.column}
    return bool(plates & set(axes))


def _positive(builder: Builder, number: int) -> bool:
    """Whether a node is seen to be positive at once."""
    node = builder.nodes[number]
    if node.op in {"gather", "spread"}:
        return _positive(builder, node.args[0])
    return node.op in {"exp", "softplus"} or (node.value is not None and node.value > 0.0)


def _diagonal(builder: Builder, number: int, row: str, column: str) -> int:
    """The diagonal of a matrix over `row`, worked out element by element from the diagonals of its parts."""
    node = builder.nodes[number]
    if column not in node.axes:
        return number
    if node.op == "iota":
        return matrices.iota(builder, row)
    if node.op == "where":
        test = builder.nodes[node.args[0]]
        sides = [builder.nodes[arg] for arg in test.args]
        if test.op in _ON_DIAGONAL and [side.name for side in sides if side.op == "iota"] == [row, column]:
            chosen = node.args[1] if _ON_DIAGONAL[test.op] else node.args[2]
            return matrices.spread_over(builder, _diagonal(builder, chosen, row, column), row)
    if node.op in UNARY | BINARY | TERNARY:
        return apply(builder, node.op, *(_diagonal(builder, arg, row, column) for arg in node.args))
    return gather(builder, number, matrices.iota(builder, row), column)
