"""The mass matrix: kinetic energy, momentum draws, and the inverse mass estimated from warm-up draws.

Momentum p has the normal density of covariance M; the estimate of M⁻¹ is the posterior covariance, its
diagonal or all of it. A metric is one array of rows of length n: the inverse mass's diagonal, the running
mean and the running sums of squares, and for a dense one three blocks of n rows: M⁻¹, its lower Cholesky
factor, the sums of products.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from quivers.inference.compiled import compiled
from quivers.inference.random import normals

Array = NDArray[np.float64]

IDENTITY, DIAGONAL, DENSE = range(3)
KINDS = {"identity": IDENTITY, "diagonal": DIAGONAL, "dense": DENSE}

# Rows of a metric.
SCALE, MEAN, SQUARES = range(3)
MATRIX = 3


def identity_metric(kind: int, dimension: int) -> Array:
    """A metric (rows, n) whose inverse mass is the identity."""
    blocks = 3 if kind == DENSE else 0
    metric = np.zeros((MATRIX + blocks * dimension, dimension))
    metric[SCALE] = 1.0
    if kind == DENSE:
        metric[MATRIX : MATRIX + dimension] = np.eye(dimension)
        metric[MATRIX + dimension : MATRIX + 2 * dimension] = np.eye(dimension)
    return metric


@compiled
def velocity(kind: int, metric: Array, memory: Array, momentum: int, out: int) -> None:
    """Writes M⁻¹p to row `out` of `memory`, p being its row `momentum`."""
    n = metric.shape[1]
    if kind == DENSE:
        for i in range(n):
            total = 0.0
            for j in range(n):
                total += metric[MATRIX + i, j] * memory[momentum, j]
            memory[out, i] = total
    else:
        for i in range(n):
            memory[out, i] = metric[SCALE, i] * memory[momentum, i]


@compiled
def kinetic_energy(memory: Array, momentum: int, speed: int) -> float:
    """½ pᵀM⁻¹p, from the rows of p and of M⁻¹p."""
    total = 0.0
    for i in range(memory.shape[1]):
        total += memory[momentum, i] * memory[speed, i]
    return 0.5 * total


@compiled
def draw_momentum(kind: int, metric: Array, generator: NDArray[np.uint64], memory: Array, out: int) -> None:
    """Writes p ~ Normal(0, M) to row `out` of `memory`."""
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
        for i in range(n):
            memory[out, i] /= math.sqrt(metric[SCALE, i])


@compiled
def add_draw(kind: int, metric: Array, memory: Array, position: int, count: int) -> None:
    """Takes the draw in row `position`, the `count`-th, into the running moments (Welford 1962)."""
    n = metric.shape[1]
    if kind == DENSE:
        products = MATRIX + 2 * n
        part = (count - 1.0) / count
        for i in range(n):
            change = (memory[position, i] - metric[MEAN, i]) * part
            for j in range(i + 1):
                metric[products + i, j] += change * (memory[position, j] - metric[MEAN, j])
    for i in range(n):
        change = memory[position, i] - metric[MEAN, i]
        metric[MEAN, i] += change / count
        metric[SQUARES, i] += change * (memory[position, i] - metric[MEAN, i])


@compiled
def update_metric(kind: int, metric: Array, count: int) -> None:
    """Sets the inverse mass to the covariance of the `count` draws taken in, and forgets them.

    It is shrunk as Stan does: Σ·n/(n+5) + 10⁻³·5/(n+5)·I.
    """
    n = metric.shape[1]
    if count >= 2 and kind != IDENTITY:
        weight = count / (count + 5.0) / (count - 1.0)
        floor = 1e-3 * 5.0 / (count + 5.0)
        for i in range(n):
            metric[SCALE, i] = weight * metric[SQUARES, i] + floor
        if kind == DENSE:
            products = MATRIX + 2 * n
            for i in range(n):
                for j in range(i):
                    value = weight * metric[products + i, j]
                    metric[MATRIX + i, j] = value
                    metric[MATRIX + j, i] = value
                metric[MATRIX + i, i] = metric[SCALE, i]
            factorise(metric, MATRIX, MATRIX + n)
    for i in range(n):
        metric[MEAN, i] = 0.0
        metric[SQUARES, i] = 0.0
        if kind == DENSE:
            for j in range(n):
                metric[MATRIX + 2 * n + i, j] = 0.0


@compiled
def factorise(metric: Array, matrix: int, out: int) -> None:
    """Writes the lower Cholesky factor of the rows from `matrix` on to the rows from `out` on."""
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
