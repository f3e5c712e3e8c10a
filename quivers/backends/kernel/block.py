"""The memory of a kernel: numbers that all calls share, and room for the arrays of one call at a time.

`data` points to a chain's own block: the address of the shared numbers, then scratch. The shared numbers are
the sizes, then the values that depend on data alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic
from numpy.typing import NDArray

from quivers.backends.signature import DOUBLES

HEADER = 1
"""Elements of a block before its scratch."""


@intrinsic
def _shared_numbers(typing_context: Any, data: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        doubles = context.get_value_type(DOUBLES)
        return builder.load(builder.bitcast(arguments[0], ir.PointerType(doubles)))

    return DOUBLES(DOUBLES), generate


shared_numbers = cast(Callable[[Any], Any], _shared_numbers)
"""In compiled code: the pointer to the shared numbers of the block at `data`."""


def new_block(shared: NDArray[np.float64], scratch: int) -> NDArray[np.float64]:
    """A block over `shared`, which must outlive it, with `scratch` elements of its own."""
    block = np.zeros(HEADER + scratch)
    block[:HEADER].view(np.uintp)[0] = shared.ctypes.data
    return block
