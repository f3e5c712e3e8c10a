"""A draw from a program has the density of its steps written out in the caller's place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from quivers.dsl import loads

OBJECTS = "object School : FinSet 4\nobject Side : FinSet 2\ndata dose : School * Real\n"
CALLED = """program inner(G : FinSet) : G -> G
    sample z : G <- Normal(0.0, 1.0)
    score pull = -0.5 * sum(z ^ 2, over=G)
    return z

program scaled(H : FinSet, spread : Real [low=0]) : H -> H
    sample raw <- inner(G=H)
    let shifted = spread * raw + index(H) / length(H)
    let table = factor h : H in shifted[h] + 1.0
    marginalize k <- Bernoulli(0.3)
        observe v : H <- Normal(shifted + k, noise)
    return 2.0 * table

program p : School -> School
    sample tau <- HalfNormal(1.0)
    sample theta <- scaled(School, tau)
    sample side <- scaled(Side, 1.5)
    observe y : School <- Normal(theta * dose + sum(side), 1.0)
    return theta
"""
WRITTEN_OUT = """program p : School -> School
    sample tau <- HalfNormal(1.0)
    sample a : School <- Normal(0.0, 1.0)
    score pull = -0.5 * sum(a ^ 2)
    let a_shifted = tau * a + index(School) / 4
    marginalize k <- Bernoulli(0.3)
        observe va : School <- Normal(a_shifted + k, noise_a)
    let theta = 2.0 * (a_shifted + 1.0)
    sample b : Side <- Normal(0.0, 1.0)
    score pull_b = -0.5 * sum(b ^ 2)
    let b_shifted = 1.5 * b + index(Side) / 2
    marginalize k <- Bernoulli(0.3)
        observe vb : Side <- Normal(b_shifted + k, noise_b)
    let side = 2.0 * (b_shifted + 1.0)
    observe y : School <- Normal(theta * dose + sum(side), 1.0)
    return theta
"""
DATA = {"dose": [0.5, 1.0, -1.0, 2.0], "y": [1.0, 2.0, 0.5, -1.0]}
NESTED = {"theta.v": [0.1, 0.9, 0.3, 1.2], "theta.noise": 0.7, "side.v": [0.4, 0.2], "side.noise": 1.1}
FLAT = {"va": [0.1, 0.9, 0.3, 1.2], "noise_a": 0.7, "vb": [0.4, 0.2], "noise_b": 1.1}


def test_programs_with_objects_and_values_drawn_inside_each_other() -> None:
    called = loads(OBJECTS + CALLED).morphism.bind({**DATA, **NESTED})
    written = loads(OBJECTS + WRITTEN_OUT).morphism.bind({**DATA, **FLAT})
    assert [place.name for place in called.coordinates] == ["tau", "theta.raw.z", "side.raw.z"]
    q = torch.randn(called.dimension, dtype=torch.float64, generator=torch.Generator().manual_seed(8))
    first, second = np.empty(called.dimension), np.empty(called.dimension)
    value = called.log_density_and_gradient(q.numpy(), first)
    np.testing.assert_allclose(value, written.log_density_and_gradient(q.numpy(), second), rtol=1e-12)
    np.testing.assert_allclose(first, second, rtol=1e-10, atol=1e-12)
    values = called.constrain(q)
    assert list(values) == [
        "tau", "theta.raw.z", "theta.shifted", "theta.table", "theta", "side.raw.z", "side.shifted",
        "side.table", "side",
    ]  # fmt: skip
    torch.testing.assert_close(values["theta"], written.constrain(q)["theta"])


def test_what_a_called_program_observes_is_predicted_under_its_name() -> None:
    model = loads(OBJECTS + CALLED).morphism
    data = {"dose": DATA["dose"], "theta.noise": 0.7, "side.noise": 1.1}
    drawn = model.rsample(data, (3,), torch.Generator().manual_seed(9))
    assert drawn["theta.v"].shape == (3, 4)
    assert drawn["side.v"].shape == (3, 2)
    assert drawn["y"].shape == (3, 4)
    assert [term.site for term in model.density.terms][:4] == [
        "tau",
        "theta.raw.z",
        "theta.raw.pull",
        "theta.v",
    ]


@pytest.mark.parametrize("composition", ["first >> second", "first >> (second)"])
def test_a_composition_feeds_what_one_returns_to_the_other(composition: str) -> None:
    source = f"""object School : FinSet 4
program first : School -> School
    sample mu <- Normal(0.0, 1.0)
    sample theta : School <- Normal(mu, 1.0)
    return (centre: mu, effects: theta)

program second(effects : School * Real, centre : Real) : School -> School
    observe y : School <- Normal(effects - centre, sigma)
    return effects

define pipeline = {composition}
export pipeline
"""
    values = {"first.mu": torch.tensor(0.4), "first.theta": torch.tensor([0.1, 0.2, 0.3, 0.4])}
    data = {"second.y": [1.0, 2.0, 3.0, 4.0], "second.sigma": 2.0}
    found = loads(source).morphism.log_joint(values, data)
    mu, theta = values["first.mu"].double(), values["first.theta"].double()
    normal = torch.distributions.Normal
    one, two = torch.tensor(1.0, dtype=torch.float64), torch.tensor(2.0, dtype=torch.float64)
    y = torch.tensor(data["second.y"], dtype=torch.float64)
    expected = normal(0 * mu, one).log_prob(mu) + normal(mu, one).log_prob(theta).sum()
    expected = expected + normal(theta - mu, two).log_prob(y).sum()
    torch.testing.assert_close(found, expected)


def test_programs_side_by_side_are_two_sets_of_sites() -> None:
    source = """object School : FinSet 4
object Item : FinSet 2
program left : School -> School
    sample theta : School <- Normal(0.0, 1.0)
    return theta

program right : Item -> Item
    sample theta : Item <- Normal(1.0, 2.0)
    return theta

define both = left * right
export both
"""
    model = loads(source).morphism
    assert [latent.name for latent in model.density.latents] == ["left.theta", "right.theta"]
    first, second = model()
    assert (first.shape, second.shape) == ((4,), (2,))


def test_a_repeated_axis_is_contracted_with_the_object_itself() -> None:
    source = """object School : FinSet 3
program p : School -> School
    sample theta : School <- Normal(0.0, 1.0)
    let moved = root @ theta
    observe y : School <- Normal(moved, 1.0)
    return theta
    # `root` is School ⊗ School′
"""
    source = source.replace("program p", "data root : School * School * Real\nprogram p")
    model = loads(source).morphism
    root = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0], [1.0, 0.0, 1.0]])
    theta = torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64)
    bound = model.bind({"root": root, "y": [0.0, 0.0, 0.0]})
    found = bound.given({"theta": theta}).filled(bound.density.deterministic["moved"], ("School",))
    np.testing.assert_allclose(found, root @ theta.numpy())
