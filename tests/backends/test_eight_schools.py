"""The chapter's two models: densities, gradients, coordinates and draws against torch.distributions."""

from __future__ import annotations

import ctypes
import threading

import numpy as np
import pytest
import torch
import torch.distributions as td
from schools import CENTRED, NONCENTRED, SIGMA, Y

from quivers.backends.pointer import torch_pointer
from quivers.dsl import loads
from quivers.errors import DataError, QvrError

ZERO = torch.zeros((), dtype=torch.float64)
FIVE = ZERO + 5


def written_by_hand(values: dict[str, torch.Tensor], centred: bool) -> torch.Tensor:
    mu, tau = values["mu"], values["tau"]
    total = td.Normal(ZERO, FIVE).log_prob(mu) + td.HalfNormal(FIVE).log_prob(tau)
    if centred:
        theta = values["theta"]
        total = total + td.Normal(mu[..., None], tau[..., None]).log_prob(theta).sum(-1)
    else:
        eta = values["eta"]
        theta = mu[..., None] + tau[..., None] * eta
        total = total + td.Normal(ZERO, ZERO + 1).log_prob(eta).sum(-1)
    return total + td.Normal(theta, SIGMA).log_prob(Y).sum(-1)


@pytest.mark.parametrize("source", [CENTRED, NONCENTRED], ids=["centred", "noncentred"])
def test_the_density_is_the_one_written_by_hand(source, schools):
    model = loads(source).morphism
    bound = model.bind(schools)
    q = torch.randn(4, 3, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    values = bound.constrain(q)
    expected = written_by_hand(values, source is CENTRED)
    torch.testing.assert_close(model.log_joint(values, schools), expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(bound.log_density(q), expected + q[..., 1], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("source", [CENTRED, NONCENTRED], ids=["centred", "noncentred"])
def test_the_straight_line_gradient_agrees_with_autograd_and_finite_differences(source, schools):
    bound = loads(source).morphism.bind(schools)
    q = torch.randn(10, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    gradient = np.empty(10)
    value = bound.log_density_and_gradient(q.detach().numpy(), gradient)
    (expected,) = torch.autograd.grad(bound.log_density(q), q)
    assert value == pytest.approx(bound.log_density(q).item(), rel=1e-12)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)
    for place in range(10):
        step = torch.zeros(10, dtype=torch.float64)
        step[place] = 1e-5
        slope = (bound.log_density(q + step) - bound.log_density(q - step)).item() / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-6, abs=1e-6)


def test_the_pointer_gives_the_density_and_its_gradient_to_c(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    pointer = torch_pointer(bound)
    double = ctypes.POINTER(ctypes.c_double)
    function = ctypes.CFUNCTYPE(ctypes.c_double, double, double, double)(pointer.address)
    q, gradient, expected = np.linspace(-1, 1, 10), np.empty(10), np.empty(10)
    value = function(q.ctypes.data_as(double), gradient.ctypes.data_as(double), None)
    assert value == bound.log_density_and_gradient(q, expected)
    np.testing.assert_array_equal(gradient, expected)
    assert pointer.dimension == 10
    assert pointer.failure() is None


def test_a_failure_inside_a_call_is_kept_and_the_call_gives_nan(schools, monkeypatch):
    bound = loads(CENTRED).morphism.bind(schools)
    pointer = torch_pointer(bound)
    monkeypatch.setattr(type(bound.straight_line()), "evaluate", lambda self: 1 / 0)
    function = ctypes.CFUNCTYPE(ctypes.c_double, *[ctypes.c_void_p] * 3)(pointer.address)
    assert np.isnan(function(np.zeros(10).ctypes.data, np.zeros(10).ctypes.data, None))
    assert isinstance(pointer.failure(), ZeroDivisionError)


def test_threads_do_not_disturb_each_other(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    points = np.random.default_rng(3).normal(size=(4, 50, 10))
    expected = [[bound.log_density(torch.from_numpy(q)).item() for q in row] for row in points]
    found: list[list[float]] = [[] for _ in points]

    def work(row: int) -> None:
        gradient = np.empty(10)
        found[row] = [bound.log_density_and_gradient(q, gradient) for q in points[row]]

    threads = [threading.Thread(target=work, args=(row,)) for row in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    "observations",
    [
        {"sigma_j": SIGMA[None], "y": Y[None]},
        {"sigma_j": SIGMA.float(), "y": Y.to(torch.int32)},
        {"sigma_j": SIGMA.tolist(), "y": Y.numpy()},
    ],
    ids=["leading axis of one", "other dtypes", "lists and arrays"],
)
def test_observations_come_in_many_shapes_and_types(observations, schools):
    model = loads(CENTRED).morphism
    q = torch.linspace(-1, 1, 10, dtype=torch.float64)
    expected = model.bind(schools).log_density(q)
    assert model.bind(observations).log_density(q).item() == pytest.approx(expected.item(), rel=1e-6)


def test_constrain_gives_latents_and_lets_in_the_programs_order(schools):
    bound = loads(NONCENTRED).morphism.bind(schools)
    values = bound.constrain(torch.zeros(2, 5, 10, dtype=torch.float64))
    assert list(values) == ["mu", "tau", "eta", "theta"]
    assert {name: tuple(value.shape) for name, value in values.items()} == {
        "mu": (2, 5), "tau": (2, 5), "eta": (2, 5, 8), "theta": (2, 5, 8),
    }  # fmt: skip
    assert [(place.name, place.start, place.stop) for place in bound.coordinates] == [
        ("mu", 0, 1), ("tau", 1, 2), ("eta", 2, 10),
    ]  # fmt: skip


def test_unconstrain_is_the_inverse_of_constrain(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    q = torch.randn(3, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    torch.testing.assert_close(bound.unconstrain(bound.constrain(q)), q, rtol=1e-10, atol=1e-10)


def test_the_terms_add_up_and_name_their_sites(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    q = torch.linspace(-1, 1, 10, dtype=torch.float64)
    terms = bound.explain(q)
    assert [(term.site, term.kind) for term in terms] == [
        ("mu", "prior"), ("tau", "prior"), ("theta", "prior"), ("y", "likelihood"), ("tau", "jacobian"),
    ]  # fmt: skip
    assert sum(term.value for term in terms) == pytest.approx(bound.log_density(q).item(), rel=1e-12)


def test_prior_draws_have_the_priors_moments(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    draws = bound.sample_prior((20_000,), torch.Generator().manual_seed(5))
    assert draws["theta"].shape == (20_000, 8)
    assert draws["mu"].mean().item() == pytest.approx(0.0, abs=4 * 5 / 141)
    assert draws["theta"].var(0).mean().item() == pytest.approx(50.0, rel=0.05)  # 5² of mu and 5² of tau
    again = bound.sample_prior((20_000,), torch.Generator().manual_seed(5))
    assert torch.equal(draws["theta"], again["theta"])


def test_predictions_need_no_observations_and_follow_the_latents(schools):
    bound = loads(NONCENTRED).morphism.bind({"sigma_j": SIGMA}, require_observed=False)
    values = {
        "mu": torch.full((2, 3000), 100.0),
        "tau": torch.full((2, 3000), 1e-9),
        "eta": torch.zeros(2, 3000, 8),
    }
    drawn = bound.predict(values, torch.Generator().manual_seed(6))
    assert list(drawn) == ["y", "theta"]
    assert drawn["y"].shape == (2, 3000, 8)
    np.testing.assert_allclose(drawn["y"].mean((0, 1)), 100.0, atol=4.5 * 18 / 77)
    np.testing.assert_allclose(drawn["y"].std((0, 1)), SIGMA, rtol=0.05)
    with pytest.raises(QvrError, match="`y`"):
        bound.log_density(torch.zeros(10, dtype=torch.float64))


def test_the_program_runs_forwards(schools):
    model = loads(CENTRED).morphism
    draws = model.rsample(schools, (7,), torch.Generator().manual_seed(7))
    assert {name: tuple(value.shape) for name, value in draws.items()} == {
        "mu": (7,), "tau": (7,), "theta": (7, 8), "y": (7, 8),
    }  # fmt: skip
    assert model(torch.zeros(1, 1), {"sigma_j": SIGMA}).shape == (8,)


def test_log_prob_gives_each_site_its_axes_and_is_minus_infinity_outside_the_support(schools):
    model = loads(CENTRED).morphism
    values = {"mu": torch.zeros(3), "tau": torch.tensor([1.0, -1.0, 2.0]), "theta": torch.zeros(3, 8)}
    parts = model.log_prob(values, schools)
    assert {name: tuple(part.shape) for name, part in parts.items()} == {
        "mu": (3,), "tau": (3,), "theta": (3, 8), "y": (3, 8),
    }  # fmt: skip
    joint = model.log_joint(values, schools)
    assert torch.isfinite(joint).tolist() == [True, False, True]
    assert joint[1].item() == -np.inf


def test_shapes_are_known_without_data():
    assert loads(CENTRED).morphism.latent_shapes() == {"mu": (), "tau": (), "theta": (8,)}


def test_bad_data_is_refused_when_it_is_bound(schools):
    model = loads(CENTRED).morphism
    with pytest.raises(DataError, match="sigma_j"):
        model.bind({**schools, "sigma_j": -SIGMA})
    with pytest.raises(DataError, match="y"):
        model.bind({"sigma_j": SIGMA})


def test_values_of_the_wrong_shape_are_refused(schools):
    bound = loads(CENTRED).morphism.bind(schools)
    with pytest.raises(QvrError, match="theta has the shape"):
        bound.unconstrain({"mu": 0.0, "tau": 1.0, "theta": torch.zeros(7)})
    with pytest.raises(QvrError, match="No value is given for `theta`"):
        bound.unconstrain({"mu": 0.0, "tau": 1.0})
    with pytest.raises(QvrError, match="10 coordinates"):
        bound.log_density(torch.zeros(9, dtype=torch.float64))


def test_a_let_of_data_that_is_observed_is_predicted(schools):
    source = CENTRED.replace("observe y :", "let log_y = log(y)\n    observe log_y :")
    model = loads(source).morphism
    bound = model.bind({**schools, "y": schools["y"].abs()})
    values = bound.constrain(torch.zeros(2, 10, dtype=torch.float64))
    assert bound.predict(values)["log_y"].shape == (2, 8)
