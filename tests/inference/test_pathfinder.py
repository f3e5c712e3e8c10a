"""Pathfinder: exact on normals, honest where it is not, a start for NUTS that saves warm-up."""

import math
import threading

import arviz
import numpy as np
import pytest
import torch
from programs import run_source

from quivers.dsl import loads
from quivers.errors import Cancelled, QvrError, SamplingError
from quivers.inference import MCMC, HMCKernel, NUTSKernel, pathfinder
from quivers.inference.mass_matrix import DENSE, IDENTITY, begin_with_variances, identity_metric, velocity
from quivers.inference.pathfinder_path import NoPath, Path, find_path
from quivers.inference.psis import pareto_k, smoothed

GROUPS = """
object Group : FinSet 3

program means : Group -> Group
    sample mu : Group <- Normal(0.0, 2.0)
    observe y : Group <- Normal(mu, 1.0)
    return mu

export means
"""
DATA = {"y": torch.tensor([5.0, 0.0, -10.0])}

SCALES = """
object Place : FinSet 8

program scales : Place -> Place
    sample x : Place <- Normal(0.0, s)
    return x

export scales
"""
HARD = {"s": np.geomspace(1e-3, 1e3, 8)}


def normal(mean, covariance):
    """The log density, up to a constant, of a normal, with its gradient."""
    precision = np.linalg.inv(covariance)
    return lambda q: (float(-0.5 * (q - mean) @ precision @ (q - mean)), -precision @ (q - mean))


def generator():
    return np.random.default_rng(3)


# ------------------------------------------------------------------ a path


@pytest.mark.parametrize("rho", [0.0, 0.95])
def test_a_path_ends_in_the_normal_that_the_density_is(rho):
    mean, covariance = np.array([3.0, -70.0]), np.array([[4.0, 20.0 * rho], [20.0 * rho, 100.0]])
    found = find_path(normal(mean, covariance), np.array([1.0, -1.0]), generator())
    assert isinstance(found, Path)
    # A quasi-Newton curvature is not quite exact; its ELBO falls short by the divergence.
    assert found.elbo == pytest.approx(0.5 * np.linalg.slogdet(2.0 * math.pi * covariance)[1], abs=0.1)
    np.testing.assert_allclose(found.normal.mean, mean, atol=1e-2)
    np.testing.assert_allclose(found.normal.variances, np.diag(covariance), rtol=0.2)


def test_draws_of_a_normal_have_its_variances_and_density():
    rng = np.random.default_rng(4)
    root = rng.normal(size=(6, 6))
    found = find_path(normal(rng.normal(size=6), root @ root.T), rng.uniform(-2, 2, 6), rng)
    assert isinstance(found, Path)
    count = 40_000
    noise = rng.standard_normal((count, 6))
    points, log_densities = found.normal.draw(noise)
    spread = np.cov(points.T)
    # The standard error of a variance from normal draws is √(2 / count) of it.
    np.testing.assert_allclose(np.diag(spread), found.normal.variances, rtol=4.5 * math.sqrt(2.0 / count))
    _, log_determinant = np.linalg.slogdet(2.0 * math.pi * spread)
    centred = points - found.normal.mean
    expected = -0.5 * (np.einsum("ij,ij->i", centred, np.linalg.solve(spread, centred.T).T) + log_determinant)
    assert log_densities.mean() == pytest.approx(expected.mean(), abs=4.5 * math.sqrt(3.0 / count) * 3)


def test_it_climbs_past_points_that_are_not_finite():
    def gamma(q):  # on the line, of x = q with log x − x; not finite for x ≤ 0
        with np.errstate(invalid="ignore", divide="ignore"):
            return float(20.0 * np.log(q[0]) - q[0]), 20.0 / q - 1.0

    found = find_path(gamma, np.array([0.01]), generator())
    assert isinstance(found, Path)
    assert found.normal.mean[0] == pytest.approx(20.0, rel=0.05)
    assert found.normal.variances[0] == pytest.approx(20.0, rel=0.3)


@pytest.mark.parametrize(
    ("density", "reason"),
    [
        (lambda q: (0.0, np.zeros(1)), "the log density is flat where it starts"),
        (lambda q: (float(q[0]), np.ones(1)), "the log density keeps rising"),
        (
            lambda q: (-float(q @ q) if q[0] == 1.0 else math.nan, -2.0 * q),
            "no normal distribution along its way had a finite ELBO",
        ),
    ],
)
def test_where_there_is_no_normal_a_path_says_why(density, reason):
    found = find_path(density, np.ones(1), generator())
    assert isinstance(found, NoPath)
    assert found.reason.startswith(reason)


# --------------------------------------------------------------- its draws


def test_draws_are_the_posteriors_where_that_is_normal():
    result = pathfinder(loads(GROUPS).morphism, None, DATA, num_draws=4000, seed=1)
    assert result.engine == "kernel"
    assert result.check() == ()
    draws = result.samples["mu"]
    assert draws.shape == (4000, 3)
    # The posterior is Normal(0.8 y, √0.8); 4.5 standard errors of as many draws.
    np.testing.assert_allclose(draws.mean(0), 0.8 * DATA["y"], atol=4.5 * math.sqrt(0.8 / 4000))
    np.testing.assert_allclose(draws.var(0), 0.8, rtol=4.5 * math.sqrt(2.0 / 4000))
    assert result.elbo.shape == (4,)
    evidence = torch.distributions.Normal(0.0, math.sqrt(5.0)).log_prob(DATA["y"]).sum().item()
    np.testing.assert_allclose(result.elbo, evidence, atol=0.3)


