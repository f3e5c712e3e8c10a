"""Latents between the centred and the non-centred form: the same density, by kernel and torch alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from quivers.backends.kernel.draws import constrained
from quivers.backends.kernel.kernel import Kernels, NotCompiled
from quivers.backends.torch.bound import BoundModel
from quivers.dsl import loads
from quivers.inference.compiled import python_function
from quivers.ir.centring import SHARES, Movable, movable, with_centring

SOURCE = """
object Group : FinSet 3

program groups : Group -> Group
    sample mu <- Normal(0.0, 2.0)
    sample tau <- HalfCauchy(1.0)
    sample a : Group <- Normal(mu, tau)
    sample b : Group <- LogNormal(mu * 0.2, 0.5)
    sample c : Group <- StudentT(4.0, a, tau)
    sample d : Group <- LogitNormal(mu, tau)
    sample e : Group <- Gumbel(c, tau * b)
    observe y : Group <- Normal(a + c + d + e, b)
    return a

export groups
"""
OBSERVED = {"y": [1.2, -0.3, 0.4]}
MOVED = ("a", "b", "c", "d", "e")


@pytest.fixture(scope="module")
def centred() -> BoundModel:
    return loads(SOURCE).morphism.bind(OBSERVED)


def shares(generator: np.random.Generator, kind: str) -> dict[str, np.ndarray[Any, Any]]:
    fixed = {"noncentred": 0.0, "centred": 1.0}
    return {
        name + share: np.full(3, fixed[kind]) if kind in fixed else generator.uniform(size=3)
        for name in MOVED
        for share in SHARES
    }


@pytest.mark.parametrize("kind", ["noncentred", "between", "centred"])
def test_a_moved_density_is_the_same_density_in_other_coordinates(centred: BoundModel, kind: str) -> None:
    generator = np.random.default_rng(1)
    moved = centred.moved(with_centring(centred.density, MOVED), shares(generator, kind))
    q = torch.from_numpy(generator.normal(size=centred.dimension))
    values = moved.constrain(q)
    as_centred = centred.unconstrain(values)
    slopes = torch.autograd.functional.jacobian(lambda p: centred.unconstrain(moved.constrain(p)), q)
    log_jacobian = torch.linalg.slogdet(slopes)[1]
    expected = centred.log_density(as_centred) + log_jacobian
    torch.testing.assert_close(moved.log_density(q), expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(moved.unconstrain(values), q, rtol=1e-10, atol=1e-10)
    assert (bool((as_centred - q).abs().max() < 1e-12)) == (kind == "centred")


def test_one_kernel_serves_every_choice_and_agrees_with_torch_and_differences(centred: BoundModel) -> None:
    generator = np.random.default_rng(2)
    density = with_centring(centred.density, MOVED)
    kernels = Kernels(density)
    sources = set()
    for kind in ("noncentred", "between", "between", "centred"):
        chosen = shares(generator, kind)
        moved = centred.moved(density, chosen)
        given = {name: value.numpy() for name, value in moved.known.items()}
        built = kernels(given, centred.sizes)
        assert not isinstance(built, NotCompiled)
        sources.add((built.source, built.address))
        q = generator.normal(size=centred.dimension)
        by_kernel, by_torch = np.zeros(len(q)), np.zeros(len(q))
        value = python_function(built.address)(q, by_kernel, built.block())
        assert value == pytest.approx(moved.log_density_and_gradient(q, by_torch), rel=1e-9)
        np.testing.assert_allclose(by_kernel, by_torch, rtol=1e-9, atol=1e-9)
        steps = 1e-5 * np.eye(len(q))
        ends = moved.log_density(torch.from_numpy(np.concatenate([q + steps, q - steps]))).numpy()
        np.testing.assert_allclose(by_kernel, (ends[: len(q)] - ends[len(q) :]) / 2e-5, rtol=1e-6, atol=1e-6)
        by_numpy = constrained(density, given, centred.sizes, q[None])
        for name, expected in moved.constrain(torch.from_numpy(q[None])).items():
            np.testing.assert_allclose(by_numpy[name], expected, rtol=1e-10)
    assert len(sources) == 1


def test_a_noncentred_normal_has_independent_standard_coordinates_before_there_are_data() -> None:
    source = """
object Group : FinSet 3
program groups : Group -> Group
    sample tau <- LogNormal(0.0, 1.0)
    sample a : Group <- Normal(5.0, tau)
    return a
