"""The peer's program for `commands.py`: the non-centred eight schools in NumPyro, 4 chains of 1000 + 1000."""

import json
import sys
from pathlib import Path

import jax.numpy as jnp
import numpyro
import numpyro.distributions as dist
from jax import random
from numpyro.infer import MCMC, NUTS

data = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))


def eight_schools(sigma, y):
    mu = numpyro.sample("mu", dist.Normal(0.0, 5.0))
    tau = numpyro.sample("tau", dist.HalfNormal(5.0))
    with numpyro.plate("School", len(y)):
        eta = numpyro.sample("eta", dist.Normal(0.0, 1.0))
        theta = numpyro.deterministic("theta", mu + tau * eta)
        numpyro.sample("y", dist.Normal(theta, sigma), obs=y)


mcmc = MCMC(NUTS(eight_schools), num_warmup=1000, num_samples=1000, num_chains=4, chain_method="sequential")
mcmc.run(random.PRNGKey(0), jnp.array(data["sigma_j"]), jnp.array(data["y"], dtype=float))
mcmc.print_summary()
