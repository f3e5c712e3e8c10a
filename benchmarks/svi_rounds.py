"""What each tool's process of `svi.py` does: takes the steps that it is asked for, and tells their time."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

RATE = 1e-2

# The number of steps to the ELBO before the last of them.
Way = Callable[[int], float]


def serve(ways: Callable[[str, dict[str, np.ndarray[Any, Any]]], dict[str, Way]]) -> None:
    """Measures the ways that `ways` gives for the command line's problem and data, until the input ends."""
    problem, path = sys.argv[1], Path(sys.argv[2])
    with np.load(path) as stored:
        made = ways(problem, {name: stored[name] for name in stored.files})
    for line in sys.stdin:
        name, steps = line.split()
        began, used = time.perf_counter(), time.process_time()
        elbo = made[name](int(steps))
        seconds, processor = time.perf_counter() - began, time.process_time() - used
        print(json.dumps({"seconds": seconds, "processor": processor, "elbo": elbo}), flush=True)
