"""One chain: warm-up and draws, compiled as a whole, with its counts in an array that others may watch."""

from __future__ import annotations

import math

from quivers.inference.compiled import Counts, Table, Vector, Words, evaluate, kept_apart, row_pointer
from quivers.inference.hmc import hmc_transition
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


def run_chain(
    density: int,
    data: int,
    settings: Vector,
    kind: int,
    metric: Table,
    memory: Table,
    weights: Table,
    state: Vector,
    generator: Words,
    actions: Counts,
    num_warmup: int,
    begin: int,
    end: int,
    origin: int,
    thin: int,
    draws: Table,
    statistics: Table,
    history: Table,
    counts: Counts,
    cancel: Counts,
) -> int:
    """Makes the transitions from `begin` up to `end`, counted from the beginning of warm-up; tells how the
    chain ended.

    `density` is the address of a density's C function, `data` that of the data that it is passed. Warm-up
    has `num_warmup` transitions, whose schedule is `actions`; `origin` is the one that the first row of
    `statistics` (transition, `STATISTICS`) is for. Of those after warm-up it keeps each `thin`-th in `draws`
    (draw, n). What it goes on from is in `metric`, `memory`, whose row DRAW is the position, and `state`.
    Where `history` (2 · transition, n) has rows, it writes warm-up's draws and gradients there in turn and
    leaves the metric to others. It counts in `counts` and stops where cancel[0] is not 0.
    """
    log_density = evaluate(density, row_pointer(memory, DRAW), row_pointer(memory, DRAW_GRADIENT), data)
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


def adapt(kind: int, metric: Table, memory: Table, state: Vector, action: int) -> None:
    """Does what the schedule of warm-up has for the metric after a transition."""
    kept_apart()
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


def copy_out(memory: Table, source: int, table: Table, destination: int, rows: int) -> None:
    """Copies `rows` rows of `memory` from row `source` on to those of `table` from `destination` on."""
    kept_apart()
    for row in range(rows):
        for i in range(memory.shape[1]):
            table[destination + row, i] = memory[source + row, i]
