"""A bound density as the address of a C function, which compiled samplers call.

The function is `double f(const double *q, double *gradient, const double *data)`: it returns the log density
at `q` and writes the gradient. `data` is the sampler's to pass on, and may be null.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # loaded by those who use it
    from quivers.backends.kernel.kernel import Kernel
    from quivers.backends.torch.bound import BoundModel


def _no_block() -> NDArray[np.float64]:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class DensityPointer:
    """`address` stays valid as long as `keep_alive` is referred to.

    `failure` gives the first exception that a call met, None if there was none; such a call returned NaN.
    `block` makes what a thread must pass as `data`: its own for each thread.
    """

    address: int
    dimension: int
    keep_alive: object
    failure: Callable[[], BaseException | None]
    block: Callable[[], NDArray[np.float64]] = _no_block


def kernel_pointer(kernel: Kernel) -> DensityPointer:
    """The machine code of a kernel, which never fails."""
    return DensityPointer(kernel.address, kernel.dimension, kernel, lambda: None, kernel.block)


def torch_pointer(bound: BoundModel) -> DensityPointer:
    """The log density and gradient of `bound` by torch, for any number of threads at a time.

    Raises:
        QvrError: the density can't be differentiated, or an observed value is missing.
    """
    line = bound.straight_line()  # compiles now, so that what is wrong with the model is raised here
    size = line.position.nbytes
    failures: list[BaseException] = []
    not_a_number = float("nan")
    copy = ctypes.memmove
    straight_line = bound.straight_line

    def call(q: int, gradient: int, data: int | None) -> float:
        try:
            line = straight_line()
            copy(line.position_address, q, size)
            value = line.evaluate()
            copy(gradient, line.gradient_address, size)
        except BaseException as error:  # nothing may pass through compiled code: it would be printed and lost
            failures.append(error)
            return not_a_number
        return value

    prototype = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
    function = prototype(call)
    address = ctypes.cast(function, ctypes.c_void_p).value
    assert address is not None, "a callback has an address"
    return DensityPointer(address, bound.dimension, function, lambda: failures[0] if failures else None)
