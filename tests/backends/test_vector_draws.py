"""Draws of vectors and matrices: their moments and marginals, and programs with such latents end to end."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats as st
import torch

from quivers.backends.torch.draw import draw
from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.families.table import FAMILIES
from quivers.inference import MCMC, AutoNormalGuide, NUTSKernel

COUNT = 20_000
LEAST_P = 1e-4
SIGMA = np.array([[2.0, 0.6, -0.3], [0.6, 1.0, 0.2], [-0.3, 0.2, 0.5]])
ROOT = np.linalg.cholesky(SIGMA)
LOC = np.array([0.3, -1.0, 2.0])


def drawn(name, parameters, event=(3,), seed=1, count=COUNT):
    tensors = {key: torch.as_tensor(value, dtype=torch.float64) for key, value in parameters.items()}
    generator = torch.Generator().manual_seed(seed)
    found = draw(FAMILIES[name], tensors, (count, *event), generator)
    assert found.dtype == torch.float64
    assert found.shape == (count, *event)
    return found.numpy()


def assert_mean(draws, expected):
    """Within five standard errors of the mean, everywhere."""
    error = draws.std(0) / np.sqrt(len(draws))
    assert (np.abs(draws.mean(0) - expected) <= 5 * error + 1e-12).all()


def assert_follows(draws, distribution):
    assert st.kstest(draws, distribution.cdf).pvalue > LEAST_P


def along(matrices, direction):
    """aᵀ M a for each matrix M."""
    return np.einsum("...ij,i,j->...", matrices, direction, direction)


DIRECTIONS = [np.eye(3)[0], np.array([1.0, -1.0, 0.0]), np.array([0.3, 2.0, -1.0])]
WEIGHTS = np.array([0.2, 0.5, 0.3])
COVARIANCES = [SIGMA, np.linalg.inv(SIGMA), ROOT]


def dirichlet(draws):
    yield draws[:, 0], st.beta(0.4, 8.0)
    yield draws[:, 1] + draws[:, 2], st.beta(8.0, 0.4)
    yield draws[:, 0] / (draws[:, 0] + draws[:, 1]), st.beta(0.4, 1.0)


def multivariate_normal(draws):
    root = np.linalg.solve(ROOT, (draws - LOC).T)
    yield (root**2).sum(0), st.chi2(3)
    for a in DIRECTIONS:
        yield draws @ a, st.norm(LOC @ a, np.sqrt(along(SIGMA, a)))


def random_walk(draws):
    steps = np.diff(draws, axis=-1, prepend=0.0)
    yield from ((steps[:, place], st.norm(0, 0.7)) for place in range(3))
    yield draws[:, 2], st.norm(0, 0.7 * np.sqrt(3))


def lkj(draws):
    """Each correlation is beta on (−1, 1), and so is each partial correlation given the third (Joe, 2006)."""
    law = st.beta(2.8, 2.8, loc=-1, scale=2)
    yield from ((draws[:, i, j], law) for i, j in ((1, 0), (2, 0), (2, 1)))
    ab, ac, bc = draws[:, 1, 0], draws[:, 2, 0], draws[:, 2, 1]
    partial = (bc - ab * ac) / np.sqrt((1 - ab**2) * (1 - ac**2))
    yield partial, st.beta(2.3, 2.3, loc=-1, scale=2)


def wishart(draws):
    """aᵀ W a / aᵀ V a is χ² of `df`, for each a, and aᵀ V⁻¹ a / aᵀ W⁻¹ a χ² of 2 less."""
    for a in DIRECTIONS:
        yield along(draws, a), st.chi2(4.5, scale=along(SIGMA, a))
    for a in DIRECTIONS:
        inverse = along(np.linalg.inv(draws), a) / along(np.linalg.inv(SIGMA), a)
        yield 1 / inverse, st.chi2(4.5 - 2)


def inverse_wishart(draws):
    """The inverse is Wishart of the inverse of Ψ."""
    for a in DIRECTIONS:
        yield along(np.linalg.inv(draws), a), st.chi2(4.5, scale=along(np.linalg.inv(SIGMA), a))
        yield along(draws, a), st.invgamma(0.5 * 2.5, scale=0.5 * along(SIGMA, a))


MATRIX = (3, 3)
# For each family and form: parameters, the shape of a draw, and scalars of it with their distributions.
CONTINUOUS = {
    ("Dirichlet", 0): ({"concentration": [0.4, 1.0, 7.0]}, (3,), dirichlet),
    **{
        ("MultivariateNormal", form): ({"loc": LOC, name: matrix}, (3,), multivariate_normal)
        for form, (name, matrix) in enumerate(
            zip(("covariance_matrix", "precision_matrix", "scale_tril"), COVARIANCES, strict=True)
        )
    },
    ("GaussianRandomWalk", 0): ({"scale": 0.7}, (3,), random_walk),
    ("LKJ", 0): ({"concentration": 2.3}, MATRIX, lkj),
    ("LKJCholesky", 0): ({"concentration": 2.3}, MATRIX, lambda draws: lkj(draws @ np.swapaxes(draws, 1, 2))),
    **{
        ("Wishart", form): ({"df": 4.5, name: matrix}, MATRIX, wishart)
        for form, (name, matrix) in enumerate(
            zip(("covariance_matrix", "precision_matrix", "scale_tril"), COVARIANCES, strict=True)
        )
    },
    ("InverseWishart", 0): ({"df": 4.5, "scale_matrix": SIGMA}, MATRIX, inverse_wishart),
    ("InverseWishart", 1): ({"df": 4.5, "scale_tril": ROOT}, MATRIX, inverse_wishart),
}
COUNTS = {
    ("Multinomial", 0): {"total_count": 4.0, "probs": 4 * WEIGHTS},
    ("Multinomial", 1): {"total_count": 4.0, "logits": np.log(WEIGHTS) + 30},
}


@pytest.mark.parametrize(("name", "form"), CONTINUOUS)
def test_scalars_of_vectors_and_matrices_follow_their_distributions(name, form):
    parameters, event, scalars = CONTINUOUS[name, form]
    for values, law in scalars(drawn(name, parameters, event)):
        assert_follows(values, law)


@pytest.mark.parametrize(("name", "form"), COUNTS)
def test_counts_come_up_as_often_as_their_chances_say(name, form):
    """χ² over all the vectors of counts that sum to 4."""
    draws = drawn(name, COUNTS[name, form])
    outcomes = np.array([(i, j, 4 - i - j) for i in range(5) for j in range(5 - i)])
    expected = COUNT * st.multinomial(4, WEIGHTS).pmf(outcomes)
    observed = (draws[:, None] == outcomes).all(-1).sum(0)
    assert observed.sum() == COUNT
    assert st.chisquare(observed, expected).pvalue > LEAST_P


def test_every_form_of_a_vector_or_a_matrix_is_drawn_and_held_against_a_distribution():
    assert {*CONTINUOUS, *COUNTS} == {
        (family.name, form)
        for family in FAMILIES.values()
        if family.event_rank
        for form in range(len(family.forms))
    }


@pytest.mark.parametrize("concentration", [[0.4, 1.0, 7.0], [0.05, 0.1, 0.02]])
def test_elements_of_a_dirichlet_are_beta(concentration):
    draws = drawn("Dirichlet", {"concentration": concentration})
    np.testing.assert_allclose(draws.sum(-1), 1.0, rtol=1e-12)
    for place, own in enumerate(concentration):
        if own > 0.1:
            assert_follows(draws[:, place], st.beta(own, sum(concentration) - own))
    assert_mean(draws, np.array(concentration) / sum(concentration))


@pytest.mark.parametrize("form", ["probs", "logits"])
def test_elements_of_a_multinomial_are_binomial(form):
    weights = np.array([0.2, 0.5, 0.3])
    given = 4 * weights if form == "probs" else np.log(weights) + 30
    draws = drawn("Multinomial", {"total_count": 9.0, form: given})
    np.testing.assert_array_equal(draws.sum(-1), 9.0)
    assert_mean(draws, 9 * weights)
    moments = draws[:, :, None] * draws[:, None, :]
    expected = 9 * (np.diag(weights) - np.outer(weights, weights)) + 81 * np.outer(weights, weights)
    assert_mean(moments, expected)


@pytest.mark.parametrize(
    ("form", "matrix"),
    [("covariance_matrix", SIGMA), ("precision_matrix", np.linalg.inv(SIGMA)), ("scale_tril", ROOT)],
    ids=["covariance", "precision", "root"],
)
def test_a_multivariate_normal_has_its_covariance(form, matrix):
    draws = drawn("MultivariateNormal", {"loc": LOC, form: matrix})
    for place in range(3):
        assert_follows(draws[:, place], st.norm(LOC[place], np.sqrt(SIGMA[place, place])))
    centred = draws - LOC
    assert_mean(centred[:, :, None] * centred[:, None, :], SIGMA)


@pytest.mark.parametrize(("size", "concentration"), [(1, 2.0), (2, 1.0), (3, 0.5), (5, 2.3)])
def test_correlations_of_lkj_are_beta_on_their_interval(size, concentration):
    draws = drawn("LKJ", {"concentration": concentration}, (size, size))
    assert (np.diagonal(draws, axis1=-2, axis2=-1) == 1).all()
    roots = drawn("LKJCholesky", {"concentration": concentration}, (size, size))
    np.testing.assert_allclose(roots @ np.swapaxes(roots, -1, -2), draws, rtol=1e-12, atol=1e-12)
    shape = concentration - 1 + size / 2
    for i in range(size):
        for j in range(i):
            assert_follows(draws[:, i, j], st.beta(shape, shape, loc=-1, scale=2))


@pytest.mark.parametrize(
    ("form", "matrix"),
    [("covariance_matrix", SIGMA), ("precision_matrix", np.linalg.inv(SIGMA)), ("scale_tril", ROOT)],
    ids=["covariance", "precision", "root"],
)
def test_the_diagonal_of_a_wishart_is_gamma(form, matrix):
    draws = drawn("Wishart", {"df": 4.5, form: matrix}, (3, 3))
    assert_mean(draws, 4.5 * SIGMA)
    for place in range(3):
        assert_follows(draws[:, place, place], st.chi2(4.5, scale=SIGMA[place, place]))


@pytest.mark.parametrize(("form", "matrix"), [("scale_matrix", SIGMA), ("scale_tril", ROOT)])
def test_the_diagonal_of_an_inverse_wishart_is_inverse_gamma(form, matrix):
    draws = drawn("InverseWishart", {"df": 9.5, form: matrix}, (3, 3))
    assert_mean(draws, SIGMA / 5.5)
    for place in range(3):
        assert_follows(draws[:, place, place], st.invgamma(0.5 * 7.5, scale=0.5 * SIGMA[place, place]))


def test_a_gaussian_random_walk_starts_from_0_and_takes_normal_steps():
    draws = drawn("GaussianRandomWalk", {"scale": 0.7}, (4,))
    steps = np.diff(draws, axis=-1, prepend=0.0)
    for place in range(4):
        assert_follows(steps[:, place], st.norm(0, 0.7))


def test_plates_have_parameters_of_their_own():
    concentration = np.array([[50.0, 1.0, 1.0], [1.0, 1.0, 50.0]])
    draws = drawn("Dirichlet", {"concentration": concentration}, (2, 3), count=200)
    assert (draws[:, 0, 0] > 0.5).all()
    assert (draws[:, 1, 2] > 0.5).all()


HEADER = """object K : FinSet 3
object S : FinSet 4
"""
Y = np.random.default_rng(5).normal(size=(4, 3))
PROGRAMS = {
    "dirichlet": ("""sample w : S * K <- Dirichlet(1.5)
    observe y : S * K <- Normal(w, 0.3)""", {"w": (4, 3)}),
    "lkj factor": ("""sample L : K <- LKJCholesky(2.0)
    sample tau : K <- HalfNormal(1.0)
    observe y : S * K <- MultivariateNormal(0.0, scale_tril=tau * L)""", {"L": (3, 3), "tau": (3,)}),
    "lkj": ("""sample R : K * K <- LKJ(2.0)
    observe y : S * K <- MultivariateNormal(0.0, R)""", {"R": (3, 3)}),
    "multivariate normal": ("""sample L : K * K <- LKJCholesky(2.0)
    sample z : S * K <- MultivariateNormal(0.0, scale_tril=L)
    observe y : S * K <- Normal(z, 1.0)""", {"L": (3, 3), "z": (4, 3)}),
    "wishart": ("""sample V : K * K <- Wishart(5.0, diag(0.5 * index(K) + 1))
    observe y : S * K <- MultivariateNormal(0.0, precision_matrix=V)""", {"V": (3, 3)}),
    "inverse wishart": ("""sample V : K * K <- InverseWishart(5.0, diag(0.5 * index(K) + 1))
    observe y : S * K <- MultivariateNormal(0.0, V)""", {"V": (3, 3)}),
    "random walk": ("""sample x : S * K <- GaussianRandomWalk(0.5)
    observe y : S * K <- Normal(x, 1.0)""", {"x": (4, 3)}),
}  # fmt: skip


def program(name):
    body, shapes = PROGRAMS[name]
    return loads(f"{HEADER}\nprogram p : K -> K\n    {body}\n    return index(K)\n"), shapes


@pytest.mark.parametrize("name", PROGRAMS)
def test_densities_gradients_and_prior_draws_of_a_program_agree(name):
    loaded, shapes = program(name)
    model = loaded.morphism
    assert model.latent_shapes() == shapes
    bound = model.bind({"y": Y})
    prior = bound.sample_prior((6,), torch.Generator().manual_seed(2))
    assert {each: tuple(value.shape[1:]) for each, value in prior.items()} == shapes
    joint = model.log_joint(prior, {"y": Y})
    assert torch.isfinite(joint).all()
    q = bound.unconstrain(prior)
    again = bound.constrain(q)
    for each, value in prior.items():
        torch.testing.assert_close(again[each], value, rtol=1e-9, atol=1e-9)
    gradient = np.empty(bound.dimension)
    for point, expected in zip(q, joint, strict=True):
        jacobian = sum(term.value for term in bound.explain(point) if term.kind == "jacobian")
        value = bound.log_density_and_gradient(point.numpy(), gradient)
        assert value == pytest.approx(expected.item() + jacobian, rel=1e-9)
        leaf = point.clone().requires_grad_()
        (slope,) = torch.autograd.grad(bound.log_density(leaf), leaf)
        np.testing.assert_allclose(gradient, slope, rtol=1e-8, atol=1e-8 * max(1, slope.abs().max().item()))
    assert bound.predict(prior, torch.Generator().manual_seed(3))["y"].shape == (6, 4, 3)


@pytest.mark.parametrize("name", ["dirichlet", "lkj factor", "multivariate normal", "wishart"])
def test_a_latent_vector_or_matrix_is_sampled_by_torch(name):
    loaded, shapes = program(name)
    options = {"num_samples": 10, "num_warmup": 20, "num_chains": 1, "seed": 1, "engine": "torch"}
    result = MCMC(NUTSKernel(), **options).run(loaded.morphism, None, {"y": Y})
    for each, shape in shapes.items():
        assert result.samples[each].shape == (1, 10, *shape)
        assert torch.isfinite(result.samples[each]).all()


def test_chains_start_from_a_given_matrix():
    loaded, _ = program("lkj")
    options = {"num_samples": 2, "num_warmup": 0, "num_chains": 1, "seed": 1, "engine": "torch"}
    start = {"R": np.eye(3) + 0.2 * (1 - np.eye(3))}
    run = MCMC(NUTSKernel(), init_strategy="value", initial_values=start, **options)
    assert torch.isfinite(run.run(loaded.morphism, None, {"y": Y}).samples["R"]).all()


def test_a_guide_has_a_scale_for_each_coordinate():
    loaded, shapes = program("lkj factor")
    guide = AutoNormalGuide(loaded.morphism)
    assert guide.loc.shape == (6,)  # three partial correlations and three scales
    bound = loaded.morphism.bind({"y": Y})
    drawn = guide.sample(bound, (5,))
    assert {name: tuple(value.shape) for name, value in drawn.items()} == {
        name: (5, *shape) for name, shape in shapes.items()
    }


def test_values_outside_their_space_have_no_density():
    model = program("lkj")[0].morphism
    values = torch.stack([torch.eye(3, dtype=torch.float64)] * 4)
    values[1, 0, 1] = 0.3  # not symmetric
    values[2] = 2 * values[2]  # no 1 on the diagonal
    values[3, 0, 1] = values[3, 1, 0] = 1.4  # not positive definite
    assert torch.isfinite(model.log_joint({"R": values}, {"y": Y})).tolist() == [True, False, False, False]
    assert (model.log_joint({"R": values}, {"y": Y})[1:] == -np.inf).all()
    simplex = program("dirichlet")[0].morphism
    w = torch.full((2, 4, 3), 1 / 3, dtype=torch.float64)
    w[1, 0, 0] += 0.1
    assert simplex.log_joint({"w": w}, {"y": Y}).isfinite().tolist() == [True, False]


def test_a_covariance_that_is_none_can_not_be_drawn_with():
    source = f"""{HEADER}
data C : K * K * Real

program p : K -> K
    sample x : K <- MultivariateNormal(0.0, C)
    return x
"""
    bound = loads(source).morphism.bind({"C": -np.eye(3)})
    with pytest.raises(QvrError, match="`x` can't be drawn"):
        bound.sample_prior((2,))
    assert bound.log_density(torch.zeros(3, dtype=torch.float64)).item() == -np.inf
