"""A series is forecast from the past that is known, and predictions of many rows fit into memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import MCMC, MCMCResult, NUTSKernel, Predictive, draw_count, predicted
from quivers.inference.predict_new import predict_new

SERIES = """
object Week : FinSet
program series : Week -> Week
    sample carry <- Uniform(-1.0, 1.0)
    sample sigma <- HalfNormal(5.0)
    let is_first = index(Week) == 0
    let left = if is_first then 0.0 else carry * lag(y, 1)
    observe y : Week <- Normal(left, sigma)
    let twice = 2.0 * y
    return left
"""
Y = [float(each) for each in np.random.default_rng(0).normal(0.0, 1.0, 30).cumsum()]

ROWS = """
object Row : FinSet
program rows : Row -> Real
    sample a <- Normal(0.0, 1.0)
    sample b <- Normal(0.0, 1.0)
    let m = a + b * x
    observe y : Row <- Normal(m, 0.1)
    return a
"""


def run(source: str, data: dict[str, Any]) -> MCMCResult:
    mcmc = MCMC(NUTSKernel(), num_warmup=300, num_samples=500, num_chains=4, seed=5)
    return mcmc.run(loads(source).morphism, None, data)


@pytest.fixture(scope="module")
def series() -> MCMCResult:
    return run(SERIES, {"y": Y})


@pytest.fixture(scope="module")
def rows() -> MCMCResult:
    x = np.linspace(-1.0, 1.0, 20)
    return run(ROWS, {"x": x, "y": 1.0 + 2.0 * x})


def close(values: torch.Tensor, mean: torch.Tensor, spread: torch.Tensor) -> None:
    """Both sides are draws with the same latents: five errors of the difference of their means."""
    error = 5.0 * float(spread) * math.sqrt(2.0 / len(values))
    assert abs(float(values.mean()) - float(mean)) < error


def test_further_weeks_follow_the_fit_s_last_and_each_other(series: MCMCResult) -> None:
    drawn = predict_new(series, {"Week": 33}, seed=1, elements={"Week": "further"})["y"]
    assert drawn.shape == (2000, 33)
    carry, sigma = (series.samples[name].flatten() for name in ("carry", "sigma"))
    # One week on from the last that is known, and from then on by its own draws.
    variance = torch.zeros_like(sigma)
    for ahead in range(3):
        variance = sigma**2 + carry**2 * variance
        mean = carry ** (ahead + 1) * Y[-1]
        apart = (drawn[:, 30 + ahead] - mean) / variance.sqrt()
        assert abs(float(apart.mean())) < 4.5 / math.sqrt(2000)
        assert abs(float(apart.std()) - 1.0) < 4.5 / math.sqrt(2 * 2000)
    # Each of the fit's own weeks is predicted from the one that was observed before it.
    apart = (drawn[:, 20] - carry * Y[19]) / sigma
    assert abs(float(apart.mean())) < 4.5 / math.sqrt(2000)


def test_a_past_with_gaps_is_the_data_s(series: MCMCResult) -> None:
    given = [*Y, math.nan, math.nan]
    asked = predict_new(series, {"y": given}, seed=1)
    further = predict_new(series, {"Week": 32}, seed=1, elements={"Week": "further"})
    torch.testing.assert_close(asked["y"], further["y"])
    # A known week after a gap is one that the weeks after it see.
    gap = predict_new(series, {"y": [*Y, math.nan, 100.0, math.nan]}, seed=1)["y"][:, -1]
    carry = series.samples["carry"].flatten()
    close(gap, (100.0 * carry).mean(), gap.std())


def test_lets_see_the_past_where_it_is_known(series: MCMCResult) -> None:
    drawn = predict_new(series, {"Week": 31}, seed=1, elements={"Week": "further"})
    torch.testing.assert_close(drawn["twice"][:, :30], 2.0 * torch.tensor(Y).expand(2000, 30).double())
    torch.testing.assert_close(drawn["twice"][:, 30], 2.0 * drawn["y"][:, 30])


def test_the_fit_s_own_weeks_need_no_values_again(series: MCMCResult) -> None:
    again = predict_new(series, {"Week": 30}, seed=1)
    torch.testing.assert_close(again["y"], predict_new(series, {"y": Y}, seed=1)["y"])


def test_a_new_series_starts_anew(series: MCMCResult) -> None:
    drawn = predict_new(series, {"Week": 3}, seed=1, elements={"Week": "new"})["y"]
    sigma = series.samples["sigma"].flatten()
    assert abs(float((drawn[:, 0] / sigma).std()) - 1.0) < 4.5 / math.sqrt(2 * 2000)


@pytest.mark.parametrize(
    ("weeks", "elements", "sentence"),
    [
        (31, {}, "Week has 31 elements in these data, 30 in the fit's, and nothing tells which are new"),
        (4, {"Week": "further"}, "so none is further. `y` hangs on its own past: give all Week of the fit"),
    ],
)
def test_what_cannot_be_forecast_is_said(
    weeks: int, elements: dict[str, Any], sentence: str, series: MCMCResult
) -> None:
    with pytest.raises(QvrError) as caught:
        predict_new(series, {"Week": weeks}, seed=1, elements=elements)
    assert sentence in str(caught.value)


def test_a_site_that_uses_its_own_later_places_is_refused_with_what_to_give() -> None:
    ahead = SERIES.replace("is_first = index(Week) == 0", "is_first = index(Week) > 1000").replace(
        "carry * lag(y, 1)", "carry * (sum(y) - y)"
    )
    result = run(ahead, {"y": Y[:5]})
    with pytest.raises(QvrError, match=r"`y` can't be forecast.*Give `y` for all elements"):
        predict_new(result, {"Week": 6}, seed=1, elements={"Week": "further"})
    assert predict_new(result, {"y": Y[:5]}, seed=1)["y"].shape == (2000, 5)


def test_only_the_sites_that_are_asked_for_are_worked_out(
    rows: MCMCResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked: list[str] = []
    monkeypatch.setattr(predicted, "_let", lambda forward, name: worked.append(name))
    torch.manual_seed(0)
    drawn = Predictive(rows.run.model, rows)(None, {"x": [0.0, 3.0]}, sites=["y", "a"])
    assert (list(drawn), worked) == (["y", "a"], [])
    with pytest.raises(QvrError, match=r"Nothing predicted is called `z`, only `a`, `b`, `y`, `m`\."):
        Predictive(rows.run.model, rows)(None, {"x": [0.0]}, sites=["z"])


def test_blocks_of_draws_make_the_same_predictions(rows: MCMCResult, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"x": [0.0, 3.0, -1.0]}
    whole = predict_new(rows, data, seed=1)
    blocks: list[int] = []
    monkeypatch.setattr("quivers.backends.blocks._MOST_NUMBERS", 5_000)
    draw = predicted._drawn
    monkeypatch.setattr(
        predicted, "_drawn", lambda forward, *rest: blocks.append(forward.batch[0]) or draw(forward, *rest)
    )
    parts = predict_new(rows, data, seed=1)
    assert sum(blocks) == 2000
    assert 1 < len(blocks) == -(-2000 // blocks[0])
    for name in ("a", "b", "m"):
        torch.testing.assert_close(parts[name], whole[name])
    error = (parts["y"] - parts["m"]) / 0.1
    assert abs(float(error.std()) - 1.0) < 4.5 / math.sqrt(2 * error.numel())


def test_of_many_rows_fewer_draws_are_taken_evenly(rows: MCMCResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draw_count, "MOST_NUMBERS", 1_000)
    monkeypatch.setattr(draw_count, "FEWEST_DRAWS", 10)
    a = rows.samples["a"].flatten()
    drawn = predict_new(rows, {"x": [0.0] * 4}, seed=1, sites=["y", "a"])
    assert drawn["y"].shape == (200, 4)  # five numbers a draw
    torch.testing.assert_close(drawn["a"], a[::10])
    assert len(predict_new(rows, {"x": [0.0] * 500}, seed=1, sites=["y"])["y"]) == 10
    assert len(predict_new(rows, {"x": [0.0] * 4}, seed=1, num_samples=300)["y"]) == 300
    monkeypatch.setattr(draw_count, "MOST_NUMBERS_ASKED", 1_000)
    with pytest.raises(QvrError, match=r"300 draws of 4 numbers take .* GiB: ask for 250 or fewer"):
        predict_new(rows, {"x": [0.0] * 4}, seed=1, num_samples=300, sites=["y"])
