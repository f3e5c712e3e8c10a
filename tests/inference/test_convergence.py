"""The diagnostics agree with ArviZ, and say NaN where there is nothing to say."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from quivers.inference import convergence
from quivers.inference.normal_quantile import normal_quantile

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import arviz

    # Its compiled variants return arrays where a number is meant.
    arviz.Numba.disable_numba()

AGREES = {
    "r_hat": arviz.rhat,
    "ess_bulk": lambda draws: arviz.ess(draws, method="bulk"),
    "ess_tail": lambda draws: arviz.ess(draws, method="tail"),
    "ess_mean": lambda draws: arviz.ess(draws, method="mean"),
    "mcse_mean": lambda draws: arviz.mcse(draws, method="mean"),
    "mcse_sd": lambda draws: arviz.mcse(draws, method="sd"),
}


def autoregressive(rng, chains, draws, correlation, drift=0.0):
    noise = rng.normal(size=(chains, draws))
    for t in range(1, draws):
        noise[:, t] += correlation * noise[:, t - 1]
    return noise + drift * np.arange(chains)[:, None]


@pytest.mark.parametrize("name", AGREES)
@settings(max_examples=40, deadline=None)
@given(
    chains=st.integers(1, 5),
    draws=st.integers(4, 301),
    correlation=st.sampled_from([-0.95, -0.5, 0.0, 0.3, 0.9, 0.99]),
    drift=st.sampled_from([0.0, 0.1, 3.0]),
    power=st.sampled_from([1, 3]),
    seed=st.integers(0, 10**6),
)
def test_diagnostics_agree_with_arviz(*, name, chains, draws, correlation, drift, power, seed):
    values = autoregressive(np.random.default_rng(seed), chains, draws, correlation, drift) ** power
    ours = getattr(convergence, name)(values)
    assert ours == pytest.approx(float(AGREES[name](values)), rel=1e-8, nan_ok=True)


@pytest.mark.parametrize("name", ["r_hat", "ess_bulk", "ess_mean", "mcse_mean", "mcse_sd"])
def test_diagnostics_of_counts_with_ties_agree_with_arviz(name):
    values = np.random.default_rng(4).poisson(2.0, size=(4, 251)).astype(float)
    assert getattr(convergence, name)(values) == pytest.approx(float(AGREES[name](values)), rel=1e-8)


@pytest.mark.parametrize("name", AGREES)
def test_each_element_of_an_array_is_judged_by_itself(name):
    rng = np.random.default_rng(1)
    values = np.stack([autoregressive(rng, 4, 200, c) for c in (0.0, 0.5, 0.9, -0.4, 0.2, 0.7)], axis=-1)
    values = values.reshape(4, 200, 3, 2)
    function = getattr(convergence, name)
    together = function(values)
    assert together.shape == (3, 2)
    for i, j in np.ndindex(3, 2):
        assert together[i, j] == pytest.approx(float(function(values[:, :, i, j])), rel=1e-12)


@pytest.mark.parametrize("name", AGREES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_element_with_a_draw_that_is_not_finite_is_nan_and_leaves_the_others_alone(name, bad):
    values = np.random.default_rng(2).normal(size=(4, 100, 2))
    function = getattr(convergence, name)
    clean = function(values)
    values[2, 50, 0] = bad
    spoilt = function(values)
    assert np.isnan(spoilt[0])
    assert spoilt[1] == clean[1]


def test_constant_draws_count_in_full_and_have_no_r_hat():
    values = np.full((4, 100), 2.5)
    assert convergence.ess_bulk(values) == 400
    assert convergence.ess_tail(values) == 400
    assert convergence.mcse_mean(values) == 0
    assert np.isnan(convergence.r_hat(values))


def test_chains_stuck_apart_have_no_good_r_hat():
    values = np.random.default_rng(3).normal(size=(2, 500)) + np.array([[0.0], [20.0]])
    assert convergence.r_hat(values) > 1.1


@pytest.mark.parametrize("shape", [(4, 100), (3, 51), (1, 40), (2, 3), (2, 1)])
def test_all_figures_at_once_are_those_one_by_one(shape, monkeypatch):
    values = np.random.default_rng(8).normal(size=(*shape, 5, 3))
    values[..., 1, :] = np.round(values[..., 1, :])
    values[0, 0, 2, 0], values[0, 0, 3, 1] = np.nan, -np.inf
    monkeypatch.setattr(convergence, "_AT_ONCE", 2 * shape[0] * shape[1])  # two elements at a time
    told = convergence.described(values)
    for name in ("r_hat", "ess_bulk", "ess_tail", "mcse_mean"):
        np.testing.assert_array_equal(getattr(told, name), getattr(convergence, name)(values))
    pooled = values.reshape(-1, 5, 3)
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {"mean": pooled.mean(axis=0), "sd": pooled.std(axis=0, ddof=1)}
        for name, probability in (("q5", 0.05), ("q50", 0.5), ("q95", 0.95)):
            expected[name] = np.quantile(pooled, probability, axis=0)
    finite = np.isfinite(pooled).all(axis=0)
    for name, figures in expected.items():
        found = getattr(told, name)[finite]
        np.testing.assert_allclose(found, figures[finite], rtol=1e-12, atol=1e-15, err_msg=name)


@pytest.mark.parametrize("name", AGREES)
def test_too_few_draws_are_nan(name):
    assert np.isnan(getattr(convergence, name)(np.zeros((4, 3)) + np.arange(3)))


def test_energy_fraction_agrees_with_arviz():
    energy = autoregressive(np.random.default_rng(5), 4, 300, 0.8)
    np.testing.assert_allclose(convergence.e_bfmi(energy), arviz.bfmi(energy), rtol=1e-12)


def test_normal_quantile_is_exact_to_rounding():
    p = np.concatenate(
        [10.0 ** np.arange(-300, 0, 0.5), np.linspace(0.001, 0.999, 999), 1 - 10.0 ** -np.arange(1.0, 16)]
    )
    np.testing.assert_allclose(normal_quantile(p), special.ndtri(p), rtol=1e-12, atol=1e-14)
    assert normal_quantile([0.0, 1.0]).tolist() == [-np.inf, np.inf]
    assert np.isnan(normal_quantile([-0.1, 1.1])).all()


def test_importing_the_diagnostics_loads_neither_torch_nor_numba():
    program = (
        "import sys, quivers.inference.convergence; print({'torch', 'numba', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
