"""The programs of the inference benchmark in NumPyro; run by `inference.py`."""

from __future__ import annotations

import os

# A device for each chain, so that they run in parallel on the cores there are.
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"

import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from inference_fits import Fit, Settings, timed
from jax import random
from numpyro.infer import MCMC, NUTS

numpyro.enable_x64()


def eight_schools(y, sigma):
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfNormal(5.0))
    with numpyro.plate("School", 8):
        eta = numpyro.sample("eta", dist.Normal(0.0, 1.0))
        theta = numpyro.deterministic("theta", mu + tau * eta)
        numpyro.sample("y", dist.Normal(theta, sigma), obs=y)


def hierarchical_logistic(group, X, y):  # noqa: N803
    intercept = numpyro.sample("intercept", dist.Normal(0.0, 2.0))
    spread = numpyro.sample("spread", dist.HalfNormal(1.0))
    with numpyro.plate("Predictor", X.shape[1]):
        beta = numpyro.sample("beta", dist.Normal(0.0, 1.0))
    with numpyro.plate("Group", 500):
        z = numpyro.sample("z", dist.Normal(0.0, 1.0))
    with numpyro.plate("Row", len(y)):
        logits = intercept + spread * z[group.astype(int)] + X @ beta
        numpyro.sample("y", dist.Bernoulli(logits=logits), obs=y)


def mixture(y):
    weights = numpyro.sample("weights", dist.Dirichlet(jnp.ones(2)))
    mu = numpyro.sample("mu", dist.ImproperUniform(dist.constraints.ordered_vector, (), (2,)))
    numpyro.factor("mu_prior", dist.Normal(0.0, 5.0).log_prob(mu).sum())
    with numpyro.plate("Component", 2):
        sigma = numpyro.sample("sigma", dist.HalfNormal(2.0))
    components = dist.Normal(mu, sigma)
    with numpyro.plate("Item", len(y)):
        numpyro.sample("y", dist.MixtureSameFamily(dist.Categorical(probs=weights), components), obs=y)


def dense_regression(X, y):  # noqa: N803
    intercept = numpyro.sample("intercept", dist.Normal(0.0, 2.0))
    with numpyro.plate("Predictor", X.shape[1]):
        beta = numpyro.sample("beta", dist.Normal(0.0, 1.0))
    sigma = numpyro.sample("sigma", dist.HalfNormal(2.0))
    with numpyro.plate("Row", len(y)):
        numpyro.sample("y", dist.Normal(intercept + X @ beta, sigma), obs=y)


MODELS = {
    model.__name__: model for model in (eight_schools, hierarchical_logistic, mixture, dense_regression)
}
READY: dict[str, tuple[MCMC, dict[str, jnp.ndarray]]] = {}
STEPS = ("num_steps", "diverging")


def fit(settings: Settings, seed: int) -> Fit:
    if settings.problem not in READY:
        # The second fit takes what the first compiled, which NumPyro keeps for the very same arrays.
        data = {name: jnp.asarray(values) for name, values in settings.data.items()}
        READY[settings.problem] = (_sampler(settings), data)
    sampler, data = READY[settings.problem]
    sampler.run(random.PRNGKey(seed), **data, extra_fields=STEPS)
    draws = {name: np.asarray(values) for name, values in sampler.get_samples(group_by_chain=True).items()}
    extra = sampler.get_extra_fields()

    def gradients() -> int:
        """NumPyro keeps no statistics of warm-up, so the same one is run again for them."""
        again = _sampler(settings)
        again.warmup(random.PRNGKey(seed), **data, extra_fields=STEPS, collect_warmup=True)
        return int(np.sum(again.get_extra_fields()["num_steps"]) + np.sum(extra["num_steps"]))

    return Fit(draws, gradients, int(np.sum(extra["diverging"])))


def _sampler(settings: Settings) -> MCMC:
    return MCMC(
        NUTS(MODELS[settings.problem], target_accept_prob=settings.target_accept),
        num_warmup=settings.warmup,
        num_samples=settings.samples,
        num_chains=settings.chains,
        chain_method="parallel",
        progress_bar=False,
    )


if __name__ == "__main__":
    timed(fit)
