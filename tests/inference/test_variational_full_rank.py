"""The full-rank guide holds a normal posterior, where the mean-field one is too narrow, and k̂ says so."""

import math
import re
from pathlib import Path

import pytest
import torch

from quivers.dsl import load, loads
from quivers.errors import QvrError
from quivers.inference import (
    ELBO,
    SVI,
    AutoMultivariateNormal,
    AutoMultivariateNormalGuide,
    AutoNormalGuide,
    Predictive,
    guide_full_rank,
)

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

# Far from the mean of x, intercept and slope have a correlation of −0.93.
LINE = """
object Row : FinSet 6

program line : Row -> Row
    sample a <- Normal(0.0, 10.0)
    sample b <- Normal(0.0, 10.0)
    observe y : Row <- Normal(a + b * x, 1.0)
    return y

export line
"""
LINE_DATA = {
    "x": torch.tensor([2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
    "y": torch.tensor([2.7, 4.1, 3.9, 4.2, 5.4, 5.1]),
}

VECTOR = """
object K : FinSet 3

program vector : K -> K
    sample v : K <- MultivariateNormal(m, covariance_matrix=S)
    observe y : K <- Normal(v, 1.0)
    return v

export vector
"""
COVARIANCE = torch.tensor([[2.0, 1.4, -0.5], [1.4, 1.5, 0.0], [-0.5, 0.0, 1.0]], dtype=torch.float64)
VECTOR_DATA = {
    "m": torch.tensor([1.0, -2.0, 0.5]),
    "S": COVARIANCE,
    "y": torch.tensor([3.0, 0.0, -1.0]),
}

CONSTRAINED = """
object K : FinSet 3
object Group : FinSet 2

program constrained : K -> Group * K
    sample w : Group * K <- Dirichlet(1.0)
    sample R : K * K <- LKJ(2.0)
    sample s <- HalfNormal(1.0)
    observe y : K <- Normal(s, 1.0)
    return w

export constrained
"""

SCHOOLS = {
    "y": torch.tensor([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0]),
    "sigma_j": torch.tensor([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]),
}


def fitted(model, data, guide, *, steps=800, rate=0.1, particles=16):
    torch.manual_seed(0)
    optimizer = torch.optim.Adam(guide.parameters(), lr=rate)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=particles))
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.02 ** (1 / steps))
    svi.run(steps, None, data, tolerance=None, schedule=schedule)
    return svi


def line_posterior():
    design = torch.stack([torch.ones(6), LINE_DATA["x"]], dim=1).double()
    covariance = torch.linalg.inv(design.T @ design + torch.eye(2) / 100)
    return covariance @ design.T @ LINE_DATA["y"].double(), covariance


def vector_posterior():
    precision = torch.linalg.inv(COVARIANCE)
    covariance = torch.linalg.inv(precision + torch.eye(3))
    return covariance @ (precision @ VECTOR_DATA["m"].double() + VECTOR_DATA["y"].double()), covariance


@pytest.mark.parametrize(
    ("source", "data", "posterior"),
    [(LINE, LINE_DATA, line_posterior), (VECTOR, VECTOR_DATA, vector_posterior)],
    ids=["two numbers", "a vector"],
)
def test_it_finds_the_mean_and_covariance_of_a_normal_posterior(source, data, posterior):
    model = loads(source).morphism
    guide = AutoMultivariateNormalGuide(model)
    svi = fitted(model, data, guide)
    mean, covariance = posterior()
    deviation = covariance.diagonal().sqrt()
    assert ((guide.loc - mean).abs() < 0.05 * deviation).all()
    # Relative to the scales: an entry of the covariance may be 0.
    difference = (guide.covariance() - covariance) / torch.outer(deviation, deviation)
    assert difference.abs().max() < 0.05
    assert svi.pareto_k() < 0.5
    assert svi.check() == ()


