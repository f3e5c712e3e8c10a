"""Summaries of draws."""

from __future__ import annotations

import math

import numpy as np
import pytest

from quivers.results import summarise

DRAWS = np.random.default_rng(7).normal(3.0, 2.0, size=(4, 500, 2, 3))


def test_rows_come_in_the_order_of_the_sites_and_count_elements_from_one() -> None:
    rows = summarise({"mu": DRAWS[..., 0, 0], "theta": DRAWS[..., 0], "beta": DRAWS})
    assert [row.name for row in rows] == [
        "mu", "theta[1]", "theta[2]",
        "beta[1,1]", "beta[1,2]", "beta[1,3]", "beta[2,1]", "beta[2,2]", "beta[2,3]",
    ]  # fmt: skip
    assert rows[5].site == "beta"
    assert rows[5].index == (0, 2)


def test_figures_agree_with_arviz() -> None:
    import arviz

    row = summarise({"beta": DRAWS})[4]
    draws = DRAWS[:, :, 1, 1]
    assert row.mean == pytest.approx(draws.mean(), rel=1e-12)
    assert row.sd == pytest.approx(draws.std(ddof=1), rel=1e-12)
    assert (row.q5, row.q50, row.q95) == pytest.approx(np.quantile(draws, (0.05, 0.5, 0.95)), rel=1e-12)
    data = arviz.convert_to_dataset(draws)
    assert row.ess_bulk == pytest.approx(float(arviz.ess(data, method="bulk").x), rel=1e-6)
    assert row.ess_tail == pytest.approx(float(arviz.ess(data, method="tail").x), rel=1e-6)
    assert row.mcse_mean == pytest.approx(float(arviz.mcse(data, method="mean").x), rel=1e-6)
    assert row.r_hat == pytest.approx(float(arviz.rhat(data).x), rel=1e-6)


def test_a_constant_and_a_broken_quantity_are_rows_too() -> None:
    broken = DRAWS[..., 0, 0].copy()
    broken[1, 2] = math.nan
    constant, bad = summarise({"c": np.ones((4, 100)), "b": broken})
    assert (constant.mean, constant.sd) == (1.0, 0.0)
    assert math.isnan(bad.mean)
    assert math.isnan(bad.r_hat)


def test_a_quantity_without_elements_has_no_rows() -> None:
    assert summarise({"none": np.ones((4, 100, 0))}) == ()
