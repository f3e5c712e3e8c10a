"""What a user may write under strict type checking: mypy reads it in `make check`, and a test runs it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import quivers
from quivers.inference import MCMC, MCMCResult, NUTSKernel

MODEL = Path(__file__).resolve().parents[2] / "examples/eight_schools/noncentred.qvr"


def run() -> MCMCResult:
    """One call, the parts one by one, and what a result is asked for."""
    data: dict[str, Any] = {
        "y": np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
        "sigma_j": [15, 10, 16, 11, 9, 11, 10, 18],
    }
    result = quivers.fit(MODEL, data, chains=2, warmup=100, draws=50, seed=1, cancel=threading.Event())
    assert_type(result, MCMCResult)
    assert_type(result["tau"].values, NDArray[np.float64])
    assert_type(result["theta"].sel(School=3).mean(), NDArray[np.float64])
    assert_type(result.summary()["tau"].mean, float)
    assert_type([row.name for row in result.summary()], list[str])
    assert_type(result.check()[0] if result.check() else "", str)
    program = quivers.load(MODEL)
    assert_type(program, quivers.Program)
    assert_type([problem.message for problem in quivers.diagnose(MODEL)], list[str])
    again = MCMC(NUTSKernel(), num_warmup=100, num_samples=50, num_chains=2, seed=1).run(
        program.morphism, None, data
    )
    assert_type(again, MCMCResult)
    try:
        quivers.fit(program, data, num_samples=50)  # type: ignore[arg-type]  # no argument of fit's
    except quivers.QvrError as error:
        assert_type(str(error), str)
    return result
