"""Where a matrix's Cholesky factor is known, it is taken from there: no factorisation, and no NaN far out."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from quivers.dsl import loads
from quivers.ir import known_factors
from quivers.ir.constrain import constrain
from quivers.ir.simplify import depends_on, needed

HEAD = """object K : FinSet 3
object Row : FinSet 4
object Group : FinSet 2

program p : K -> K
"""
DATA = {
    "y": np.random.default_rng(1).normal(size=(4, 3)),
    "z": np.random.default_rng(2).normal(size=(2, 3)),
    "identity": np.eye(3) + 0.1,
}
OBSERVED = "    observe y : Row * K <- MultivariateNormal(0.0, covariance_matrix={})\n"
LKJ = "    sample R : K * K <- LKJ(2.0)\n"
FACTOR = "    sample L : K * K <- LKJCholesky(2.0)\n"

PROGRAMS = {
    "a correlation": LKJ + OBSERVED.format("R"),
    "Wishart": "    sample S : K * K <- Wishart(5.0, covariance_matrix=identity)\n" + OBSERVED.format("S"),
    "InverseWishart": "    sample S : K * K <- InverseWishart(5.0, scale_matrix=identity)\n"
    + OBSERVED.format("S"),
    "a precision": "    sample S : K * K <- Wishart(5.0, covariance_matrix=identity)\n"
    + OBSERVED.format("S").replace("covariance_matrix", "precision_matrix"),
    "by the user": LKJ + "    sample v : K <- Normal(0.0, 1.0)\n    let x = cholesky(R) @ v\n"
    "    observe y : Row * K <- Normal(x, 1.0)\n",
    "a log determinant": LKJ + "    score s = log_determinant(R)\n",
    "a square of a factor": FACTOR + "    let S = tcrossprod(L)\n" + OBSERVED.format("S"),
    "a matrix for each group": "    sample R : Group * K * K <- LKJ(2.0)\n"
    "    observe z : Group * K <- MultivariateNormal(0.0, covariance_matrix=R)\n",
}


def density_of(name):
    loaded = loads(HEAD + PROGRAMS[name])
    return loaded.morphism, loaded.morphism.bind(DATA)


def factorisations(density):
    """The Cholesky factors in a density's terms that do not depend on data alone."""
    free = constrain(density)
    moves = depends_on(free.nodes, frozenset({"position"}))
    terms = needed(free.nodes, [term.node for term in free.terms])
    return [number for number in terms if free.nodes[number].op == "cholesky" and moves[number]]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_known_factor_is_not_worked_out_again_and_gives_the_same_density(name, monkeypatch):
    model, bound = density_of(name)
    assert not factorisations(model.density)
    points = torch.tensor(np.random.default_rng(3).uniform(-1, 1, size=(5, bound.dimension)))
    found = bound.log_density(points)
    with monkeypatch.context() as patch:
        patch.setattr(known_factors.Known, "note_latent", lambda *_: None)
        again, plain = density_of(name)
        assert factorisations(again.density)
        expected = plain.log_density(points)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", ["a correlation", "a log determinant", "a matrix for each group"])
def test_far_out_the_density_of_a_correlation_is_a_number(name):
    _, bound = density_of(name)
    for scale in (8.0, 15.0):
        point = np.random.default_rng(4).uniform(-scale, scale, size=bound.dimension)
        gradient = np.empty(bound.dimension)
        assert np.isfinite(bound.log_density_and_gradient(point, gradient))
        assert np.isfinite(gradient).all()


def test_a_factor_of_a_matrix_that_no_factor_is_known_of_is_worked_out():
    source = LKJ + "    let S = R + identity\n" + OBSERVED.format("S")
    assert factorisations(loads(HEAD + source).morphism.density)
    turned = FACTOR + "    let S = tcrossprod(-L)\n" + OBSERVED.format("S")
    loaded = loads(HEAD + turned).morphism
    bound = loaded.bind(DATA)
    straight = density_of("a square of a factor")[1]
    point = torch.tensor(np.random.default_rng(5).uniform(-1, 1, size=bound.dimension))
    torch.testing.assert_close(bound.log_density(point), straight.log_density(point))
