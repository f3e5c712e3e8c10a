"""Scans: their gradients against autograd and finite differences, what their bodies hold, refusals."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from quivers.backends.kernel.draws import constrained
from quivers.backends.kernel.fixed import evaluate
from quivers.backends.torch.bound import BoundModel
from quivers.dsl import loads
from quivers.ir.graph import Node

HEADER = """object T : FinSet 6
object K : FinSet 3
object J : FinSet 2
data group : T -> K
data chosen : K -> T
data table : T * K * Real
data y : T * Real

program p : T -> T
    sample a <- Normal(0.0, 1.0)
    sample b <- Normal(0.0, 1.0)
    sample x : T <- Normal(0.0, 1.0)
    sample w : K <- Normal(0.0, 1.0)
"""
DATA = {
    "group": [0, 1, 2, 1, 0, 0],
    "chosen": [1, 2, 4],
    "table": np.random.default_rng(5).normal(size=(6, 3)),
    "y": np.random.default_rng(6).normal(size=6),
}


def program(*steps: str) -> str:
    lines = "".join(f"    {step}\n" for step in steps)
    return f"{HEADER}{lines}    observe y : T <- Normal(f, 1.0)\n    return x\n"


def bound(*steps: str) -> BoundModel:
    return loads(program(*steps)).morphism.bind(DATA)


def points(model: BoundModel, count: int = 3) -> np.ndarray:
    return np.random.default_rng(2).normal(size=(count, model.dimension)) * 0.7


def held_against_autograd(model: BoundModel, *, differences: bool = True) -> None:
    batch = points(model)
    values = model.log_density(torch.from_numpy(batch))
    for point, value in zip(batch, values, strict=True):
        gradient = np.empty_like(point)
        found = model.log_density_and_gradient(point, gradient)
        np.testing.assert_allclose(found, value.item(), rtol=1e-11)
        leaf = torch.from_numpy(point).requires_grad_()
        (expected,) = torch.autograd.grad(model.log_density(leaf), leaf)
        np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-10)
    if differences:
        step = 1e-6 * np.eye(model.dimension)
        around = torch.from_numpy(np.concatenate([batch[-1] + step, batch[-1] - step]))
        above, below = model.log_density(around).reshape(2, -1)
        slopes = (above - below) / 2e-6
        np.testing.assert_allclose(gradient, slopes, rtol=1e-5, atol=1e-5 * np.abs(gradient).max())


def held_in_numpy(model: BoundModel) -> None:
    """NumPy's values of latents and lets are torch's, at many points at once."""
    batch = points(model, 4).reshape(2, 2, -1)
    inputs = {name: value.numpy() for name, value in model.inputs.items()}
    found = constrained(model.density, inputs, model.sizes, batch)
    for name, expected in model.constrain(torch.from_numpy(batch)).items():
        assert found[name].shape == tuple(expected.shape)
        np.testing.assert_allclose(found[name], expected, rtol=1e-11, atol=1e-11)


FORMS = {
    "a random walk": ("let f = scan t : T, s = a in s + exp(b) * x[t]",),
    "a step that bends": ("let f = scan t : T, s = a in tanh(b * s + x[t])",),
    "a choice": ("let f = scan t : T, s = a in if s > x[t] then s * b else x[t] - s",),
    "a place": ("let f = scan t : T, s = a in if t == chosen[group[t]] then b else s + x[t]",),
    "an index at the step": ("let f = scan t : T, s = a in tanh(w[group[t]] * s) + y[t]",),
    "what was earlier": ("let f = scan t : T, s = a in tanh(b * s) + lag(x, 2)[t] * lag(y, 1)[t]",),
    "all of the axis at each step": ("let f = scan t : T, s = a in tanh(s + 0.1 * sum(x * s) + x[t])",),
    "a sum over the axis beside": ("let f = scan t : T, s = a in tanh(s) * sum(x) + x[t]",),
    "a state with an axis": (
        "let g = scan t : T, s = w in tanh(b * s) + table[t] * x[t]",
        "let f = sum(g, over=K)",
    ),
    "a state that gains its axis": (
        "let g = scan t : T, s = a in tanh(s * w) + x[t]",
        "let f = sum(g, over=K)",
    ),
    "a state that is mixed": (
        "let g = scan t : T, s = w in 0.5 * logsumexp(s) + softmax(s) * x[t]",
        "let f = logsumexp(g, over=K)",
    ),
    "a matrix": (
        "sample m : K * K <- Normal(0.0, 0.5)",
        "let g = scan t : T, s = w in tanh(m @ s) + x[t]",
        "let f = sum(g, over=K)",
    ),
    "in a factor": (
        "let g = factor k : K in scan t : T, s = a in tanh(s) * w[k] + x[t]",
        "let f = sum(g * w, over=K)",
    ),
    "of data alone": ("let g = scan t : T, s = 0.5 in 0.5 * s + y[t]", "let f = lag(g, 1) * a + b"),
    "without its state": ("let f = scan t : T, s = a in x[t] * b",),
    "with nothing new": ("let f = (scan t : T, s = a in s) + x",),
    "one after the other": (
        "let g = scan t : T, s = 0.0 in s * tanh(x[t]) + table[t] * w",
        "let h = scan t : T, s = 0.0 in s * b + sum(g[t])",
        "let f = h - g @ w",
    ),
    "inside each other": (
        "let f = scan t : T, s = a in tanh(b * s + sum(scan k : K, r = s in tanh(r + w[k] * x[t])))",
    ),
    "inside each other along one object": (
        "let f = scan t : T, s = a in tanh(s + sum(scan u : T, r = s in tanh(r + x[u] * x[t] + b)))",
    ),
    "three inside each other": (
        "let f = scan t : T, s = a in tanh(b * s + sum(scan u : J, r = s in"
        " tanh(r + x[t] + sum(scan k : K, q = r in q * w[k] + s))))",
    ),
    "three along one object": (
        "let f = scan t : T, s = a in tanh(b * s + sum(scan u : T, r = s in"
        " tanh(r + x[u] * x[t] + sum(scan v : T, q = r in q * x[v] + s))))",
    ),
}


@pytest.mark.parametrize("steps", FORMS.values(), ids=FORMS)
def test_a_scans_gradient_is_autograds_and_its_values_are_numpys(steps):
    model = bound(*steps)
    held_against_autograd(model)
    held_in_numpy(model)


@st.composite
def bodies(draw) -> str:
    """The body of a scan along T whose state `s` may have the axis K."""

    def number(depth: int) -> str:
        kind = draw(st.sampled_from(["leaf", "+", "*", "function", "if", "reduce", "/"])) if depth else "leaf"
        if kind in {"+", "*"}:
            return f"({number(depth - 1)} {kind} {number(depth - 1)})"
        if kind == "/":
            return f"({number(depth - 1)} / (1.5 + tanh({number(depth - 1)})))"
        if kind == "function":
            function = draw(st.sampled_from(["tanh", "sin", "sigmoid", "atan", "softplus", "erf"]))
            return f"{function}({number(depth - 1)})"
        if kind == "if":
            return f"(if {number(depth - 1)} < {number(depth - 1)} then {number(0)} else {number(depth - 1)})"
        if kind == "reduce":
            function = draw(st.sampled_from(["sum", "mean", "logsumexp", "max"]))
            argument = draw(st.sampled_from(["s * w", "w - s", "table[t] * s", "x - s", "w * x[t]"]))
            return f"{function}({argument})"
        leaves = ["s", "s", "a", "b", "x[t]", "y[t]", "w[group[t]]", "lag(x, 1)[t]", "w", "table[t]", "0.7"]
        return draw(st.sampled_from(leaves))

    return f"tanh({number(3)}) + 0.5 * {number(1)}"


@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(bodies(), st.sampled_from(["a", "0.3", "w"]))
def test_the_gradient_of_a_generated_scan_is_autograds(body, start):
    model = bound(f"let g = scan t : T, s = {start} in {body}", "let f = 0.3 * (g + w)[chosen[group], group]")
    held_against_autograd(model, differences=False)
    held_in_numpy(model)


def scan_nodes(model: BoundModel) -> list[Node]:
    return [node for node in model.density.nodes if node.op == "scan"]


def test_what_does_not_depend_on_the_state_is_worked_out_at_once_outside_the_body():
    (node,) = scan_nodes(
        bound("let f = scan t : T, s = a in tanh(b) * s + (exp(x[t]) * sum(w) + lag(y, 1)[t])")
    )
    assert sorted(inner.op for inner in node.body.nodes) == ["add", "mul", "outer", "outer", "state"]


def test_a_body_lays_two_tables_against_each_other_itself():
    model = bound(
        "sample m : T * J <- Normal(0.0, 1.0)",
        "let g = scan t : T, s = 0.0 in s * (table[t] + m[t]) + 1.0",
        "let f = sum(g, over=(K, J))",
    )
    (node,) = scan_nodes(model)
    assert [model.density.nodes[arg].axes for arg in node.args[1:]] == [("T", "K"), ("T", "J")]
    held_against_autograd(model)


def test_a_linear_recursions_adjoint_reads_no_states():
    model = bound("let f = scan t : T, s = a in 0.9 * s + x[t]")
    builder, _ = model._joint
    model.log_density_and_gradient(points(model)[0], np.empty(model.dimension))
    (back,) = [node for node in builder.nodes if node.op == "rscan"]
    assert not any(builder.nodes[arg].op in {"scan", "where"} for arg in back.args)


def test_a_positive_state_needs_no_guard_as_a_scale():
    steps = ["let v = scan t : T, s = 1.0 in 0.1 + 0.5 * x[t] ^ 2 + 0.3 * s", "let f = a + x"]
    text = program(*steps).replace("Normal(f, 1.0)", "Normal(f, sqrt(v))")
    model = loads(text).morphism.bind(DATA)
    held_against_autograd(model)
    assert not any(node.op == "where" for node in model.density.nodes)


def test_a_state_may_be_an_index():
    model = bound(
        "let path = factor k : K in scan t : T, s = chosen[k] in chosen[group[s]]",
        "let f = sum(x[path], over=K) * a",
    )
    (q,) = points(model, 1)
    values = model.constrain(torch.from_numpy(q))
    chosen, group, expected = DATA["chosen"], DATA["group"], np.zeros(6)
    for state in chosen:
        for element in range(6):
            state = chosen[group[state]]
            expected[element] += values["x"][state] * values["a"]
    np.testing.assert_allclose(values["f"], expected)
    held_against_autograd(model)


def test_ten_thousand_steps():
    text = """object T : FinSet
