"""SVI and prediction: a guide finds a posterior that it can hold, and everything observed is drawn anew."""

import math

import pytest
import torch

from quivers.dsl import loads
from quivers.errors import DataError, QvrError, SamplingError
from quivers.inference import ELBO, MCMC, SVI, AutoNormalGuide, NUTSKernel, Predictive

# A posterior that factors: each group's mean is Normal(4/5 y, √(4/5)) given its one observation.
SOURCE = """
object Group : FinSet 3

program means : Group -> Group
    sample mu : Group <- Normal(0.0, 2.0)
    let doubled = 2.0 * mu
    observe y : Group <- Normal(mu, sd)
    return doubled

export means
"""
DATA = {"y": torch.tensor([[5.0, 0.0, -10.0]]), "sd": torch.ones(1, 3)}
X = torch.zeros(1, 1)


@pytest.fixture(scope="module")
def model():
    return loads(SOURCE).morphism


def fit(model, steps, particles=1, rate=0.05, seed=0):
    torch.manual_seed(seed)
    guide = AutoNormalGuide(model, observed_names={"y", "sd"})
    optimizer = torch.optim.Adam(list(model.parameters()) + list(guide.parameters()), lr=rate)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=particles))
    losses = [svi.step(X, DATA) for _ in range(steps)]
    return guide, losses


@pytest.fixture(scope="module")
def fitted(model):
    torch.manual_seed(0)
    guide = AutoNormalGuide(model)
    optimizer = torch.optim.Adam(guide.parameters(), lr=0.2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.99)
    svi = SVI(model, guide, optimizer, ELBO(num_particles=16))
    for _ in range(400):
        svi.step(X, DATA)
        scheduler.step()
    return guide


@pytest.fixture(scope="module")
def sampled(model):
    return MCMC(NUTSKernel(), num_warmup=100, num_samples=50, num_chains=2, seed=1).run(model, X, DATA)


def test_a_guide_has_a_place_for_each_coordinate_before_any_data(model):
    guide = AutoNormalGuide(model)
    assert {name: tuple(parameter.shape) for name, parameter in guide.named_parameters()} == {
        "loc": (3,), "log_scale": (3,),
    }  # fmt: skip


def test_the_guide_finds_a_posterior_that_factors(fitted):
    torch.testing.assert_close(
        fitted.loc, torch.tensor([4.0, 0.0, -8.0], dtype=torch.float64), atol=0.05, rtol=0
    )
    scales = torch.exp(fitted.log_scale)
    torch.testing.assert_close(scales, torch.full_like(scales, math.sqrt(0.8)), rtol=0.05, atol=0)


def test_at_the_posterior_the_loss_is_the_log_evidence(model, fitted):
    # y is Normal(0, √5) when mu is integrated out.
    evidence = torch.distributions.Normal(0.0, math.sqrt(5.0)).log_prob(DATA["y"].double()).sum()
    torch.manual_seed(1)
    loss = ELBO(num_particles=1000).loss(model.bind(DATA), fitted)
    # What is left is the fit's own distance: it is not quite the posterior.
    assert float(loss.detach()) == pytest.approx(-float(evidence), abs=0.02)


def test_its_density_is_that_of_independent_normals(fitted):
    normal = torch.distributions.Normal(fitted.loc.detach(), torch.exp(fitted.log_scale.detach()))
    q = fitted.rsample((2, 5))
    torch.testing.assert_close(fitted.log_density(q), normal.log_prob(q).sum(-1))


def test_a_fit_is_repeated_under_the_same_seed(model):
    first, second, other = fit(model, 5), fit(model, 5), fit(model, 5, seed=1)
    assert first[1] == second[1] != other[1]
    assert torch.equal(first[0].loc, second[0].loc)
    assert all(isinstance(loss, float) for loss in first[1])


def test_data_written_over_in_place_are_bound_anew(model):
    torch.manual_seed(0)
    guide = AutoNormalGuide(model)
    svi = SVI(model, guide, torch.optim.SGD(guide.parameters(), lr=0.0), ELBO(num_particles=200))
    data = {name: values.clone() for name, values in DATA.items()}
    array = data["y"].numpy()
    before = svi.step(X, data)
    assert svi.step(X, data) == pytest.approx(before, rel=0.05)
    array += 100.0
    assert svi.step(X, data) > before + 1000


