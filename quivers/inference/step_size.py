"""The step size: a first guess, then dual averaging to an acceptance (Hoffman and Gelman 2014, §3.2)."""

from __future__ import annotations

import math

from quivers.inference.compiled import Counts, Table, Vector, Words, kept_apart
from quivers.inference.leapfrog import GRADIENT, MOMENTUM, POSITION, VELOCITY, copy_rows, leapfrog
from quivers.inference.mass_matrix import draw_momentum, kinetic_energy, velocity
from quivers.inference.random import STEP_SIZE_SEARCH, open_stream

GAMMA = 0.05
KAPPA = 0.75
T0 = 10.0
FIRST_ACCEPTANCE = 0.8
LARGEST = 1e7

# Places in a chain's state: dual averaging's updates so far, mean shortfall of acceptance, averaged log step
# and μ; the step size; whether one is to be looked for; draws in the metric's foreground and background.
UPDATES, SHORTFALL, LOG_STEP, MU, STEP, SEARCHING, FOREGROUND_COUNT, BACKGROUND_COUNT = range(8)
STATE_SIZE = 8


def restart(state: Vector, step: float) -> None:
    """Starts anew at `step`, shrinking towards μ = log 10ε."""
    state[UPDATES] = 0.0
    state[SHORTFALL] = 0.0
    state[LOG_STEP] = 0.0
    state[MU] = math.log(10.0 * step)


def learn(state: Vector, acceptance: float, wanted: float) -> float:
    """The step size for the next transition, after one that had the given acceptance statistic."""
    state[UPDATES] += 1.0
    count = state[UPDATES]
    rate = 1.0 / (count + T0)
    state[SHORTFALL] = (1.0 - rate) * state[SHORTFALL] + rate * (wanted - min(1.0, acceptance))
    log_step = state[MU] - math.sqrt(count) / GAMMA * state[SHORTFALL]
    weight = count ** (-KAPPA)
    state[LOG_STEP] = (1.0 - weight) * state[LOG_STEP] + weight * log_step
    return math.exp(log_step)


def first_step(
    density: int,
    data: int,
    kind: int,
    metric: Table,
    memory: Table,
    position: int,
    gradient: int,
    point: int,
    log_density: float,
    step: float,
    generator: Words,
    draw: int,
    cancel: Counts,
) -> float:
    """Doubles or halves `step` until the acceptance of one leapfrog step from row `position` crosses 0.8.

    The momentum is fresh each time; the point at row `point` is room to work in. Returns inf where even a
    step of 10⁷ is accepted (the density does not fall off), 0 where none is.
    """
    kept_apart()
    open_stream(generator, draw, STEP_SIZE_SEARCH)
    threshold = math.log(FIRST_ACCEPTANCE)
    growing = False
    attempt = 0
    while cancel[0] == 0:
        copy_rows(memory, position, point + POSITION, 1)
        copy_rows(memory, gradient, point + GRADIENT, 1)
        draw_momentum(kind, metric, generator, memory, point + MOMENTUM)
        velocity(kind, metric, memory, point + MOMENTUM, point + VELOCITY)
        before = kinetic_energy(memory, point + MOMENTUM, point + VELOCITY) - log_density
        log_density_after = leapfrog(density, data, kind, metric, memory, point, step)
        after = kinetic_energy(memory, point + MOMENTUM, point + VELOCITY) - log_density_after
        accepted = before - after > threshold  # false where it is NaN
        if attempt == 0:
            growing = accepted
        elif growing != accepted:
            return step
        attempt += 1
        step = 2.0 * step if growing else 0.5 * step
        if step > LARGEST:
            return math.inf
        if step == 0.0:
            return 0.0
    return step
