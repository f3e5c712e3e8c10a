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

from quivers.inference.compiled import DENSITY_TYPE, compiled, fingerprint, row_pointer
from quivers.inference.hmc import hmc_transition
from quivers.inference.leapfrog import Density
from quivers.inference.mass_matrix import BACKGROUND, FOREGROUND, add_draw, switch_moments, update_metric
from quivers.inference.random import TRANSITION, open_stream
from quivers.inference.step_size import (
    BACKGROUND_COUNT,
    FOREGROUND_COUNT,
    LOG_STEP,
    SEARCHING,
    STEP,
    first_step,
    learn,
    restart,
)  # fmt: skip
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
from quivers.inference.warmup import SEARCH, SWITCH, TAKE, TAKE_BEHIND, UPDATE

Array = NDArray[np.float64]

# How a chain ended.
FINISHED, CANCELLED, STEP_TOO_SMALL, STEP_TOO_LARGE = range(4)

# Places in a chain's counts: transitions done (warm-up's among them), divergences after warm-up, leapfrog
# steps.
COUNT_DONE, COUNT_DIVERGENCES, COUNT_LEAPFROGS = range(3)
COUNTS_SIZE = 3

# Places in a chain's settings: how it moves, the target acceptance, NUTS's greatest depth, HMC's trajectory
# length and number of leapfrog steps (0 where the length counts), the step size (0 where it is adapted).
METHOD, TARGET_ACCEPT, MAX_DEPTH, LENGTH, STEPS, FIXED_STEP = range(6)
NUTS, HMC = range(2)

_VECTOR = types.float64[::1]
_TABLE = types.float64[:, ::1]
_COUNTS = types.int64[::1]
_SIGNATURE = types.int64(
    DENSITY_TYPE, _VECTOR, _VECTOR, types.int64, _TABLE, _TABLE, _TABLE, _VECTOR, types.uint64[::1], _COUNTS,
    types.int64, types.int64, types.int64, types.int64, _TABLE, _TABLE, _TABLE, _COUNTS, _COUNTS,
)  # fmt: skip


def _specialised(sources: str) -> Callable[..., int]:
    """The chain's function. `sources` is part of its cache key: a change in a module renews the entry."""

    def run_chain(
        density: Density,
        data: Array,
        settings: Array,
        kind: int,
        metric: Array,
        memory: Array,
        weights: Array,
        state: Array,
        generator: NDArray[np.uint64],
        actions: NDArray[np.int64],
        begin: int,
        end: int,
        origin: int,
        thin: int,
        draws: Array,
        statistics: Array,
        history: Array,
        counts: NDArray[np.int64],
        cancel: NDArray[np.int64],
    ) -> int:
        _ = sources
        num_warmup = actions.shape[0]
        log_density = density(row_pointer(memory, DRAW), row_pointer(memory, DRAW_GRADIENT), data.ctypes)
        for i in range(begin, end):
            if state[SEARCHING] != 0.0:
                step = first_step(
                    density, data, kind, metric, memory, DRAW, DRAW_GRADIENT, MOVING, log_density,
                    state[STEP], generator, i, cancel,
                )  # fmt: skip
                if step == 0.0:
                    return STEP_TOO_SMALL
                if math.isinf(step):
                    return STEP_TOO_LARGE
                restart(state, step)
                state[STEP] = step
                state[SEARCHING] = 0.0
            open_stream(generator, i, TRANSITION)
            row = i - origin
            if settings[METHOD] == NUTS:
                outcome = transition(
                    density, data, kind, metric, memory, weights, log_density, state[STEP],
                    int(settings[MAX_DEPTH]), generator, statistics, row, cancel,
                )  # fmt: skip
            else:
                outcome = hmc_transition(
                    density, data, kind, metric, memory, log_density, state[STEP], settings[LENGTH],
                    int(settings[STEPS]), generator, statistics, row, cancel,
                )  # fmt: skip
            if outcome == STOPPED or cancel[0] != 0:
                return CANCELLED
            log_density = statistics[row, LOG_DENSITY]
            counts[COUNT_LEAPFROGS] += int(statistics[row, LEAPFROGS])
            if i < num_warmup:
                if settings[FIXED_STEP] == 0.0:
                    state[STEP] = learn(state, statistics[row, ACCEPTANCE], settings[TARGET_ACCEPT])
                if history.shape[0] > 0:
                    copy_out(memory, DRAW, history, 2 * (i - begin), 2)
                else:
                    adapt(kind, metric, memory, state, actions[i])
                if actions[i] & SEARCH != 0 and settings[FIXED_STEP] == 0.0:
                    state[SEARCHING] = 1.0
                elif i + 1 == num_warmup and settings[FIXED_STEP] == 0.0:
                    state[STEP] = math.exp(state[LOG_STEP])
            else:
                kept = i - max(origin, num_warmup)
                if (kept + 1) % thin == 0:
                    copy_out(memory, DRAW, draws, kept // thin, 1)
                if outcome == DIVERGED:
                    counts[COUNT_DIVERGENCES] += 1
            counts[COUNT_DONE] = i + 1
        return FINISHED

    return run_chain


@compiled
def adapt(kind: int, metric: Array, memory: Array, state: Array, action: int) -> None:
    """Does what the schedule of warm-up has for the metric after a transition."""
    if action & TAKE != 0:
        state[FOREGROUND_COUNT] += 1.0
        add_draw(kind, metric, memory, DRAW, DRAW_GRADIENT, FOREGROUND, state[FOREGROUND_COUNT])
    if action & TAKE_BEHIND != 0:
        state[BACKGROUND_COUNT] += 1.0
        add_draw(kind, metric, memory, DRAW, DRAW_GRADIENT, BACKGROUND, state[BACKGROUND_COUNT])
    if action & UPDATE != 0:
        update_metric(kind, metric, state[FOREGROUND_COUNT])
    if action & SWITCH != 0:
        switch_moments(kind, metric)
        state[FOREGROUND_COUNT] = state[BACKGROUND_COUNT]
        state[BACKGROUND_COUNT] = 0.0


@compiled
def copy_out(memory: Array, source: int, table: Array, destination: int, rows: int) -> None:
    """Copies `rows` rows of `memory` from row `source` on to those of `table` from `destination` on."""
    for row in range(rows):
        for i in range(memory.shape[1]):
            table[destination + row, i] = memory[source + row, i]


@functools.cache
def compiled_chain() -> Callable[..., int]:
    """The machine code of `run_chain`: from `NUMBA_CACHE_DIR`, else beside this file, else the user's cache
    folder.

    It makes the transitions from `begin` up to `end`, counted from the beginning of warm-up, whose schedule
    is `actions`; `origin` is the one that the first row of `statistics` (transition, `STATISTICS`) is for. Of
    those after warm-up it keeps each `thin`-th in `draws` (draw, n). What it goes on from is in `metric`,
    `memory`, whose row DRAW is the position, and `state`. Where `history` (2 · transition, n) has rows, it
    writes warm-up's draws and gradients there in turn and leaves the metric to others. It counts in `counts`
    and stops where cancel[0] is not 0.
    """
    here = Path(__file__).parent
    modules = (
        "chain", "compiled", "hmc", "leapfrog", "mass_matrix", "random", "step_size", "trajectory", "warmup",
    )  # fmt: skip
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