def test_the_mean_field_guide_is_too_narrow_there_and_its_k_says_so():
    model = loads(LINE).morphism
    guide = AutoNormalGuide(model)
    svi = fitted(model, LINE_DATA, guide)
    mean, covariance = line_posterior()
    # The best that independent normals do is the precision's diagonal (Bishop 2006, eq. 10.13–10.15).
    best = torch.linalg.inv(covariance).diagonal().rsqrt()
    torch.testing.assert_close(torch.exp(guide.log_scale), best, rtol=0.1, atol=0)
    assert (best < 0.5 * covariance.diagonal().sqrt()).all()
    assert ((guide.loc - mean).abs() < 0.3 * covariance.diagonal().sqrt()).all()
    (sentence,) = svi.check()
    assert re.match(r"The guide misses parts of the posterior \(its Pareto k̂ is [\d.]+; it should", sentence)
    assert "AutoMultivariateNormalGuide" in sentence
    assert "NUTS" in sentence


def test_mean_field_collapses_on_the_centred_eight_schools_and_its_k_says_so():
    model = load(EXAMPLES / "eight_schools" / "centred.qvr").morphism
    guide = AutoNormalGuide(model)
    svi = fitted(model, SCHOOLS, guide, steps=1200, rate=0.05, particles=8)
    # The posterior's log tau has a standard deviation of about 1; the guide's is a quarter of that.
    assert float(torch.exp(guide.log_scale.detach()[list(guide.shapes).index("tau")])) < 0.4
    assert svi.pareto_k(num_samples=20_000) > 0.7
    assert len(svi.check()) == 1


def test_mean_field_holds_the_non_centred_eight_schools():
    model = load(EXAMPLES / "eight_schools" / "noncentred.qvr").morphism
    guide = AutoNormalGuide(model)
    svi = fitted(model, SCHOOLS, guide, steps=800, rate=0.05, particles=8)
    drawn = guide.sample(model.bind(SCHOOLS), (4000,))
    assert float(drawn["tau"].mean()) == pytest.approx(3.0, abs=0.7)
    assert svi.check() == ()


def test_a_full_rank_guide_that_does_not_match_is_not_told_to_be_one():
    model = loads(LINE).morphism
    guide = AutoMultivariateNormalGuide(model)
    svi = SVI(model, guide, torch.optim.SGD(guide.parameters(), lr=0.0), ELBO())
    torch.manual_seed(0)
    (sentence,) = svi.check(LINE_DATA)
    assert "AutoMultivariateNormalGuide" not in sentence
    assert "run more steps, or sample it with NUTS" in sentence


def test_it_starts_as_the_mean_field_guide_does():
    model = loads(LINE).morphism
    guide, other = AutoMultivariateNormalGuide(model), AutoNormalGuide(model)
    assert torch.equal(guide.loc, other.loc)
    assert torch.equal(guide.log_scale, other.log_scale)
    torch.testing.assert_close(guide.covariance(), torch.eye(2, dtype=torch.float64) * 0.01)
    torch.manual_seed(0)
    ours = guide.rsample((5,))
    torch.manual_seed(0)
    assert torch.equal(ours, other.rsample((5,)))


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_its_density_and_draws_are_those_of_a_multivariate_normal(shape):
    guide = AutoMultivariateNormalGuide(loads(VECTOR).morphism)
    torch.manual_seed(3)
    with torch.no_grad():
        for parameter in guide.parameters():
            parameter.normal_()
    normal = torch.distributions.MultivariateNormal(guide.loc.detach(), guide.covariance())
    q = guide.rsample(shape)
    assert q.shape == (*shape, 3)
    torch.testing.assert_close(guide.log_density(q), normal.log_prob(q))
    draws = guide.rsample((20_000,)).detach()
    deviation = guide.covariance().diagonal().sqrt()
    # 4.5 standard errors of a mean, and of a second moment of two normals.
    assert ((draws.mean(0) - guide.loc).abs() < 4.5 * deviation / math.sqrt(20_000)).all()
    difference = (draws.T.cov() - guide.covariance()) / torch.outer(deviation, deviation)
    assert difference.abs().max() < 4.5 * math.sqrt(2 / 20_000)


