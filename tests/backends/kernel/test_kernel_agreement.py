"""Kernel and torch agree in value and gradient: on the examples and on generated programs."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from kernels_against_torch import agree, built, called
from test_generated_programs import DATA, QUICK, programs

from quivers.backends.kernel.kernel import Kernel
from quivers.data import default_path, read

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/[!.]*.qvr"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples(path):
    bound, made = built(path.read_text(encoding="utf-8"), read(default_path(path)))
    assert isinstance(made, Kernel)
    for point in np.random.default_rng(1).uniform(-2, 2, size=(20, bound.dimension)):
        agree(bound, made, point)


SHAPES = {
    "rows in groups": (
        """
object Row : FinSet 40
object Group : FinSet 6
data group : Row -> Group
data x : Row * Real

program p : Row -> Row
    sample tau <- HalfNormal(5.0)
    sample z : Group <- Normal(0.0, 1.0)
    sample beta <- Normal(0.0, 5.0)
    let alpha = tau * z
    observe y : Row <- Bernoulli(logits=alpha[group] + beta * x)
""",
        lambda rng: {
            "group": rng.integers(0, 6, 40),
            "x": rng.normal(size=40),
            "y": rng.integers(0, 2, 40).astype(float),
        },
    ),
    "more rows than a block has": (
        """
object Row : FinSet 300
object Group : FinSet 20
object Column : FinSet 12
data group : Row -> Group

program p : Row -> Row
    sample tau <- HalfNormal(1.0)
    sample z : Group <- Normal(0.0, tau)
    sample beta : Column <- Normal(0.0, 0.3)
    observe y : Row <- Bernoulli(logits=z[group] + x @ beta)
""",
        lambda rng: {
            "group": rng.integers(0, 20, 300),
            "x": rng.normal(size=(300, 12)),
            "y": rng.integers(0, 2, 300).astype(float),
        },
    ),
    "a latent table read both ways": (
        """
object A : FinSet 3
object B : FinSet 4
data group : B -> A

program p : A -> A
    sample t : A * B <- Normal(0.0, 1.0)
    sample u : B * A <- HalfCauchy(2.0)
    let rows = logsumexp(t * u, over=B)
    let columns = prod(u, over=A)
    observe y : B <- StudentT(4.0, rows[group], columns)
    score pull = -0.5 * max(rows, over=A) ^ 2 + min(columns, over=B)
""",
        lambda rng: {"group": rng.integers(0, 3, 4), "y": rng.normal(size=4)},
    ),
    "counts": (
        """
object Row : FinSet 12

program p : Row -> Row
    sample r <- Gamma(2.0, 0.5)
    sample a <- Beta(2.0, 3.0)
    observe y : Row <- NegativeBinomial(r, a)
    observe z : Row <- Binomial(9.0, a)
""",
        lambda rng: {"y": rng.poisson(4, 12).astype(float), "z": rng.integers(0, 9, 12).astype(float)},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_of_programs(name):
    source, data = SHAPES[name]
    rng = np.random.default_rng(2)
    bound, made = built(source, data(rng))
    assert isinstance(made, Kernel), made
    for point in rng.uniform(-2, 2, size=(20, bound.dimension)):
        agree(bound, made, point)


# `QVR_GENERATED_PROGRAMS=500 pytest …` runs as many.
COUNT = int(os.environ.get("QVR_GENERATED_PROGRAMS", "8"))


@settings(max_examples=COUNT, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 2**32 - 1))
def test_generated_programs(source, seed):
    bound, made = built(source, DATA)
    assume(bound.dimension > 0)
    assert isinstance(made, Kernel), made
    points = np.random.default_rng(seed).uniform(-2, 2, size=(4, bound.dimension))
    for point in points[:3]:
        agree(bound, made, point)
    agree(bound, made, points[3] * 20, far=True)  # where much over- and underflows


def test_where_the_density_is_0_the_value_is_minus_infinity_or_not_a_number_as_torchs():
    source = """
object A : FinSet 2

program p : A -> A
    sample s <- Gamma(2.0, 1.0)
    observe y : A <- Exponential(s)
"""
    bound, made = built(source, {"y": [0.5, 1.0]})
    for point in ([-800.0], [800.0]):
        agree(bound, made, np.array(point))
    value, _ = called(made, np.array([800.0]))
    assert value == -np.inf


def test_a_branch_not_taken_does_not_spoil_the_gradient():
    source = """
object A : FinSet 3
data x : A * Real

program p : A -> A
    sample b <- Normal(0.0, 1.0)
    observe y : A <- Normal(if b * x > 0.0 then log(b * x) else 0.0, 1.0)
"""
    bound, made = built(source, {"x": [1.0, -2.0, 3.0], "y": [0.1, 0.2, 0.3]})
    for point in ([0.7], [-0.4]):
        agree(bound, made, np.array(point))
