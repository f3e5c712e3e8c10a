"""When warm-up adapts what: Stan's windows (Stan reference manual, "Automatic parameter tuning")."""

from __future__ import annotations

from dataclasses import dataclass

FIRST = 75  # draws that adapt the step size alone, while the chain finds the bulk
WINDOW = 25  # the first window of draws for the metric; each is twice the one before
LAST = 50  # draws that adapt the step size to the final metric
FEWEST = 20  # below so many draws the metric is not adapted


@dataclass(frozen=True, slots=True)
class Windows:
    """Draws [start, stop) feed the metric's estimate; it is renewed once each count in `updates` is drawn."""

    start: int
    stop: int
    updates: tuple[int, ...]


def windows(num_warmup: int) -> Windows:
    """Stan's windows: 75 fast draws, windows of 25, 50, 100, …, 50 fast draws.

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
