"""Draws of each family against its distribution function, or its frequencies against its own density."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st
import torch
from gradients import density, tensor
from test_densities import CONTINUOUS, DISCRETE

from quivers.backends.torch.draw import SAMPLERS, draw
from quivers.errors import QvrError
from quivers.families.table import FAMILIES

COUNT = 20_000
LEAST_P = 1e-4


def kumaraswamy(x):
    return 1 - (1 - x**0.6) ** 3.0


DISTRIBUTION_FUNCTIONS = {
    "Normal": st.norm(0.7, 2.5).cdf,
    "HalfNormal": st.halfnorm(0, 2.5).cdf,
    "StudentT": st.t(3.2, 0.7, 2.5).cdf,
    "HalfStudentT": lambda x: 2 * st.t(3.2, 0, 2.5).cdf(x) - 1,
    "Cauchy": st.cauchy(0.7, 2.5).cdf,
    "HalfCauchy": st.halfcauchy(0, 2.5).cdf,
    "Laplace": st.laplace(0.7, 2.5).cdf,
    "Logistic": st.logistic(0.7, 2.5).cdf,
    "Gumbel": st.gumbel_r(0.7, 2.5).cdf,
    "LogNormal": lambda x: st.norm(0.7, 2.5).cdf(np.log(x)),
    "LogitNormal": lambda x: st.norm(0.7, 2.5).cdf(np.log(x) - np.log1p(-x)),
    "Exponential": st.expon(0, 1 / 1.7).cdf,
    "Gamma": st.gamma(1.7, 0, 1 / 0.4).cdf,
    "InverseGamma": st.invgamma(1.7, 0, 0.4).cdf,
    "Chi2": st.chi2(4.3).cdf,
    "Weibull": st.weibull_min(1.3, 0, 2.5).cdf,
    "Pareto": st.pareto(1.3, 0, 2.5).cdf,
    "Beta": st.beta(0.6, 3.0).cdf,
    "Kumaraswamy": kumaraswamy,
    "Uniform": st.uniform(-1.0, 4.0).cdf,
    "TruncatedNormal": st.truncnorm(-1.7 / 2.5, 2.3 / 2.5, 0.7, 2.5).cdf,
    "VonMises": lambda x: st.vonmises.cdf(x, 2.5, 0.7) - st.vonmises.cdf(-np.pi, 2.5, 0.7),
    "SkewNormal": st.skewnorm(-3.0, 0.7, 2.5).cdf,
    "AsymmetricLaplace": st.laplace_asymmetric(0.3, 0.7, 2.5).cdf,
}

FIRST = {}
for _name, _, _parameters, _ in CONTINUOUS:
    FIRST.setdefault(_name, _parameters)

FORMS = {}
for _name, _form, _, _parameters, _ in DISCRETE:
    FORMS.setdefault((_name, _form), _parameters)
FORMS["ZeroInflatedNegativeBinomial", 0] = {"gate": 0.2, "total_count": 3.4, "probs": 0.3}
FORMS["Bernoulli", 1] = {"logits": 0.4}
FORMS["Categorical", 1] = {"logits": [[0.2, -3.0, 1.0]]}


def drawn(name, parameters, seed=1, shape=(COUNT,)):
    tensors = {key: tensor(value) for key, value in parameters.items()}
    return draw(FAMILIES[name], tensors, shape, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", DISTRIBUTION_FUNCTIONS)
def test_continuous_draws_follow_the_distribution_function(name):
    draws = drawn(name, FIRST[name])
    assert draws.dtype == torch.float64
    assert st.kstest(draws.numpy(), DISTRIBUTION_FUNCTIONS[name]).pvalue > LEAST_P


@pytest.mark.parametrize(("name", "form"), FORMS)
def test_discrete_draws_follow_the_density(name, form):
    draws = drawn(name, FORMS[name, form]).numpy()
    values, counts = np.unique(draws, return_counts=True)
    expected = COUNT * np.exp(density(name, values, FORMS[name, form], form).numpy())
    often = expected >= 5
    rest = COUNT - counts[often].sum(), COUNT - expected[often].sum()
    observed, wanted = counts[often], expected[often]
    if rest[1] >= 5:
        observed, wanted = np.append(observed, rest[0]), np.append(wanted, rest[1])
    if len(wanted) == 1:
        assert observed[0] == pytest.approx(wanted[0], rel=0.01)
        return
    statistic = ((observed - wanted) ** 2 / wanted).sum()
    assert st.chi2(len(wanted) - 1).sf(statistic) > LEAST_P


@pytest.mark.parametrize(
    ("low", "high"),
    [(-np.inf, np.inf), (1.0, np.inf), (-np.inf, -40.0), (45.0, 45.5), (-60.0, -50.0), (-0.1, 3.0)],
)
def test_a_truncated_normal_is_drawn_right_far_in_its_tails(low, high):
    draws = drawn("TruncatedNormal", {"loc": 0.7, "scale": 2.5, "low": low, "high": high}).numpy()
    a, b = (low - 0.7) / 2.5, (high - 0.7) / 2.5
    # SciPy's distribution function loses its digits far on the right: mirrored, both are on the left.
    found = (
        st.truncnorm(a, b).cdf((draws - 0.7) / 2.5)
        if a + b < 0
        else st.truncnorm(-b, -a).cdf((0.7 - draws) / 2.5)
    )
    assert (draws >= low).all()
    assert (draws <= high).all()
    assert st.kstest(found, "uniform").pvalue > LEAST_P


def test_a_truncated_draw_has_the_derivatives_of_its_quantile():
    parameters = {name: tensor(value).requires_grad_() for name, value in FIRST["TruncatedNormal"].items()}
    fixed = {name: value.detach() for name, value in parameters.items()}
    shape = (5,)
    total = draw(FAMILIES["TruncatedNormal"], parameters, shape, torch.Generator().manual_seed(3)).sum()
    slopes = torch.autograd.grad(total, list(parameters.values()))
    for name, slope in zip(parameters, slopes, strict=True):
        sides = []
        for step in (1e-6, -1e-6):
            moved = {**fixed, name: fixed[name] + step}
            sides.append(
                draw(FAMILIES["TruncatedNormal"], moved, shape, torch.Generator().manual_seed(3)).sum()
            )
        assert float(slope) == pytest.approx(float(sides[0] - sides[1]) / 2e-6, rel=1e-6)


@pytest.mark.parametrize("concentration", [1e-9, 1e-3, 0.3, 40.0, 1e6])
def test_directions_of_any_concentration_follow_the_distribution_function(concentration):
    draws = drawn("VonMises", {"loc": 3.0, "concentration": concentration}).numpy()
    assert (np.abs(draws) <= np.pi).all()
    turned = np.remainder(draws - 3.0 + np.pi, 2 * np.pi) - np.pi
    assert st.kstest(turned, lambda x: st.vonmises.cdf(x, concentration)).pvalue > LEAST_P


def test_every_proper_family_of_one_number_has_a_sampler_and_a_test():
    proper = [family for family in FAMILIES.values() if family.sampler and family.event_rank == 0]
    assert {family.sampler for family in proper} <= set(SAMPLERS)
    assert set(SAMPLERS) <= {family.sampler for family in FAMILIES.values()}
    tested = set(DISTRIBUTION_FUNCTIONS) | {name for name, _ in FORMS}
    assert tested == {family.name for family in proper}
    assert {
        (family.name, form) for family in proper if family.discrete for form in range(len(family.forms))
    } == set(FORMS)


@pytest.mark.parametrize("name", ["Flat", "HalfFlat"])
def test_an_improper_family_says_that_it_has_no_draws(name):
    with pytest.raises(QvrError, match="improper"):
        drawn(name, {})


def test_the_seed_fixes_the_draws_and_the_shape_is_the_one_asked_for():
    parameters = {"loc": [0.0, 10.0], "scale": 1.0}
    one, two = (drawn("Normal", parameters, 7, (5, 3, 2)) for _ in range(2))
    assert torch.equal(one, two)
    assert one.shape == (5, 3, 2)
    assert (one[..., 1] > one[..., 0]).all()
