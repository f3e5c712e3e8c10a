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


def agree(bound, made: Kernel, point):
    """Hold a kernel's value and gradient against torch's, to 1e-9 of their scale."""
    expected = np.zeros(bound.dimension)
    value = bound.log_density_and_gradient(point, expected)
    computed, gradient = called(made, point)
    if not np.isfinite(value):
        np.testing.assert_equal(computed, value)
        return
    np.testing.assert_allclose(computed, value, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(np.isfinite(gradient), np.isfinite(expected))
    finite = np.isfinite(expected)
    scale = np.max(np.abs(expected[finite]), initial=1.0)
    np.testing.assert_allclose(gradient[finite], expected[finite], rtol=1e-9, atol=1e-9 * scale)
