"""Factors and triangular systems of matrices in a kernel's memory, for compiled code.

An array is a pointer, the place of its first element, and the steps from row to row and from column to
column. Where a matrix is not positive definite, or a diagonal element is 0, NaN comes out, never an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any


def cholesky(a: Any, a_at: int, a_row: int, a_column: int, n: int, out: Any, out_at: int, out_row: int,
             out_column: int) -> float:  # fmt: skip
    """The lower triangular L with L Lᵀ = a, row by row; NaN everywhere where there is none.

    Golub and Van Loan, Matrix Computations, 2013, section 4.2.
    """
    broken = False
    for i in range(n):
        for j in range(i + 1):
            total = a[a_at + i * a_row + j * a_column]
            for k in range(j):
                left = out[out_at + i * out_row + k * out_column]
                total -= left * out[out_at + j * out_row + k * out_column]
            if i == j:
                broken = broken or not total > 0.0
                out[out_at + i * out_row + i * out_column] = math.sqrt(total) if total > 0.0 else math.nan
            else:
                out[out_at + i * out_row + j * out_column] = total / out[out_at + j * (out_row + out_column)]
        for j in range(i + 1, n):
            out[out_at + i * out_row + j * out_column] = 0.0
    if broken:
        for i in range(n):
            for j in range(n):
                out[out_at + i * out_row + j * out_column] = math.nan
    return 0.0


def _spoil_if_singular(
    low: Any, low_at: int, step: int, n: int, out: Any, out_at: int, out_row: int
) -> float:
    """NaN in the whole result where a diagonal element is 0."""
    singular = False
    for i in range(n):
        singular = singular or low[low_at + i * step] == 0.0
    if singular:
        for i in range(n):
            out[out_at + i * out_row] = math.nan
    return 0.0


def solve(low: Any, low_at: int, low_row: int, low_column: int, b: Any, b_at: int, b_row: int, n: int,
          out: Any, out_at: int, out_row: int) -> float:  # fmt: skip
    """L⁻¹ b for a lower triangular L, by forward substitution."""
    for i in range(n):
        total = b[b_at + i * b_row]
        for k in range(i):
            total -= low[low_at + i * low_row + k * low_column] * out[out_at + k * out_row]
        out[out_at + i * out_row] = total / low[low_at + i * (low_row + low_column)]
    _spoil_if_singular(low, low_at, low_row + low_column, n, out, out_at, out_row)
    return 0.0


def solve_transposed(low: Any, low_at: int, low_row: int, low_column: int, b: Any, b_at: int, b_row: int,
                     n: int, out: Any, out_at: int, out_row: int) -> float:  # fmt: skip
    """L⁻ᵀ b for a lower triangular L, by backward substitution."""
    for back in range(n):
        i = n - 1 - back
        total = b[b_at + i * b_row]
        for k in range(i + 1, n):
            total -= low[low_at + k * low_row + i * low_column] * out[out_at + k * out_row]
        out[out_at + i * out_row] = total / low[low_at + i * (low_row + low_column)]
    _spoil_if_singular(low, low_at, low_row + low_column, n, out, out_at, out_row)
    return 0.0


FACTORS: Mapping[str, Callable[..., Any]] = {
    function.__name__: function for function in (cholesky, solve, solve_transposed)
}
