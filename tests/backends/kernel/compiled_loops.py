"""Special functions of compiled code, over arrays: each in a loop as a kernel has it."""

from __future__ import annotations

import numpy as np

from quivers.backends.kernel.block import new_block
from quivers.backends.kernel.compile import compile_source, key
from quivers.inference.compiled import python_function


def loop_over(function):
    """The source of a loop over the elements of one argument, or of two."""
    module, name = function.__module__, function.__name__
    two = function.__code__.co_argcount == 2
    return f"""
from {module} import {name}


def log_density(q, gradient, data, shared):
    n = int(shared[0])
    for i in range(n):
        gradient[i] = {name}({"q[i], q[n + i]" if two else "q[i]"})
    return 0.0
"""


def values(function, *arguments):
    """A special function at each element of its arguments."""
    source = loop_over(function)
    code = compile_source(source, key(source))
    x = np.concatenate([np.asarray(argument, dtype=np.float64) for argument in arguments])
    result = np.empty(len(x) // len(arguments))
    python_function(code.address)(x, result, new_block(np.array([float(len(result))]), 0))
    return result
