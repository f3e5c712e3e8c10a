"""Compiled steps of SVI are torch's steps: from the same noise the same numbers, and the same things said."""

import math
import threading
import warnings

import numpy as np
import pytest
import torch
from scipy import stats

from quivers.dsl import loads
from quivers.errors import QvrError, SamplingError
from quivers.inference import ELBO, SVI, AutoMultivariateNormalGuide, AutoNormalGuide, svi
from quivers.inference.compiled_svi_run import CompiledSteps
from quivers.inference.engine import engine_for

SOURCE = """
object School : FinSet 8

program eight_schools : School -> School
    sample mu  <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y : School <- Normal(theta, sigma)
    return theta

export eight_schools
"""
DATA = {
    "y": np.array([28.0, 8, -3, 7, -1, 1, 18, 12]),
    "sigma": np.array([15.0, 10, 16, 11, 9, 11, 10, 18]),
}
STEPS = 50
METHODS = {
    "Adam": lambda p: torch.optim.Adam(p, lr=0.05),
    "Adam that shrinks": lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.8, 0.9), eps=1e-3, weight_decay=0.2),
    "AdamW": lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.2),
    "SGD": lambda p: torch.optim.SGD(p, lr=1e-3, weight_decay=0.2),
    "SGD with momentum": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, dampening=0.3),
    "SGD with Nesterov's": lambda p: torch.optim.SGD(p, lr=1e-3, momentum=0.9, nesterov=True),
}
ADAM = METHODS["Adam"]


@pytest.fixture(scope="module")
def model():
    return loads(SOURCE).morphism


@pytest.fixture(scope="module")
def pointer(model):
    return engine_for("kernel", model.density, model.bind(DATA)).density


def made(model, guide=AutoNormalGuide, method=ADAM, particles=2, engine="auto"):
    torch.manual_seed(0)
    one = guide(model)
    return SVI(model, one, method(one.parameters()), ELBO(particles), engine=engine)


def numbers(one):
    """Parameters, gradients and the optimiser's state, as arrays by name."""
    found = {}
    for name, parameter in one.guide.named_parameters():
        found[name] = parameter.detach().numpy().copy()
        found[f"{name} gradient"] = parameter.grad.numpy().copy()
        for key, value in one.optimizer.state[parameter].items():
            if value is not None:
                found[f"{name} {key}"] = torch.as_tensor(value).numpy().copy()
    return found


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-9, atol=1e-9, err_msg=name)


