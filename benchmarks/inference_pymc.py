"""The programs of the inference benchmark in PyMC, sampled by nutpie; run by `inference.py`."""

from __future__ import annotations

from typing import Any

import numpy as np
import nutpie
import pymc as pm
from inference_fits import Fit, Settings, timed


def eight_schools(data: dict[str, np.ndarray]) -> None:
    mu = pm.Normal("mu", 0.0, 5.0)
    tau = pm.HalfNormal("tau", 5.0)
    eta = pm.Normal("eta", 0.0, 1.0, shape=8)
    pm.Normal("y", pm.Deterministic("theta", mu + tau * eta), data["sigma"], observed=data["y"])


def hierarchical_logistic(data: dict[str, np.ndarray]) -> None:
    intercept = pm.Normal("intercept", 0.0, 2.0)
    spread = pm.HalfNormal("spread", 1.0)
    beta = pm.Normal("beta", 0.0, 1.0, shape=data["X"].shape[1])
    z = pm.Normal("z", 0.0, 1.0, shape=500)
    logits = intercept + spread * z[data["group"].astype(int)] + pm.math.dot(data["X"], beta)
    pm.Bernoulli("y", logit_p=logits, observed=data["y"])


def mixture(data: dict[str, np.ndarray]) -> None:
    weights = pm.Dirichlet("weights", np.ones(2))
    mu = pm.Normal(
        "mu",
        0.0,
        5.0,
        shape=2,
        transform=pm.distributions.transforms.ordered,
        initval=np.array([-1.0, 1.0]),
    )
    sigma = pm.HalfNormal("sigma", 2.0, shape=2)
    pm.NormalMixture("y", w=weights, mu=mu, sigma=sigma, observed=data["y"])


def dense_regression(data: dict[str, np.ndarray]) -> None:
    intercept = pm.Normal("intercept", 0.0, 2.0)
    beta = pm.Normal("beta", 0.0, 1.0, shape=data["X"].shape[1])
    sigma = pm.HalfNormal("sigma", 2.0)
    pm.Normal("y", intercept + pm.math.dot(data["X"], beta), sigma, observed=data["y"])


MODELS = {
    model.__name__: model for model in (eight_schools, hierarchical_logistic, mixture, dense_regression)
}
COMPILED: dict[str, Any] = {}


def fit(settings: Settings, seed: int) -> Fit:
    compiled = COMPILED.get(settings.problem)
    if compiled is None:  # the second fit takes what the first compiled
        with pm.Model() as model:
            MODELS[settings.problem](settings.data)
        compiled = COMPILED[settings.problem] = nutpie.compile_pymc_model(model)
    trace = nutpie.sample(
        compiled,
        draws=settings.samples,
        tune=settings.warmup,
        chains=settings.chains,
        cores=settings.cores,
        target_accept=settings.target_accept,
        seed=seed,
        progress_bar=False,
    )
    steps = trace.sample_stats["n_steps"].sum() + trace.warmup_sample_stats["n_steps"].sum()
    draws = {str(name): values.values for name, values in trace.posterior.items()}
    return Fit(draws, lambda: int(steps), int(trace.sample_stats["diverging"].sum()))


if __name__ == "__main__":
    timed(fit)
