"""A run of SVI: its trace, its end where the ELBO has levelled off, its progress and its check."""

import io
import threading

import numpy as np
import pytest
import torch

from quivers.dsl import loads
from quivers.errors import DataError, QvrError
from quivers.inference import ELBO, SVI, AutoNormalGuide, svi
from quivers.inference.svi import levelled_off

SOURCE = """
object Group : FinSet 3

program means : Group -> Group
    sample mu : Group <- Normal(0.0, 2.0)
    observe y : Group <- Normal(mu, 1.0)
    return mu

export means
"""
DATA = {"y": torch.tensor([5.0, 0.0, -10.0])}


@pytest.fixture(scope="module")
def model():
    return loads(SOURCE).morphism


def made(model, rate=0.1, particles=4, engine="auto"):
    torch.manual_seed(0)
    guide = AutoNormalGuide(model)
    return SVI(model, guide, torch.optim.Adam(guide.parameters(), lr=rate), ELBO(particles), engine=engine)


def test_a_run_is_its_steps(model):
    first = made(model, engine="torch")
    result = first.run(20, None, DATA)
    second = made(model, engine="torch")  # which seeds torch again
    assert result.elbo.tolist() == [-second.step(None, DATA) for _ in range(20)]
    assert torch.equal(first.guide.loc, second.guide.loc)
    assert not result.converged
    assert not result.cancelled


def test_it_ends_where_the_elbo_has_levelled_off(model):
    one = made(model)
    result = one.run(5000, None, DATA)
    assert result.converged
    assert svi.FEWEST_STEPS <= len(result.elbo) < 2000
    # The posterior is normal, mean 0.8 y and variance 0.8, and the ELBO falls short of the evidence by the
    # guide's divergence from it. Steps that close half of that in a quarter of the run leave no more than
    # the tolerance.
    scales = torch.exp(2.0 * one.guide.log_scale.detach()) / 0.8
    moved = (one.guide.loc.detach() - 0.8 * DATA["y"].double()).square() / 0.8
    assert 0.5 * float((moved + scales - 1.0 - scales.log()).sum()) < 0.02
    assert one.check() == ()


def test_without_a_tolerance_it_takes_every_step(model):
    result = made(model).run(700, None, DATA, tolerance=None)
    assert len(result.elbo) == 700
    assert not result.converged


def test_too_slow_a_rate_does_not_look_like_an_end(model):
    one = made(model, rate=1e-3)
    result = one.run(600, None, DATA)
    assert not result.converged
    assert len(one.check()) == 1


@pytest.mark.parametrize(
    ("trace", "level"),
    [
        (np.zeros(200), True),
        (np.r_[np.linspace(-1000.0, 0.0, 100), np.zeros(100)], True),
        (np.linspace(-10.0, 0.0, 200), False),
        (np.linspace(0.0, -10.0, 200), False),  # falling is no end either
        (np.random.default_rng(0).normal(size=400), False),  # too noisy to say
        (np.random.default_rng(0).normal(size=40_000), True),
    ],
    ids=["flat", "flat at last", "rising", "falling", "noise", "noise averaged out"],
)
def test_a_trace_has_levelled_off_when_its_last_quarters_agree_beyond_doubt(trace, level):
    assert levelled_off(trace, 0.04) is level


def test_a_schedule_changes_the_rate_after_each_step(model):
    one = made(model)
    schedule = torch.optim.lr_scheduler.ExponentialLR(one.optimizer, 0.9)
    one.run(10, None, DATA, schedule=schedule)
    assert schedule.get_last_lr() == [pytest.approx(0.1 * 0.9**10)]


def test_progress_covers_every_step_once(model, monkeypatch):
    monkeypatch.setattr(svi, "BETWEEN_REPORTS", 0.0)
    seen = []
    result = made(model).run(7, None, DATA, progress=seen.append)
    assert [(report.done, report.total) for report in seen] == [(done, 7) for done in range(1, 8)]
    assert [report.elbo for report in seen] == result.elbo.tolist()


def test_a_report_has_the_mean_of_the_steps_since_the_last(model, monkeypatch):
    monkeypatch.setattr(svi, "BETWEEN_REPORTS", 1e9)
    seen = []
    result = made(model).run(7, None, DATA, progress=seen.append)
    assert [(report.done, report.elbo) for report in seen] == [(7, pytest.approx(result.elbo.mean()))]


def test_a_run_can_be_cancelled(model, monkeypatch):
    monkeypatch.setattr(svi, "BETWEEN_REPORTS", 0.0)
    cancel = threading.Event()
    result = made(model).run(
        100, None, DATA, progress=lambda report: cancel.set() if report.done == 3 else None, cancel=cancel
    )
    assert result.cancelled
    assert len(result.elbo) == 3


def test_a_check_takes_the_data_last_given_or_others(model):
    one = made(model)
    with pytest.raises(DataError, match="y"):
        one.check()
    one.run(300, None, DATA)
    assert one.check() == ()
    far = {"y": DATA["y"] + 20.0}
    assert len(one.check(far)) == 1


def test_a_check_does_not_depend_on_how_its_draws_are_batched(model, monkeypatch):
    one = made(model)
    one.run(300, None, DATA)
    torch.manual_seed(1)
    k = one.pareto_k(num_samples=64)
    monkeypatch.setattr("quivers.inference.guide_checks.BATCH", 32)
    torch.manual_seed(1)
    assert one.pareto_k(num_samples=64) == pytest.approx(k)


@pytest.mark.parametrize(
    ("steps", "options", "message"),
    [
        (0, {}, "steps must be a whole number of at least 1, it is 0"),
        (5.0, {}, "steps must be a whole number of at least 1, it is 5.0"),
        (5, {"tolerance": 0.0}, "tolerance must be a positive number or None, it is 0.0"),
        (5, {"tolerance": "small"}, "tolerance must be a positive number or None, it is 'small'"),
        (5, {"tolerance": float("nan")}, "tolerance must be a positive number or None, it is nan"),
    ],
)
def test_arguments_that_make_no_sense_are_told_in_a_sentence(model, steps, options, message):
    with pytest.raises(QvrError, match=message):
        made(model).run(steps, None, DATA, **options)


def test_too_few_draws_for_a_check_are_refused(model):
    with pytest.raises(QvrError, match="num_samples must be a whole number of at least 25, it is 10"):
        made(model).pareto_k(DATA, num_samples=10)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_draws_a_bar_on_a_terminal_and_nothing_elsewhere(model, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for stream, shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr("sys.stderr", stream)
        result = made(model).run(30, None, DATA, progress=True)
        assert len(result.elbo) == 30
        assert ("fitting" in stream.getvalue() and "ELBO" in stream.getvalue()) is shown


def test_progress_false_draws_nothing(model, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr("sys.stderr", stream)
    made(model).run(30, None, DATA, progress=False)
    assert stream.getvalue() == ""