export groups
"""
    bound = loads(source).morphism.bind({})
    zeros = {"a" + share: np.zeros(3) for share in SHARES}
    moved = bound.moved(with_centring(bound.density, ["a"]), zeros)
    q = torch.randn(20, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = torch.distributions.Normal(0.0, 1.0).log_prob(q).sum(dim=-1)
    torch.testing.assert_close(moved.log_density(q), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(moved.constrain(q)["a"], 5.0 + q[:, :1].exp() * q[:, 1:])


def test_terms_keep_their_names_and_their_order(centred: BoundModel) -> None:
    generator = np.random.default_rng(3)
    moved = centred.moved(with_centring(centred.density, MOVED), shares(generator, "between"))
    q = torch.from_numpy(generator.normal(size=centred.dimension))
    terms = moved.explain(q)
    named = [(term.site, term.kind) for term in terms]
    assert named[:8] == [(name, "prior") for name in ("mu", "tau", *MOVED)] + [("y", "likelihood")]
    assert [(site, kind) for site, kind in named[8:]] == [("tau", "jacobian")]
    assert sum(term.value for term in terms) == pytest.approx(float(moved.log_density(q)))


def test_what_can_be_moved_is_told_and_why_the_rest_stays() -> None:
    source = """
object Group : FinSet 3
program groups : Group -> Group
    sample mu <- Normal(0.0, 2.0)
    sample tau <- HalfNormal(1.0)
    sample both : Group <- Normal(mu, tau)
    sample loc : Group <- Laplace(mu, 1.0)
    sample scale : Group <- Cauchy(0.0, tau)
    sample cut : Group <- Normal(mu, tau) [low=0.0]
    sample rising : Group <- Normal(mu, tau) [ordered]
    sample local : Group <- HalfCauchy(tau)
    return both
export groups
"""
    fixed = "neither its location nor its scale depends on a latent"
    assert movable(loads(source).morphism.density) == {
        "mu": fixed,
        "tau": "HalfNormal is no family of a location and a scale",
        "both": Movable(loc=True, scale=True),
        "loc": Movable(loc=True, scale=False),
        "scale": Movable(loc=False, scale=True),
        "cut": "its values are bounded",
        "rising": "its values are kept in order",
        "local": "HalfCauchy is no family of a location and a scale",
    }


def test_a_scale_that_may_be_negative_has_no_density_there_in_any_form() -> None:
    source = """
object Group : FinSet 3
program groups : Group -> Group
    sample s <- Normal(1.0, 1.0)
    sample a : Group <- Normal(0.0, s)
    return a
export groups
"""
    try:
        bound = loads(source).morphism.bind({})
    except Exception as problem:  # the checker may refuse such a scale
        pytest.fail(f"the program is refused: {problem}")
    zeros = {"a" + share: np.zeros(3) for share in SHARES}
    moved = bound.moved(with_centring(bound.density, ["a"]), zeros)
    below, above = torch.full((4,), -0.5, dtype=torch.float64), torch.full((4,), 0.5, dtype=torch.float64)
    assert float(moved.log_density(below)) == -np.inf
    assert np.isfinite(float(moved.log_density(above)))


def test_a_latent_of_a_called_program_is_moved_as_one_that_is_written_in_its_place() -> None:
    written = """
object Group : FinSet 3
program groups : Group -> Group
    sample mu <- Normal(0.0, 2.0)
    sample tau <- HalfNormal(1.0)
    sample a : Group <- Normal(mu, tau)
    observe y : Group <- Normal(a, 1.0)
    return a
export groups
"""
    called = """
object Group : FinSet 3
program spread(H : FinSet, m : Real, s : Real [low=0]) : H -> H
    sample z : H <- Normal(m, s)
    return z
program groups : Group -> Group
    sample mu <- Normal(0.0, 2.0)
    sample tau <- HalfNormal(1.0)
    sample a <- spread(Group, mu, tau)
    observe y : Group <- Normal(a, 1.0)
    return a
export groups
"""
    generator = np.random.default_rng(5)
    found = {}
    for source, name in ((written, "a"), (called, "a.z")):
        bound = loads(source).morphism.bind(OBSERVED)
        assert isinstance(movable(bound.density)[name], Movable)
        given = {name + share: np.array([0.2, 0.9, 0.0]) for share in SHARES}
        found[name] = bound.moved(with_centring(bound.density, [name]), given)
    q = torch.from_numpy(generator.normal(size=(4, 5)))
    torch.testing.assert_close(found["a.z"].log_density(q), found["a"].log_density(q), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found["a.z"].constrain(q)["a.z"], found["a"].constrain(q)["a"])
    # It has been moved at all.
    assert not torch.equal(found["a"].constrain(q)["a"], q[:, 2:])
