"""Each family's log density against torch.distributions or SciPy, over its support, at its edges and outside."""

# ruff: noqa: E501
from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import scipy.special as sp
import scipy.stats as st
import torch
import torch.distributions as td
from gradients import density, ours, rows, tensor
from vector_cases import VECTORS, VECTORS_OUTSIDE

from quivers.families.table import FAMILIES


def assert_close(found, expected):
    np.testing.assert_allclose(np.asarray(found), np.asarray(expected), rtol=1e-10, atol=1e-10)


def reference_at(reference, x):
    """torch's distributions take tensors, SciPy's arrays."""
    return reference(tensor(x) if hasattr(reference, "__self__") else np.asarray(x))


INDEFINITE = [[[1.0, 2.0], [2.0, 1.0]]]
REALS = [-1e3, -7.5, -1.0, -1e-8, 0.0, 0.3, 2.0, 40.0, 1e6]
POSITIVES = [1e-12, 1e-3, 0.4, 1.0, 3.7, 55.0, 1e5]
FRACTIONS = [1e-9, 1e-3, 0.2, 0.5, 0.93, 1 - 1e-6]
COUNTS = [0.0, 1.0, 2.0, 7.0, 30.0, 400.0]


def skewed(x, loc, scale, alpha):
    return st.skewnorm.logpdf(x, alpha, loc, scale)


def truncated_normal(loc, scale, low, high):
    frozen = st.truncnorm((low - loc) / scale, (high - loc) / scale, loc, scale)
    return lambda x: frozen.logpdf(np.asarray(x))


def von_mises_of_40000(x, loc):
    """By the asymptotic series of I₀, of which three terms suffice."""
    kappa = 4e4
    log_i0e = math.log1p(1 / (8 * kappa) + 9 / (128 * kappa**2)) - 0.5 * math.log(2 * math.pi * kappa)
    return -2 * kappa * np.sin(0.5 * (np.asarray(x) - loc)) ** 2 - math.log(2 * math.pi) - log_i0e


def inflated(gate, log_density):
    """A count of a log density that is set to 0 with probability `gate`."""
    return lambda x: np.logaddexp(
        np.where(np.asarray(x) == 0, np.log(gate), -np.inf), np.log1p(-gate) + log_density(np.asarray(x))
    )


def ordered_logistic(predictor, cutpoints):
    edges = np.array([-np.inf, *cutpoints, np.inf]) - predictor
    chances = [
        sp.expit(b) - sp.expit(a) if a + b < 0 else sp.expit(-a) - sp.expit(-b) for a, b in pairwise(edges)
    ]
    return lambda x: np.log(np.array(chances))[np.asarray(x, dtype=int)]


