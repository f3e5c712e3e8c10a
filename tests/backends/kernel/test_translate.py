"""The translator from kernels' Python to LLVM: what it refuses, and which differences stay as written."""

from __future__ import annotations

import numpy as np
import pytest
from compiled_loops import values

from quivers.backends.kernel import elementary
from quivers.backends.kernel.translate import Untranslatable, translated

HEAD = "def log_density(q, gradient, data, shared):\n"


@pytest.mark.parametrize(
    "body",
    [
        "    x = [1.0]\n",
        "    return q[0] ** 2\n",
        "    x = 1\n    x = 2.5\n",
        "    return math.gamma(q[0])\n",
    ],
)
def test_what_kernels_never_have_is_refused(body):
    with pytest.raises(Untranslatable):
        translated(HEAD + body + "    return 0.0\n", "f")


def test_the_four_pointers_are_said_to_point_to_different_memory():
    text = translated(HEAD + "    gradient[0] = q[0]\n    return shared[0]\n", "f")
    assert text.count("ptr noalias %") == 4


def test_a_difference_is_not_reassociated_and_a_plain_one_may_be():
    x, y = np.array([1e16, 3.0]), np.array([1e16 - 2.0, 1.0])
    np.testing.assert_array_equal(values(elementary.difference, x, y), [2.0, 2.0])
    source = (
        "from quivers.backends.kernel.elementary import difference\n"
        + HEAD
        + "    a = q[0] + q[1]\n    gradient[0] = difference(a, q[0])\n    return a - q[0]\n"
    )
    lines = [line for line in translated(source, "f").splitlines() if "fsub" in line]
    assert ["reassoc" in line for line in lines] == [False, True]
