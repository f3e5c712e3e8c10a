"""`[where]`, `[ordered]`, `[low]` and `[high]`: what they leave of a density, and what is drawn."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats
import torch

from quivers.dsl import loads
from quivers.errors import DataError, ProgramError
from quivers.families.table import FAMILIES


def program(steps: str, *, returned: str = "a", objects: str = "object Item : FinSet 4\n") -> str:
    body = "".join(f"    {line}\n" for line in steps.splitlines())
    head = f"{objects}program p : Item -> Item\n    sample a : Item <- Normal(0.0, 1.0)\n"
    return f"{head}{body}    return {returned}\n"


def log_prob(source: str, site: str, values: dict, data: dict | None = None) -> np.ndarray:
    return loads(source).morphism.log_prob(values, data or {})[site].numpy()


# ---------------------------------------------------------------------- where

MASKED = program(
    "observe n : Item <- Poisson(exp(a)) [where=kept]\n"
    "observe u : Item <- Pareto(exp(a), 2.0) [where=age > 18]"
)
KEPT = {
    "n": [3, None, 0, 1],
    "kept": [1, 0, 1, 1],
    "u": [9.0, 8.0, math.nan, math.nan],
    "age": [20, 30, 4, 5],
}


def test_rows_left_out_add_nothing_to_the_value_or_the_slope() -> None:
    bound = loads(MASKED).morphism.bind(KEPT)
    q = torch.tensor([0.3, -0.2, 0.5, 0.1], dtype=torch.float64)
    gradient = np.empty(4)
    value = bound.log_density_and_gradient(q.numpy(), gradient)
    leaf = q.clone().requires_grad_()
    rate = torch.exp(leaf)
    normal = torch.distributions.Normal(
        torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    )
    n = torch.tensor([3.0, 0.0, 1.0], dtype=torch.float64)
    expected = normal.log_prob(leaf).sum()
    expected = expected + torch.distributions.Poisson(rate[[0, 2, 3]]).log_prob(n).sum()
    u = torch.tensor([9.0, 8.0], dtype=torch.float64)
    expected = expected + (math.log(2) + 2 * torch.log(rate[:2]) - 3 * torch.log(u)).sum()
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, torch.autograd.grad(expected, leaf)[0], rtol=1e-12)
    (autograd,) = torch.autograd.grad(bound.log_density(leaf), leaf)
    np.testing.assert_allclose(autograd, gradient, rtol=1e-12)


def test_what_is_missing_where_it_counts_is_told_with_its_row() -> None:
    model = loads(MASKED).morphism
    with pytest.raises(DataError, match="`n` is missing at row 2 of `Item`, where its `\\[where=…\\]` holds"):
        model.bind({**KEPT, "kept": [1, 1, 1, 1]})
    with pytest.raises(DataError, match="`age` has 1 missing value"):
        model.bind({**KEPT, "age": [20, None, 4, 5]})
    with pytest.raises(DataError, match="`n` must be a whole number, at least 0: row 1 of `Item` is -1"):
        model.bind({**KEPT, "n": [-1, None, 0, 1]})


def test_predictions_are_drawn_for_every_row() -> None:
    bound = loads(MASKED).morphism.bind(KEPT)
    drawn = bound.predict({"a": torch.zeros((5, 4), dtype=torch.float64)})
    assert drawn["n"].shape == (5, 4)
    assert torch.isfinite(drawn["u"]).all()


# -------------------------------------------------------------------- ordered


def test_ordered_values_go_to_coordinates_and_back_and_other_orders_are_impossible() -> None:
    lines = [
        "sample b : Item <- Normal(0.0, 2.0) [ordered]",
        "sample c : Item <- Exponential(1.0) [ordered]",
        "sample d : Item <- Beta(2.0, 2.0) [ordered]",
        "sample e : Item <- Normal(0.0, 1.0) [ordered, high=2]",
        "sample f : Item <- Normal(0.0, 1.0) [ordered, low=-1]",
    ]
    model = loads(program("\n".join(lines))).morphism
    bound = model.bind({})
    q = torch.randn(bound.dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    values = bound.constrain(q)
    for name in "bcdef":
        assert (values[name].diff() > 0).all()
    torch.testing.assert_close(bound.unconstrain(values), q, rtol=1e-9, atol=1e-9)

    def flat(point: torch.Tensor) -> torch.Tensor:
        return torch.cat([value.reshape(-1) for value in bound.constrain(point).values()])

    jacobian = torch.linalg.slogdet(torch.autograd.functional.jacobian(flat, q))[1]
    torch.testing.assert_close(bound.log_density(q), model.log_joint(values, {}) + jacobian)
    for name in "bcdef":
        assert model.log_joint({**values, name: values[name].flip(0)}, {}) == -math.inf
    drawn = bound.sample_prior((50,), torch.Generator().manual_seed(4))
    assert all((drawn[name].diff(dim=-1) >= 0).all() for name in "bcdef")


def test_ordered_draws_that_differ_along_the_axis_are_drawn_until_they_are_in_order() -> None:
    source = program("sample b : Item <- Normal(index(Item), 1.0) [ordered]")
    drawn = loads(source).morphism.bind({}).sample_prior((4000,), torch.Generator().manual_seed(5))["b"]
    assert (drawn.diff(dim=-1) > 0).all()
    independent = torch.randn((200000, 4), dtype=torch.float64) + torch.arange(4.0)
    kept = independent[(independent.diff(dim=-1) > 0).all(-1)]
    np.testing.assert_allclose(drawn.mean(0), kept.mean(0), atol=0.08)


def test_an_order_along_which_a_bound_varies_is_refused() -> None:
    source = program("sample b : Item <- Normal(0.0, 1.0) [ordered, low=a]")
    with pytest.raises(ProgramError, match="`b` can't increase along `Item` while a bound of it varies"):
        _ = loads(source).morphism


# ----------------------------------------------------------------- truncation

CALLS = {
    "Normal": ("Normal(0.3, 1.2)", scipy.stats.norm(0.3, 1.2)),
    "HalfNormal": ("HalfNormal(1.2)", scipy.stats.halfnorm(0, 1.2)),
    "Cauchy": ("Cauchy(0.3, 1.2)", scipy.stats.cauchy(0.3, 1.2)),
    "HalfCauchy": ("HalfCauchy(1.2)", scipy.stats.halfcauchy(0, 1.2)),
    "Laplace": ("Laplace(0.3, 1.2)", scipy.stats.laplace(0.3, 1.2)),
    "Logistic": ("Logistic(0.3, 1.2)", scipy.stats.logistic(0.3, 1.2)),
    "Gumbel": ("Gumbel(0.3, 1.2)", scipy.stats.gumbel_r(0.3, 1.2)),
    "LogNormal": ("LogNormal(0.3, 1.2)", scipy.stats.lognorm(1.2, 0, math.exp(0.3))),
    "LogitNormal": ("LogitNormal(0.3, 1.2)", None),
    "Exponential": ("Exponential(0.8)", scipy.stats.expon(0, 1 / 0.8)),
    "Weibull": ("Weibull(0.8, 1.7)", scipy.stats.weibull_min(1.7, 0, 0.8)),
    "Pareto": ("Pareto(0.3, 1.7)", scipy.stats.pareto(1.7, 0, 0.3)),
    "Kumaraswamy": ("Kumaraswamy(1.3, 2.4)", None),
    "Uniform": ("Uniform(-0.5, 2.5)", scipy.stats.uniform(-0.5, 3.0)),
    "AsymmetricLaplace": ("AsymmetricLaplace(0.3, 1.2, 1.6)", scipy.stats.laplace_asymmetric(1.6, 0.3, 1.2)),
    "StudentT": ("StudentT(3.5, 0.3, 1.2)", scipy.stats.t(3.5, 0.3, 1.2)),
    "HalfStudentT": ("HalfStudentT(1.0, 1.2)", scipy.stats.halfcauchy(0, 1.2)),
    "Gamma": ("Gamma(1.7, 0.8)", scipy.stats.gamma(1.7, 0, 1 / 0.8)),
    "InverseGamma": ("InverseGamma(1.7, 0.8)", scipy.stats.invgamma(1.7, 0, 0.8)),
    "Chi2": ("Chi2(2.5)", scipy.stats.chi2(2.5)),
    "Beta": ("Beta(1.7, 2.4)", scipy.stats.beta(1.7, 2.4)),
    "TruncatedNormal": (
        "TruncatedNormal(0.3, 1.2, -1.0, 2.1)",
        scipy.stats.truncnorm(-1.3 / 1.2, 1.5, 0.3, 1.2),
    ),
    "Poisson": ("Poisson(2.3)", scipy.stats.poisson(2.3)),
    "Geometric": ("Geometric(0.3)", scipy.stats.geom(0.3, -1)),
    "NegativeBinomial": ("NegativeBinomial(3.0, 0.4)", scipy.stats.nbinom(3.0, 0.6)),
    "NegativeBinomial by logits": (
        "NegativeBinomial(3.0, logits=0.4)",
        scipy.stats.nbinom(3.0, 1 / (1 + math.exp(0.4))),
    ),
    "NegativeBinomial2": ("NegativeBinomial2(2.3, 1.7)", scipy.stats.nbinom(1.7, 1.7 / 4.0)),
    "Binomial": ("Binomial(6, 0.4)", scipy.stats.binom(6, 0.4)),
    "DiscreteUniform": ("DiscreteUniform(0, 5)", scipy.stats.randint(0, 6)),
}
WITH_FUNCTIONS = {name for name, family in FAMILIES.items() if any(form.log_cdf for form in family.forms)}


def test_every_distribution_function_of_the_table_is_held_against_a_reference() -> None:
    assert CALLS.keys() >= WITH_FUNCTIONS


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(
    "bounds", ["low=0.4", "high=0.9", "low=0.4, high=0.9", "low=-3", "high=1.6, low=0.2"]
)
def test_what_bounds_leave_has_the_probability_one(name: str, bounds: str) -> None:
    call, reference = CALLS[name]
    ends = dict(part.split("=") for part in bounds.split(", "))
    low, high = float(ends.get("low", -math.inf)), float(ends.get("high", math.inf))
    whole = FAMILIES[name.split(maxsplit=1)[0]].discrete
    if whole:
        low, high = low * 4, high * 4
        bounds = ", ".join(f"{key}={float(value) * 4:g}" for key, value in ends.items())
    x = math.floor(0.6 * 4) if whole else 0.6
    plain = log_prob(program(f"observe y <- {call}"), "y", {"a": torch.zeros(4)}, {"y": x}).item()
    found = log_prob(program(f"observe y <- {call} [{bounds}]"), "y", {"a": torch.zeros(4)}, {"y": x}).item()
    if reference is None:
        inside = _mass(name, call, low, high)
    elif whole:
        below = reference.cdf(math.ceil(low) - 1) if math.isfinite(low) else 0.0
        inside = reference.cdf(high) - below
    else:
        inside = reference.cdf(high) - reference.cdf(low)
    np.testing.assert_allclose(found, plain - math.log(inside), rtol=1e-9, atol=1e-9)


def _mass(name: str, call: str, low: float, high: float) -> float:
    from scipy.integrate import quad

    model = loads(program(f"observe y : Item <- {call}", objects="object Item : FinSet\n")).morphism

    def pdf(x: float) -> float:
        data = {"y": [x, x]}
        return math.exp(model.log_prob({"a": torch.zeros(2)}, data)["y"][0].item())

    return quad(pdf, max(low, 0.0), min(high, 1.0), epsabs=1e-12, epsrel=1e-12, limit=40)[0]


def test_the_far_tail_keeps_its_digits() -> None:
    found = log_prob(
        program("observe y <- Normal(0.0, 1.0) [low=30, high=31]"), "y", {"a": torch.zeros(4)}, {"y": 30.5}
    )
    mass = scipy.stats.norm.logsf(30) + math.log1p(
        -math.exp(scipy.stats.norm.logsf(31) - scipy.stats.norm.logsf(30))
    )
    np.testing.assert_allclose(found.item(), scipy.stats.norm.logpdf(30.5) - mass, rtol=1e-12)


def test_bounds_may_depend_on_latents_and_the_slope_follows() -> None:
    steps = (
        "sample s <- HalfNormal(1.0)\n"
        "sample b : Item <- HalfNormal(s) [low=a]\n"
        "sample c : Item <- Normal(a, s) [low=a - s, high=a + 2.0 * s]\n"
        "observe y : Item <- Normal(a, s) [low=-9, high=limit]\n"
        "observe n : Item <- Poisson(s) [low=1]"
    )
    model = loads(program(steps)).morphism
    bound = model.bind({"y": [0.1, 0.2, 0.3, 0.4], "limit": [1, 2, 3, 4], "n": [1, 2, 1, 5]})
    q = torch.randn(bound.dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(6))
    leaf = q.clone().requires_grad_()
    value = bound.log_density(leaf)
    (slope,) = torch.autograd.grad(value, leaf)
    gradient = np.empty(bound.dimension)
    np.testing.assert_allclose(bound.log_density_and_gradient(q.numpy(), gradient), value.item(), rtol=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-10, atol=1e-12)
    step = 1e-6
    for place in range(bound.dimension):
        moved = [q.clone(), q.clone()]
        moved[0][place] += step
        moved[1][place] -= step
        numeric = (bound.log_density(moved[0]) - bound.log_density(moved[1])) / (2 * step)
        np.testing.assert_allclose(gradient[place], numeric.item(), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(bound.unconstrain(bound.constrain(q)), q)
    values = bound.constrain(q)
    assert (
        model.log_joint({**values, "b": values["a"] - 1.0}, {"y": [0.0] * 4, "limit": [1] * 4, "n": [1] * 4})
        == -math.inf
    )


def test_a_truncated_draw_has_its_distribution() -> None:
    source = program(
        "sample b : Item <- Normal(1.0, 2.0) [low=0, high=3]\nsample t <- Normal(0.0, 1.0) [low=8]"
    )
    drawn = loads(source).morphism.bind({}).sample_prior((4000,), torch.Generator().manual_seed(7))
    reference = scipy.stats.truncnorm((0 - 1) / 2, (3 - 1) / 2, 1, 2)
    assert scipy.stats.kstest(drawn["b"].numpy().ravel(), reference.cdf).pvalue > 1e-3
    tail = scipy.stats.truncnorm(8, math.inf)
    assert scipy.stats.kstest(drawn["t"].numpy(), tail.cdf).pvalue > 1e-3


@pytest.mark.parametrize("call", ["VonMises(0.0, 1.0)", "SkewNormal(0.0, 1.0, 2.0)"])
def test_a_family_without_a_distribution_function_is_refused_where_it_stands(call: str) -> None:
    name = call.split("(", maxsplit=1)[0]
    with pytest.raises(
        ProgramError,
        match=f"`{name}` can't be truncated: .* no closed form.* `VonMises` and `SkewNormal` have",
    ):
        _ = loads(program(f"sample g <- {call} [high=3]")).morphism


@pytest.mark.parametrize(
    ("call", "shape"),
    [("Gamma(s, 1.0)", "concentration"), ("StudentT(s, 0.0, 1.0)", "df"), ("Chi2(2 * s)", "df")],
)
def test_a_shape_that_is_drawn_is_refused_by_name(call: str, shape: str) -> None:
    with pytest.raises(ProgramError, match=f"can't be truncated where `{shape}` depends on a latent"):
        _ = loads(program(f"sample s <- Exponential(1.0)\nsample g <- {call} [low=1]")).morphism


GAMMA, BETA = scipy.stats.gamma(2), scipy.stats.beta(2, 3)
SHAPES = program(
    """sample tau <- StudentT(3, 0, 2.5) [low=0]
