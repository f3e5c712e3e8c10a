"""Pyro's side of `svi.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro.infer import SVI, Trace_ELBO
from pyro.infer.autoguide import AutoNormal
from pyro.optim import Adam
from svi_rounds import RATE, Way, serve

torch.set_default_dtype(torch.float64)
# Its argument checks are for debugging; without them it is at its fastest.
pyro.enable_validation(False)


def eight_schools(y, sigma):
    mu = pyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = pyro.sample("tau", dist.HalfNormal(5.0))
    with pyro.plate("School", 8):
        eta = pyro.sample("eta", dist.Normal(0.0, 1.0))
        pyro.sample("y", dist.Normal(mu + tau * eta, sigma), obs=y)


def dense_regression(X, y):  # noqa: N803
    intercept = pyro.sample("intercept", dist.Normal(0.0, 2.0))
    with pyro.plate("Predictor", X.shape[1]):
        beta = pyro.sample("beta", dist.Normal(0.0, 1.0))
    sigma = pyro.sample("sigma", dist.HalfNormal(2.0))
    with pyro.plate("Row", len(y)):
        pyro.sample("y", dist.Normal(intercept + X @ beta, sigma), obs=y)


MODELS = {model.__name__: model for model in (eight_schools, dense_regression)}


def ways(problem: str, data: dict[str, np.ndarray[Any, Any]]) -> dict[str, Way]:
    model = MODELS[problem]
    given = {name: torch.from_numpy(values) for name, values in data.items()}
    svi = SVI(model, AutoNormal(model), Adam({"lr": RATE}), loss=Trace_ELBO())
    return {"single": lambda steps: -[svi.step(**given) for _ in range(steps)][-1]}


if __name__ == "__main__":
    serve(ways)
