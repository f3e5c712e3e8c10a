"""A low-rank mass matrix from draws and gradients, estimated between stretches of warm-up.

Of all M⁻¹ = S(1 + U(Λ − 1)Uᵀ)S, with S diagonal and U orthonormal, it is the one that minimises the Fisher
divergence between the posterior and a normal of that covariance over the span of the draws and gradients seen
(Seyboldt, Carlson and Carpenter 2026, "Preconditioning Hamiltonian Monte Carlo by minimizing Fisher
divergence").
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quivers.inference.mass_matrix import LARGEST_SCALE, MATRIX, SCALE, SMALLEST_SCALE, rank_limit

Array = NDArray[np.float64]

# Directions whose eigenvalue lies between CUTOFF and 1/CUTOFF gain less than they cost.
CUTOFF = 2.0
# Added to the diagonal of both covariances in the span, so that few draws do not make them singular.
RIDGE = 1e-5
FEWEST_DRAWS = 3


def update_low_rank(metric: Array, draws: Array, gradients: Array) -> None:
    """Sets the diagonal and the directions of `metric` from draws and gradients, each (draw, n).

    Fewer than three draws, or ones that have no finite spread, leave it as it is.
    """
    if len(draws) < FEWEST_DRAWS:
        return
    with np.errstate(all="ignore"):
        ratio = draws.std(axis=0) / gradients.std(axis=0)
    usable = (ratio > SMALLEST_SCALE) & (ratio < LARGEST_SCALE)
    metric[SCALE] = np.where(usable, ratio, metric[SCALE])
    scale = np.sqrt(metric[SCALE])
    found = directions((draws - draws.mean(axis=0)) / scale, (gradients - gradients.mean(axis=0)) * scale)
    if found is None:
        return
    values, vectors = found
    limit = rank_limit(metric.shape[1])
    strongest = np.argsort(-np.abs(np.log(values)), kind="stable")[:limit]
    values, vectors = values[strongest], vectors[strongest]
    first = MATRIX + 1
    metric[MATRIX, 0] = len(values)
    metric[first : first + len(values)] = vectors
    metric[first + limit : first + limit + len(values)] = (values - 1.0)[:, None] * vectors
    metric[first + 2 * limit : first + 2 * limit + len(values)] = (values**-0.5 - 1.0)[:, None] * vectors


def directions(draws: Array, gradients: Array) -> tuple[Array, Array] | None:
    """Eigenvalues beyond the cutoff and their unit vectors, (direction, n), from centred and scaled draws.

    In the span of both, the matrix A with A cov(∇) A = cov(x), the geometric mean of cov(x) and cov(∇)⁻¹,
    is the best inverse mass. None where something is not finite.
    """
    if not (np.isfinite(draws).all() and np.isfinite(gradients).all()):
        return None
    try:
        span = _span(draws, gradients)
        if span is not None:
            if len(span) == 0:
                return None
            draws, gradients = draws @ span.T, gradients @ span.T
        of_draws, of_gradients = (
            rows.T @ rows / len(rows) + RIDGE * np.eye(rows.shape[1]) for rows in (draws, gradients)
        )
        values, vectors = np.linalg.eigh(_geometric_mean(of_draws, of_gradients))
    except np.linalg.LinAlgError:
        return None
    beyond = (values > CUTOFF) | (values < 1.0 / CUTOFF)
    beyond &= values > 0.0
    found = vectors.T[beyond]
    return values[beyond], found if span is None else found @ span


def _span(draws: Array, gradients: Array) -> Array | None:
    """An orthonormal basis of what draws and gradients span, (direction, n); None where that may be all.

    Then the ridge alone is in what they miss, and no singular values are needed, which take longest.
    """
    count, n = draws.shape
    if 2 * count >= n:
        return None
    return _row_space(np.concatenate([_row_space(draws), _row_space(gradients)]))


def _row_space(rows: Array) -> Array:
    """An orthonormal basis of the span of `rows`, (direction, n)."""
    _, strengths, basis = np.linalg.svd(rows, full_matrices=False)
    least = strengths[0] * max(rows.shape) * np.finfo(np.float64).eps if len(strengths) else 0.0
    return np.asarray(basis[strengths > least])


def _geometric_mean(of_draws: Array, of_gradients: Array) -> Array:
    """The positive definite A with A·`of_gradients`·A = `of_draws`: L⁻ᵀ(LᵀXL)^½L⁻¹ with G = LLᵀ."""
    factor = np.linalg.cholesky(of_gradients)
    values, vectors = np.linalg.eigh(factor.T @ of_draws @ factor)
    half = np.linalg.solve(factor.T, vectors * np.maximum(values, 0.0) ** 0.25)
    return np.asarray(half @ half.T)
