"""Vectors and matrices with the log densities that torch.distributions or SciPy give them.

Each case is a family, its form, values with a leading axis, parameters with a leading axis of one, and the log
density of each value.
"""

# ruff: noqa: E501
from __future__ import annotations

import numpy as np
import scipy.stats as st
import torch
import torch.distributions as td

RANDOM = np.random.default_rng(20240817)


def tensor(values):
    return torch.as_tensor(np.asarray(values), dtype=torch.float64)


def covariance(size):
    """A well conditioned covariance matrix."""
    a = RANDOM.normal(size=(size, size))
    return a @ a.T + size * np.eye(size)


def correlation_factors(size, count):
    """Cholesky factors of correlation matrices, spread over all of them."""
    rows = np.tril(RANDOM.normal(size=(count, size, size)))
    rows[:, range(size), range(size)] = np.abs(rows[:, range(size), range(size)]) + 0.1
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def correlation_density(factors, concentration):
    """LKJ's log density of L Lᵀ, from that of L and the Jacobian of the map between them."""
    size = factors.shape[-1]
    of_factor = td.LKJCholesky(size, tensor(concentration)).log_prob(tensor(factors)).numpy()
    diagonal = factors[:, range(size), range(size)]
    return of_factor - (np.arange(size)[::-1] * np.log(diagonal)).sum(-1)


def squares(factors):
    return factors @ np.swapaxes(factors, -1, -2)


def each(function, values):
    return np.array([function(value) for value in values])


LOC = np.array([0.3, -1.0, 2.0])
SIGMA = covariance(3)
ROOT = np.linalg.cholesky(SIGMA)
POINTS = RANDOM.normal(size=(4, 3)) * 3
NORMAL = st.multivariate_normal(LOC, SIGMA).logpdf(POINTS)
COUNTS = np.array([[4.0, 0.0, 5.0], [9.0, 0.0, 0.0], [2.0, 3.0, 4.0]])
WEIGHTS = np.array([0.2, 0.5, 0.3])
WALKS = np.cumsum(RANDOM.normal(size=(3, 6)), axis=1)
MATRICES = np.array([covariance(3) for _ in range(4)])


def walk(scale):
    steps = np.diff(WALKS, axis=1, prepend=0.0)
    return st.norm.logpdf(steps, 0, scale).sum(1)


def lkj(name, size, concentration):
    factors = correlation_factors(size, 4)
    if name == "LKJ":
        return (
            name,
            0,
            squares(factors),
            {"concentration": concentration},
            correlation_density(factors, concentration),
        )
    expected = td.LKJCholesky(size, tensor(concentration)).log_prob(tensor(factors)).numpy()
    return (name, 0, factors, {"concentration": concentration}, expected)


