"""Minibatches: over all that there are, their mean is the whole log density; what can't be is refused."""

import itertools

import pytest
import torch

from quivers.backends.torch.minibatch import Subsampling
from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import ELBO, IWAE, SVI, AutoDeltaGuide, AutoMultivariateNormalGuide, AutoNormalGuide

# Latents over rows and over groups, a reduction of data alone over the rows, and a scale of its own.
SOURCE = """
object Row : FinSet 5
object Group : FinSet 3

program rows : Row -> Row
    sample s <- HalfNormal(1.0)
    sample g : Group <- Normal(0.0, s)
    sample e : Row <- Exponential(2.0)
    let centred = x - sum(x) / 5.0
    observe y : Row <- Normal(g[group] + e * centred, s)
    return y

export rows
"""
DATA = {
    "x": torch.tensor([1.0, 2.5, -0.5, 0.3, 4.0]),
    "y": torch.tensor([0.4, 1.5, -1.0, 0.2, 2.0]),
    "group": torch.tensor([0, 2, 1, 1, 0]),
}
LINE = """
object Row : FinSet 200

program line : Row -> Row
    sample a <- Normal(0.0, 10.0)
    sample b <- Normal(0.0, 10.0)
    observe y : Row <- Normal(a + b * x, 1.0)
    return y

export line
"""


@pytest.fixture(scope="module")
def bound():
    return loads(SOURCE).morphism.bind(DATA)


@pytest.fixture(scope="module")
def line():
    torch.manual_seed(5)
    x = torch.randn(200).double()
    return loads(LINE).morphism, {"x": x, "y": 1.0 + 2.0 * x + torch.randn(200)}


def every(total, count):
    return [torch.tensor(chosen) for chosen in itertools.combinations(range(total), count)]


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_the_mean_over_all_minibatches_is_the_whole_density(bound, count):
    torch.manual_seed(0)
    q = torch.randn(2, bound.dimension, dtype=torch.float64)
    some = Subsampling(bound, {"Row": count})
    values = [some.minibatch({"Row": chosen}).log_density(q) for chosen in every(5, count)]
    mean = torch.stack(values).mean(0)
    torch.testing.assert_close(mean, bound.log_density(q), rtol=1e-10, atol=1e-10)
    if count < 5:
        assert torch.stack(values).std() > 0.1


def test_the_mean_gradient_is_the_whole_gradient(bound):
    torch.manual_seed(0)
    q = torch.randn(bound.dimension, dtype=torch.float64, requires_grad=True)
    some = Subsampling(bound, {"Row": 2})
    slopes = [
        torch.autograd.grad(some.minibatch({"Row": chosen}).log_density(q), q)[0] for chosen in every(5, 2)
    ]
    (whole,) = torch.autograd.grad(bound.log_density(q), q)
    torch.testing.assert_close(torch.stack(slopes).mean(0), whole, rtol=1e-10, atol=1e-10)


def test_two_objects_are_subsampled_apart():
    source = """
object Row : FinSet 4
object Column : FinSet 3

program table : Row -> Row * Column
    sample a : Row <- Normal(0.0, 1.0)
    sample b : Column <- Normal(0.0, 2.0)
    observe y : Row * Column <- Normal(a + b, 1.0)
    return y

export table
"""
    torch.manual_seed(0)
    bound = loads(source).morphism.bind({"y": torch.randn(4, 3)})
    q = torch.randn(bound.dimension, dtype=torch.float64)
    some = Subsampling(bound, {"Row": 2, "Column": 2})
    values = [
        some.minibatch({"Row": rows, "Column": columns}).log_density(q)
        for rows in every(4, 2)
        for columns in every(3, 2)
    ]
    torch.testing.assert_close(torch.stack(values).mean(), bound.log_density(q), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [AutoNormalGuide, AutoMultivariateNormalGuide])
