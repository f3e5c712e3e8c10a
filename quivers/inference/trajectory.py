"""One NUTS transition: a trajectory doubled until it turns back, and a point drawn from it.

Multinomial weights and the generalised criterion of Betancourt 2017 ("A conceptual introduction to
Hamiltonian Monte Carlo", appendix A), with the further checks across the halves of every merge that Stan
has had since 2.21. A sub-tree is built leaf by leaf on a stack, two sub-trees of one size being merged as
soon as both are there; that is the recursion's own order, in bounded memory.
"""

from __future__ import annotations

import math

import numpy as np

from quivers.inference.compiled import Counts, Table, Words, kept_apart
from quivers.inference.leapfrog import (
    GRADIENT,
    MOMENTUM,
    POINT_ROWS,
    POSITION,
    VELOCITY,
    copy_rows,
    leapfrog,
)  # fmt: skip
from quivers.inference.mass_matrix import draw_momentum, kinetic_energy, velocity
from quivers.inference.random import uniform

LARGEST_ENERGY_ERROR = 1000.0

# How the building of a sub-tree, and with it a transition, ended.
COMPLETE, TURNED, DIVERGED, STOPPED = range(4)

# Rows of a chain's memory: the draw and its gradient, the moving point, the trajectory's two ends, ρ of all
# of it.
DRAW, DRAW_GRADIENT = range(2)
MOVING = 2
BACKWARD = MOVING + POINT_ROWS
FORWARD = BACKWARD + POINT_ROWS
SUMMED = FORWARD + POINT_ROWS
STACK = SUMMED + 1

# Rows of a stretch of trajectory on the stack, counted from its first: its two ends (the first is where its
# building began), ρ = Σp over it, and the point drawn from it by weight.
FIRST_MOMENTUM, FIRST_VELOCITY, LAST_MOMENTUM, LAST_VELOCITY, STRETCH_SUMMED, PROPOSAL, PROPOSAL_GRADIENT = (
    range(7)
)
STRETCH_ROWS = 7

# Numbers of a stretch: log density and energy of its proposal, log Σ exp(H₀ − H) over it.
LOG_DENSITY, ENERGY, LOG_WEIGHT = range(3)

# Columns of a transition's statistics. `TREE_DEPTH` counts the last doubling even where it was discarded; a
# transition is saturated where the greatest depth, not a turn, ended it.
STATISTICS = (
    "log_density", "energy", "tree_depth", "leapfrogs", "acceptance", "step_size", "diverged", "saturated",
)  # fmt: skip
TREE_DEPTH, LEAPFROGS, ACCEPTANCE, STEP_SIZE, DIVERGENT, SATURATED = range(2, 8)


def workspace(dimension: int, max_depth: int) -> tuple[Table, Table]:
    """Memory for a chain: its vectors (rows, n), and the numbers of the stack's stretches (stretches, 3)."""
    stretches = max_depth + 1
    return np.zeros((STACK + STRETCH_ROWS * stretches, dimension)), np.zeros((stretches, 3))


