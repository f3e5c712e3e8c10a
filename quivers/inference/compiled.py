"""How the sampler is compiled: the type of a density's C function, and one compiled sampler for all models.

The sampler takes the density as an address, so it is compiled once on a machine and then read from numba's
cache.
"""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.experimental.function_type
import numpy as np
from numba.core import types
from numba.core.types import WrapperAddressProtocol
from numba.core.typing.templates import Signature
from numba.extending import intrinsic
from numpy.typing import NDArray

from quivers.backends.signature import DENSITY_SIGNATURE, DOUBLES

Function = TypeVar("Function", bound=Callable[..., Any])

DENSITY_TYPE = types.FunctionType(DENSITY_SIGNATURE)

_DOUBLES_IN_PYTHON = ctypes.POINTER(ctypes.c_double)
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_double, _DOUBLES_IN_PYTHON, _DOUBLES_IN_PYTHON, _DOUBLES_IN_PYTHON)


def compiled(function: Function) -> Function:
    """`function` as a part of compiled code: callable from compiled functions only, and compiled with them.

    Without the wrappers that Python would call it by, the sampler compiles in half the time.
    """
    options: Any = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, numba.njit(nogil=True, error_model="numpy", **options)(function))


@intrinsic
def _row_pointer(typing_context: Any, memory: Any, row: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        width = builder.extract_value(array.shape, 1)
        return builder.gep(array.data, [builder.mul(arguments[1], width)])

    return DOUBLES(memory, types.intp), generate


# The C pointer to a row of a 2-D array, in compiled code. Unlike a view's `ctypes` it costs no reference
# counting.
row_pointer = cast(Callable[[NDArray[np.float64], int], object], _row_pointer)


class Address(WrapperAddressProtocol):
    """The address of a density's C function, in the form in which compiled code accepts it as an argument."""

    def __init__(self, address: int) -> None:
        self.address = address

    def __wrapper_address__(self) -> int:
        return self.address

    def signature(self) -> Signature:
        return DENSITY_SIGNATURE


def python_function(address: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], float]:
    """The C function at `address`, callable with float64 arrays: position, gradient (written), data."""
    function = _PROTOTYPE(address)

    def call(position: np.ndarray, gradient: np.ndarray, data: np.ndarray) -> float:
        arguments = (array.ctypes.data_as(_DOUBLES_IN_PYTHON) for array in (position, gradient, data))
        return float(function(*arguments))

    return call


def fingerprint(modules: Iterable[Path]) -> str:
    """A digest of source files. Numba's cache looks at one file only, this one covers those it draws on."""
    digest = hashlib.blake2b(digest_size=16)
    for path in modules:
        digest.update(path.read_bytes())
    return digest.hexdigest()