CONTINUOUS = [
    ("Normal", REALS, {"loc": 0.7, "scale": 2.5}, td.Normal(tensor(0.7), tensor(2.5)).log_prob),
    ("HalfNormal", [0.0, *POSITIVES], {"scale": 2.5}, td.HalfNormal(tensor(2.5)).log_prob),
    ("StudentT", REALS, {"df": 3.2, "loc": 0.7, "scale": 2.5}, td.StudentT(tensor(3.2), tensor(0.7), tensor(2.5)).log_prob),
    ("HalfStudentT", [0.0, *POSITIVES], {"df": 3.2, "scale": 2.5}, lambda x: st.t.logpdf(x, 3.2, 0, 2.5) + math.log(2)),
    ("Cauchy", REALS, {"loc": 0.7, "scale": 2.5}, td.Cauchy(tensor(0.7), tensor(2.5)).log_prob),
    ("HalfCauchy", [0.0, *POSITIVES], {"scale": 2.5}, td.HalfCauchy(tensor(2.5)).log_prob),
    ("Laplace", REALS, {"loc": 0.7, "scale": 2.5}, td.Laplace(tensor(0.7), tensor(2.5)).log_prob),
    ("Logistic", REALS, {"loc": 0.7, "scale": 2.5}, lambda x: st.logistic.logpdf(x, 0.7, 2.5)),
    ("Gumbel", [-9.0, -1.0, 0.0, 2.0, 700.0], {"loc": 0.7, "scale": 2.5}, td.Gumbel(tensor(0.7), tensor(2.5)).log_prob),
    ("LogNormal", POSITIVES, {"loc": 0.7, "scale": 2.5}, td.LogNormal(tensor(0.7), tensor(2.5)).log_prob),
    ("LogitNormal", FRACTIONS, {"loc": 0.7, "scale": 2.5}, lambda x: st.norm.logpdf(np.log(x) - np.log1p(-x), 0.7, 2.5) - np.log(x) - np.log1p(-x)),
    ("Exponential", [0.0, *POSITIVES], {"rate": 1.7}, td.Exponential(tensor(1.7)).log_prob),
    ("Gamma", [0.0, *POSITIVES], {"concentration": 1.7, "rate": 0.4}, td.Gamma(tensor(1.7), tensor(0.4)).log_prob),
    ("Gamma", [0.0, *POSITIVES], {"concentration": 1.0, "rate": 0.4}, td.Gamma(tensor(1.0), tensor(0.4)).log_prob),
    ("InverseGamma", POSITIVES[1:], {"concentration": 1.7, "rate": 0.4}, td.InverseGamma(tensor(1.7), tensor(0.4)).log_prob),
    ("Chi2", POSITIVES, {"df": 4.3}, td.Chi2(tensor(4.3)).log_prob),
    ("Weibull", POSITIVES[:-1], {"scale": 2.5, "concentration": 1.3}, td.Weibull(tensor(2.5), tensor(1.3)).log_prob),
    ("Pareto", [2.5, 2.6, 9.0, 1e7], {"scale": 2.5, "alpha": 1.3}, td.Pareto(tensor(2.5), tensor(1.3)).log_prob),
    ("Beta", FRACTIONS, {"concentration1": 0.6, "concentration0": 3.0}, td.Beta(tensor(0.6), tensor(3.0)).log_prob),
    ("Beta", [0.0, 0.5, 1.0], {"concentration1": 1.0, "concentration0": 1.0}, lambda x: np.zeros(3)),
    ("Kumaraswamy", FRACTIONS[:-1], {"concentration1": 0.6, "concentration0": 3.0}, lambda x: np.log(0.6 * 3.0) - 0.4 * np.log(x) + 2.0 * np.log1p(-(x**0.6))),
    ("Uniform", [-1.0, 0.0, 3.0], {"low": -1.0, "high": 3.0}, lambda x: np.full(3, -np.log(4.0))),
    ("SkewNormal", REALS[1:-1], {"loc": 0.7, "scale": 2.5, "alpha": -3.0}, lambda x: skewed(x, 0.7, 2.5, -3.0)),
    ("AsymmetricLaplace", REALS, {"loc": 0.7, "scale": 2.5, "asymmetry": 0.3}, lambda x: st.laplace_asymmetric.logpdf(x, 0.3, 0.7, 2.5)),
    ("TruncatedNormal", [-1.0, 0.0, 1.2, 3.0], {"loc": 0.7, "scale": 2.5, "low": -1.0, "high": 3.0}, truncated_normal(0.7, 2.5, -1.0, 3.0)),
    ("TruncatedNormal", [30.0, 30.5, 31.0], {"loc": 0.7, "scale": 1.5, "low": 30.0, "high": 31.0}, truncated_normal(0.7, 1.5, 30.0, 31.0)),
    ("TruncatedNormal", [-31.0, -30.0], {"loc": 0.7, "scale": 1.5, "low": -31.0, "high": -30.0}, truncated_normal(0.7, 1.5, -31.0, -30.0)),
    ("TruncatedNormal", [-1.0, 0.0, 1e4], {"loc": 0.7, "scale": 2.5, "low": -1.0}, truncated_normal(0.7, 2.5, -1.0, np.inf)),
    ("TruncatedNormal", [-1e4, -70.0, -60.0], {"loc": 0.7, "scale": 2.5, "high": -60.0}, truncated_normal(0.7, 2.5, -np.inf, -60.0)),
    ("TruncatedNormal", REALS, {"loc": 0.7, "scale": 2.5}, td.Normal(tensor(0.7), tensor(2.5)).log_prob),
    ("VonMises", [-math.pi, -1.0, 0.0, 0.7, math.pi], {"loc": 0.7, "concentration": 2.5}, lambda x: st.vonmises.logpdf(x, 2.5, 0.7)),
    ("VonMises", [0.69, 0.7, 0.8, 3.0], {"loc": 0.7, "concentration": 4e4}, lambda x: von_mises_of_40000(x, 0.7)),
    ("VonMises", [-math.pi, 0.0, 2.0], {"loc": 0.7, "concentration": 1e-9}, lambda x: 1e-9 * np.cos(np.asarray(x) - 0.7) - math.log(2 * math.pi)),
    ("Flat", REALS, {}, lambda x: np.zeros(len(x))),
    ("HalfFlat", [0.0, *POSITIVES], {}, lambda x: np.zeros(len(x))),
]  # fmt: skip

