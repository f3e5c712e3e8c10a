"""How much memory this process has and may have, and what it asks of the system: to be the first to go.

All of it is Linux's; elsewhere the memory is not known, so that it is not limited, and nothing is asked.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

VARIABLE = "QVR_WORKER_MEMORY"
SHARE = 0.8
# The kernel adds this to what it thinks of ending a process by, of −1000 to 1000.
OUT_OF_MEMORY_SCORE = 900
PARENT_DEATH_SIGNAL = 1

_CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)


def resident() -> int | None:
    """Bytes of memory that this process holds; None where the system does not say."""
    try:
        with open("/proc/self/statm", "rb", buffering=0) as file:
            pages = int(file.read().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def limit() -> int | None:
    """The bytes that this process may hold: `QVR_WORKER_MEMORY`, else four fifths of what is free now.

    None where neither is known, or where the variable is 0. Raises ValueError where it is no number of bytes.
    """
    given = os.environ.get(VARIABLE)
    if given:
        if not given.isdecimal():
            raise ValueError(f"{VARIABLE} must be a number of bytes, not {given!r}.")
        return int(given) or None
    own = resident()
    free = _available()
    return None if own is None or free is None else int(SHARE * (own + free))


def _available() -> int | None:
    """Bytes that the machine has free, at most those that this container may have."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None
    for file in _CGROUP_LIMITS:
        try:
            free = min(free, int(file.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such limit, or "max"
            continue
    return free


def die_with_parent() -> None:
    """Have the system end this process when its parent ends, and before others when memory runs out."""
    if sys.platform != "linux":
        return
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before it was asked for
        os._exit(0)
    try:
        Path("/proc/self/oom_score_adj").write_text(str(OUT_OF_MEMORY_SCORE), encoding="ascii")
    except OSError:  # a container may forbid it; the memory limit holds all the same
        return
