"""QVR's side of `svi.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from inference_qvr import PROGRAMS
from svi_rounds import RATE, Way, serve

from quivers.dsl import loads
from quivers.inference import ELBO, SVI, AutoNormalGuide


def ways(problem: str, data: dict[str, np.ndarray[Any, Any]]) -> dict[str, Way]:
    # A guide is made before the data, so the sizes of what it is over stand in the program.
    model = loads(PROGRAMS[problem].replace("Predictor : FinSet", "Predictor : FinSet 50")).morphism

    def fresh() -> SVI:
        guide = AutoNormalGuide(model)
        return SVI(model, guide, torch.optim.Adam(guide.parameters(), lr=RATE), ELBO())

    def run(svi: SVI, steps: int) -> float:
        result = svi.run(steps, None, data, tolerance=None)
        assert result.engine == "compiled", result.engine_reason
        return float(result.elbo[-1])

    kept, single = fresh(), fresh()
    return {
        "compiled": lambda steps: run(kept, steps),
        "whole": lambda steps: run(fresh(), steps),
        "single": lambda steps: -[single.step(None, data) for _ in range(steps)][-1],
    }


if __name__ == "__main__":
    serve(ways)
