"""Bijections of vectors and matrices: into their space, with autograd's Jacobian, there and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.backends.kernel import draws
from quivers.backends.torch.bound import BoundModel
from quivers.families.support import REAL, Space
from quivers.ir.graph import Builder, Density, Latent, Node, Term
from quivers.ir.simplify import spread

MATRICES = {Space.CHOLESKY_CORRELATION, Space.CORRELATION, Space.COVARIANCE, Space.CHOLESKY_COVARIANCE}
SIZES = [(space, size) for space in Space for size in (1, 2, 3, 8)]


def bound(space, size, plates=0):
    """A latent in a space over K, and over N where it has plates, with a log density of 0."""
    builder = Builder()
    event = ("K", "K′") if space in MATRICES else ("K",)
    lead = ("N",) if plates else ()
    axes = (*lead, *event)
    value = builder.add(Node("site", axes=axes, name="x"))
    zero = spread(builder, builder.constant(0.0), lead)
    density = Density(
        "p", tuple(builder.nodes), (Latent("x", axes, value, REAL, space=space, event=event),),
        (Term("x", "prior", zero),), (), {}, (), (), {"K": None, "N": None}, ("x",),
    )  # fmt: skip
    return BoundModel(density, {}, {"K": size, "N": plates})


def points(dimension, seed=0, scale=2.0, count=5):
    generator = torch.Generator().manual_seed(seed)
    return scale * (2 * torch.rand(count, dimension, dtype=torch.float64, generator=generator) - 1)


def chart(space, x):
    """Coordinates of the space that the densities are taken in, the last axis flat."""
    size = x.shape[-1]
    if space in (Space.SIMPLEX, Space.ZERO_SUM):
        return x[..., : size - 1]
    if space in MATRICES:
        offset = -1 if space in (Space.CHOLESKY_CORRELATION, Space.CORRELATION) else 0
        rows, columns = torch.tril_indices(size, size, offset)
        return x[..., rows, columns]
    return x


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
def test_the_log_jacobian_is_autograds_on_a_chart(space, size):
    model = bound(space, size)
    for q in points(model.dimension):
        found = model.log_density(q)
        if model.dimension == 0:
            assert found.item() == pytest.approx(0.0, abs=1e-15)  # one value is possible
            continue
        slopes = torch.autograd.functional.jacobian(lambda p: chart(space, model.constrain(p)["x"]), q)
        expected = torch.linalg.slogdet(slopes)[1].item()
        if space is Space.ZERO_SUM:
            expected += 0.5 * math.log(size)  # the density is that of an orthonormal basis
        assert found.item() == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
def test_values_lie_in_their_space_far_out_too(space, size):
    model = bound(space, size)
    for scale in (1.0, 8.0, 30.0):
        x = model.constrain(points(model.dimension, scale=scale))["x"]
        assert torch.isfinite(x).all()
        close = {"rtol": 1e-12, "atol": 1e-12}
        one = torch.ones((), dtype=torch.float64)
        if space in (Space.ORDERED, Space.POSITIVE_ORDERED):
            assert (x.diff(dim=-1) >= 0).all()
            assert space is Space.ORDERED or (x > 0).all()
        elif space is Space.SIMPLEX:
            assert (x > 0).all()
            torch.testing.assert_close(x.sum(-1), one.expand(5), **close)
        elif space is Space.ZERO_SUM:
            torch.testing.assert_close(x.sum(-1), 0 * one.expand(5), rtol=0, atol=1e-11)
        elif space is Space.CORRELATION:
            torch.testing.assert_close(x, x.mT, **close)
            assert (torch.diagonal(x, dim1=-2, dim2=-1) == 1).all()
            assert (x.abs() <= 1 + 1e-12).all()
        elif space is Space.COVARIANCE:
            torch.testing.assert_close(x, x.mT, rtol=1e-12, atol=1e-12 * x.abs().max().item())
        else:
            assert (x.triu(1) == 0).all()
            assert (torch.diagonal(x, dim1=-2, dim2=-1) > 0).all()
            if space is Space.CHOLESKY_CORRELATION:
                torch.testing.assert_close(x.square().sum(-1), one.expand(5, size), **close)


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_a_bijection_of_a_vector_or_matrix_goes_there_and_back(space, size, seed):
    model = bound(space, size, plates=2)
    q = points(model.dimension, seed, 1.0)
    values = model.constrain(q)
    assert values["x"].shape == ((5, 2, size, size) if space in MATRICES else (5, 2, size))
    torch.testing.assert_close(model.unconstrain(values), q, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
def test_from_far_out_the_way_back_and_there_gives_the_same_value(space, size):
    model = bound(space, size)
    # A correlation or covariance is its factor's square, which rounds away what is far from its diagonal.
    scale = 3.0 if space in (Space.CORRELATION, Space.COVARIANCE) else 18.0
    q = points(model.dimension, scale=scale)
    x = model.constrain(q)["x"]
    again = model.constrain(model.unconstrain({"x": x}))["x"]
    torch.testing.assert_close(again, x, rtol=1e-10, atol=1e-10 * x.abs().max().item())
    if space in (Space.CHOLESKY_CORRELATION, Space.CHOLESKY_COVARIANCE, Space.ZERO_SUM, Space.SIMPLEX):
        torch.testing.assert_close(model.unconstrain({"x": x}), q, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("space", "size"), SIZES, ids=str)
@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([1.0, 6.0]))
def test_the_straight_line_gradient_of_a_jacobian_is_autograds(space, size, seed, scale):
    model = bound(space, size, plates=2)
    if not model.dimension:
        return
    q = points(model.dimension, seed, scale, 1)[0].requires_grad_()
    gradient = np.empty(model.dimension)
    value = model.log_density_and_gradient(q.detach().numpy(), gradient)
    density = model.log_density(q)
    expected = torch.autograd.grad(density, q)[0] if density.requires_grad else torch.zeros_like(q)
    assert value == pytest.approx(density.item(), rel=1e-12, abs=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("space", Space)
def test_numpys_values_are_torchs(space, size):
    model = bound(space, size, plates=2)
    q = points(model.dimension)
    found = draws.constrained(model.density, {}, model.sizes, q.numpy())
    np.testing.assert_allclose(found["x"], model.constrain(q)["x"], rtol=1e-12, atol=1e-13)


def test_the_simplex_at_the_origin_is_uniform_and_its_coordinates_are_orthonormal():
    model = bound(Space.SIMPLEX, 5)
    torch.testing.assert_close(
        model.constrain(torch.zeros(4, dtype=torch.float64))["x"], torch.full((5,), 0.2, dtype=torch.float64)
    )
    basis = bound(Space.ZERO_SUM, 5).constrain(torch.eye(4, dtype=torch.float64))["x"]
    torch.testing.assert_close(basis @ basis.T, torch.eye(4, dtype=torch.float64), rtol=0, atol=1e-14)
