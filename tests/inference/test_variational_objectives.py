"""The objectives: the ELBO, the wider bounds around it, and their gradients, against what is known."""

import itertools
import math

import pytest
import torch

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import (
    ELBO,
    IWAE,
    SVI,
    AutoMixtureGuide,
    AutoMultivariateNormalGuide,
    AutoNormalGuide,
    RenyiELBO,
)

SOURCE = """
object Group : FinSet 2

program means : Group -> Group
    sample mu : Group <- Normal(0.0, 2.0)
    observe y : Group <- Normal(mu, 1.0)
    return mu

export means
"""
DATA = {"y": torch.tensor([1.0, -0.5])}
EVIDENCE = float(torch.distributions.Normal(0.0, math.sqrt(5.0)).log_prob(DATA["y"].double()).sum())


@pytest.fixture(scope="module")
def bound():
    return loads(SOURCE).morphism.bind(DATA)


def made(kind=AutoNormalGuide, **options):
    torch.manual_seed(0)
    return kind(loads(SOURCE).morphism, initial_scale=0.6, **options)


def estimates(objective, bound, guide, count):
    torch.manual_seed(1)
    with torch.no_grad():
        return torch.stack([-objective.loss(bound, guide) for _ in range(count)])


def gradients(objective, bound, guide, count):
    torch.manual_seed(1)
    found = []
    for _ in range(count):
        guide.zero_grad()
        objective.loss(bound, guide).backward()
        found.append(torch.cat([parameter.grad.flatten() for parameter in guide.parameters()]))
    return torch.stack(found)


def test_alpha_one_is_the_elbo_and_its_limit(bound):
    guide = made()
    values = []
    for objective in (ELBO(8), RenyiELBO(1.0, 8), RenyiELBO(1.0 - 1e-6, 8), RenyiELBO(1.0 + 1e-6, 8)):
        torch.manual_seed(1)
        guide.zero_grad()
        loss = objective.loss(bound, guide)
        loss.backward()
        values.append(torch.cat([loss.detach()[None], guide.loc.grad, guide.log_scale.grad]))
    assert torch.equal(values[0], values[1])
    torch.testing.assert_close(values[2], values[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(values[3], values[0], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("objective", [IWAE(1), RenyiELBO(0.5, 1), RenyiELBO(3.0, 1)])
def test_one_particle_is_the_elbo(bound, objective):
    guide = made()
    torch.testing.assert_close(gradients(objective, bound, guide, 3), gradients(ELBO(1), bound, guide, 3))


def test_the_importance_weighted_bound_tightens_with_its_particles(bound):
    guide = made()
    means = [estimates(IWAE(count), bound, guide, 600) for count in (1, 5, 50)]
    for looser, tighter in itertools.pairwise(means):
        error = math.hypot(float(looser.std()), float(tighter.std())) / math.sqrt(600)
        assert tighter.mean() - looser.mean() > 4.5 * error
    # With 50 it is below the evidence, by less than a third of the ELBO's gap.
    gaps = [EVIDENCE - float(mean.mean()) for mean in means]
    assert -4.5 * float(means[2].std()) / math.sqrt(600) < gaps[2] < gaps[0] / 3


def test_the_bound_falls_as_alpha_rises(bound):
    guide = made()
    values = [estimates(RenyiELBO(alpha, 50), bound, guide, 200).mean() for alpha in (0.0, 0.5, 1.0, 2.0)]
    assert sorted(values, reverse=True) == values


@pytest.mark.parametrize("alpha", [-1.0, 0.0, 0.5, 2.0])
@pytest.mark.parametrize("kind", [AutoNormalGuide, AutoMixtureGuide])
def test_the_gradient_is_that_of_the_expected_bound(bound, alpha, kind):
    options = {"components": 2} if kind is AutoMixtureGuide else {}
    guide = made(kind, **options)
    objective = RenyiELBO(alpha, 3)
    found = gradients(objective, bound, guide, 400)
    # The plain reparameterised gradient of the same bound, noisier, differentiated throughout.
    torch.manual_seed(2)
    plain = []
    for _ in range(400):
        guide.zero_grad()
        q, shares = guide.particles(3)
        shares = torch.full((3,), -math.log(3.0)).double() if shares is None else shares
        weights = bound.log_density(q) - guide.log_density(q, frozen=False)
        (-torch.logsumexp(shares + (1 - alpha) * weights, 0) / (1 - alpha)).backward()
        plain.append(torch.cat([parameter.grad.flatten() for parameter in guide.parameters()]))
    plain = torch.stack(plain)
    error = torch.hypot(found.std(0), plain.std(0)) / math.sqrt(400)
    assert ((found.mean(0) - plain.mean(0)).abs() < 4.5 * error).all()


def test_where_the_guide_matches_no_bound_has_noise(bound):
    guide = made()
    with torch.no_grad():
        guide.loc.copy_(0.8 * DATA["y"])
        guide.log_scale.fill_(0.5 * math.log(0.8))
    for objective in (ELBO(3), IWAE(3), RenyiELBO(0.5, 3), RenyiELBO(2.0, 3)):
        assert float(estimates(objective, bound, guide, 5).std()) < 1e-6
        assert gradients(objective, bound, guide, 5).abs().max() < 1e-6
        assert float(estimates(objective, bound, guide, 1)) == pytest.approx(EVIDENCE, abs=1e-6)


def test_a_point_of_no_density_does_not_spoil_the_others(bound):
    class Edge:
        def log_density(self, q):
            return torch.where(q[..., 0] > 0.0, bound.log_density(q), -math.inf)

    guide = made()
    torch.manual_seed(1)
    loss = IWAE(20).loss(Edge(), guide)
    loss.backward()
    assert math.isfinite(float(loss.detach()))
    assert guide.loc.grad.isfinite().all()


@pytest.mark.parametrize("objective", [IWAE(8), RenyiELBO(0.5, 8)])
@pytest.mark.parametrize("kind", [AutoNormalGuide, AutoMultivariateNormalGuide])
def test_a_fit_by_a_wider_bound_ends_at_the_posterior(objective, kind):
    torch.manual_seed(0)
    model = loads(SOURCE).morphism
    guide = kind(model, initial_scale=1.0)
    optimizer = torch.optim.Adam(guide.parameters(), lr=0.1)
    svi = SVI(model, guide, optimizer, objective)
    svi.run(300, None, DATA, tolerance=None, schedule=torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99))
    torch.testing.assert_close(guide.loc.detach(), 0.8 * DATA["y"].double(), atol=0.05, rtol=0)
    torch.testing.assert_close(guide.log_scale.exp(), torch.full((2,), 0.8**0.5).double(), atol=0, rtol=0.05)
    assert svi.check() == ()


@pytest.mark.parametrize("alpha", [math.nan, math.inf, "1", True])
def test_an_alpha_that_makes_no_sense_is_told_in_a_sentence(alpha):
    with pytest.raises(QvrError, match="alpha must be a finite number, it is"):
        RenyiELBO(alpha)
