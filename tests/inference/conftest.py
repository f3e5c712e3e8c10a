"""Densities as C functions, small enough to compile while the tests wait."""

import ctypes
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pytest
from numba.core import types

DOUBLES = types.CPointer(types.float64)
DENSITY_SIGNATURE = types.float64(DOUBLES, DOUBLES, DOUBLES)


@dataclass
class Function:
    """What the chains need of a density."""

    address: int
    keep_alive: Any
    error: BaseException | None = None

    def failure(self):
        return self.error


def c_function(function):
    compiled = numba.cfunc(DENSITY_SIGNATURE, nopython=True, error_model="numpy")(function)
    return Function(compiled.address, compiled)


def gaussian_density(q, gradient, data):
    # data: the dimension, then the precision matrix by rows
    n = int(data[0])
    total = 0.0
    for i in range(n):
        slope = 0.0
        for j in range(n):
            slope -= data[1 + i * n + j] * q[j]
        gradient[i] = slope
        total += 0.5 * q[i] * slope
    return total


def funnel_density(q, gradient, data):
    # v ~ Normal(0, 3), then nine x ~ Normal(0, exp(v / 2))
    v = q[0]
    precision = np.exp(-v)
    total = -0.5 * v * v / 9.0
    slope = -v / 9.0
    for i in range(1, 10):
        square = q[i] * q[i] * precision
        total -= 0.5 * (square + v)
        slope += 0.5 * (square - 1.0)
        gradient[i] = -q[i] * precision
    gradient[0] = slope
    return total


def flat_density(q, gradient, data):
    gradient[0] = 0.0
    return 0.0


def undefined_density(q, gradient, data):
    gradient[0] = np.nan
    return np.nan


def quartic_density(q, gradient, data):
    total = 0.0
    for i in range(3):
        total -= 0.25 * q[i] ** 4 + 0.5 * q[i] * q[i]
        gradient[i] = -(q[i] ** 3) - q[i]
    return total


@pytest.fixture(scope="session")
def compile_density():
    return c_function


@pytest.fixture(scope="session")
def gaussian():
    return c_function(gaussian_density)


@pytest.fixture(scope="session")
def funnel():
    return c_function(funnel_density)


@pytest.fixture(scope="session")
def flat():
    return c_function(flat_density)


@pytest.fixture(scope="session")
def undefined():
    return c_function(undefined_density)


@pytest.fixture(scope="session")
def quartic():
    return c_function(quartic_density)


@pytest.fixture
def python_density():
    """`make(f)` puts a Python function f(q, gradient) behind a C function; its arguments are C pointers."""

    def make(function):
        doubles = ctypes.POINTER(ctypes.c_double)
        made = Function(0, None)

        def call(q, gradient, data):
            try:
                return function(q, gradient)
            except Exception as error:
                made.error = error
                return float("nan")

        made.keep_alive = ctypes.CFUNCTYPE(ctypes.c_double, doubles, doubles, doubles)(call)
        made.address = ctypes.cast(made.keep_alive, ctypes.c_void_p).value
        return made

    return make
