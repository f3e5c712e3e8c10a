"""Functions of vectors and matrices in a program: the axes that the checker gives, and NumPy's values."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from quivers.dsl import loads
from quivers.errors import QvrError

GENERATOR = np.random.default_rng(3)
DATA = {
    "m": GENERATOR.normal(size=(3, 3)) + 4 * np.eye(3),
    "v": np.array([0.4, -1.3, 0.9]),
    "w": GENERATOR.normal(size=(2, 3)),
    "p": GENERATOR.normal(size=(2, 3, 3)),
}
M, V, W, P = DATA["m"], DATA["v"], DATA["w"], DATA["p"]
SYMMETRIC = M @ M.T
HEADER = """object K : FinSet 3
object S : FinSet 2
data m : K * K * Real
data v : K * Real
data w : S * K * Real
data p : S * K * K * Real

program q : K -> K
    sample z <- Normal(0.0, 1.0)
"""


def value_of(expression):
    source = f"{HEADER}    let a = {expression}\n    observe v : K <- Normal(z, 1.0)\n    return v\n"
    loaded = loads(source)
    known = loaded.morphism.program.types["a"]
    bound = loaded.morphism.bind(DATA)
    values = bound.predict({"z": torch.zeros((), dtype=torch.float64)})
    return tuple(str(axis) for axis in known.axes), values["a"].numpy()


CASES = [
    ("cumsum(v)", ("K",), np.cumsum(V)),
    ("cumsum(w)", ("S", "K"), np.cumsum(W, 1)),
    ("cumsum(w, over=S)", ("S", "K"), np.cumsum(W, 0)),
    ("sort(v)", ("K",), np.sort(V)),
    ("sort(w, over=S)", ("S", "K"), np.sort(W, 0)),
    ("transpose(m)", ("K", "K′"), M.T),
    ("transpose(p)", ("S", "K", "K′"), np.swapaxes(P, 1, 2)),
    ("tcrossprod(m)", ("K", "K′"), SYMMETRIC),
    ("tcrossprod(transpose(m))", ("K", "K′"), M.T @ M),
    ("cholesky(tcrossprod(m))", ("K", "K′"), np.linalg.cholesky(SYMMETRIC)),
    ("diag(v)", ("K", "K′"), np.diag(V)),
    ("diag(w)", ("S", "K", "K′"), np.stack([np.diag(row) for row in W])),
    ("diagonal(m)", ("K",), np.diag(M)),
    ("diagonal(p)", ("S", "K"), np.stack([np.diag(each) for each in P])),
    ("log_determinant(tcrossprod(m))", (), np.linalg.slogdet(SYMMETRIC)[1]),
    ("outer(v, v)", ("K", "K′"), np.outer(V, V)),
    ("outer(v, index(K))", ("K", "K′"), np.outer(V, np.arange(3))),
    ("outer(w, v)", ("S", "K", "K′"), W[:, :, None] * V),
    ("m @ v", ("K",), M @ V),
    ("v @ m", ("K",), M @ V),
    ("transpose(m) @ v", ("K",), M.T @ V),
    ("m @ m", ("K",), (M * M).sum(1)),
    ("p @ v", ("S", "K"), P @ V),
    ("m @ w", ("K", "S"), M @ W.T),
    ("solve_triangular(m, v)", ("K",), np.linalg.solve(np.tril(M), V)),
    ("solve_triangular(m, w)", ("S", "K"), np.linalg.solve(np.tril(M), W.T).T),
    ("solve_triangular(p, v)", ("S", "K"), np.stack([np.linalg.solve(np.tril(each), V) for each in P])),
    ("solve_triangular(m, m)", ("K", "K′"), np.linalg.solve(np.tril(M), M.T).T),
    ("solve_triangular(m, transpose(m))", ("K", "K′"), np.linalg.solve(np.tril(M), M).T),
    ("lag(v)", ("K",), V[[0, 0, 1]]),
]


@pytest.mark.parametrize(("expression", "axes", "expected"), CASES, ids=[case[0] for case in CASES])
def test_a_function_has_the_axes_that_the_checker_gives_it_and_numpys_value(expression, axes, expected):
    known, found = value_of(expression)
    assert known == axes
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_the_index_of_a_value_is_for_the_texts_of_families_alone():
    with pytest.raises(QvrError):
        value_of("index(v)")
