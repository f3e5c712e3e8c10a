"""Each guide finds a posterior that it can hold: by moments, by modes and weights, by the curvature."""

import math

import pytest
import torch

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import (
    ELBO,
    SVI,
    AutoDeltaGuide,
    AutoFlowGuide,
    AutoLaplaceApproximation,
    AutoLowRankMultivariateNormalGuide,
    AutoMixtureGuide,
    AutoMultivariateNormalGuide,
    AutoNormalGuide,
    Predictive,
)

LINE = """
object Row : FinSet 6

program line : Row -> Row
    sample a <- Normal(0.0, 10.0)
    sample b <- Normal(0.0, 10.0)
    observe y : Row <- Normal(a + b * x, 1.0)
    return y

export line
"""
DATA = {
    "x": torch.tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
    "y": torch.tensor([2.7, 4.1, 3.9, 4.2, 5.4, 5.1]),
}
# The same without a size: it comes with the data.
UNSIZED = LINE.replace("FinSet 6", "FinSet").replace("sample b <-", "sample b : Row <-")

# A quarter of the mass at −3 and three quarters at 3, nothing between.
BIMODAL = """
object Mode : FinSet 2

program bimodal : Mode -> Real
    sample v <- Flat()
    marginalize z <- Bernoulli(0.75)
        observe w <- Normal(v - 6.0 * z, 0.5)
    return v

export bimodal
"""
FUNNEL = """
object K : FinSet 4

program funnel : K -> K
    sample v <- Normal(0.0, 3.0)
    sample x : K <- Normal(0.0, exp(0.5 * v))
    return x

export funnel
"""
SCALE = """
object Row : FinSet 4

program scale : Row -> Row
    sample s <- Gamma(3.0, 2.0)
    observe y : Row <- Exponential(s)
    return y

export scale
"""
SCALE_DATA = {"y": torch.tensor([0.5, 1.0, 2.0, 0.5])}

EVERY = [
    AutoNormalGuide,
    AutoMultivariateNormalGuide,
    AutoLowRankMultivariateNormalGuide,
    AutoFlowGuide,
    AutoMixtureGuide,
]


def posterior(data=DATA):
    design = torch.stack([torch.ones(6), data["x"]], dim=1).double()
    covariance = torch.linalg.inv(design.T @ design + torch.eye(2) / 100)
    return covariance @ design.T @ data["y"].double(), covariance


def fitted(model, data, guide, *, steps=1500, rate=0.1, particles=16, last=0.01):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(guide.parameters(), lr=rate)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=particles))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, last ** (1 / steps))
    return svi, svi.run(steps, None, data, tolerance=None, schedule=schedule)


def assert_moments(guide, tolerance, data=DATA):
    mean, covariance = posterior(data)
    deviation = covariance.diagonal().sqrt()
    assert ((guide.loc - mean).abs() < tolerance * deviation).all()
    difference = (guide.covariance() - covariance) / torch.outer(deviation, deviation)
    assert difference.abs().max() < tolerance


