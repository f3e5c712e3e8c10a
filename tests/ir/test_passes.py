"""The passes over the density graph: bijections against autograd, algebra against plain evaluation."""

# ruff: noqa: E501
from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from quivers.backends.torch.bound import BoundModel
from quivers.backends.torch.evaluate import plan
from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.families.support import Interval
from quivers.ir.constrain import constrain
from quivers.ir.differentiate import differentiate
from quivers.ir.graph import BINARY, CONDITIONS, REDUCTIONS, UNARY, Builder, Density, Latent, Node, Term
from quivers.ir.joint import joint, specialise
from quivers.ir.simplify import apply, reduce, spread, total


def one_latent(support, low=None, high=None) -> Density:
    """A density of one latent over the axis N, its log density 0, with ends that the input `end` may give."""
    builder = Builder()
    value = builder.add(Node("site", axes=("N",), name="x"))
    end = builder.add(Node("input", axes=("N",), name="end"))
    latent = Latent("x", ("N",), value, support, end if low else None, end if high else None)
    zero = spread(builder, builder.constant(0.0), ("N",))
    return Density(
        "p", tuple(builder.nodes), (latent,), (Term("x", "prior", zero),), (), {}, (), ("end",), {"N": None}, ("x",)
    )  # fmt: skip


POINTS = torch.tensor([-30.0, -3.0, 0.0, 0.7, 25.0], dtype=torch.float64)
BOUNDS = {
    "real": (Interval(), False, False),
    "lower": (Interval(low=1.5), False, False),
    "upper": (Interval(high=-0.5), False, False),
    "unit": (Interval(0.0, 1.0), False, False),
    "interval": (Interval(-2.0, 3.0), False, False),
    "lower from data": (Interval(), True, False),
    "upper from data": (Interval(), False, True),
    "interval from data": (Interval(high=40.0), True, False),
}


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bijection_lands_in_its_support_and_its_jacobian_is_autograds(name):
    support, low, high = BOUNDS[name]
    ends = np.array([0.0, -1.0, 2.0, 5.0, -7.0])
    bound = BoundModel(one_latent(support, low, high), {"end": ends}, {"N": 5})
    q = POINTS.clone().requires_grad_()
    x = bound.constrain(q)["x"]
    assert (x >= support.low).all()
    assert (x <= support.high).all()
    if low:
        assert (x >= torch.from_numpy(ends)).all()
    slopes = torch.autograd.grad(x.sum(), q)[0]
    expected = torch.log(slopes.abs())
    finite = torch.isfinite(expected) & (expected > -20)
    terms = constrain(bound.density).terms
    jacobian = bound.log_density(q) if any(term.kind == "jacobian" for term in terms) else torch.zeros(())
    single = [
        BoundModel(one_latent(support, low, high), {"end": ends[[i]]}, {"N": 1}).log_density(POINTS[[i]])
        for i in range(5)
    ]
    np.testing.assert_allclose(
        torch.stack(single)[finite].detach(), expected[finite].detach(), rtol=1e-8, atol=1e-8
    )
    assert torch.isfinite(jacobian)


@pytest.mark.parametrize("name", BOUNDS)
def test_a_bijection_goes_there_and_back(name):
    support, low, high = BOUNDS[name]
    bound = BoundModel(one_latent(support, low, high), {"end": np.zeros(5)}, {"N": 5})
    q = torch.tensor([-3.0, -1.0, 0.0, 0.7, 4.0], dtype=torch.float64)
    torch.testing.assert_close(bound.unconstrain(bound.constrain(q)), q, rtol=1e-10, atol=1e-10)


def test_a_discrete_latent_is_refused_by_name():
    bound = BoundModel(one_latent(Interval(0.0, integer=True)), {"end": np.zeros(2)}, {"N": 2})
    with pytest.raises(QvrError, match=r"x is discrete.*marginalize"):
        bound.log_density(torch.zeros(2, dtype=torch.float64))


def test_an_end_that_is_a_latent_enters_the_jacobian():
    source = """
object S : FinSet 2

program p : S -> S
    sample low <- Normal(0.0, 1.0)
    sample width <- Exponential(1.0)
    sample x : S <- Uniform(low, low + width)
    return x
"""
    bound = loads(source).morphism.bind({})
    q = torch.tensor([0.3, -0.4, 1.2, -0.8], dtype=torch.float64)
    values = bound.constrain(q)
    low, width = values["low"], values["width"]
    assert ((values["x"] > low) & (values["x"] < low + width)).all()
    # The uniform density and the jacobian's log width cancel.
    logistic = torch.nn.functional.logsigmoid
    expected = (
        -0.5 * low**2 - 0.5 * math.log(2 * math.pi) - width + q[1]
        + (logistic(q[2:]) + logistic(-q[2:])).sum()
    )  # fmt: skip
    assert bound.log_density(q).item() == pytest.approx(expected.item(), rel=1e-12)


def test_equal_nodes_are_shared():
    builder = Builder()
    x = builder.add(Node("position", axes=("N",), name="x"))
    assert apply(builder, "exp", x) == apply(builder, "exp", x)