sample half <- HalfStudentT(4, tau) [high=3]
sample g : Item <- Gamma(df, tau) [low=0.2, high=4]
sample h <- InverseGamma(3, half) [high=tau]
sample b <- Beta(2.0, 3.5) [low=0.1, high=0.8]
observe x : Item <- StudentT(df, a, tau) [low=0]
observe n : Item <- Poisson(tau) [low=2]
observe m : Item <- NegativeBinomial2(tau, 2.0) [low=3]
observe k : Item <- NegativeBinomial2(tau, half) [low=1, high=5]"""
)


def test_the_slopes_of_what_is_left_are_those_of_autograd_and_of_differences() -> None:
    data = {
        "x": [0.5, 1, 2, 3],
        "df": [3.0, 4, 5, 6],
        "n": [2, 3, 4, 9],
        "m": [3, 3, 4, 8],
        "k": [1, 2, 3, 5],
    }
    bound = loads(SHAPES).morphism.bind(data)
    q = 0.4 * torch.randn(bound.dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    gradient = np.empty(bound.dimension)
    value = bound.log_density_and_gradient(q.numpy(), gradient)
    leaf = q.clone().requires_grad_()
    expected = bound.log_density(leaf)
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(torch.autograd.grad(expected, leaf)[0], gradient, rtol=1e-9, atol=1e-11)
    step = 1e-5
    for place in range(bound.dimension):
        ends = [q.clone(), q.clone()]
        ends[0][place] += step
        ends[1][place] -= step
        numeric = (bound.log_density(ends[0]) - bound.log_density(ends[1])) / (2 * step)
        np.testing.assert_allclose(gradient[place], numeric.item(), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("least", [2, 5, 30])
def test_a_tail_of_counts_keeps_its_digits_where_almost_nothing_is_left(least: int) -> None:
    source = program(f"observe n <- Poisson(0.01) [low={least}]")
    found = log_prob(source, "n", {"a": torch.zeros(4)}, {"n": least}).item()
    # Of what is left, nearly all lies at its least value: the ratio of the next is rate / (least + 1).
    ratios = [0.01**k * math.factorial(least) / math.factorial(least + k) for k in range(20)]
    np.testing.assert_allclose(found, -math.log(math.fsum(ratios)), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("draw", "reference"),
    [
        ("StudentT(3, 0, 2.5) [low=0]", lambda x: 2 * scipy.stats.t(3, 0, 2.5).cdf(x) - 1),
        ("Gamma(2.0, 1.0) [low=30]", lambda x: 1 - GAMMA.sf(x) / GAMMA.sf(30)),
        ("Beta(2.0, 3.0) [high=0.001]", lambda x: BETA.cdf(x) / BETA.cdf(0.001)),
    ],
)  # fmt: skip
def test_draws_between_bounds_in_the_tails_have_their_distribution(
    draw: str, reference: Callable[..., Any]
) -> None:
    drawn = loads(program(f"sample b <- {draw}")).morphism.bind({})
    found = drawn.sample_prior((3000,), torch.Generator().manual_seed(7))["b"].numpy()
    assert scipy.stats.kstest(found, reference).pvalue > 1e-3


def test_a_count_with_a_bound_that_is_drawn_is_refused() -> None:
    with pytest.raises(ProgramError, match="A bound of a count can't depend on a latent"):
        _ = loads(program("observe n : Item <- Poisson(2.0) [high=exp(a)]")).morphism
