"""The sampler's parts: functions in the small part of Python that `translate` knows.

Here they are plain Python, which tests run. Machine code is made of them once on a machine (`machine_code`).
A part says the types of its parameters and of its result; it may use numbers and other parts that stand in
its module. `Table` is float64 in rows of one width; `Vector`, `Counts` and `Words` have one axis, and
machine code does not know their length.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float64]
Vector = NDArray[np.float64]
Counts = NDArray[np.int64]
Words = NDArray[np.uint64]

# Addresses go as numbers: pointers with a type would take twice the time of the call to make.
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)


def kept_apart() -> None:
    """Keeps the part that calls it from being copied to where it is used, so that it is optimised once."""


def evaluate(density: Any, position: Any, gradient: Any, data: Any) -> float:
    """The log density at a position, with its gradient written.

    In machine code `density` and `data` are addresses; here `density` is a function.
    """
    return float(density(position, gradient, data))


def row_pointer(table: Table, row: int) -> Any:
    """A row of a table; in machine code a pointer to it."""
    return table[row]


def python_function(address: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """The C function at `address`, callable with float64 arrays: position, gradient (written), data."""
    function = _PROTOTYPE(address)

    def call(position: np.ndarray, gradient: np.ndarray, data: np.ndarray) -> float:
        return float(function(position.ctypes.data, gradient.ctypes.data, data.ctypes.data))

    return call