def test_a_seed_gives_the_same_draws_by_kernel_and_by_torch():
    model = loads(GROUPS).morphism
    one, two = (pathfinder(model, None, DATA, seed=7, engine=engine) for engine in ("kernel", "torch"))
    assert (one.engine, two.engine) == ("kernel", "torch")
    torch.testing.assert_close(one.positions, two.positions)
    assert one.seed == 7
    torch.manual_seed(2)
    three = pathfinder(model, None, DATA)
    torch.manual_seed(2)
    assert torch.equal(three.positions, pathfinder(model, None, DATA).positions)


def test_k_says_where_the_posterior_is_no_normal():
    # Tails like 1/x², which no normal has.
    cauchy = """
object Two : FinSet 2

program cauchy : Two -> Two
    sample x : Two <- Cauchy(0.0, 5.0)
    return x

export cauchy
"""
    result = pathfinder(loads(cauchy).morphism, seed=0)
    assert result.pareto_k > 0.7
    (problem,) = result.check()
    assert "Pathfinder's normal distributions miss parts of the posterior" in problem
    assert 'init_strategy="pathfinder"' in problem


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_draws": 10}, "num_draws must be a whole number of at least 25, it is 10"),
        ({"num_paths": 0}, "num_paths must be a whole number of at least 1, it is 0"),
        ({"history": 0}, "history must be a whole number of at least 1, it is 0"),
        ({"engine": "gpu"}, 'engine must be one of "auto", "kernel", "torch"'),
    ],
)
def test_arguments_that_make_no_sense_are_told_in_a_sentence(options, message):
    with pytest.raises(QvrError, match=message):
        pathfinder(loads(GROUPS).morphism, None, DATA, **options)


def test_it_can_be_cancelled():
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        pathfinder(loads(GROUPS).morphism, None, DATA, cancel=cancel)


@pytest.mark.parametrize("prior", ["Flat()", "HalfFlat()"])
def test_a_posterior_without_finite_mass_is_told_in_a_sentence(prior):
    source = f"""
object One : FinSet 1

program improper : One -> One
    sample x : One <- {prior}
    return x

export improper
"""
    model = loads(source).morphism
    with pytest.raises(SamplingError, match="Give every latent a proper prior"):
        pathfinder(model, seed=0)
    with pytest.raises(SamplingError, match="Pathfinder found no start for chain 1: the log density"):
        MCMC(NUTSKernel(), num_warmup=5, num_samples=5, init_strategy="pathfinder", seed=0).run(model)


# -------------------------------------------------------- a start for NUTS


def warmed(init, kernel, **options):
    mcmc = MCMC(kernel, num_warmup=100, num_samples=100, init_strategy=init, seed=5, **options)
    return mcmc.run(loads(SCALES).morphism, None, HARD)


@pytest.mark.parametrize("mass_matrix", ["diagonal", "dense"])
def test_it_saves_warm_up_where_scales_are_far_apart(mass_matrix):
    kernel = NUTSKernel(mass_matrix=mass_matrix, adapt_from="draws")
    uniform, started = (warmed(init, kernel) for init in ("uniform", "pathfinder"))
    counts = [int(run.warmup_statistics["leapfrogs"].sum()) for run in (uniform, started)]
    assert counts[1] < 0.5 * counts[0], counts


def test_chains_start_in_the_posterior():
    """Without warm-up and with the identity as mass, each first draw is near its start."""
    run = MCMC(
        HMCKernel(step_size=1e-6, num_steps=1, mass_matrix="identity"),
        num_warmup=0, num_samples=1, num_chains=40, init_strategy="pathfinder", seed=3,
    ).run(loads(SCALES).morphism, None, HARD)  # fmt: skip
    z = run.samples["x"][:, 0] / torch.as_tensor(HARD["s"])
    # 40 standard normals for each coordinate; a quasi-Newton variance may be off by a third.
    assert (z.square().mean(0) < 2.5).all()
    assert (z.square().mean(0) > 0.25).all()


def test_the_kernel_alone_starts_where_torch_does():
    settings = {"init": "pathfinder", "seed": 9, "num_samples": 50}
    alone = run_source(GROUPS.replace("export means\n", ""), {"y": DATA["y"].tolist()}, **settings)
    by_both = MCMC(
        NUTSKernel(), num_warmup=1000, num_samples=50, init_strategy="pathfinder", seed=9, engine="kernel"
    ).run(loads(GROUPS).morphism, None, DATA)
    np.testing.assert_array_equal(alone.samples["mu"], by_both.samples["mu"].numpy())


@pytest.mark.parametrize("kind", [DENSE, IDENTITY])
def test_given_variances_are_the_inverse_mass_unless_it_is_the_identity(kind):
    variances = np.array([1e-4, 1.0, 9.0])
    metric = identity_metric(kind, 3)
    begin_with_variances(kind, metric, variances)
    memory = np.ones((2, 3))
    velocity(kind, metric, memory, 0, 1)
    np.testing.assert_allclose(memory[1], variances if kind == DENSE else 1.0)


# ------------------------------------------------------- smoothed weights


def test_smoothed_weights_are_arviz_s():
    log_weights = np.random.default_rng(0).standard_t(3, size=1000)
    ours, k = smoothed(log_weights)
    theirs, expected = arviz.psislw(log_weights)
    np.testing.assert_allclose(ours - np.log(np.exp(ours).sum()), np.asarray(theirs), rtol=0, atol=1e-9)
    assert k == pytest.approx(float(expected))
    assert k == pareto_k(log_weights)


def test_weights_without_a_tail_stay_as_they_are():
    equal = np.full(100, -3.0)
    ours, k = smoothed(equal)
    np.testing.assert_array_equal(ours, equal)
    assert k == -math.inf