@pytest.mark.parametrize("kind", [AutoNormalGuide, AutoMultivariateNormalGuide])
def test_where_the_guide_matches_value_and_gradient_have_no_noise(kind):
    source = LINE.replace("a + b * x", "a") if kind is AutoMultivariateNormalGuide else VECTOR
    data = VECTOR_DATA | {"S": torch.eye(3).double()} if kind is AutoNormalGuide else LINE_DATA
    model = loads(source).morphism
    guide = kind(model)
    with torch.no_grad():
        if kind is AutoNormalGuide:
            guide.loc.copy_((VECTOR_DATA["m"] + VECTOR_DATA["y"]) / 2)
            guide.log_scale.fill_(math.log(math.sqrt(0.5)))
        else:  # a given y, and b, of which nothing is learnt
            precision = 6.0 + 0.01
            guide.loc.copy_(torch.stack([LINE_DATA["y"].double().sum() / precision, torch.tensor(0.0)]))
            guide.log_scale.copy_(torch.tensor([precision**-0.5, 10.0]).log())
    bound = model.bind(data)
    losses = []
    for seed in range(3):
        torch.manual_seed(seed)
        guide.zero_grad()
        loss = ELBO().loss(bound, guide)
        loss.backward()
        losses.append(float(loss.detach()))
        assert all(parameter.grad.abs().max() < 1e-5 for parameter in guide.parameters())
    assert max(losses) - min(losses) < 1e-5


def test_vectors_and_matrices_take_their_free_coordinates():
    model = loads(CONSTRAINED).morphism
    guide = AutoMultivariateNormal(model)
    # Two simplexes of 3, a correlation matrix of 3 by 3, and a scale.
    assert guide.dimension == 2 * 2 + 3 + 1
    assert guide.lower.shape == (8, 8)
    data = {"y": torch.tensor([0.5, 1.0, 1.5])}
    svi = fitted(model, data, guide, steps=60, particles=4)
    drawn = guide.sample(model.bind(data), (50,))
    assert drawn["w"].shape == (50, 2, 3)
    torch.testing.assert_close(drawn["w"].sum(-1), torch.ones(50, 2, dtype=torch.float64))
    assert (torch.linalg.eigvalsh(drawn["R"]) > 0).all()
    torch.testing.assert_close(drawn["R"].diagonal(dim1=1, dim2=2), torch.ones(50, 3, dtype=torch.float64))
    assert math.isfinite(svi.pareto_k(num_samples=250))


def test_what_stands_above_the_diagonal_is_not_read():
    model = loads(VECTOR).morphism
    guide = AutoMultivariateNormalGuide(model)
    fitted(model, VECTOR_DATA, guide, steps=5)
    assert torch.equal(torch.triu(guide.lower), torch.zeros_like(guide.lower))
    assert (torch.tril(guide.lower, -1) != 0).sum() == 3


def test_prediction_takes_it():
    model = loads(LINE).morphism
    guide = AutoMultivariateNormal(model, observed_names={"x", "y"})
    drawn = Predictive(model, posterior=guide, num_samples=20)(None, {"x": LINE_DATA["x"]})
    assert drawn["y"].shape == (20, 6)


def test_mistakes_are_told_in_a_sentence(monkeypatch):
    model = loads(LINE).morphism
    with pytest.raises(QvrError, match=r"initial_scale must be a positive number, it is 0\.0"):
        AutoMultivariateNormalGuide(model, initial_scale=0.0)
    with pytest.raises(QvrError, match="observed_names has z, which is not an input"):
        AutoMultivariateNormalGuide(model, observed_names={"z"})
    nothing = """
object Row : FinSet 2

program nothing : Row -> Row
    observe y : Row <- Normal(0.0, 1.0)
    return y

export nothing
"""
    with pytest.raises(QvrError, match="The program samples nothing, so there is no posterior for a guide"):
        AutoMultivariateNormalGuide(loads(nothing).morphism)
    monkeypatch.setattr(guide_full_rank, "LARGEST_DIMENSION", 1)
    with pytest.raises(
        QvrError, match=r"The program has 2 coordinates, too many.*take AutoLowRankMultivariateNormalGuide"
    ):
        AutoMultivariateNormalGuide(model)
