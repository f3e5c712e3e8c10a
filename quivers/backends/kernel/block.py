"""The memory of a kernel: numbers that all calls share, and room for the arrays of one call at a time.

`data` points to a chain's own block: the address of the shared numbers, then scratch. The shared numbers are
the sizes, then the values that depend on data alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

HEADER = 1
"""Elements of a block before its scratch."""


def new_block(shared: NDArray[np.float64], scratch: int) -> NDArray[np.float64]:
    """A block over `shared`, which must outlive it, with `scratch` elements of its own."""
    block = np.zeros(HEADER + scratch)
    block[:HEADER].view(np.uintp)[0] = shared.ctypes.data
    return block
