"""Series that are regressed on their own past are drawn place by place, and what is no series is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from quivers.backends.torch.series import NotASeriesError
from quivers.calibration import Study, UnsuitableError, calibrate
from quivers.calibration.study import Prepared
from quivers.dsl import loads

DRAWS = 4000
OBJECTS = "object Week : FinSet 6\nobject Shop : FinSet 3\n"


def source(steps: str, returned: str = "Week") -> bytes:
    return f"{OBJECTS}\nprogram p : Week -> {returned}\n{steps}    return y\n".encode()


def drawn(steps: str, data: Mapping[str, Any] | None = None, returned: str = "Week") -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return loads(source(steps, returned)).morphism.rsample(data or {}, (DRAWS,), generator)


def assert_standard_normal(surprise: Tensor) -> None:
    """Means, deviations and correlations of (draw, place) values, within 4.5 Monte Carlo errors."""
    found = surprise.numpy().reshape(DRAWS, -1)
    assert np.abs(found.mean(axis=0)).max() < 4.5 / np.sqrt(DRAWS)
    assert np.abs(found.std(axis=0) - 1.0).max() < 4.5 / np.sqrt(2 * DRAWS)
    between = np.corrcoef(found.T) - np.eye(found.shape[1])
    assert np.abs(between).max() < 4.5 / np.sqrt(DRAWS)


def test_each_place_sees_the_draw_before_it() -> None:
    found = drawn(
        "    sample a <- Uniform(0.5, 1.0)\n"
        "    let before = if index(Week) >= 1 then a * lag(y, 1) else 0.0\n"
        "    observe y : Week <- Normal(before, 1.0)\n"
    )
    a, y = found["a"][:, None], found["y"]
    assert_standard_normal(torch.cat([y[:, :1], y[:, 1:] - a * y[:, :-1]], dim=1))
    torch.testing.assert_close(found["before"][:, 1:], a * y[:, :-1])


@pytest.mark.parametrize("order", ["Shop * Week", "Week * Shop"])
def test_a_panel_goes_along_its_time_whichever_axis_that_is(order: str) -> None:
    found = drawn(
        "    sample a : Shop <- Uniform(0.5, 1.0)\n"
        f"    observe y : {order} <- Normal(a * lag(y, 1, over=Week) * (index(Week) >= 1), 1.0)\n",
        returned=order,
    )
    y = found["y"] if order.startswith("Shop") else found["y"].transpose(1, 2)
    assert_standard_normal(y[..., 1:] - found["a"][..., None] * y[..., :-1])


def test_what_is_left_out_is_the_data_s() -> None:
    found = drawn(
        "    sample a <- Uniform(0.0, 0.5)\n    let kept = index(Week) >= 2\n"
        "    observe y : Week <- Normal(a * lag(y, 1) + lag(y, 2), 1.0) [where=kept]\n",
        {"y": [5.0, 7.0, 90.0, 90.0, 90.0, 90.0]},
    )
    y, a = found["y"], found["a"][:, None]
    assert y[:, 0].eq(5.0).all()
    assert y[:, 1].eq(7.0).all()
    assert_standard_normal(y[:, 2:] - a * y[:, 1:-1] - y[:, :-2])


def test_two_series_that_use_each_other_are_drawn_together() -> None:
    found = drawn(
        "    sample a <- Uniform(0.0, 1.0)\n    let later = index(Week) >= 1\n"
        "    observe y : Week <- Normal(a * lag(x, 1) * later, 1.0)\n"
        "    observe x : Week <- Normal(y + lag(y, 1) * later, 1.0)\n"
    )
    x, y, a = found["x"], found["y"], found["a"][:, None]
    assert_standard_normal(y[:, 1:] - a * x[:, :-1])
    assert_standard_normal(x[:, 1:] - y[:, 1:] - y[:, :-1])


def test_counts_may_depend_on_counts() -> None:
    found = drawn(
        "    sample a <- Uniform(0.0, 1.0)\n"
        "    observe y : Week <- Poisson(1.0 + a * lag(y, 1) * (index(Week) >= 1))\n"
    )
    y, mean = found["y"], 1.0 + found["a"][:, None] * found["y"][:, :-1]
    standard = (y[:, 1:] - mean) / mean.sqrt()
    assert np.abs(standard.mean(dim=0).numpy()).max() < 4.5 / np.sqrt(DRAWS)


NO_SERIES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "on all of itself": (
        "    observe y : Week <- Normal(a * sum(y), 1.0)\n", {}, "y", "not only at earlier places",
    ),
    "its first place on itself": (
        "    observe y : Week <- Normal(a * lag(y, 1), 1.0)\n", {}, "y", "not only at earlier places",
    ),
    "left out and not given": (
        "    let kept = index(Week) >= 1\n    observe y : Week <- Normal(a * lag(y, 1), 1.0) [where=kept]\n",
        {}, "y", "Give their values in the data",
    ),
    "a prior by the data": (
        "    sample b <- Normal(mean(y), 1.0)\n    observe y : Week <- Normal(a + b, 1.0)\n",
        {}, "b", "`b` is drawn by what is observed later, `y`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NO_SERIES)
def test_what_is_no_series_is_refused_at_its_site(case: str) -> None:
    steps, data, site, sentence = NO_SERIES[case]
    steps = "    sample a <- Normal(0.0, 1.0)\n" + steps
    with pytest.raises(NotASeriesError, match=sentence):
        drawn(steps, data)
    with pytest.raises(UnsuitableError, match=sentence) as refusal:
        Prepared(Study(source(steps), data))
    assert (refusal.value.code, refusal.value.site) == ("QVR901", site)


def test_an_autoregression_is_calibrated() -> None:
    steps = (
        "    sample a <- Uniform(-1.0, 1.0)\n"
        "    let before = if index(Week) >= 1 then a * lag(y, 1) else 0.0\n"
        "    observe y : Week <- Normal(before, 1.0)\n"
    )
    found = calibrate(Study(source(steps), {}, seed=2), 150, threads=2)
    assert found.replicates == 150
    assert not found.failures(0.999)


def test_a_draw_below_a_bound_that_hardly_any_reaches_stays_in_its_support() -> None:
    steps = "    sample a <- Normal(0.0, 1.0)\n    observe y : Week <- Weibull(1000.0, 4.0) [high=top]\n"
    found = drawn(steps, {"top": 0.5})["y"]
    assert found.min() >= 0.0
    assert found.max() <= 0.5
    uniform = (found / 0.5) ** 4  # far below its scale, a Weibull's distribution function is a power
    assert abs(uniform.mean().item() - 0.5) < 4.5 / (12 * found.numel()) ** 0.5
