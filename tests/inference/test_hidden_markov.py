"""Models in time: the forward algorithm is the sum over all paths, the filter of a local level is Kalman's,
and a posterior that is known comes out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from quivers.dsl import loads
from quivers.inference import MCMC, NUTSKernel

HIDDEN_MARKOV = """object Time : FinSet
object State : FinSet
object Before : FinSet
data same : Before -> State
data last : State -> Time

program hidden_markov : Time -> State
    sample mu : State <- Normal(0.0, 2.0)
    sample eta : State * Before <- Normal(0.0, 1.0)
    let move = log_softmax(eta, over=State)
    let fit = factor t : Time, k : State in -0.5 * (y[t] - mu[k]) ^ 2
    let start = factor k : State in 0.0
    let forward = scan t : Time, s = start in {step} + fit[t]
    score evidence = logsumexp(factor k : State in forward[last[k], k])
    return mu
"""
STEPS = {
    "by the logarithms of sums": "logsumexp(s[same] + move, over=Before)",
    "by a product with the matrix": "log(sum(exp(move) * exp(s[same]), over=Before))",
}


def over_all_paths(mu, eta, y):
    """The log density with every path of states written out; the first state is before the first time."""
    states, times = len(mu), len(y)
    move = eta - logsumexp(eta, axis=0)
    paths = [
        sum(move[path[t + 1], path[t]] - 0.5 * (y[t] - mu[path[t + 1]]) ** 2 for t in range(times))
        for path in itertools.product(range(states), repeat=times + 1)
    ]
    return logsumexp(paths) + norm.logpdf(mu, 0.0, 2.0).sum() + norm.logpdf(eta).sum()


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize(("states", "times"), [(2, 8), (3, 5)])
def test_the_forward_algorithm_is_the_sum_over_all_paths(step, states, times):
    rng = np.random.default_rng(states)
    y = rng.normal(size=times) * 2.0
    data = {"same": range(states), "last": [times - 1] * states, "y": y}
    model = loads(HIDDEN_MARKOV.format(step=step)).morphism.bind(data)
    for point in rng.normal(size=(3, model.dimension)):
        gradient = np.empty_like(point)
        found = model.log_density_and_gradient(point, gradient)
        mu, eta = point[:states], point[states:].reshape(states, states)
        np.testing.assert_allclose(found, over_all_paths(mu, eta, y), rtol=1e-10)
        step_size = 1e-5
        for place in range(model.dimension):
            moved = [point + sign * step_size * np.eye(model.dimension)[place] for sign in (1, -1)]
            above, below = (over_all_paths(q[:states], q[states:].reshape(states, states), y) for q in moved)
            assert gradient[place] == pytest.approx((above - below) / (2 * step_size), abs=1e-6)


FILTER = """object Time : FinSet 12

program local_level : Time -> Time
    sample q <- LogNormal(0.0, 1.0)
    sample r <- LogNormal(0.0, 1.0)
    let variance = scan t : Time, p = 4.0 in (p * r ^ 2) / (p + r ^ 2) + q ^ 2
    let before = factor t : Time in if t == first[t] then 4.0 else lag(variance, 1)[t]
    let gain = before / (before + r ^ 2)
    let level = scan t : Time, m = 0.0 in m + gain[t] * (y[t] - m)
    let expected = factor t : Time in if t == first[t] then 0.0 else lag(level, 1)[t]
    observe y : Time <- Normal(expected, sqrt(before + r ^ 2))
    return level
"""


def test_the_kalman_filter_of_a_local_level_is_the_joint_normal_density():
    rng = np.random.default_rng(4)
    y = rng.normal(size=12).cumsum()
    source = FILTER.replace("\n\nprogram", "\ndata first : Time -> Time\n\nprogram")
    model = loads(source).morphism.bind({"y": y, "first": [0] * 12})
    q, r = 0.7, 1.3
    point = torch.log(torch.tensor([q, r], dtype=torch.float64))
    (found,) = [term.value for term in model.explain(point) if term.kind == "likelihood"]
    places = np.arange(12)
    covariance = 4.0 + q**2 * np.minimum.outer(places, places) + r**2 * np.eye(12)
    assert found == pytest.approx(multivariate_normal(np.zeros(12), covariance).logpdf(y), rel=1e-10)


AUTOREGRESSION = """object Time : FinSet

program ar : Time -> Time
    sample a <- Normal(0.0, 1.0)
    let level = scan t : Time, s = 0.0 in 0.8 * s + a * u[t]
    observe y : Time <- Normal(level, 0.5)
    return level
"""


def test_the_posterior_of_a_slope_inside_a_recursion_is_the_conjugate_one():
    rng = np.random.default_rng(8)
    u = rng.normal(size=30)
    response = np.zeros(30)
    state = 0.0
    for t in range(30):
        state = response[t] = 0.8 * state + u[t]
    y = 0.6 * response + 0.5 * rng.normal(size=30)
    precision = 1.0 + (response**2).sum() / 0.25
    mean = (response * y).sum() / 0.25 / precision
    sampler = MCMC(NUTSKernel(), num_warmup=300, num_samples=500, num_chains=2, seed=1)
    result = sampler.run(loads(AUTOREGRESSION).morphism, None, {"u": u, "y": y})
    draws = np.asarray(result.samples["a"]).ravel()
    assert draws.mean() == pytest.approx(mean, abs=0.25 / np.sqrt(precision))
    assert draws.std() == pytest.approx(1.0 / np.sqrt(precision), rel=0.15)