def transition(
    density: int,
    data: int,
    kind: int,
    metric: Table,
    memory: Table,
    weights: Table,
    log_density: float,
    step: float,
    max_depth: int,
    generator: Words,
    statistics: Table,
    row: int,
    cancel: Counts,
) -> int:
    """Moves the draw to the next one and fills its row of `statistics`. Draws from the generator's open
    stream.

    `log_density` is that of the draw it starts from. Returns how it ended; where it was STOPPED the draw is
    unchanged or is one that the unfinished trajectory proposed, and is not to be used.
    """
    draw_momentum(kind, metric, generator, memory, MOVING + MOMENTUM)
    velocity(kind, metric, memory, MOVING + MOMENTUM, MOVING + VELOCITY)
    copy_rows(memory, DRAW, MOVING + POSITION, 1)
    copy_rows(memory, DRAW_GRADIENT, MOVING + GRADIENT, 1)
    copy_rows(memory, MOVING, BACKWARD, POINT_ROWS)
    copy_rows(memory, MOVING, FORWARD, POINT_ROWS)
    copy_rows(memory, MOVING + MOMENTUM, SUMMED, 1)
    energy_at_start = kinetic_energy(memory, MOVING + MOMENTUM, MOVING + VELOCITY) - log_density
    statistics[row, LOG_DENSITY] = log_density
    statistics[row, ENERGY] = energy_at_start
    statistics[row, STEP_SIZE] = step
    statistics[row, LEAPFROGS] = 0.0
    statistics[row, ACCEPTANCE] = 0.0
    log_weight = 0.0
    depth = 0
    outcome = COMPLETE
    while depth < max_depth and outcome == COMPLETE:
        ahead = uniform(generator) < 0.5
        near = FORWARD if ahead else BACKWARD
        far = BACKWARD if ahead else FORWARD
        copy_rows(memory, near, MOVING, POINT_ROWS)
        outcome = grow(
            density, data, kind, metric, memory, weights, step if ahead else -step, depth, energy_at_start,
            generator, statistics, row, cancel,
        )  # fmt: skip
        depth += 1
        if outcome == COMPLETE:
            # Biased progressive choice: the new half is favoured, which moves the draw away from the start.
            if uniform(generator) < math.exp(min(0.0, weights[0, LOG_WEIGHT] - log_weight)):
                copy_rows(memory, STACK + PROPOSAL, DRAW, 1)
                copy_rows(memory, STACK + PROPOSAL_GRADIENT, DRAW_GRADIENT, 1)
                statistics[row, LOG_DENSITY] = weights[0, LOG_DENSITY]
                statistics[row, ENERGY] = weights[0, ENERGY]
            if turns(
                memory, far + VELOCITY, near + MOMENTUM, near + VELOCITY, SUMMED,
                STACK + FIRST_MOMENTUM, STACK + FIRST_VELOCITY, STACK + LAST_VELOCITY, STACK + STRETCH_SUMMED,
            ):  # fmt: skip
                outcome = TURNED
            log_weight = log_add(log_weight, weights[0, LOG_WEIGHT])
            for i in range(memory.shape[1]):
                memory[SUMMED, i] += memory[STACK + STRETCH_SUMMED, i]
            copy_rows(memory, MOVING, near, POINT_ROWS)
    statistics[row, TREE_DEPTH] = depth
    statistics[row, ACCEPTANCE] /= max(statistics[row, LEAPFROGS], 1.0)
    statistics[row, DIVERGENT] = 1.0 if outcome == DIVERGED else 0.0
    statistics[row, SATURATED] = 1.0 if outcome == COMPLETE else 0.0
    return outcome


