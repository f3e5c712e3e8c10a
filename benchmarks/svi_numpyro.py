"""NumPyro's side of `svi.py`."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from inference_numpyro import MODELS
from jax import random
from numpyro.infer import SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoNormal
from numpyro.optim import Adam
from svi_rounds import RATE, Way, serve

os.environ["XLA_FLAGS"] = ""  # one device, which has all cores


def ways(problem: str, data: dict[str, np.ndarray[Any, Any]]) -> dict[str, Way]:
    model = MODELS[problem]
    given = {name: jnp.asarray(values) for name, values in data.items()}
    svi = SVI(model, AutoNormal(model), Adam(RATE), Trace_ELBO())
    state = svi.init(random.PRNGKey(0), **given)
    scans: dict[int, Any] = {}

    def compiled(steps: int) -> float:
        nonlocal state
        if steps not in scans:
            scans[steps] = jax.jit(
                lambda state, given: jax.lax.scan(
                    lambda state, _: svi.stable_update(state, **given), state, None, length=steps
                )
            )
        state, losses = scans[steps](state, given)
        return -float(losses[-1])

    def whole(steps: int) -> float:
        again = SVI(model, AutoNormal(model), Adam(RATE), Trace_ELBO())
        return -float(again.run(random.PRNGKey(1), steps, progress_bar=False, **given).losses[-1])

    return {"compiled": compiled, "whole": whole}


if __name__ == "__main__":
    serve(ways)
