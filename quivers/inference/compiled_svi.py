"""SVI's steps, compiled as a whole: draws of a normal guide, the ELBO's gradient, and the optimiser's update.

The guide's parameters are the rows of one table: its place, its log scales, and for a full-rank one the rows
of its strictly lower triangle. Gradients and the optimiser's state have the same rows.
"""

from __future__ import annotations

import math

from quivers.inference.compiled import Counts, Table, Vector, Words, evaluate, kept_apart, row_pointer
from quivers.inference.random import normals, open_particle

# How a stretch of steps ended.
FINISHED, LOSS_NOT_FINITE, SLOPE_NOT_FINITE = range(3)

MEAN_FIELD, FULL_RANK = range(2)
ADAM, SGD = range(2)

# Rows of the parameters.
LOC, LOG_SCALE, LOWER = range(3)

# Rows of the workspace: standard normals, those correlated, the scales, the point, the slopes of the log
# density and of the loss there.
NOISE, CORRELATED, SCALES, POINT, SLOPE, LOSS_SLOPE = range(6)
WORK_ROWS = 6

# Places in the settings. Both methods have a weight decay, which for Adam may be decoupled.
WEIGHT_DECAY, DECOUPLED, BETA_1, BETA_2, EPSILON = range(5)
MOMENTUM, DAMPENING, NESTEROV = 2, 3, 4
SETTINGS_SIZE = 5

# Places in the counts: steps taken since the run began, and by the optimiser before it.
COUNT_DONE, COUNT_BEFORE = range(2)
COUNTS_SIZE = 2


def take_steps(
    density: int,
    data: int,
    guide: int,
    method: int,
    particles: int,
    settings: Vector,
    rates: Vector,
    parameters: Table,
    gradients: Table,
    first: Table,
    second: Table,
    work: Table,
    generator: Words,
    noise: Table,
    steps: int,
    trace: Vector,
    counts: Counts,
) -> int:
    """Takes `steps` steps, each at its own of the `rates`, and tells how they ended.

    `density` is the address of a density's C function, `data` that of the data that it is passed. The ELBO
    before each step goes into `trace` (step). Where `noise` (step · particle, n) has rows, the guide's
    standard normals are those. A step whose loss or slopes are not finite is not taken.
    """
    for step in range(steps):
        loss = differentiate(
            density, data, guide, particles, parameters, gradients, work, generator, noise, step,
            counts[COUNT_DONE],
        )  # fmt: skip
        if not math.isfinite(loss):
            trace[step] = -loss
            return LOSS_NOT_FINITE
        if work[LOSS_SLOPE, 0] != work[LOSS_SLOPE, 0]:
            return SLOPE_NOT_FINITE
        trace[step] = -loss
        count = counts[COUNT_BEFORE] + counts[COUNT_DONE] + 1
        if method == ADAM:
            adam(settings, rates[step], count, parameters, gradients, first, second)
        else:
            descend(settings, rates[step], count, parameters, gradients, first)
        counts[COUNT_DONE] += 1
    return FINISHED