def grow(
    density: int,
    data: int,
    kind: int,
    metric: Table,
    memory: Table,
    weights: Table,
    step: float,
    depth: int,
    energy_at_start: float,
    generator: Words,
    statistics: Table,
    row: int,
    cancel: Counts,
) -> int:
    """Builds a sub-tree of 2^depth leapfrog steps, from the moving point on, as the stack's first stretch.

    Returns COMPLETE, or how it broke off: then the whole sub-tree is to be discarded.
    """
    kept_apart()
    top = 0
    for leaf in range(1 << depth):
        if cancel[0] != 0:
            return STOPPED
        log_density = leapfrog(density, data, kind, metric, memory, MOVING, step)
        energy = kinetic_energy(memory, MOVING + MOMENTUM, MOVING + VELOCITY) - log_density
        error = energy - energy_at_start
        finite = math.isfinite(error)
        statistics[row, LEAPFROGS] += 1.0
        if finite:
            statistics[row, ACCEPTANCE] += math.exp(min(0.0, -error))
        if not finite or error > LARGEST_ENERGY_ERROR:
            return DIVERGED
        here = STACK + STRETCH_ROWS * top
        copy_rows(memory, MOVING + MOMENTUM, here + FIRST_MOMENTUM, 2)
        copy_rows(memory, MOVING + MOMENTUM, here + LAST_MOMENTUM, 2)
        copy_rows(memory, MOVING + MOMENTUM, here + STRETCH_SUMMED, 1)
        copy_rows(memory, MOVING + POSITION, here + PROPOSAL, 1)
        copy_rows(memory, MOVING + GRADIENT, here + PROPOSAL_GRADIENT, 1)
        weights[top, LOG_DENSITY] = log_density
        weights[top, ENERGY] = energy
        weights[top, LOG_WEIGHT] = -error
        # As in counting in binary: a sub-tree is merged with its equal for each trailing one of `leaf`.
        rest = leaf
        while rest & 1:
            left = STACK + STRETCH_ROWS * (top - 1)
            right = STACK + STRETCH_ROWS * top
            if turns(
                memory,
                left + FIRST_VELOCITY, left + LAST_MOMENTUM, left + LAST_VELOCITY, left + STRETCH_SUMMED,
                right + FIRST_MOMENTUM, right + FIRST_VELOCITY, right + LAST_VELOCITY, right + STRETCH_SUMMED,
            ):  # fmt: skip
                return TURNED
            top -= 1
            merge(memory, weights, top, uniform(generator))
            rest >>= 1
        top += 1
    return COMPLETE


def turns(
    memory: Table,
    first_velocity: int,
    middle_momentum: int,
    middle_velocity: int,
    summed: int,
    next_momentum: int,
    next_velocity: int,
    last_velocity: int,
    next_summed: int,
) -> bool:
    """Whether two adjoining stretches, first … middle and next … last, turn back as a whole or across their
    seam.

    A stretch turns where the velocity at either end has no positive part along its ρ. Beside the whole, the
    first stretch with the next one's first point and the next stretch with the first one's last point are
    checked: a trajectory whose halves are nearly the same loop would pass without these.
    """
    kept_apart()
    whole_first = 0.0
    whole_last = 0.0
    left_first = 0.0
    left_last = 0.0
    right_first = 0.0
    right_last = 0.0
    for i in range(memory.shape[1]):
        whole = memory[summed, i] + memory[next_summed, i]
        left = memory[summed, i] + memory[next_momentum, i]
        right = memory[next_summed, i] + memory[middle_momentum, i]
        whole_first += memory[first_velocity, i] * whole
        whole_last += memory[last_velocity, i] * whole
        left_first += memory[first_velocity, i] * left
        left_last += memory[next_velocity, i] * left
        right_first += memory[middle_velocity, i] * right
        right_last += memory[last_velocity, i] * right
    least = min(whole_first, whole_last, left_first, left_last, right_first, right_last)
    return not least > 0.0


def merge(memory: Table, weights: Table, stretch: int, chance: float) -> None:
    """Joins stretch number `stretch` and the next into one; `chance` in [0, 1) picks whose proposal stays."""
    kept_apart()
    left = STACK + STRETCH_ROWS * stretch
    right = left + STRETCH_ROWS
    log_weight = log_add(weights[stretch, LOG_WEIGHT], weights[stretch + 1, LOG_WEIGHT])
    if chance < math.exp(weights[stretch + 1, LOG_WEIGHT] - log_weight):
        copy_rows(memory, right + PROPOSAL, left + PROPOSAL, 2)
        weights[stretch, LOG_DENSITY] = weights[stretch + 1, LOG_DENSITY]
        weights[stretch, ENERGY] = weights[stretch + 1, ENERGY]
    weights[stretch, LOG_WEIGHT] = log_weight
    copy_rows(memory, right + LAST_MOMENTUM, left + LAST_MOMENTUM, 2)
    for i in range(memory.shape[1]):
        memory[left + STRETCH_SUMMED, i] += memory[right + STRETCH_SUMMED, i]


def log_add(a: float, b: float) -> float:
    """log(eᵃ + eᵇ) for finite numbers."""
    return max(a, b) + math.log1p(math.exp(-abs(a - b)))
