"""The posterior of what `marginalize` sums out, against Bayes's rule written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from scipy.stats import binom, norm

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import MCMC, MCMCResult, NUTSKernel

MIXTURE = """
object K : FinSet 2
object Row : FinSet
program mixture : Row -> K
    sample mu : K <- Normal(0.0, 2.0) [ordered]
    sample w : K <- Dirichlet(5.0)
    marginalize z : K <- Categorical(w)
        observe y : Row <- Normal(mu[z], 1.0)
    return mu
"""
Y = np.array([-2.1, -1.9, 0.1, 1.8, 2.6])

GROUPED = """
object K : FinSet
object Town : FinSet
object Row : FinSet
data town : Row -> Town
program grouped : Row -> K
    sample mu : K <- Normal(0.0, 2.0)
    marginalize z : K <- Categorical(probs) [over=Town]
        observe y : Row <- Normal(mu[z], 1.0) [via=town]
        observe g : Town <- Normal(mu[z], 2.0)
    return mu
"""
TOWNS = ["Pi", "Rho", "Rho", "Pi", "Pi"]
GROUPED_DATA: dict[str, Any] = {
    "town": TOWNS,
    "y": Y,
    "g": [0.3, 1.0],
    "K": ["low", "middle", "high"],
    "probs": [0.2, 0.5, 0.3],
}

NESTED = """
object J : FinSet 2
object K : FinSet 3
object Row : FinSet
program nested : Row -> Real
    sample slope <- Normal(0.0, 1.0)
    marginalize u : J <- Categorical(probs)
        marginalize z : K <- Categorical(rows[u])
            observe y : Row <- Normal(slope * means[u, z], 1.0)
    return slope
"""
ROWS = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]])
MEANS = np.array([[-1.0, 0.0, 2.0], [1.0, -2.0, 0.5]])

COUNTS = """
object Row : FinSet
program counts : Row -> Real
    sample p <- Beta(2.0, 2.0)
    marginalize n <- Binomial(3, p)
        observe y : Row <- Normal(n, 0.5)
    return p
"""


def run(source: str, data: dict[str, Any]) -> MCMCResult:
    mcmc = MCMC(NUTSKernel(), num_warmup=100, num_samples=50, num_chains=2, seed=2)
    return mcmc.run(loads(source).morphism, None, data)


def draws(result: MCMCResult, site: str) -> np.ndarray[Any, Any]:
    return np.asarray(result.samples[site].flatten(0, 1).numpy())


def test_rows_of_a_mixture_have_the_probabilities_that_bayes_s_rule_gives() -> None:
    result = run(MIXTURE, {"y": Y})
    mu, w = draws(result, "mu"), draws(result, "w")
    exact = softmax(np.log(w)[:, None, :] + norm.logpdf(Y[:, None], mu[:, None, :]), axis=-1).mean(axis=0)
    found = result.posterior_of("z")
    assert (found.axes, found.values) == (("Row",), ("1", "2"))
    np.testing.assert_allclose(found.probabilities, exact, rtol=1e-10)
    assert list(found.most_probable) == list(exact.argmax(axis=-1))


def test_a_group_s_latent_weighs_all_that_belongs_to_it() -> None:
    result = run(GROUPED, GROUPED_DATA)
    mu = draws(result, "mu")
    log = np.log(GROUPED_DATA["probs"])[None, None] + norm.logpdf(
        np.array(GROUPED_DATA["g"])[:, None], mu[:, None, :], 2.0
    )
    for value, town in zip(Y, TOWNS, strict=True):
        log[:, ["Pi", "Rho"].index(town)] += norm.logpdf(value, mu)
    found = result.posterior_of("z")
    assert (found.axes, found.values) == (("Town",), ("low", "middle", "high"))
    np.testing.assert_allclose(found.probabilities, softmax(log, axis=-1).mean(axis=0), rtol=1e-10)


def test_blocks_in_blocks_have_the_marginals_of_their_joint() -> None:
    data: dict[str, Any] = {"y": Y, "probs": [0.3, 0.7], "rows": ROWS, "means": MEANS}
    result = run(NESTED, data)
    slope = draws(result, "slope")
    log = (
        np.log(np.array(data["probs"]))[:, None]
        + np.log(ROWS)
        + norm.logpdf(Y[:, None, None], slope[:, None, None, None] * MEANS)
    )
    joint = softmax(log.reshape(*log.shape[:2], -1), axis=-1).reshape(log.shape).mean(axis=0)
    np.testing.assert_allclose(result.posterior_of("u").probabilities, joint.sum(axis=-1), rtol=1e-10)
    np.testing.assert_allclose(result.posterior_of("z").probabilities, joint.sum(axis=-2), rtol=1e-10)


def test_a_latent_that_hangs_on_the_data_alone_has_one_posterior_for_all_draws() -> None:
    source = NESTED.replace("slope * means", "means")
    data: dict[str, Any] = {"y": Y, "probs": [0.3, 0.7], "rows": ROWS, "means": MEANS}
    log = np.log(np.array(data["probs"]))[:, None] + np.log(ROWS) + norm.logpdf(Y[:, None, None], MEANS)
    joint = softmax(log.reshape(5, -1), axis=-1).reshape(log.shape)
    result = run(source, data)
    np.testing.assert_allclose(result.posterior_of("u").probabilities, joint.sum(axis=-1), rtol=1e-10)
    np.testing.assert_allclose(result.posterior_of("z").probabilities, joint.sum(axis=-2), rtol=1e-10)


def test_the_values_of_a_count_are_its_whole_numbers() -> None:
    result = run(COUNTS, {"y": [0.2, 2.9, 1.4]})
    p = draws(result, "p")
    numbers = np.arange(4)
    log = binom.logpmf(numbers, 3, p[:, None, None]) + norm.logpdf(
        np.array([0.2, 2.9, 1.4])[:, None], numbers, 0.5
    )
    found = result.posterior_of("n")
    assert found.values == ("0", "1", "2", "3")
    np.testing.assert_allclose(found.probabilities, softmax(log, axis=-1).mean(axis=0), rtol=1e-10)


def test_a_latent_of_several_observations_is_asked_for_by_observation() -> None:
    source = MIXTURE.replace("    return", "        observe x : Row <- Normal(2.0 * mu[z], 1.0)\n    return")
    result = run(source, {"y": Y, "x": 2.0 * Y})
    with pytest.raises(QvrError, match=r"ask for z\.y or z\.x\."):
        result.posterior_of("z")
    assert result.posterior_of("z.x").probabilities.shape == (5, 2)


@pytest.mark.parametrize(
    ("site", "message"),
    [("mu", r"mu is not summed out: its draws are samples\['mu'\]"), ("k", "sums out no k; it sums out z")],
)
def test_what_is_not_summed_out_has_no_such_posterior(site: str, message: str) -> None:
    with pytest.raises(QvrError, match=message):
        run(MIXTURE, {"y": Y}).posterior_of(site)