def differentiate(
    density: int,
    data: int,
    guide: int,
    particles: int,
    parameters: Table,
    gradients: Table,
    work: Table,
    generator: Words,
    noise: Table,
    step: int,
    number: int,
) -> float:
    """The negative ELBO over draws of the guide, its gradient written; only the draws' paths are
    differentiated, not the parameters in the guide's density (Roeder, Wu and Duvenaud 2017).

    `number` names the step's stream of random numbers. A slope that is not finite leaves NaN in the first
    place of the workspace's row LOSS_SLOPE.
    """
    n = parameters.shape[1]
    log_scale = 0.0
    for i in range(n):
        work[SCALES, i] = math.exp(parameters[LOG_SCALE, i])
        log_scale += parameters[LOG_SCALE, i]
    for row in range(gradients.shape[0]):
        for i in range(n):
            gradients[row, i] = 0.0
    constant = 0.5 * float(n) * math.log(2.0 * math.pi) + log_scale
    share = 1.0 / float(particles)
    loss = 0.0
    for particle in range(particles):
        if noise.shape[0] > 0:
            for i in range(n):
                work[NOISE, i] = noise[step * particles + particle, i]
        else:
            open_particle(generator, particle, number)
            normals(generator, work, NOISE)
        squares = 0.0
        for i in range(n):
            squares += work[NOISE, i] * work[NOISE, i]
            work[CORRELATED, i] = work[NOISE, i]
            work[LOSS_SLOPE, i] = work[NOISE, i]
        if guide == FULL_RANK:
            correlate(parameters, work)
        for i in range(n):
            work[POINT, i] = parameters[LOC, i] + work[SCALES, i] * work[CORRELATED, i]
        value = evaluate(density, row_pointer(work, POINT), row_pointer(work, SLOPE), data)
        loss += share * (-0.5 * squares - constant - value)
        zero = 0.0  # NaN with any slope that is not finite
        for i in range(n):
            zero += 0.0 * work[SLOPE, i]
        if guide == FULL_RANK:
            whiten(parameters, work)
        for i in range(n):
            slope = share * (-work[LOSS_SLOPE, i] / work[SCALES, i] - work[SLOPE, i])
            work[LOSS_SLOPE, i] = slope
            gradients[LOC, i] += slope
            gradients[LOG_SCALE, i] += slope * work[SCALES, i] * work[CORRELATED, i]
        if guide == FULL_RANK:
            for i in range(n):
                slope = work[LOSS_SLOPE, i] * work[SCALES, i]
                for j in range(i):
                    gradients[LOWER + i, j] += slope * work[NOISE, j]
        work[LOSS_SLOPE, 0] += zero
        if not math.isfinite(zero) or not math.isfinite(loss):
            return loss
    return loss


def correlate(parameters: Table, work: Table) -> None:
    """Adds to row CORRELATED the strictly lower triangle times the noise."""
    kept_apart()
    for i in range(parameters.shape[1]):
        total = 0.0
        for j in range(i):
            total += parameters[LOWER + i, j] * work[NOISE, j]
        work[CORRELATED, i] += total


def whiten(parameters: Table, work: Table) -> None:
    """Solves the transposed unit triangle for row LOSS_SLOPE, which has the noise."""
    kept_apart()
    n = parameters.shape[1]
    for i in range(n - 1, -1, -1):
        found = work[LOSS_SLOPE, i]
        for j in range(i):
            work[LOSS_SLOPE, j] -= parameters[LOWER + i, j] * found


def adam(
    settings: Vector,
    rate: float,
    count: int,
    parameters: Table,
    gradients: Table,
    first: Table,
    second: Table,
) -> None:
    """Adam's step of that number (Kingma and Ba 2015), in torch's order of operations."""
    kept_apart()
    n = parameters.shape[1]
    decay = settings[WEIGHT_DECAY]
    keeping = 1.0
    if settings[DECOUPLED] != 0.0:
        keeping = 1.0 - rate * decay
        decay = 0.0
    beta_2 = settings[BETA_2]
    move = 1.0 - settings[BETA_1]
    size = rate / (1.0 - settings[BETA_1] ** float(count))
    correction = math.sqrt(1.0 - beta_2 ** float(count))
    epsilon = settings[EPSILON]
    for row in range(parameters.shape[0]):
        width = n
        if row >= LOWER:
            width = row - LOWER
        for i in range(width):
            kept = keeping * parameters[row, i]
            gradient = gradients[row, i] + decay * kept
            mean = first[row, i] + move * (gradient - first[row, i])
            square = beta_2 * second[row, i] + (1.0 - beta_2) * gradient * gradient
            first[row, i] = mean
            second[row, i] = square
            parameters[row, i] = kept - size * mean / (math.sqrt(square) / correction + epsilon)


def descend(
    settings: Vector, rate: float, count: int, parameters: Table, gradients: Table, first: Table
) -> None:
    """A step of gradient descent, with torch's momentum, which the first step begins."""
    kept_apart()
    n = parameters.shape[1]
    decay = settings[WEIGHT_DECAY]
    momentum = settings[MOMENTUM]
    fresh = 1.0 - settings[DAMPENING]
    if count == 1:
        fresh = 1.0
    for row in range(parameters.shape[0]):
        width = n
        if row >= LOWER:
            width = row - LOWER
        for i in range(width):
            gradient = gradients[row, i] + decay * parameters[row, i]
            if momentum != 0.0:
                first[row, i] = momentum * first[row, i] + fresh * gradient
                if settings[NESTEROV] != 0.0:
                    gradient += momentum * first[row, i]
                else:
                    gradient = first[row, i]
            parameters[row, i] -= rate * gradient
