"""The type of a compiled log density: `double f(const double *q, double *gradient, const double *data)`."""

from __future__ import annotations

from numba.core import types

DOUBLES = types.CPointer(types.float64)  # type: ignore[no-untyped-call]

# log density = f(position, gradient written by f, data)
DENSITY_SIGNATURE = types.float64(DOUBLES, DOUBLES, DOUBLES)
