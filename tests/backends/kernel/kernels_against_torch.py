"""Builds a program's kernel and holds it against torch."""

from __future__ import annotations

import numpy as np

from quivers.backends.kernel.kernel import Kernel, kernel
from quivers.dsl import loads
from quivers.inference.compiled import python_function


def built(source, data):
    """The bound model of a program and its kernel."""
    model = loads(source).morphism
    bound = model.bind(data)
    made = kernel(model.density, {name: value.numpy() for name, value in bound.inputs.items()}, bound.sizes)
    return bound, made


def called(made: Kernel, point):
    """A kernel's value and gradient at a point."""
    gradient = np.full(made.dimension, 123.0)
    value = python_function(made.address)(np.ascontiguousarray(point), gradient, made.block())
    return value, gradient


def agree(bound, made: Kernel, point, *, far=False):
    """Hold a kernel's value and gradient against torch's, to 1e-9 of their scale.

    Where great numbers cancel, torch's own results at points that differ by rounding only may differ by more;
    then so may the kernel's. With `far`, rounding may decide even more: which of several equal numbers is the
    greatest, or whether a + b − a is b or 0. Then the value is held where torch has one, and the gradient has
    to be finite where torch's is.
    """
    value, expected = _by_torch(bound, np.asarray(point, dtype=np.float64))
    computed, gradient = called(made, point)
    if not np.isfinite(value):
        if not far:
            np.testing.assert_equal(computed, value)
        return
    finite = np.isfinite(expected)
    allowed = 1e-9 * np.max(np.abs(expected[finite]), initial=1.0) * np.ones_like(expected)
    sure = 1e-9 * max(1.0, abs(value))
    if abs(computed - value) > sure or (np.abs(gradient - expected)[finite] > allowed[finite]).any():
        beside = [_by_torch(bound, point * (1 + step * 2**-52)) for step in (-3, -2, -1, 1, 2, 3)]
        sure += 10 * max(abs(other - value) for other, _ in beside)
        allowed += 10 * np.max([np.abs(slope - expected) for _, slope in beside], axis=0)
    np.testing.assert_allclose(computed, value, rtol=0.0, atol=sure)
    if far:
        assert np.isfinite(gradient[finite]).all()
        return
    np.testing.assert_array_equal(np.isfinite(gradient), finite)
    assert (np.abs(gradient - expected) <= allowed)[finite].all(), (gradient, expected, allowed)


def _by_torch(bound, point):
    gradient = np.zeros(bound.dimension)
    return bound.log_density_and_gradient(point, gradient), gradient
