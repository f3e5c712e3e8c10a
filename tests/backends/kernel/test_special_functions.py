"""The special functions of compiled code against SciPy, over their range and at poles and infinities."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats
from compiled_loops import values

from quivers.backends.kernel import special

EDGES = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 0.5, -0.5, 1e-300, 1e300, -1e300]
REAL = np.concatenate([np.linspace(-40, 40, 801), np.logspace(-12, 12, 97), -np.logspace(-12, 12, 97), EDGES])
NEAR_POLES = np.concatenate([-np.arange(1, 12) + d for d in (-0.3, -1e-3, 1e-3, 0.45)])


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("sigmoid", sp.expit),
        ("softplus", lambda x: np.logaddexp(x, 0.0)),
        ("floor", np.floor),
        ("log_ndtr", sp.log_ndtr),
    ],
)
def test_functions_on_the_real_line(name, reference):
    with np.errstate(all="ignore"):
        expected = reference(REAL)
    np.testing.assert_allclose(values(getattr(special, name), REAL), expected, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize(("name", "reference"), [("i0e", sp.i0e), ("i1e", sp.i1e)])
def test_scaled_bessel_functions(name, reference):
    points = np.concatenate(
        [np.linspace(-60.0, 60.0, 1201), np.logspace(-300, 300, 301), [0.0, 20.0, np.inf]]
    )
    found = values(getattr(special, name), points)
    np.testing.assert_allclose(found, reference(points), rtol=1e-14, atol=0.0)
    assert np.isnan(values(getattr(special, name), np.array([np.nan]))).all()


def test_the_sign_of_nan_is_0_as_in_torch():
    expected = np.nan_to_num(np.sign(np.where(np.isnan(REAL), 0.0, REAL)))
    np.testing.assert_array_equal(values(special.sign, REAL), expected)


@pytest.mark.parametrize(
    ("name", "reference"), [("digamma", sp.digamma), ("trigamma", lambda x: sp.polygamma(1, x))]
)
def test_derivatives_of_log_gamma(name, reference):
    points = np.concatenate([np.logspace(-10, 12, 400), np.linspace(0.1, 30, 300), NEAR_POLES])
    expected = reference(points)
    near_root = np.abs(expected) < 0.05  # digamma has a root at 1.46, where only the absolute error is small
    found = values(getattr(special, name), points)
    np.testing.assert_allclose(found[~near_root], expected[~near_root], rtol=1e-12)
    np.testing.assert_allclose(found[near_root], expected[near_root], atol=1e-14)


def test_trigamma_reflects_below_0():
    points = -np.array([0.25, 1.5, 2.75, 10.1])
    expected = (math.pi / np.sin(math.pi * points)) ** 2 - sp.polygamma(1, 1 - points)
    np.testing.assert_allclose(values(special.trigamma, points), expected, rtol=1e-12)


def test_derivatives_of_log_gamma_at_poles_and_infinities():
    points = np.array([0.0, -0.0, -1.0, -7.0, math.inf, -math.inf, math.nan])
    digamma = values(special.digamma, points)
    np.testing.assert_array_equal(digamma, [-np.inf, np.inf, np.nan, np.nan, np.inf, np.nan, np.nan])
    trigamma = values(special.trigamma, points)
    np.testing.assert_array_equal(trigamma, [np.inf, np.inf, np.inf, np.inf, 0.0, np.nan, np.nan])


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("xlogy", sp.xlogy),
        ("xlog1py", sp.xlog1py),
        ("logaddexp", np.logaddexp),
        ("maximum", np.maximum),
        ("minimum", np.minimum),
    ],
)
def test_functions_of_two_numbers(name, reference):
    each = np.array([*EDGES, -3.0, 2.5, 17.0, 700.0, -700.0])
    x, y = (grid.ravel() for grid in np.meshgrid(each, each))
    with np.errstate(all="ignore"):
        expected = reference(x, y)
    np.testing.assert_allclose(values(getattr(special, name), x, y), expected, rtol=1e-12)


def test_logit():
    points = np.array([0.0, 1e-300, 1e-9, 0.25, 0.5, 1 - 1e-9, 1.0, -0.5, 1.5])
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(values(special.logit, points), sp.logit(points), rtol=1e-7)
        np.testing.assert_allclose(values(special.logit, points)[:4], sp.logit(points)[:4], rtol=1e-12)


def shapes(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return 10 ** rng.uniform(-2, 3, count), 10 ** rng.uniform(-2, 3, count)


def test_incomplete_gamma_functions_keep_their_digits_on_both_sides():
    a, spread = shapes(600, 1)
    x = np.where(np.arange(600) % 2, a * spread / 30, a + np.sqrt(a) * np.log(spread))
    for place in np.flatnonzero(x > 0):
        law = scipy.stats.gamma(a[place])
        below, above = law.cdf(x[place]), law.sf(x[place])
        found = special.log_gamma_below(a[place], x[place]), special.log_gamma_above(a[place], x[place])
        for mine, other in zip(found, (below, above), strict=True):
            if other > 1e-290:
                np.testing.assert_allclose(mine, np.log(other), rtol=1e-12, atol=1e-12)
    assert special.log_gamma_below(2.0, 1e-200) == pytest.approx(-400 * math.log(10) - math.log(2), rel=1e-14)
    assert special.log_gamma_above(2.0, 1000.0) == pytest.approx(-1000 + math.log(1001), rel=1e-14)
    assert (special.log_gamma_below(2.0, 0.0), special.log_gamma_above(2.0, math.inf)) == (
        -math.inf,
        -math.inf,
    )


def test_incomplete_beta_functions_keep_their_digits_on_both_sides():
    a, b = shapes(600, 2)
    odds = a / b * np.exp(np.random.default_rng(3).normal(size=600) * 2 / np.sqrt(1 + np.minimum(a, b)))
    for one, other, ratio in zip(a, b, odds, strict=True):
        expected = sp.betainc(one, other, ratio / (1 + ratio))
        if 1e-290 < expected < 0.9999:
            found = special.log_beta_below(one, other, ratio)
            np.testing.assert_allclose(found, np.log(expected), rtol=3e-12, atol=3e-12)
    assert special.log_beta_below(2.0, 1.0, 1e-200) == pytest.approx(-400 * math.log(10), rel=1e-14)
    assert special.log_beta_below(2.0, 3.0, math.inf) == 0.0


def test_students_distribution_function_keeps_its_digits_on_both_sides():
    for df in (0.5, 1.0, 3.0, 30.0, 1000.0):
        for t in np.concatenate([np.linspace(-30, 30, 61), [-1e-9, 1e-9]]):
            # Beside 0, SciPy loses some.
            law = scipy.stats.t(df)
            expected = 0.5 + t * law.pdf(0.0) if abs(t) < 1e-6 else law.cdf(t)
            if expected > 1e-290:
                found = special.log_student_below(df, float(t))
                np.testing.assert_allclose(found, np.log(expected), rtol=2e-12, atol=2e-12)
    assert special.log_student_below(1.0, -1e100) == pytest.approx(-math.log(math.pi) - 100 * math.log(10))