def level_of(trace, parts=10):
    """The mean of a trace and its standard error, by the means of so many stretches of it."""
    means = trace[: len(trace) // parts * parts].reshape(parts, -1).mean(axis=1)
    return trace.mean(), means.std(ddof=1) / math.sqrt(parts)


def test_the_full_rank_guide_recovers_a_correlated_normal():
    model = loads(LINE).morphism
    guide = AutoMultivariateNormalGuide(model)
    svi, _ = fitted(model, DATA, guide)
    assert_moments(guide, 0.02)
    assert svi.check() == ()


def test_the_low_rank_guide_of_full_rank_recovers_a_correlated_normal():
    model = loads(LINE).morphism
    torch.manual_seed(1)
    guide = AutoLowRankMultivariateNormalGuide(model, rank=2)
    data = {**DATA, "x": DATA["x"] - 3.0}  # a correlation of −0.66: factors approach a stronger one slowly
    svi, _ = fitted(model, data, guide, steps=800)
    assert_moments(guide, 0.02, data)
    assert svi.check() == ()


@pytest.mark.parametrize("by_steps", [False, True])
def test_laplace_is_exact_on_a_normal(by_steps):
    model = loads(LINE).morphism
    guide = AutoLaplaceApproximation(model)
    if by_steps:
        fitted(model, DATA, guide, steps=50)
    else:
        guide.find_mode(model, DATA)
    mean, covariance = posterior()
    torch.testing.assert_close(guide.loc.detach(), mean, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(guide.covariance(), covariance, rtol=1e-6, atol=1e-6)
    svi = SVI(model, guide, torch.optim.Adam(guide.parameters()), ELBO())
    assert svi.pareto_k(DATA) < 0.5
    assert svi.check() == ()
    drawn = Predictive(model, posterior=guide, num_samples=20)(None, {"x": DATA["x"]})
    assert drawn["y"].shape == (20, 6)


def test_laplace_says_where_it_has_no_curvature_yet():
    model = loads(LINE).morphism
    guide = AutoLaplaceApproximation(model)
    with pytest.raises(QvrError, match="no curvature at its place yet: call its find_mode"):
        guide.sample(model.bind(DATA))
    guide.find_mode(model, DATA)
    with torch.no_grad():
        guide.loc.add_(1.0)
    with pytest.raises(QvrError, match="no curvature at its place yet"):
        guide.rsample()


def test_laplace_refuses_a_flat_direction_and_names_its_sites():
    source = LINE.replace("Normal(0.0, 10.0)", "Flat()").replace("a + b * x", "a + b")
    model = loads(source).morphism
    with pytest.raises(QvrError, match=r"does not fall in every direction.*look at a and b"):
        AutoLaplaceApproximation(model).find_mode(model, DATA)


def test_a_density_without_a_mode_is_refused_and_its_site_named():
    centred = """
object School : FinSet 3

program centred : School -> School
    sample tau <- HalfNormal(5.0)
    sample theta : School <- Normal(0.0, tau)
    observe y : School <- Normal(theta, 10.0)
    return theta

export centred
"""
    model = loads(centred).morphism
    for kind in (AutoDeltaGuide, AutoLaplaceApproximation):
        with pytest.raises(QvrError, match="tau"):
            kind(model).find_mode(model, {"y": torch.tensor([1.0, -2.0, 0.5])})


@pytest.mark.parametrize("by_steps", [False, True])
def test_the_mode_is_that_on_the_models_own_scale(by_steps):
    model = loads(SCALE).morphism
    guide = AutoDeltaGuide(model)
    if by_steps:
        fitted(model, SCALE_DATA, guide, steps=400)
    else:
        guide.find_mode(model, SCALE_DATA)
    # s is Gamma(7, 6) given the data: its mode is 6/6; that of log s would be 7/6.
    drawn = guide.sample(model.bind(SCALE_DATA), (3,))
    torch.testing.assert_close(
        drawn["s"], torch.full((3,), 1.0).double(), rtol=1e-3 if by_steps else 1e-6, atol=0
    )
    other = AutoLaplaceApproximation(model)
    other.find_mode(model, SCALE_DATA)
    # On the logarithm the second derivative at 7/6 is −6 · 7/6.
    assert float(other.loc.detach()) == pytest.approx(math.log(7 / 6), abs=1e-6)
    assert float(other.covariance()) == pytest.approx(1 / 7, rel=1e-4)


def test_a_point_has_no_k_and_its_check_says_why():
    model = loads(SCALE).morphism
    guide = AutoDeltaGuide(model)
    svi = SVI(model, guide, torch.optim.Adam(guide.parameters()), ELBO())
    with pytest.raises(QvrError, match="single point, which says nothing of how far"):
        svi.pareto_k(SCALE_DATA)
    assert len(svi.check(SCALE_DATA)) == 1


def test_the_mixture_finds_both_modes_and_their_weights():
    model = loads(BIMODAL).morphism
    data = {"w": torch.tensor(-3.0)}
    torch.manual_seed(2)
    guide = AutoMixtureGuide(model, components=4)
    svi, _ = fitted(model, data, guide, steps=800, rate=0.05, particles=8)
    # Where components overlap the few largest weights have a long tail; it is of no consequence.
    assert svi.pareto_k() > 0.7
    assert svi.check() == ()
    bound = model.bind(data)
    with torch.no_grad():
        q = guide.rsample((20_000,))
        gaps = guide.log_density(q) - bound.log_density(q)
    # The evidence is 1, so that the guide's divergence from the posterior is minus its ELBO.
    divergence = float(gaps.mean() + 4.5 * gaps.std() / math.sqrt(len(q)))
    assert divergence < 0.01
    q = q[:, 0]
    # v is −3 + 6z, and z is 1 with probability ¾. The divergence bounds how far a share can be off (Pinsker),
    # and on either side a normal's mean and standard deviation (Talagrand 1996); draws have errors besides.
    share = float((q > 0).double().mean())
    error = 4.5 * math.sqrt(0.75 * 0.25 / len(q))
    assert share == pytest.approx(0.75, abs=math.sqrt(divergence / 2) + error)
    for side, place, mass in ((q > 0, 3.0, share), (q < 0, -3.0, 1.0 - share)):
        there = q[side]
        off = 0.5 * math.sqrt(2 * divergence / mass) + 4.5 * 0.5 / math.sqrt(len(there))
        assert float(there.mean()) == pytest.approx(place, abs=off)
        assert float(there.std()) == pytest.approx(0.5, abs=off)


def test_a_mixtures_particles_stand_for_its_weights():
    guide = AutoMixtureGuide(loads(LINE).morphism, components=3)
    with torch.no_grad():
        guide.logits.copy_(torch.tensor([0.0, 1.0, -2.0]))
    _, log_shares = guide.particles(5)
    torch.testing.assert_close(log_shares.exp().reshape(3, 5).sum(1), torch.softmax(guide.logits, 0))
    log_shares[0].backward()
    assert guide.logits.grad.abs().min() > 0


def test_one_normal_misses_a_mode():
    model = loads(BIMODAL).morphism
    data = {"w": torch.tensor(-3.0)}
    guide = AutoNormalGuide(model)
    fitted(model, data, guide, rate=0.05)
    q = guide.sample(model.bind(data), (1000,))["v"]
    share = float((q > 0).double().mean())
    assert share in (0.0, 1.0)


def test_the_flow_beats_mean_field_on_a_funnel():
    model = loads(FUNNEL).morphism
    torch.manual_seed(0)
    flow = AutoFlowGuide(model)
    plain = AutoNormalGuide(model)
    _, bent = fitted(model, {}, flow, steps=250, rate=0.02, particles=16)
    _, straight = fitted(model, {}, plain, steps=1000, rate=0.05, particles=16)
    # Of independent normals on v and each x the ELBO is −log 3 + ½ log s² − s² − s²/18 + ½ at the best widths
    # of the x, and greatest where the variance s² of v is 9/19. The evidence is 1, and its logarithm 0.
    best = 0.5 * math.log(9 / 19) - math.log(3.0)
    level, error = level_of(straight.elbo[-500:])
    assert abs(level - best) < 4.5 * error
    level, error = level_of(bent.elbo[-100:])
    assert best + 4.5 * error < level < 4.5 * error


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("shape", [(), (3,), (2, 5)])
def test_draws_and_densities_have_the_shape_asked_for(kind, shape):
    guide = kind(loads(LINE).morphism)
    q = guide.rsample(shape)
    assert q.shape == (*shape, 2)
    assert guide.log_density(q).shape == shape


@pytest.mark.parametrize("kind", EVERY)
def test_a_density_integrates_to_one(kind):
    torch.manual_seed(4)
    guide = kind(loads(LINE).morphism, initial_scale=0.7)
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    line = torch.linspace(-9.0, 9.0, 241, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    with torch.no_grad():
        total = guide.log_density(grid).exp().sum() * (line[1] - line[0]) ** 2
    assert float(total) == pytest.approx(1.0, abs=1e-3)
    # Draws follow that density: their entropy is the integral's, to 4.5 standard errors.
    with torch.no_grad():
        logs = guide.log_density(grid)
        entropy = -(logs.exp() * logs).sum() * (line[1] - line[0]) ** 2
        seen = -guide.log_density(guide.rsample((20_000,)))
    assert float(seen.mean()) == pytest.approx(
        float(entropy), abs=4.5 * float(seen.std()) / math.sqrt(20_000) + 2e-3
    )


@pytest.mark.parametrize("kind", EVERY)
def test_a_frozen_density_moves_with_the_point_alone(kind):
    guide = kind(loads(LINE).morphism)
    q = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    guide.log_density(q).sum().backward()
    assert q.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in guide.parameters())
    guide.log_density(q.detach(), frozen=False).sum().backward()
    assert guide.loc.grad.abs().sum() > 0


@pytest.mark.parametrize("kind", [*EVERY, AutoDeltaGuide, AutoLaplaceApproximation])
def test_sizes_may_come_with_the_data(kind):
    model = loads(UNSIZED).morphism
    torch.manual_seed(0)
    guide = kind(model, observed_names={"x", "y"})
    with pytest.raises(QvrError, match="The size of Row comes with the data, so the guide does not know its"):
        guide.rsample()
    optimizer = torch.optim.Adam(list(model.parameters()) + list(guide.parameters()), lr=0.05)
    svi = SVI(model, guide, optimizer, ELBO(2))
    svi.step(None, DATA)
    before = guide.loc.detach().clone()
    svi.step(None, DATA)
    assert not torch.equal(guide.loc, before)
    assert guide.dimension == 7
    assert guide.shapes == {"a": (), "b": (6,)}
    made = kind(model, observations=DATA)
    assert made.dimension == 7
    shorter = {name: values[:4] for name, values in DATA.items()}
    with pytest.raises(QvrError, match=r"The guide was made for latents a, b \(6,\), but with these data"):
        svi.step(None, shorter)


def test_predicted_data_give_the_sizes_to_a_guide_made_for_them():
    model = loads(UNSIZED).morphism
    guide = AutoNormalGuide(model, observations={"x": DATA["x"]})
    assert Predictive(model, posterior=guide, num_samples=5)(None, {"x": DATA["x"]})["y"].shape == (5, 6)


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (
            AutoLowRankMultivariateNormalGuide,
            {"rank": 3},
            "rank must be at most 2, the number of coordinates",
        ),
        (
            AutoLowRankMultivariateNormalGuide,
            {"rank": 0},
            "rank must be a whole number of at least 1, it is 0",
        ),
        (AutoMixtureGuide, {"components": 0}, "components must be a whole number of at least 1, it is 0"),
        (AutoFlowGuide, {"layers": 0}, "layers must be a whole number of at least 1, it is 0"),
        (AutoFlowGuide, {"hidden": 1.5}, "hidden must be a whole number of at least 1"),
    ],
)
def test_settings_that_make_no_sense_are_told_in_a_sentence(kind, options, message):
    with pytest.raises(QvrError, match=message):
        kind(loads(LINE).morphism, **options)


def test_a_flow_of_one_coordinate_is_refused():
    with pytest.raises(QvrError, match="A flow needs two coordinates or more, the program has one"):
        AutoFlowGuide(loads(SCALE).morphism)
