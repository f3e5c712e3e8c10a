"""Cholesky factors and triangular solves of many matrices at once, by NumPy: (…, row, column).

They go through the rows of all matrices together, so that one that has no factor spoils no other.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def cholesky(matrix: Array) -> Array:
    """The lower triangular L with L Lᵀ = `matrix`, whose lower triangle is read; NaN where there is none."""
    size = matrix.shape[-1]
    lower = np.zeros_like(matrix, dtype=np.float64)
    for j in range(size):
        rest = matrix[..., j:, j] - np.einsum("...ik,...k->...i", lower[..., j:, :j], lower[..., j, :j])
        pivot = np.where(rest[..., 0] > 0.0, rest[..., 0], np.nan)
        lower[..., j:, j] = rest / np.sqrt(pivot)[..., None]
    failed = ~np.isfinite(lower).all(axis=(-1, -2))
    lower[failed] = np.nan
    return lower


def solve(lower: Array, right: Array, *, transpose: bool) -> Array:
    """L⁻¹ B, or L⁻ᵀ B, for B (…, row, k); NaN where a diagonal element of L is 0."""
    size = lower.shape[-1]
    plates = np.broadcast_shapes(lower.shape[:-2], right.shape[:-2])
    result = np.zeros((*plates, *right.shape[-2:]))
    for i in reversed(range(size)) if transpose else range(size):
        others = slice(i + 1, None) if transpose else slice(0, i)
        row = lower[..., others, i] if transpose else lower[..., i, others]
        known = np.einsum("...k,...kc->...c", row, result[..., others, :])
        result[..., i, :] = (right[..., i, :] - known) / lower[..., i, i, None]
    singular = (np.einsum("...ii->...i", lower) == 0.0).any(axis=-1)
    return np.where(singular[..., None, None], np.nan, result)