def test_data_are_bound_once(model, monkeypatch):
    calls = []
    bind = model.bind
    monkeypatch.setattr(model, "bind", lambda *arguments: calls.append(1) or bind(*arguments))
    fit(model, 4)
    assert len(calls) == 1


def test_a_loss_that_is_not_finite_leaves_the_parameters_alone(model):
    guide = AutoNormalGuide(model)
    with torch.no_grad():
        guide.loc.fill_(1e200)
    svi = SVI(model, guide, torch.optim.SGD(guide.parameters(), lr=0.1), ELBO())
    with pytest.raises(SamplingError, match="The loss is inf"):
        svi.step(X, DATA)
    assert (guide.loc == 1e200).all()


def test_prediction_from_a_guide_draws_latents_lets_and_observations(model, fitted):
    torch.manual_seed(0)
    drawn = Predictive(model, posterior=fitted, num_samples=4000)(X, {"sd": DATA["sd"]})
    assert {name: tuple(values.shape) for name, values in drawn.items()} == {
        "mu": (4000, 3), "doubled": (4000, 3), "y": (4000, 3),
    }  # fmt: skip
    torch.testing.assert_close(drawn["doubled"], 2 * drawn["mu"])
    # The posterior's variance 4/5 and the observation's 1.
    spread = (drawn["y"] - drawn["y"].mean(0)).square().mean(0)
    assert ((spread / 1.8 - 1).abs() < 0.15).all()
    torch.manual_seed(0)
    again = Predictive(model, posterior=fitted, num_samples=4000)(X, {"sd": DATA["sd"]})
    assert torch.equal(again["y"], drawn["y"])


@pytest.mark.parametrize("num_samples", [None, 10, 100, 250])
def test_prediction_from_a_run_takes_its_draws_evenly(model, sampled, num_samples):
    drawn = Predictive(model, posterior=sampled, num_samples=num_samples)(X, {"sd": DATA["sd"]})
    wanted = num_samples or 100
    assert drawn["y"].shape == (wanted, 3)
    flat = sampled.samples["mu"].flatten(0, 1)
    matches = (drawn["mu"][:, None] == flat[None]).all(-1)
    assert matches.any(1).all()
    uses = matches.sum(0)
    assert int(uses.max()) - int(uses.min()) <= 1


def test_prediction_does_not_need_what_is_observed_but_what_is_given(model, fitted):
    with pytest.raises(DataError, match="sd"):
        Predictive(model, posterior=fitted, num_samples=5)(X, {})


def test_wrong_posteriors_and_counts_are_told_in_a_sentence(model, fitted):
    with pytest.raises(QvrError, match="posterior must be a guide or the result of a run, not dict"):
        Predictive(model, posterior={})
    with pytest.raises(QvrError, match="num_samples must be a whole number of at least 1, it is 0"):
        Predictive(model, posterior=fitted, num_samples=0)
    with pytest.raises(QvrError, match="num_particles must be a whole number of at least 1, it is -1"):
        ELBO(num_particles=-1)


def test_a_posterior_of_another_program_is_refused(fitted, sampled):
    other = loads(SOURCE.replace("mu", "nu")).morphism
    with pytest.raises(QvrError, match="The guide was made for latents mu"):
        Predictive(other, posterior=fitted)(X, {"sd": DATA["sd"]})
    with pytest.raises(QvrError, match="The posterior is one of mu, but the program samples nu"):
        Predictive(other, posterior=sampled)(X, {"sd": DATA["sd"]})


def test_names_that_are_not_inputs_are_refused_as_observed(model):
    with pytest.raises(
        QvrError, match="observed_names has z, which is not an input of the program; its inputs are"
    ):
        AutoNormalGuide(model, observed_names={"y", "z"})
    with pytest.raises(QvrError, match="observed_names has mu, which the program samples"):
        AutoNormalGuide(model, observed_names={"mu"})
