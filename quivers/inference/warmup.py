"""When warm-up adapts what: Stan's windows for draws alone, overlapping ones for draws and gradients.

A schedule is an array of one whole number for each warm-up transition, the sum of what to do after it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# What a transition is followed by, in this order. SWITCH puts the background estimate in the foreground's
# place and begins another; SEARCH starts the step size's adaptation anew.
TAKE, TAKE_BEHIND, UPDATE, SWITCH, SEARCH = 1, 2, 4, 8, 16

FIRST = 75  # draws that adapt the step size alone, while the chain finds the bulk
WINDOW = 25  # the first window of draws for the metric; each is twice the one before
LAST = 50  # draws that adapt the step size to the final metric
FEWEST = 20  # below so many draws the metric is not adapted

# Overlapping windows, as nutpie has them (Seyboldt, Carlson and Carpenter 2026, "Preconditioning Hamiltonian
# Monte Carlo by minimizing Fisher divergence").
EARLY_SHARE = 0.3  # of warm-up: windows of EARLY draws, while the chain finds the bulk
FINAL_SHARE = 0.15  # of warm-up: the step size alone adapts
EARLY = 10
LATE = 80  # the first later window; each is GROWTH times the one before
GROWTH = 1.5
SKIPPED = 5  # of so many early windows, one renews a metric that is costly to renew


@dataclass(frozen=True, slots=True)
class Windows:
    """Draws [start, stop) feed the metric's estimate; it is renewed once each count in `updates` is drawn."""

    start: int
    stop: int
    updates: tuple[int, ...]


def windows(num_warmup: int) -> Windows:
    """Stan's windows: 75 fast draws, windows of 25, 50, 100, …, 50 fast draws (Stan reference manual,
    "Automatic parameter tuning").

    A window that would leave less than twice its size before the last 50 draws takes these too. A short
    warm-up is divided 15 %, 75 %, 10 %, and one of under 20 draws adapts the step size alone.
    """
    if num_warmup < FEWEST:
        return Windows(0, 0, ())
    first, size, last = FIRST, WINDOW, LAST
    if first + size + last > num_warmup:
        first, last = num_warmup * 15 // 100, num_warmup // 10
        size = num_warmup - first - last
    stop = num_warmup - last
    updates = []
    end = first + size
    while end < stop:
        updates.append(end)
        size *= 2
        end += size
        if end + 2 * size > stop:
            end = stop
    return Windows(first, stop, (*updates, stop))


def schedule_by_draws(num_warmup: int) -> NDArray[np.int64]:
    """Stan's windows: the metric is renewed at the end of each, from its draws alone."""
    plan = windows(num_warmup)
    actions = np.zeros(num_warmup, dtype=np.int64)
    actions[plan.start : plan.stop] |= TAKE
    for count in plan.updates:
        actions[count - 1] |= UPDATE | SWITCH | SEARCH
    return actions


def switches(num_warmup: int) -> tuple[int, ...]:
    """Counts of draws after which the background estimate takes the foreground's place.

    In the first 30 % of warm-up it is every 10 draws, then after 80, 120, 180, … more, as long as the next
    window still fits before the last 15 %.
    """
    early, stop = int(EARLY_SHARE * num_warmup), num_warmup - int(FINAL_SHARE * num_warmup)
    counts = []
    begun, size = 0, float(LATE)
    for drawn in range(1, stop + 1):
        late = drawn >= early
        window = int(size) if late else EARLY
        if drawn - begun >= window and drawn + window <= stop:
            counts.append(drawn)
            begun = drawn
            size = size * GROWTH if late else size
    return tuple(counts)


def schedule_by_gradients(num_warmup: int, *, each_draw: bool = True) -> NDArray[np.int64]:
    """Overlapping windows: the metric is renewed after each draw, from the foreground's, which has the last
    one to two windows; or, where that costs too much, at the late switches and at some of the early ones.

    The step size is looked for at the first renewal, and from then on follows the metric. A warm-up of under
    20 draws adapts the step size alone.
    """
    actions = np.zeros(num_warmup, dtype=np.int64)
    if num_warmup < FEWEST:
        return actions
    stop = num_warmup - int(FINAL_SHARE * num_warmup)
    actions[:stop] |= TAKE | TAKE_BEHIND
    if each_draw:
        actions[1:stop] |= UPDATE  # the start and two draws are the fewest points to tell a scale from
    early = int(EARLY_SHARE * num_warmup)
    for number, count in enumerate(switches(num_warmup)):
        actions[count - 1] |= SWITCH
        if each_draw or count >= early or number % SKIPPED == 0:
            actions[count - 1] |= UPDATE
    actions[stop - 1] |= UPDATE
    actions[np.flatnonzero(actions & UPDATE)[0]] |= SEARCH
    return actions