VECTORS = [
    ("Dirichlet", 0, [[0.2, 0.5, 0.3], [1e-9, 0.4, 0.6 - 1e-9]], {"concentration": [[0.4, 1.0, 7.0]]}, td.Dirichlet(tensor([0.4, 1.0, 7.0])).log_prob(tensor([[0.2, 0.5, 0.3], [1e-9, 0.4, 0.6 - 1e-9]])).numpy()),
    ("Dirichlet", 0, [[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]], {"concentration": [[1.0, 1.0, 1.0]]}, [np.log(2.0), np.log(2.0)]),
    ("Dirichlet", 0, [[0.0, 0.3, 0.7]], {"concentration": [[2.0, 1.0, 1.0]]}, [-np.inf]),
    ("Multinomial", 0, COUNTS, {"total_count": 9.0, "probs": [WEIGHTS]}, st.multinomial(9, WEIGHTS).logpmf(COUNTS)),
    ("Multinomial", 0, COUNTS, {"total_count": 9.0, "probs": [3.0 * WEIGHTS]}, st.multinomial(9, WEIGHTS).logpmf(COUNTS)),
    ("Multinomial", 0, [[2.0, 0.0, 1.0], [2.0, 1.0, 0.0]], {"total_count": 3.0, "probs": [[0.5, 0.5, 0.0]]}, [-np.inf, np.log(3 / 8)]),
    ("Multinomial", 1, COUNTS, {"total_count": 9.0, "logits": [np.log(WEIGHTS) + 40.0]}, st.multinomial(9, WEIGHTS).logpmf(COUNTS)),
    ("Multinomial", 0, [[4.0, 4.0, 4.0]], {"total_count": 9.0, "probs": [WEIGHTS]}, [-np.inf]),
    ("MultivariateNormal", 0, POINTS, {"loc": [LOC], "covariance_matrix": [SIGMA]}, NORMAL),
    ("MultivariateNormal", 1, POINTS, {"loc": [LOC], "precision_matrix": [np.linalg.inv(SIGMA)]}, NORMAL),
    ("MultivariateNormal", 2, POINTS, {"loc": [LOC], "scale_tril": [ROOT]}, NORMAL),
    ("MultivariateNormal", 2, POINTS[:, :1], {"loc": [[0.3]], "scale_tril": [[[2.0]]]}, st.norm.logpdf(POINTS[:, 0], 0.3, 2.0)),
    ("GaussianRandomWalk", 0, WALKS, {"scale": 0.7}, walk(0.7)),
    ("GaussianRandomWalk", 0, WALKS, {}, walk(1.0)),
    ("GaussianRandomWalk", 0, WALKS[:, :1], {"scale": 0.7}, st.norm.logpdf(WALKS[:, 0], 0, 0.7)),
    ("LKJCholesky", 0, [[[1.0]]], {"concentration": 2.0}, [0.0]),
    lkj("LKJCholesky", 2, 1.0),
    lkj("LKJCholesky", 3, 0.5),
    lkj("LKJCholesky", 5, 2.3),
    ("LKJCholesky", 0, correlation_factors(2, 3), {}, np.full(3, np.log(0.5))),
    ("LKJ", 0, squares(correlation_factors(2, 3)), {}, np.full(3, np.log(0.5))),
    lkj("LKJ", 3, 0.5),
    lkj("LKJ", 4, 2.3),
    ("Wishart", 0, MATRICES, {"df": 4.5, "covariance_matrix": [SIGMA]}, each(st.wishart(4.5, SIGMA).logpdf, MATRICES)),
    ("Wishart", 1, MATRICES, {"df": 4.5, "precision_matrix": [np.linalg.inv(SIGMA)]}, each(st.wishart(4.5, SIGMA).logpdf, MATRICES)),
    ("Wishart", 2, MATRICES, {"df": 4.5, "scale_tril": [ROOT]}, each(st.wishart(4.5, SIGMA).logpdf, MATRICES)),
    ("Wishart", 0, MATRICES[:2], {"df": 1.5, "covariance_matrix": [SIGMA]}, [-np.inf, -np.inf]),
    ("InverseWishart", 0, MATRICES, {"df": 4.5, "scale_matrix": [SIGMA]}, each(st.invwishart(4.5, SIGMA).logpdf, MATRICES)),
    ("InverseWishart", 1, MATRICES, {"df": 4.5, "scale_tril": [ROOT]}, each(st.invwishart(4.5, SIGMA).logpdf, MATRICES)),
]  # fmt: skip

EYE = np.eye(2)
HALF = {"concentration": 2.0}

VECTORS_OUTSIDE = [
    ("Dirichlet", 0, [[0.2, 0.2], [-0.2, 1.2], [0.5, 0.6]], {"concentration": [[2.0, 2.0]]}),
    ("Multinomial", 0, [[2.0, 2.0], [-1.0, 4.0], [1.5, 1.5]], {"total_count": 3.0, "probs": [[0.5, 0.5]]}),
    ("Multinomial", 1, [[2.0, 2.0], [-1.0, 4.0], [1.5, 1.5]], {"total_count": 3.0, "logits": [[0.0, 1.0]]}),
    ("LKJCholesky", 0, [2 * EYE, -EYE, [[1.0, 0.1], [0.6, 0.8]], [[1.0, 0.0], [0.6, 0.7]], [[1.0, 0.0], [1.0, 0.0]]], HALF),
    ("LKJ", 0, [2 * EYE, -EYE, [[1.0, 0.1], [0.6, 1.0]], [[1.0, 1.2], [1.2, 1.0]], [[1.0, 1.0], [1.0, 1.0]]], HALF),
    ("Wishart", 0, [-EYE, [[1.0, 0.1], [0.6, 1.0]], [[1.0, 2.0], [2.0, 1.0]]], {"df": 4.0, "covariance_matrix": [EYE]}),
    ("Wishart", 1, [-EYE, [[1.0, 2.0], [2.0, 1.0]]], {"df": 4.0, "precision_matrix": [EYE]}),
    ("InverseWishart", 0, [-EYE, [[1.0, 0.1], [0.6, 1.0]], [[1.0, 2.0], [2.0, 1.0]]], {"df": 4.0, "scale_matrix": [EYE]}),
]  # fmt: skip