DISCRETE = [
    ("Bernoulli", 0, [0.0, 1.0], {"probs": 0.3}, td.Bernoulli(tensor(0.3)).log_prob),
    ("Bernoulli", 0, [0.0, 1.0], {"probs": 0.0}, lambda x: np.array([0.0, -np.inf])),
    ("Bernoulli", 0, [0.0, 1.0], {"probs": 1.0}, lambda x: np.array([-np.inf, 0.0])),
    ("Bernoulli", 1, [0.0, 1.0], {"logits": 45.0}, lambda x: np.array([-45.0 - math.exp(-45), -math.exp(-45)])),
    ("Binomial", 0, [0.0, 1.0, 5.0, 9.0], {"total_count": 9.0, "probs": 0.3}, td.Binomial(9, tensor(0.3)).log_prob),
    ("Binomial", 0, [0.0, 9.0], {"total_count": 9.0, "probs": 0.0}, lambda x: np.array([0.0, -np.inf])),
    ("Binomial", 1, [0.0, 1.0, 5.0, 9.0], {"total_count": 9.0, "logits": -1.3}, td.Binomial(9, logits=tensor(-1.3)).log_prob),
    ("BetaBinomial", 0, [0.0, 1.0, 5.0, 9.0], {"concentration1": 0.6, "concentration0": 3.0, "total_count": 9.0}, lambda x: st.betabinom.logpmf(x, 9, 0.6, 3.0)),
    ("Poisson", 0, COUNTS, {"rate": 6.5}, td.Poisson(tensor(6.5)).log_prob),
    ("Poisson", 0, [0.0, 1.0], {"rate": 0.0}, lambda x: np.array([0.0, -np.inf])),
    ("ZeroInflatedPoisson", 0, COUNTS, {"gate": 0.2, "rate": 6.5}, lambda x: np.logaddexp(np.where(np.asarray(x) == 0, np.log(0.2), -np.inf), np.log(0.8) + st.poisson.logpmf(x, 6.5))),
    ("ZeroInflatedPoisson", 0, [0.0], {"gate": 0.0, "rate": 900.0}, lambda x: np.array([-900.0])),
    ("NegativeBinomial", 0, COUNTS, {"total_count": 3.4, "probs": 0.3}, td.NegativeBinomial(tensor(3.4), tensor(0.3)).log_prob),
    ("NegativeBinomial", 1, COUNTS, {"total_count": 3.4, "logits": 0.9}, td.NegativeBinomial(tensor(3.4), logits=tensor(0.9)).log_prob),
    ("NegativeBinomial", 2, COUNTS, {"mean": 6.5, "concentration": 3.4}, lambda x: st.nbinom.logpmf(x, 3.4, 3.4 / (3.4 + 6.5))),
    ("ZeroInflatedPoisson", 1, COUNTS, {"gate_logits": -0.4, "rate": 6.5}, inflated(sp.expit(-0.4), st.poisson(6.5).logpmf)),
    ("ZeroInflatedPoisson", 1, [0.0, 3.0], {"gate_logits": -800.0, "rate": 900.0}, lambda x: np.array([-800.0, st.poisson.logpmf(3, 900.0)])),
    ("ZeroInflatedNegativeBinomial", 0, COUNTS, {"gate": 0.2, "total_count": 3.4, "probs": 0.3}, inflated(0.2, st.nbinom(3.4, 0.7).logpmf)),
    ("ZeroInflatedNegativeBinomial", 0, [0.0, 1.0], {"gate": 1.0, "total_count": 3.4, "probs": 0.3}, lambda x: np.array([0.0, -np.inf])),
    ("ZeroInflatedNegativeBinomial", 0, COUNTS, {"gate": 0.0, "total_count": 3.4, "probs": 0.3}, st.nbinom(3.4, 0.7).logpmf),
    ("ZeroInflatedNegativeBinomial", 1, COUNTS, {"gate": 0.2, "total_count": 3.4, "logits": 0.9}, inflated(0.2, st.nbinom(3.4, sp.expit(-0.9)).logpmf)),
    ("ZeroInflatedNegativeBinomial", 2, COUNTS, {"gate": 0.2, "mean": 6.5, "concentration": 3.4}, inflated(0.2, st.nbinom(3.4, 3.4 / (3.4 + 6.5)).logpmf)),
    ("ZeroInflatedNegativeBinomial", 3, COUNTS, {"gate_logits": -0.4, "total_count": 3.4, "probs": 0.3}, inflated(sp.expit(-0.4), st.nbinom(3.4, 0.7).logpmf)),
    ("ZeroInflatedNegativeBinomial", 4, COUNTS, {"gate_logits": -0.4, "total_count": 3.4, "logits": 0.9}, inflated(sp.expit(-0.4), st.nbinom(3.4, sp.expit(-0.9)).logpmf)),
    ("ZeroInflatedNegativeBinomial", 5, COUNTS, {"gate_logits": -0.4, "mean": 6.5, "concentration": 3.4}, inflated(sp.expit(-0.4), st.nbinom(3.4, 3.4 / (3.4 + 6.5)).logpmf)),
    ("OrderedLogistic", 0, [0.0, 1.0, 2.0, 3.0], {"predictor": 0.4, "cutpoints": [[-1.2, 0.3, 2.5]]}, ordered_logistic(0.4, [-1.2, 0.3, 2.5])),
    ("OrderedLogistic", 0, [0.0, 1.0], {"predictor": 0.4, "cutpoints": [[-1.2]]}, ordered_logistic(0.4, [-1.2])),
    ("OrderedLogistic", 0, [0.0, 1.0, 2.0], {"predictor": 60.0, "cutpoints": [[-1.2, 0.3]]}, lambda x: np.array([-61.2, -59.7 + math.log1p(-math.exp(-1.5)), 0.0])),
    ("OrderedLogistic", 0, [0.0, 1.0, 2.0], {"predictor": -2000.0, "cutpoints": [[-1.2, 1e-9]]}, lambda x: np.array([0.0, -1998.8 + math.log1p(-math.exp(-1.2 - 1e-9)), -2000.0])),
    ("NegativeBinomial2", 0, COUNTS, {"mean": 6.5, "concentration": 3.4}, lambda x: st.nbinom.logpmf(x, 3.4, 3.4 / (3.4 + 6.5))),
    ("Geometric", 0, COUNTS, {"probs": 0.3}, td.Geometric(tensor(0.3)).log_prob),
    ("Geometric", 0, [0.0, 1.0], {"probs": 1.0}, lambda x: np.array([0.0, -np.inf])),
    ("Geometric", 1, COUNTS, {"logits": -0.9}, td.Geometric(logits=tensor(-0.9)).log_prob),
    ("Categorical", 0, [0.0, 1.0, 2.0], {"probs": [[0.2, 0.3, 0.6]]}, td.Categorical(tensor([0.2, 0.3, 0.6])).log_prob),
    ("Categorical", 1, [0.0, 1.0, 2.0], {"logits": [[0.2, -30.0, 600.0]]}, td.Categorical(logits=tensor([0.2, -30.0, 600.0])).log_prob),
    ("DiscreteUniform", 0, [-2.0, 0.0, 5.0], {"low": -2.0, "high": 5.0}, lambda x: np.full(3, -np.log(8.0))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "x", "parameters", "reference"), CONTINUOUS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_continuous_densities_agree_with_the_reference(name, x, parameters, reference):
    assert_close(density(name, x, parameters), reference_at(reference, x))


@pytest.mark.parametrize(
    ("name", "form", "x", "parameters", "reference"), DISCRETE, ids=lambda v: v if isinstance(v, str) else ""
)
def test_discrete_densities_agree_with_the_reference(name, form, x, parameters, reference):
    assert_close(density(name, x, parameters, form), reference_at(reference, x))


@pytest.mark.parametrize(
    ("name", "form", "x", "parameters", "expected"), VECTORS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_densities_of_vectors_and_matrices_agree_with_the_reference(name, form, x, parameters, expected):
    assert_close(density(name, x, parameters, form), expected)


def test_every_family_and_form_is_held_against_a_reference():
    tested = {(name, 0) for name, *_ in CONTINUOUS} | {(name, form) for name, form, *_ in DISCRETE + VECTORS}
    assert tested == {
        (family.name, form) for family in FAMILIES.values() for form in range(len(family.forms))
    }


OUTSIDE = [(name, 0, parameters) for name, _, parameters, _ in CONTINUOUS] + [
    (name, form, parameters) for name, form, _, parameters, _ in DISCRETE
]


@pytest.mark.parametrize(
    ("name", "form", "parameters"), OUTSIDE, ids=lambda v: v if isinstance(v, str) else ""
)
def test_outside_the_support_the_density_is_minus_infinity_and_never_nan(name, form, parameters):
    family = FAMILIES[name]
    candidates = np.array([-1e9, -1.0, -0.5, -0.0, 0.5, 1.0, 1.5, 2.5, 1e9])
    low = parameters.get(family.low or "", family.support.low)
    high = parameters.get(family.high or "", family.support.high)
    if name == "OrderedLogistic":
        high = len(parameters["cutpoints"][0])
    inside = np.array([family.support.contains(x) and low <= x <= high for x in candidates])
    if name == "Categorical":
        inside &= candidates < 3
    found = np.asarray(density(name, candidates, parameters, form))
    assert not np.isnan(found).any()
    assert (found[~inside] == -np.inf).all()


@pytest.mark.parametrize(
    ("name", "form", "x", "parameters"), VECTORS_OUTSIDE, ids=lambda v: v if isinstance(v, str) else ""
)
def test_outside_its_space_a_vector_or_a_matrix_has_the_density_minus_infinity(name, form, x, parameters):
    assert (np.asarray(density(name, x, parameters, form)) == -np.inf).all()


@pytest.mark.parametrize(
    ("name", "form", "x", "parameters"),
    [
        ("TruncatedNormal", 0, [0.5], {"loc": 0.0, "scale": 1.0, "low": 2.0, "high": -1.0}),
        ("VonMises", 0, [0.5], {"loc": 0.0, "concentration": -1.0}),
        ("OrderedLogistic", 0, [1.0], {"predictor": 0.0, "cutpoints": [[1.0, -1.0, 2.0]]}),
        ("OrderedLogistic", 0, [1.0], {"predictor": 0.0, "cutpoints": [[1.0, 1.0, 2.0]]}),
        ("ZeroInflatedNegativeBinomial", 0, [0.0], {"gate": 1.5, "total_count": 3.4, "probs": 0.3}),
        ("Dirichlet", 0, [[0.4, 0.6]], {"concentration": [[-1.0, 2.0]]}),
        ("MultivariateNormal", 0, [[0.0, 0.0]], {"loc": [[0.0, 0.0]], "covariance_matrix": INDEFINITE}),
        ("MultivariateNormal", 1, [[0.0, 0.0]], {"loc": [[0.0, 0.0]], "precision_matrix": INDEFINITE}),
        (
            "MultivariateNormal",
            2,
            [[0.0, 0.0]],
            {"loc": [[0.0, 0.0]], "scale_tril": [[[1.0, 0.0], [2.0, -1.0]]]},
        ),
        ("GaussianRandomWalk", 0, [[0.0, 1.0]], {"scale": -1.0}),
        ("LKJCholesky", 0, [[[1.0, 0.0], [0.6, 0.8]]], {"concentration": -1.0}),
        ("Wishart", 0, [np.eye(2)], {"df": 4.0, "covariance_matrix": INDEFINITE}),
        ("InverseWishart", 0, [np.eye(2)], {"df": 4.0, "scale_matrix": INDEFINITE}),
        ("InverseWishart", 0, [np.eye(2)], {"df": 0.5, "scale_matrix": [np.eye(2)]}),
        ("Normal", 0, [0.3], {"loc": 0.0, "scale": -1.0}),
        ("Bernoulli", 0, [1.0], {"probs": 1.5}),
        ("Poisson", 0, [0.0], {"rate": -1.0}),
        ("Uniform", 0, [0.5], {"low": 2.0, "high": -1.0}),
        ("Binomial", 0, [1.0], {"total_count": 2.5, "probs": 0.5}),
    ],
)
def test_a_parameter_outside_its_support_gives_minus_infinity(name, form, x, parameters):
    assert float(density(name, x, parameters, form)[0]) == -math.inf


def test_the_gradient_is_finite_up_to_the_edges_of_the_support():
    for name, x, parameters in [
        ("OrderedLogistic", [0.0, 1.0, 3.0], {"predictor": 900.0, "cutpoints": [[-1.0, 0.0, 1e-9]]}),
        ("TruncatedNormal", [2.0, 3.0, 2.5], {"loc": -90.0, "scale": 1.0, "low": 2.0, "high": 3.0}),
        ("TruncatedNormal", [2.0, 90.0, 2.5], {"loc": -90.0, "scale": 1.0, "low": 2.0}),
        ("VonMises", [-math.pi, 0.0, math.pi], {"loc": 0.0, "concentration": 1e-12}),
    ]:
        _, slopes = ours(name, 0, *rows(x, parameters))
        assert all(torch.isfinite(slope).all() for slope in slopes.values()), name
