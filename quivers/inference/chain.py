"""One chain: warm-up and draws, compiled as a whole, with its counts in an array that others may watch."""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numba
import numpy as np
from numba.core import types
from numpy.typing import NDArray

from quivers.inference.compiled import DENSITY_TYPE, fingerprint, row_pointer
from quivers.inference.leapfrog import Density
from quivers.inference.mass_matrix import add_draw, update_metric
from quivers.inference.random import TRANSITION, open_stream
from quivers.inference.step_size import LOG_STEP, first_step, learn, restart
from quivers.inference.trajectory import (
    ACCEPTANCE,
    DIVERGED,
    DRAW,
    DRAW_GRADIENT,
    LEAPFROGS,
    LOG_DENSITY,
    MOVING,
    STOPPED,
    transition,
)  # fmt: skip

Array = NDArray[np.float64]

# How a chain ended.
FINISHED, CANCELLED, STEP_TOO_SMALL, STEP_TOO_LARGE = range(4)

# Places in a chain's counts: transitions done (warm-up's among them), divergences after warm-up, leapfrog
# steps.
COUNT_DONE, COUNT_DIVERGENCES, COUNT_LEAPFROGS = range(3)
COUNTS_SIZE = 3

_VECTOR = types.float64[::1]
_TABLE = types.float64[:, ::1]
_COUNTS = types.int64[::1]
_SIGNATURE = types.int64(
    DENSITY_TYPE, _VECTOR, types.int64, _TABLE, _TABLE, _TABLE, _VECTOR, types.uint64[::1], types.int64,
    types.int64, _COUNTS, types.float64, types.int64, _TABLE, _TABLE, _COUNTS, _COUNTS,
)  # fmt: skip


def _specialised(sources: str) -> Callable[..., int]:
    """The chain's function. `sources` is part of its cache key: a change in a module renews the entry."""

    def run_chain(
        density: Density,
        data: Array,
        kind: int,
        metric: Array,
        memory: Array,
        weights: Array,
        averaging: Array,
        generator: NDArray[np.uint64],
        window_start: int,
        window_stop: int,
        updates: NDArray[np.int64],
        target_accept: float,
        max_depth: int,
        draws: Array,
        statistics: Array,
        counts: NDArray[np.int64],
        cancel: NDArray[np.int64],
    ) -> int:
        _ = sources
        num_samples = draws.shape[0]
        num_warmup = statistics.shape[0] - num_samples
        log_density = density(row_pointer(memory, DRAW), row_pointer(memory, DRAW_GRADIENT), data.ctypes)
        step = 1.0
        window = 0
        taken = 0
        searching = True
        for i in range(num_warmup + num_samples):
            if searching:
                step = first_step(
                    density, data, kind, metric, memory, DRAW, DRAW_GRADIENT, MOVING, log_density, step,
                    generator, i, cancel,
                )  # fmt: skip
                if step == 0.0:
                    return STEP_TOO_SMALL
                if math.isinf(step):
                    return STEP_TOO_LARGE
                restart(averaging, step)
                searching = False
            open_stream(generator, i, TRANSITION)
            outcome = transition(
                density, data, kind, metric, memory, weights, log_density, step, max_depth, generator,
                statistics, i, cancel,
            )  # fmt: skip
            if outcome == STOPPED or cancel[0] != 0:
                return CANCELLED
            log_density = statistics[i, LOG_DENSITY]
            counts[COUNT_LEAPFROGS] += int(statistics[i, LEAPFROGS])
            if i < num_warmup:
                step = learn(averaging, statistics[i, ACCEPTANCE], target_accept)
                if window_start <= i < window_stop:
                    taken += 1
                    add_draw(kind, metric, memory, DRAW, taken)
                if window < updates.shape[0] and i + 1 == updates[window]:
                    update_metric(kind, metric, taken)
                    window += 1
                    taken = 0
                    searching = True
                elif i + 1 == num_warmup:
                    step = math.exp(averaging[LOG_STEP])
            else:
                for j in range(draws.shape[1]):
                    draws[i - num_warmup, j] = memory[DRAW, j]
                if outcome == DIVERGED:
                    counts[COUNT_DIVERGENCES] += 1
            counts[COUNT_DONE] = i + 1
        return FINISHED

    return run_chain


@functools.cache
def compiled_chain() -> Callable[..., int]:
    """The machine code of `run_chain`: from `NUMBA_CACHE_DIR`, else beside this file, else the user's cache
    folder.

    It reads the density, data (k,), the kind of mass matrix, the chain's metric, memory (its row DRAW the
    starting point), stretches' weights, the state of dual averaging, the generator, the warm-up's windows,
    the target acceptance and the greatest tree depth. It writes draws (draw, n), statistics (transition,
    `STATISTICS`) and counts, and stops where cancel[0] is not 0.
    """
    here = Path(__file__).parent
    modules = ("chain", "compiled", "leapfrog", "mass_matrix", "random", "step_size", "trajectory")
    function = _specialised(fingerprint(here / f"{module}.py" for module in modules))
    compile_for = functools.partial(numba.njit, _SIGNATURE, nogil=True, error_model="numpy")
    try:
        return cast(Callable[..., int], compile_for(cache=True)(function))
    except RuntimeError as problem:
        if "cannot cache" not in str(problem):
            raise
        warnings.warn(
            "No folder for compiled code is writable, so the sampler is compiled anew in each process;"
            " set NUMBA_CACHE_DIR to a writable folder.",
            RuntimeWarning,
            stacklevel=2,
        )
        return cast(Callable[..., int], compile_for()(function))
