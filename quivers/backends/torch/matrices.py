"""Running sums, orders and matrix factors as functions of torch tensors, over axes found by name.

Like all operations here they take values of shape (*batch, *axes) with any batch shape in front.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from quivers.backends.torch.operations import Operation, aligner


def running(op: str, dimension: int) -> Operation:
    """`cumsum`, `rcumsum` or `argsort` along a dimension, counted from the right."""
    if op == "cumsum":
        return lambda x: torch.cumsum(x, dimension)
    if op == "rcumsum":
        return lambda x: torch.flip(torch.cumsum(torch.flip(x, (dimension,)), dimension), (dimension,))
    return lambda x: torch.argsort(x, dim=dimension, stable=True).to(torch.float64)


def factor(have: Sequence[str], axes: Sequence[str], over: Sequence[str]) -> Operation:
    """The Cholesky factor over the two axes `over`, as a value with `axes`; NaN where there is none."""
    plates = tuple(axis for axis in axes if axis not in over)
    to_matrix = aligner(have, (*plates, *over), leading=True)
    back = aligner((*plates, *over), axes, leading=True)

    def cholesky(x: Tensor) -> Tensor:
        matrix = x if to_matrix is None else to_matrix(x)
        # The lower triangle alone is read, so that it alone has a slope.
        below = torch.tril(matrix, -1)
        symmetric = torch.tril(matrix) + below.transpose(-1, -2)
        lower, failed = torch.linalg.cholesky_ex(symmetric)
        lower = torch.where((failed > 0)[..., None, None], torch.nan, lower)
        return lower if back is None else back(lower)

    return cholesky


def solver(
    lower_axes: Sequence[str],
    value_axes: Sequence[str],
    axes: Sequence[str],
    over: Sequence[str],
    *,
    transpose: bool,
) -> Operation:
    """L⁻¹ b, or L⁻ᵀ b, as a value with `axes`; NaN where a diagonal element of L is 0.

    Axes that b alone has stand side by side as columns, so that a matrix is not repeated for each.
    """
    row, column = over
    plates = tuple(axis for axis in axes if axis in lower_axes and axis not in over)
    columns = tuple(axis for axis in axes if axis not in lower_axes)
    to_lower = aligner(lower_axes, (*plates, row, column), leading=True)
    to_value = aligner(value_axes, (*plates, row, *columns), leading=True)
    back = aligner((*plates, row, *columns), axes, leading=True)
    count = len(columns)

    def solve(lower: Tensor, value: Tensor) -> Tensor:
        matrix = lower if to_lower is None else to_lower(lower)
        wide = value if to_value is None else to_value(value)
        inner = wide.shape[wide.ndim - count :]
        right = wide.flatten(wide.ndim - count) if count else wide.unsqueeze(-1)
        diagonal = torch.diagonal(matrix, dim1=-2, dim2=-1)
        singular = (diagonal == 0.0).any(-1)[..., None, None]
        if transpose:
            result = torch.linalg.solve_triangular(torch.tril(matrix).transpose(-1, -2), right, upper=True)
        else:
            result = torch.linalg.solve_triangular(matrix, right, upper=False)
        result = torch.where(singular, torch.nan, result)
        result = result.reshape((*result.shape[:-1], *inner))
        return result if back is None else back(result)

    return solve