def _x(builder):
    return builder.add(Node("position", axes=("N",), name="x"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (lambda b, x: apply(b, "mul", b.constant(1.0), x), lambda b, x: x),
        (lambda b, x: apply(b, "add", x, b.constant(0.0)), lambda b, x: x),
        (lambda b, x: apply(b, "mul", b.constant(0.0), x), lambda b, x: spread(b, b.constant(0.0), ("N",))),
        (lambda b, x: total(b, apply(b, "pow", x, b.constant(0.0)), ("N", "M")), lambda b, x: b.constant(35.0)),
        (lambda b, x: apply(b, "pow", x, b.constant(2.0)), lambda b, x: b.apply("mul", x, x)),
        (lambda b, x: apply(b, "log", apply(b, "exp", x)), lambda b, x: x),
        (lambda b, x: apply(b, "logit", apply(b, "sigmoid", x)), lambda b, x: x),
        (lambda b, x: apply(b, "neg", apply(b, "neg", x)), lambda b, x: x),
        (lambda b, x: apply(b, "add", b.constant(2.0), b.constant(3.0)), lambda b, x: b.constant(5.0)),
        (lambda b, x: reduce(b, "sum", spread(b, x, ("M", "N")), ("M",)), lambda b, x: apply(b, "mul", b.constant(7.0), x)),
        (lambda b, x: total(b, b.constant(2.0), ("N", "M")), lambda b, x: b.constant(70.0)),
    ],
)  # fmt: skip
def test_trivial_algebra_vanishes(written, expected):
    builder = Builder(sizes={"N": 5, "M": 7})
    x = _x(builder)
    assert written(builder, x) == expected(builder, x)


@given(st.floats(-700, 30))
def test_logs_of_a_logistic_stay_finite_far_out(u):
    builder = Builder()
    x = builder.add(Node("position", name="x"))
    fraction = apply(builder, "sigmoid", x)
    outputs = [
        apply(builder, "log", fraction),
        apply(builder, "log1p", apply(builder, "neg", apply(builder, "sigmoid", apply(builder, "neg", x)))),
    ]
    run = plan(builder.nodes, [(node, ()) for node in outputs], {}, {}, batched=False)
    expected = -np.logaddexp(0.0, -u)
    for value in run({"x": torch.tensor(u, dtype=torch.float64)}):
        np.testing.assert_allclose(value.item(), expected, rtol=1e-12)


SAMPLES = {"x": [0.31, 0.62, 0.17], "y": [0.53, 0.29, 0.88]}


def slopes_against_autograd(build):
    """Differentiate a scalar of x and y over N, and hold it against autograd."""
    builder = Builder()
    names = [builder.add(Node("position", axes=("N",), name=name)) for name in SAMPLES]
    output = joint(builder, [(build(builder, *names), ("N",))])
    slopes = differentiate(builder, output, names)
    leaves = {key: torch.tensor(v, dtype=torch.float64, requires_grad=True) for key, v in SAMPLES.items()}
    (value,) = plan(builder.nodes, [(output, ())], {"N": 3}, {}, batched=False)(leaves)
    outputs = [(slopes[name], ("N",)) for name in names]
    found = plan(builder.nodes, outputs, {"N": 3}, {}, batched=False)(leaves)
    if not value.requires_grad:
        assert all(slope.count_nonzero() == 0 for slope in found)
        return
    expected = torch.autograd.grad(value, list(leaves.values()), allow_unused=True)
    for mine, theirs in zip(found, expected, strict=True):
        wanted = torch.zeros(3, dtype=torch.float64) if theirs is None else theirs
        torch.testing.assert_close(mine.detach(), wanted, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("op", sorted(UNARY - CONDITIONS - {"trigamma"}))
def test_every_unary_operation_differentiates(op):
    slopes_against_autograd(lambda b, x, y: b.apply("mul", b.apply(op, x), y))


@pytest.mark.parametrize("op", sorted(BINARY - CONDITIONS))
def test_every_binary_operation_differentiates(op):
    slopes_against_autograd(lambda b, x, y: b.apply("mul", b.apply(op, x, y), y))


@pytest.mark.parametrize("op", sorted(REDUCTIONS))
def test_every_reduction_differentiates(op):
    slopes_against_autograd(lambda b, x, y: b.apply("mul", b.reduce(op, x, ("N",)), y))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_product_with_a_zero_in_it_differentiates(place, monkeypatch):
    changed = list(SAMPLES["x"])
    changed[place] = 0.0
    monkeypatch.setitem(SAMPLES, "x", changed)
    slopes_against_autograd(lambda b, x, y: b.reduce("prod", x, ("N",)))


def test_equal_arguments_share_the_adjoint_of_a_maximum(monkeypatch):
    monkeypatch.setitem(SAMPLES, "y", [0.31, 0.62, 0.88])
    slopes_against_autograd(lambda b, x, y: b.apply("max", x, y))


def test_infinities_that_have_no_sum_or_product_are_left_to_the_backend():
    builder = Builder()
    infinity, minus, zero = (builder.constant(value) for value in (math.inf, -math.inf, 0.0))
    for op, left, right in [("add", infinity, minus), ("sub", infinity, infinity), ("mul", infinity, zero)]:
        node = apply(builder, op, left, right)
        (found,) = plan(builder.nodes, [(node, ())], {}, {}, batched=False)({})
        assert math.isnan(found) or op == "mul"


def test_a_choice_by_constants_is_made_at_once():
    builder = Builder()
    x, y = (builder.add(Node("position", name=name)) for name in "xy")
    one, two = builder.constant(1.0), builder.constant(2.0)
    assert apply(builder, "where", apply(builder, "lt", one, two), x, y) == x
    assert apply(builder, "where", apply(builder, "ge", one, two), x, y) == y
    assert builder.nodes[apply(builder, "where", apply(builder, "lt", x, two), x, y)].op == "where"


def test_sizes_become_constants():
    density = one_latent(Interval())
    builder = Builder(list(density.nodes))
    node = total(builder, builder.constant(3.0), ("N",))
    grown = Density(
        **{
            **{name: getattr(density, name) for name in Density.__slots__},
            "nodes": tuple(builder.nodes),
            "deterministic": {"three": node},
        }
    )
    specialised = specialise(grown, {"N": 4})
    assert specialised.nodes[specialised.deterministic["three"]].value == 12.0
