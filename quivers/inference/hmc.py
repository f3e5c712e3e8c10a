"""One transition of Hamiltonian Monte Carlo with a trajectory of a set length (Neal 2011, §5.3.2)."""

from __future__ import annotations

import math

from quivers.inference.compiled import Counts, Table, Words, kept_apart
from quivers.inference.leapfrog import GRADIENT, MOMENTUM, POSITION, VELOCITY, copy_rows, leapfrog
from quivers.inference.mass_matrix import draw_momentum, kinetic_energy, velocity
from quivers.inference.random import uniform
from quivers.inference.trajectory import (
    ACCEPTANCE,
    COMPLETE,
    DIVERGED,
    DIVERGENT,
    DRAW,
    DRAW_GRADIENT,
    ENERGY,
    LARGEST_ENERGY_ERROR,
    LEAPFROGS,
    LOG_DENSITY,
    MOVING,
    SATURATED,
    STEP_SIZE,
    STOPPED,
    TREE_DEPTH,
)  # fmt: skip

MOST_STEPS = 1024
# A trajectory that is set by its length takes between 1 − JITTER and 1 + JITTER times that: with one length
# for all of them, a coordinate whose period fits it would return to where it was.
JITTER = 0.2


def hmc_transition(
    density: int,
    data: int,
    kind: int,
    metric: Table,
    memory: Table,
    log_density: float,
    step: float,
    length: float,
    steps: int,
    generator: Words,
    statistics: Table,
    row: int,
    cancel: Counts,
) -> int:
    """Moves the draw to the trajectory's end, or leaves it, and fills its row of `statistics`.

    The trajectory has `steps` leapfrog steps, or where that is 0 as many as `length` takes, at most 1024.
    Otherwise as `transition`.
    """
    kept_apart()
    draw_momentum(kind, metric, generator, memory, MOVING + MOMENTUM)
    velocity(kind, metric, memory, MOVING + MOMENTUM, MOVING + VELOCITY)
    copy_rows(memory, DRAW, MOVING + POSITION, 1)
    copy_rows(memory, DRAW_GRADIENT, MOVING + GRADIENT, 1)
    energy_at_start = kinetic_energy(memory, MOVING + MOMENTUM, MOVING + VELOCITY) - log_density
    wanted = float(steps)
    if steps == 0:
        wanted = max(1.0, math.floor(length * (1.0 + JITTER * (2.0 * uniform(generator) - 1.0)) / step + 0.5))
    count = int(min(wanted, MOST_STEPS))
    energy = energy_at_start
    moved = log_density
    outcome = COMPLETE
    taken = 0
    while taken < count and outcome == COMPLETE:
        if cancel[0] != 0:
            return STOPPED
        moved = leapfrog(density, data, kind, metric, memory, MOVING, step)
        energy = kinetic_energy(memory, MOVING + MOMENTUM, MOVING + VELOCITY) - moved
        taken += 1
        # Where it is NaN, too.
        if not energy - energy_at_start <= LARGEST_ENERGY_ERROR or math.isinf(energy):
            outcome = DIVERGED
    acceptance = math.exp(min(0.0, energy_at_start - energy)) if outcome == COMPLETE else 0.0
    statistics[row, LOG_DENSITY] = log_density
    statistics[row, ENERGY] = energy_at_start
    if uniform(generator) < acceptance:
        copy_rows(memory, MOVING + POSITION, DRAW, 1)
        copy_rows(memory, MOVING + GRADIENT, DRAW_GRADIENT, 1)
        statistics[row, LOG_DENSITY] = moved
        statistics[row, ENERGY] = energy
    statistics[row, TREE_DEPTH] = 0.0
    statistics[row, LEAPFROGS] = taken
    statistics[row, ACCEPTANCE] = acceptance
    statistics[row, STEP_SIZE] = step
    statistics[row, DIVERGENT] = 1.0 if outcome == DIVERGED else 0.0
    statistics[row, SATURATED] = 1.0 if wanted > count else 0.0
    return outcome