program p : T -> T
    sample phi <- Normal(0.0, 0.3)
    sample step : T <- Normal(0.0, 1.0)
    let level = scan t : T, s = 0.0 in tanh(phi * s) + step[t]
    observe y : T <- Normal(level, 1.0)
    return level
"""
    model = loads(text).morphism.bind({"y": np.linspace(-1.0, 1.0, 10_000)})
    point = np.random.default_rng(0).normal(size=model.dimension) * 0.5
    gradient = np.empty_like(point)
    model.log_density_and_gradient(point, gradient)
    leaf = torch.from_numpy(point).requires_grad_()
    (expected,) = torch.autograd.grad(model.log_density(leaf), leaf)
    np.testing.assert_allclose(gradient, expected, rtol=1e-9, atol=1e-9)


def test_numpy_runs_ten_thousand_steps_of_data():
    text = """object T : FinSet
program p : T -> T
    sample a <- Normal(0.0, 1.0)
    let total = scan t : T, s = 0.0 in s + y[t]
    observe y : T <- Normal(a * total, 1.0)
    return total
"""
    series = np.random.default_rng(1).normal(size=10_000)
    model = loads(text).morphism.bind({"y": series})
    number = model.density.deterministic["total"]
    found = evaluate(model.density.nodes, [number], {"y": series}, model.sizes)[number]
    np.testing.assert_allclose(found, np.cumsum(series), rtol=1e-9, atol=1e-9)