def taken(one, pointer, count, schedule=None):
    """Compiled steps with the standard normals that torch would draw."""
    particles, n = one.elbo.num_particles, one.guide.dimension
    noise = torch.stack([torch.randn(particles, n, dtype=torch.float64) for _ in range(count)])
    steps = CompiledSteps(
        pointer, one.guide, one.optimizer, schedule, particles=particles, noise=noise.reshape(-1, n).numpy()
    )
    # In two goes, the second of which finds where the noise of its first step is.
    trace = np.concatenate([steps.take(count // 3), steps.take(count - count // 3)])
    steps.write_back()
    return trace


@pytest.mark.parametrize("guide", [AutoNormalGuide, AutoMultivariateNormalGuide])
@pytest.mark.parametrize("method", METHODS)
def test_compiled_steps_are_torchs(model, pointer, guide, method):
    by_torch = made(model, guide, METHODS[method], engine="torch")
    expected = [-by_torch.step(None, DATA) for _ in range(STEPS)]
    compiled = made(model, guide, METHODS[method])
    np.testing.assert_allclose(taken(compiled, pointer, STEPS), expected, rtol=1e-9)
    assert_same(numbers(compiled), numbers(by_torch))


def test_they_go_on_from_torchs_steps_and_torch_from_theirs(model, pointer):
    by_torch, mixed = made(model, engine="torch"), made(model, engine="torch")
    torch.manual_seed(1)
    expected = [-by_torch.step(None, DATA) for _ in range(30)]
    torch.manual_seed(1)
    found = [-mixed.step(None, DATA) for _ in range(10)]
    found += taken(mixed, pointer, 10).tolist()
    found += [-mixed.step(None, DATA) for _ in range(10)]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert_same(numbers(mixed), numbers(by_torch))


@pytest.mark.parametrize("guide", [AutoNormalGuide, AutoMultivariateNormalGuide])
def test_one_step_is_torchs(model, guide):
    by_torch = made(model, guide, engine="torch")
    expected = [by_torch.step(None, DATA) for _ in range(5)]
    compiled = made(model, guide)
    np.testing.assert_allclose([compiled.step(None, DATA) for _ in range(5)], expected, rtol=1e-9)
    assert_same(numbers(compiled), numbers(by_torch))
    assert compiled._compiled is not None


def test_a_guide_or_optimiser_put_in_its_place_is_the_one_that_moves(model):
    one = made(model)
    one.step(None, DATA)
    before = one.guide.loc.detach().clone()
    first, one.guide = one.guide, AutoNormalGuide(model)
    one.optimizer = ADAM(one.guide.parameters())
    one.step(None, DATA)
    assert torch.equal(first.loc, before)
    assert (one.guide.loc != 0.0).all()


@pytest.mark.parametrize(
    "schedule",
    [
        lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9),
        lambda optimizer: torch.optim.lr_scheduler.StepLR(optimizer, 7, 0.5),
        lambda optimizer: torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS),
    ],
)
def test_each_step_has_the_rate_that_the_schedule_gives_it(model, pointer, schedule):
    by_torch = made(model, engine="torch")
    theirs = schedule(by_torch.optimizer)
    by_torch.run(STEPS, None, DATA, schedule=theirs)
    compiled = made(model)
    ours = schedule(compiled.optimizer)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        taken(compiled, pointer, STEPS, ours)
    assert_same(numbers(compiled), numbers(by_torch))
    assert ours.get_last_lr() == theirs.get_last_lr()


def test_a_run_says_that_it_was_compiled_and_repeats_itself(model):
    first, second = made(model), made(model)  # each seeds torch
    torch.manual_seed(5)
    one = first.run(300, None, DATA, tolerance=None)
    torch.manual_seed(5)
    two = second.run(300, None, DATA, tolerance=None, progress=lambda _: None)
    assert (one.engine, one.engine_reason) == ("compiled", None)
    assert one.elbo.tolist() == two.elbo.tolist()
    assert torch.equal(first.guide.loc, second.guide.loc)
    assert first.optimizer.state[first.guide.loc]["step"] == 300


def test_how_a_run_is_cut_into_stretches_does_not_matter(model, monkeypatch):
    whole, cut = made(model), made(model)
    torch.manual_seed(3)
    expected = whole.run(40, None, DATA, tolerance=None).elbo
    monkeypatch.setattr(svi, "BETWEEN_REPORTS", 0.0)  # stretches of one step
    torch.manual_seed(3)
    np.testing.assert_array_equal(cut.run(40, None, DATA, tolerance=None).elbo, expected)


def test_compiled_and_torch_runs_end_at_the_same_posterior(model):
    def end(engine, seed):
        one = made(model, AutoMultivariateNormalGuide, lambda p: torch.optim.Adam(p, 0.02), 4, engine)
        torch.manual_seed(seed)
        rates = torch.optim.lr_scheduler.ExponentialLR(one.optimizer, 0.99)
        one.run(500, None, DATA, tolerance=None, schedule=rates)
        return torch.cat([one.guide.loc.detach(), one.guide.log_scale.detach()])

    # The engines draw other numbers, so torch's end is one more draw of where runs end: its distance from the
    # mean of 20 compiled ones, in their standard deviations, is a t of 19 degrees. Of the 10⁻⁴ that it may
    # be beyond the bound by chance each coordinate has its part.
    ends = torch.stack([end("auto", seed) for seed in range(20)])
    distance = (end("torch", 11) - ends.mean(0)).abs() / (ends.std(0) * math.sqrt(1 + 1 / 20))
    assert (distance < stats.t(19).isf(0.5e-4 / len(distance))).all(), distance


@pytest.mark.parametrize(
    ("change", "engine", "reason"),
    [
        (lambda one: setattr(one, "engine", "torch"), "torch", None),
        (
            lambda one: setattr(one, "optimizer", torch.optim.RMSprop(one.guide.parameters())),
            "kernel",
            "There are no compiled steps for RMSprop with these settings",
        ),
        (
            lambda one: setattr(one, "optimizer", torch.optim.Adam(one.guide.parameters(), amsgrad=True)),
            "kernel",
            "There are no compiled steps for Adam with these settings",
        ),
        (
            lambda one: setattr(one, "optimizer", ADAM([one.guide.loc])),
            "kernel",
            "The optimiser has other parameters than the guide's, or several groups of them",
        ),
        (
            lambda one: one.guide.log_scale.requires_grad_(False),
            "kernel",
            "Some of the guide's parameters are held fixed, or are not float64 numbers of the processor",
        ),
        (
            lambda one: one.guide.loc.register_hook(lambda gradient: 0.5 * gradient),
            "kernel",
            "There are hooks on the optimiser or on the guide's parameters",
        ),
        (
            lambda one: one.optimizer.register_step_post_hook(lambda *_: None),
            "kernel",
            "There are hooks on the optimiser or on the guide's parameters",
        ),
    ],
)
def test_where_steps_are_not_compiled_the_result_says_why(model, change, engine, reason):
    one = made(model)
    change(one)
    result = one.run(3, None, DATA)
    assert (result.engine, result.engine_reason) == (engine, reason)
    assert len(result.elbo) == 3


def test_what_the_compiled_steps_do_not_know_is_left_to_torch(model):
    class Twice(ELBO):
        def loss(self, density, guide):
            return 2.0 * super().loss(density, guide)

    class Still(AutoNormalGuide):
        pass

    one = made(model)
    one.elbo = Twice()
    assert one.run(2, None, DATA).engine_reason == "There are no compiled steps for Twice"
    assert made(model, Still).run(2, None, DATA).engine_reason == "There are no compiled steps for Still"
    one = made(model)
    cycle = torch.optim.lr_scheduler.OneCycleLR(one.optimizer, 0.1, total_steps=10)
    assert one.run(2, None, DATA, schedule=cycle).engine_reason == (
        "OneCycleLR changes more than the learning rate"
    )


def test_torch_differentiates_a_kernel_as_it_does_the_density(model):
    expected, found = [], []
    for engine, told in (("torch", expected), ("auto", found)):
        one = made(model, method=lambda p: torch.optim.RMSprop(p, 0.01), particles=3, engine=engine)
        told += [one.step(None, DATA) for _ in range(20)]
        told += numbers(one)["log_scale"].tolist()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_another_engine_is_refused(model):
    with pytest.raises(QvrError, match='engine must be one of "auto", "kernel", "torch", it is \'gpu\''):
        made(model, engine="gpu")


def test_a_kernel_that_differs_from_torch_is_not_used(model, monkeypatch):
    monkeypatch.setattr("quivers.inference.engine.TOLERANCE", 0.0)
    result = made(model).run(3, None, DATA)
    assert result.engine == "torch"
    assert result.engine_reason.startswith("The kernel disagrees with torch at a starting point")
    with pytest.raises(SamplingError, match="This is a fault in QVR"):
        made(model, engine="kernel").run(3, None, DATA)


def test_a_run_reports_its_progress_and_can_be_cancelled(model, monkeypatch):
    monkeypatch.setattr(svi, "BETWEEN_REPORTS", 1e-4)
    one, cancel, seen, places = made(model), threading.Event(), [], []

    def look(report):
        seen.append(report)
        places.append(one.guide.loc.detach().clone())
        if len(seen) == 3:
            cancel.set()

    result = one.run(10**7, None, DATA, tolerance=None, progress=look, cancel=cancel)
    assert result.cancelled
    assert len(result.elbo) == seen[-1].done == seen[2].done
    before = 0
    for report in seen:
        assert report.elbo == pytest.approx(result.elbo[before : report.done].mean())
        before = report.done
    assert not torch.equal(places[0], places[1])  # a report finds the guide where the run has it
    assert torch.equal(one.guide.loc, places[2])


def test_a_run_ends_where_its_elbo_has_levelled_off(model):
    result = made(model, particles=20).run(200_000, None, DATA, tolerance=0.05)
    assert (result.engine, result.converged) == ("compiled", True)
    assert len(result.elbo) < 100_000


STEEP = """
object One : FinSet 1

program steep : One -> One
    sample x : One <- Normal(0.0, 1.0)
    observe y : One <- Normal(exp(exp(x)), 1.0)
    return x

export steep
"""


@pytest.mark.parametrize("engine", ["auto", "torch"])
@pytest.mark.parametrize("scheduled", [False, True])
def test_a_run_that_meets_what_is_not_finite_ends_at_the_step_before(engine, scheduled):
    model = loads(STEEP).morphism
    torch.manual_seed(0)
    guide = AutoNormalGuide(model)
    one = SVI(model, guide, torch.optim.SGD(guide.parameters(), lr=0.2), ELBO(), engine=engine)
    rates = torch.optim.lr_scheduler.ExponentialLR(one.optimizer, 0.99) if scheduled else None
    with pytest.raises(SamplingError, match="the guide reached a point where the log density") as raised:
        one.run(10_000, None, {"y": [50.0]}, tolerance=None, schedule=rates)
    assert "A lower learning rate, or more particles" in str(raised.value)
    assert guide.loc.isfinite().all()
    assert guide.log_scale.isfinite().all()
    assert (guide.loc != 0.0).all()  # it had moved
    if rates is not None:
        assert rates.get_last_lr()[0] == pytest.approx(0.2 * 0.99**rates.last_epoch)
        assert 0 < rates.last_epoch < 10_000
