"""The mass matrix: kinetic energy, momentum draws, and the inverse mass estimated in warm-up.

Momentum p has the normal density of covariance M. The estimate of M⁻¹ is the posterior covariance, its
diagonal or all of it; or, from draws and gradients, the diagonal √(var x / var ∇), which minimises the Fisher
divergence to a normal; or that with a correction along few directions (`low_rank`). A metric is one array of
rows of length n: the inverse mass's diagonal; four rows for the running moments of draws and gradients, in
the foreground and in the background; for a dense one three blocks of n rows, M⁻¹, its lower Cholesky factor
and the sums of products; for a low-rank one a row whose first number is the rank r, and three blocks.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quivers.inference.compiled import Table, Words, kept_apart
from quivers.inference.random import normals

Array = NDArray[np.float64]

IDENTITY, DIAGONAL, DENSE, FISHER, LOW_RANK = range(5)

# Rows of a metric. MOMENTS rows hold mean and squared deviations of the draws, then of the gradients.
SCALE, FOREGROUND = 0, 1
MEAN, SQUARES, GRADIENT_MEAN, GRADIENT_SQUARES = range(4)
MOMENTS = 4
BACKGROUND = FOREGROUND + MOMENTS
MATRIX = BACKGROUND + MOMENTS

LARGEST_RANK = 100
# A scale beyond these, or one that is no number, leaves the one before.
SMALLEST_SCALE, LARGEST_SCALE = 1e-20, 1e20


def identity_metric(kind: int, dimension: int) -> Array:
    """A metric (rows, n) whose inverse mass is the identity."""
    blocks = 3 * dimension if kind == DENSE else 1 + 3 * rank_limit(dimension) if kind == LOW_RANK else 0
    metric = np.zeros((MATRIX + blocks, dimension))
    metric[SCALE] = 1.0
    if kind == DENSE:
        metric[MATRIX : MATRIX + dimension] = np.eye(dimension)
        metric[MATRIX + dimension : MATRIX + 2 * dimension] = np.eye(dimension)
    return metric


def begin_with_variances(kind: int, metric: Array, variances: Array) -> None:
    """Makes variances (coordinate) a metric's inverse mass, unless it is to stay the identity."""
    if kind == IDENTITY:
        return
    n = len(variances)
    metric[SCALE] = np.clip(variances, SMALLEST_SCALE, LARGEST_SCALE)
    if kind == DENSE:
        metric[MATRIX : MATRIX + n] = np.diag(metric[SCALE])
        metric[MATRIX + n : MATRIX + 2 * n] = np.diag(np.sqrt(metric[SCALE]))


def rank_limit(dimension: int) -> int:
    """The most directions that a low-rank metric of that dimension corrects."""
    return min(dimension, LARGEST_RANK)


def velocity(kind: int, metric: Table, memory: Table, momentum: int, out: int) -> None:
    """Writes M⁻¹p to row `out` of `memory`, p being its row `momentum`."""
    kept_apart()
    n = metric.shape[1]
    if kind == DENSE:
        for i in range(n):
            total = 0.0
            for j in range(n):
                total += metric[MATRIX + i, j] * memory[momentum, j]
            memory[out, i] = total
    elif kind == LOW_RANK:
        # M⁻¹ = S(1 + U(Λ − 1)Uᵀ)S with S² the diagonal.
        for i in range(n):
            memory[out, i] = math.sqrt(metric[SCALE, i]) * memory[momentum, i]
        correct(metric, memory, out, 1)
        for i in range(n):
            memory[out, i] *= math.sqrt(metric[SCALE, i])
    else:
        for i in range(n):
            memory[out, i] = metric[SCALE, i] * memory[momentum, i]


def correct(metric: Table, memory: Table, row: int, block: int) -> None:
    """Adds to a row x of `memory` Σ w (u·x), over the directions u and the vectors w, multiples of them, in
    the low-rank metric's block of that number.

    The directions are orthonormal, so that those already added don't change the products to come.
    """
    kept_apart()
    n = metric.shape[1]
    limit = (metric.shape[0] - MATRIX - 1) // 3
    for k in range(int(metric[MATRIX, 0])):
        direction = MATRIX + 1 + k
        product = 0.0
        for i in range(n):
            product += metric[direction, i] * memory[row, i]
        for i in range(n):
            memory[row, i] += product * metric[direction + block * limit, i]


def kinetic_energy(memory: Table, momentum: int, speed: int) -> float:
    """½ pᵀM⁻¹p, from the rows of p and of M⁻¹p."""
    total = 0.0
    for i in range(memory.shape[1]):
        total += memory[momentum, i] * memory[speed, i]
    return 0.5 * total


