"""When a log is told how far something is: seldom, and not at all of what is soon over."""

from __future__ import annotations

import time

FIRST = 5.0  # seconds before the first line, and the least between two
SHARE = 0.1  # of the time so far, after which comes the next


class Pace:
    """Says when the next line is due: after five seconds, later after each tenth of the time so far.

    Half a minute has six lines, an hour about forty, a day seventy.
    """

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._next = FIRST

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    def due(self) -> bool:
        """Whether a line is due; it then is taken as written."""
        elapsed = self.elapsed
        if elapsed < self._next:
            return False
        self._next = elapsed + max(FIRST, SHARE * elapsed)
        return True


def duration(seconds: float) -> str:
    """`8 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
