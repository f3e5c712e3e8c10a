"""exp, log and log1p of compiled code against NumPy's, in loops that run on vectors and reassociate."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from compiled_loops import loop_over, values

from quivers.backends.kernel import elementary
from quivers.backends.kernel.translate import translated
from quivers.backends.machine_code import assembly

RNG = np.random.default_rng(5)
SPECIAL = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 2.3e-308, 1.7e308, -2.0]
NEAR_ONE = RNG.uniform(0.5, 2, 20000)
TINY = 1e-9 * RNG.normal(size=100)
RANGE = np.exp(RNG.uniform(-744, 709, 20000))
POINTS = {
    "exp": [*RNG.uniform(-708.3, 709.7, 20000), *RNG.normal(size=20000), *TINY],
    "log": [*RANGE, *NEAR_ONE, *(1 + TINY)],
    "log1p": [*RANGE, *-np.exp(RNG.uniform(-744, 0, 9000)), *(NEAR_ONE - 1), *TINY],
}


@pytest.mark.parametrize("name", POINTS)
def test_they_are_within_two_ulps_and_keep_infinities_and_nan(name):
    x = np.array([*POINTS[name], *SPECIAL])
    found = values(getattr(elementary, name), x)
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(found[~finite], expected[~finite])
    found, expected = found[finite], expected[finite]
    assert (np.abs(found - expected) <= 2 * np.spacing(np.abs(expected))).all()


def test_exp_falls_to_zero_and_rises_to_infinity_where_numpys_does():
    x = np.array([-1e300, -746.0, -745.2, -745.1, -740.0, -708.4, 709.78, 709.79, 710.0, 1e300])
    found = values(elementary.exp, x)
    with np.errstate(over="ignore"):
        expected = np.exp(x)
    np.testing.assert_array_equal(np.isinf(found), np.isinf(expected))
    np.testing.assert_allclose(found[:6], expected[:6], rtol=1e-13, atol=5e-324)


def test_loops_with_them_run_on_vectors():
    for name in POINTS:
        text = assembly(translated(loop_over(getattr(elementary, name)), "loop"))
        assert re.search(r"(v?mulpd|vfm\w+pd|fmla\s+v)", text), name