def draw_momentum(kind: int, metric: Table, generator: Words, memory: Table, out: int) -> None:
    """Writes p ~ Normal(0, M) to row `out` of `memory`."""
    kept_apart()
    n = metric.shape[1]
    normals(generator, memory, out)
    if kind == DENSE:
        # M⁻¹ = L Lᵀ, so L⁻ᵀ z has covariance M.
        factor = MATRIX + n
        for i in range(n - 1, -1, -1):
            total = memory[out, i]
            for j in range(i + 1, n):
                total -= metric[factor + j, i] * memory[out, j]
            memory[out, i] = total / metric[factor + i, i]
    else:
        if kind == LOW_RANK:
            correct(metric, memory, out, 2)
        for i in range(n):
            memory[out, i] /= math.sqrt(metric[SCALE, i])


def add_draw(
    kind: int, metric: Table, memory: Table, position: int, gradient: int, moments: int, count: float
) -> None:
    """Takes the draw and the gradient in these rows, the `count`-th, into the running moments that begin at
    row `moments` (Welford 1962)."""
    kept_apart()
    n = metric.shape[1]
    if kind == DENSE:
        products = MATRIX + 2 * n
        part = (count - 1.0) / count
        for i in range(n):
            change = (memory[position, i] - metric[moments + MEAN, i]) * part
            for j in range(i + 1):
                metric[products + i, j] += change * (memory[position, j] - metric[moments + MEAN, j])
    for i in range(n):
        change = memory[position, i] - metric[moments + MEAN, i]
        metric[moments + MEAN, i] += change / count
        metric[moments + SQUARES, i] += change * (memory[position, i] - metric[moments + MEAN, i])
        change = memory[gradient, i] - metric[moments + GRADIENT_MEAN, i]
        metric[moments + GRADIENT_MEAN, i] += change / count
        metric[moments + GRADIENT_SQUARES, i] += change * (
            memory[gradient, i] - metric[moments + GRADIENT_MEAN, i]
        )


def update_metric(kind: int, metric: Table, count: float) -> None:
    """Sets the inverse mass from the foreground's moments, of `count` draws.

    A covariance is shrunk as Stan does: Σ·n/(n+5) + 10⁻³·5/(n+5)·I.
    """
    kept_apart()
    n = metric.shape[1]
    if kind == FISHER:
        if count >= 3.0:
            for i in range(n):
                scale = math.sqrt(metric[FOREGROUND + SQUARES, i] / metric[FOREGROUND + GRADIENT_SQUARES, i])
                if SMALLEST_SCALE < scale < LARGEST_SCALE:  # false where it is NaN
                    metric[SCALE, i] = scale
    elif count >= 2.0 and kind != IDENTITY:
        weight = count / (count + 5.0) / (count - 1.0)
        floor = 1e-3 * 5.0 / (count + 5.0)
        for i in range(n):
            metric[SCALE, i] = weight * metric[FOREGROUND + SQUARES, i] + floor
        if kind == DENSE:
            products = MATRIX + 2 * n
            for i in range(n):
                for j in range(i):
                    value = weight * metric[products + i, j]
                    metric[MATRIX + i, j] = value
                    metric[MATRIX + j, i] = value
                metric[MATRIX + i, i] = metric[SCALE, i]
            factorise(metric, MATRIX, MATRIX + n)


def switch_moments(kind: int, metric: Table) -> None:
    """Puts the background's moments in the foreground's place, and forgets the sums of products."""
    kept_apart()
    n = metric.shape[1]
    for row in range(MOMENTS):
        for i in range(n):
            metric[FOREGROUND + row, i] = metric[BACKGROUND + row, i]
            metric[BACKGROUND + row, i] = 0.0
    if kind == DENSE:
        for row in range(MATRIX + 2 * n, MATRIX + 3 * n):
            for i in range(n):
                metric[row, i] = 0.0


def factorise(metric: Table, matrix: int, out: int) -> None:
    """Writes the lower Cholesky factor of the rows from `matrix` on to the rows from `out` on."""
    kept_apart()
    n = metric.shape[1]
    for i in range(n):
        for j in range(i + 1):
            total = metric[matrix + i, j]
            for k in range(j):
                total -= metric[out + i, k] * metric[out + j, k]
            if i == j:
                # The floor that `update_metric` adds keeps this positive up to rounding.
                metric[out + i, i] = math.sqrt(max(total, 1e-300))
            else:
                metric[out + i, j] = total / metric[out + j, j]