def test_the_mean_loss_over_all_minibatches_is_the_whole_loss(bound, kind):
    guide = kind(loads(SOURCE).morphism)
    some = Subsampling(bound, {"Row": 2})
    losses, slopes = [], []
    whole = None
    for density in (*(some.minibatch({"Row": chosen}) for chosen in every(5, 2)), bound):
        torch.manual_seed(3)  # the same particles for all
        guide.zero_grad()
        whole = ELBO(3).loss(density, guide)
        whole.backward()
        losses.append(whole.detach())
        slopes.append(guide.log_scale.grad.clone())
    torch.testing.assert_close(torch.stack(losses[:-1]).mean(), losses[-1], rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(torch.stack(slopes[:-1]).mean(0), slopes[-1], rtol=1e-10, atol=1e-10)


def test_only_the_parameters_of_chosen_elements_are_moved(bound):
    guide = AutoNormalGuide(loads(SOURCE).morphism)
    density = Subsampling(bound, {"Row": 2}).minibatch({"Row": torch.tensor([1, 4])})
    ELBO().loss(density, guide).backward()
    start = next(place.start for place in bound.coordinates if place.name == "e")
    moved = guide.log_scale.grad[start : start + 5] != 0
    assert moved.tolist() == [False, True, False, False, True]
    assert (guide.log_scale.grad[:start] != 0).all()


def test_every_element_has_its_turn_before_any_comes_again(bound):
    torch.manual_seed(0)
    some = Subsampling(bound, {"Row": 2})
    start = next(place.start for place in bound.coordinates if place.name == "e")
    for _ in range(4):
        seen = torch.cat([some.draw().chosen for _ in range(2)])
        rows = seen[(seen >= start) & (seen < start + 5)]
        assert len(set(rows.tolist())) == 4


def test_a_run_on_minibatches_ends_at_the_posterior_of_all_data(line):
    model, data = line
    torch.manual_seed(0)
    guide = AutoNormalGuide(model)
    optimizer = torch.optim.Adam(guide.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.995)
    svi = SVI(model, guide, optimizer, ELBO(2))
    result = svi.run(1000, None, data, tolerance=None, schedule=schedule, subsample={"Row": 20})
    design = torch.stack([torch.ones(200).double(), data["x"]], 1)
    precision = design.T @ design + torch.eye(2).double() / 100
    mean = torch.linalg.solve(precision, design.T @ data["y"].double())
    best = precision.diagonal().rsqrt()
    # The last steps' rate leaves them within half of a standard deviation; the scales are known to 10 %.
    assert ((guide.loc - mean).abs() < 0.5 * best).all()
    torch.testing.assert_close(guide.log_scale.exp(), best, rtol=0.1, atol=0)
    assert result.engine == "torch"
    assert "minibatches" in result.engine_reason
    svi.step(None, data, subsample={"Row": 50})


def described(program, data, counts):
    return Subsampling(loads(program).morphism.bind(data), counts)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"Col": 2}, "subsample has Col, which is not an object of the program; its objects are Row, Group"),
        ({"Row": 6}, "subsample must take between 1 and 5 of the 5 elements of Row, it has 6"),
        ({"Row": 0}, "it has 0"),
        ({"Row": True}, "it has True"),
        ({"Group": 2}, "The density of y depends on several elements of Group at once"),
    ],
)
def test_what_can_not_be_is_told_in_a_sentence(bound, counts, message):
    with pytest.raises(QvrError, match=message):
        Subsampling(bound, counts)


def test_elements_that_a_vector_ties_together_are_refused():
    source = """
object K : FinSet 3

program vector : K -> K
    sample v : K <- MultivariateNormal(m, covariance_matrix=S)
    observe y : K <- Normal(v, 1.0)
    return v

export vector
"""
    data = {"m": torch.zeros(3), "S": torch.eye(3), "y": torch.ones(3)}
    with pytest.raises(QvrError, match="The density of v depends on several elements of K at once"):
        described(source, data, {"K": 2})
    summed = """
object Row : FinSet 3

program summed : Row -> Row
    sample e : Row <- Normal(0.0, 1.0)
    let m = sum(e)
    observe y : Row <- Normal(m, 1.0)
    return e

export summed
"""
    with pytest.raises(QvrError, match="The density of y depends on several elements of Row at once"):
        described(summed, {"y": torch.ones(3)}, {"Row": 2})


@pytest.mark.parametrize(
    ("kind", "objective", "message"),
    [
        (AutoNormalGuide, IWAE(5), "IWAE can't be estimated from a minibatch"),
        (AutoDeltaGuide, ELBO(), "AutoDeltaGuide takes all data at each step"),
    ],
)
def test_an_objective_or_a_guide_that_needs_all_data_refuses_minibatches(line, kind, objective, message):
    model, data = line
    guide = kind(model)
    svi = SVI(model, guide, torch.optim.Adam(guide.parameters(), lr=0.1), objective)
    with pytest.raises(QvrError, match=message):
        svi.run(3, None, data, subsample={"Row": 10})
