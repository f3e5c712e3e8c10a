"""The leapfrog integrator of Hamilton's equations (Neal 2011, "MCMC using Hamiltonian dynamics", eq. 2.28).

All vectors of a chain are rows of one table, `memory` (rows, n), and are passed by their row. A point in
phase space takes four rows in a row.
"""

from __future__ import annotations

from quivers.inference.compiled import Table, evaluate, kept_apart, row_pointer
from quivers.inference.mass_matrix import velocity

# Rows of a point in phase space, counted from its first: q, p, M⁻¹p and the gradient of the log density at q.
POSITION, MOMENTUM, VELOCITY, GRADIENT = range(4)
POINT_ROWS = 4


def leapfrog(
    density: int, data: int, kind: int, metric: Table, memory: Table, point: int, step: float
) -> float:
    """Moves the point at row `point` by one step of size `step`, negative for back in time.

    Returns the log density there.
    """
    kept_apart()
    n = memory.shape[1]
    for i in range(n):
        memory[point + MOMENTUM, i] += 0.5 * step * memory[point + GRADIENT, i]
    velocity(kind, metric, memory, point + MOMENTUM, point + VELOCITY)
    for i in range(n):
        memory[point + POSITION, i] += step * memory[point + VELOCITY, i]
    log_density = evaluate(
        density, row_pointer(memory, point + POSITION), row_pointer(memory, point + GRADIENT), data
    )
    for i in range(n):
        memory[point + MOMENTUM, i] += 0.5 * step * memory[point + GRADIENT, i]
    velocity(kind, metric, memory, point + MOMENTUM, point + VELOCITY)
    return log_density


def copy_rows(memory: Table, source: int, destination: int, rows: int) -> None:
    """Copies `rows` rows within `memory`."""
    kept_apart()
    for row in range(rows):
        for i in range(memory.shape[1]):
            memory[destination + row, i] = memory[source + row, i]
