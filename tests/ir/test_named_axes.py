"""Expressions as nodes against plain NumPy on named axes, where a `factor` is a loop over its index.

The graph is simplified as it is built, so what a fold forgets shows here: an axis, or an element of a sum.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.backends.kernel.fixed import evaluate
from quivers.check.analysis import check_source
from quivers.check.types import Type
from quivers.dsl import loads
from quivers.ir.build import build
from quivers.ir.graph import axis_size
from quivers.ir.matrices import fresh

Array = np.ndarray[Any, Any]

SIZES = {"J": 2, "K": 3}
INPUTS = {
    "a": np.array([0.5, -1.0, 2.0]),
    "b": np.array([1.5, -0.25]),
    "m": np.array([[0.0, 1.0, -2.0], [0.75, -0.5, 3.0]]),
}
PROGRAM = """object J : FinSet 2
object K : FinSet 3
data a : K * Real
data b : J * Real
data m : J * K * Real
program p : K -> K
    sample q <- Normal(0.0, 1.0)
    let found = {text}
    observe a : K <- Normal(q, 1.0)
    observe b : J <- Normal(q, 1.0)
    observe m : J * K <- Normal(q, 1.0)
    return a
"""


@dataclass(frozen=True)
class Named:
    """An array with named axes."""

    axes: tuple[str, ...]
    array: Array


Value = Callable[[Mapping[str, int]], Named]
"""The value of an expression, given those of the indices around it."""


@dataclass(frozen=True)
class Written:
    text: str
    value: Value


def aligned(*parts: Named) -> tuple[tuple[str, ...], list[Array]]:
    axes = tuple(dict.fromkeys(axis for part in parts for axis in part.axes))
    arrays = []
    for part in parts:
        order = [part.axes.index(axis) for axis in axes if axis in part.axes]
        places = tuple(slice(None) if axis in part.axes else None for axis in axes)
        arrays.append(np.transpose(part.array, order)[places])
    shape = tuple(SIZES[axis.rstrip("′")] for axis in axes)
    return axes, [np.broadcast_to(array, shape) for array in arrays]


def elementwise(function: Callable[..., Array], *parts: Value) -> Value:
    def value(at: Mapping[str, int]) -> Named:
        axes, arrays = aligned(*(part(at) for part in parts))
        return Named(axes, function(*arrays).astype(np.float64))

    return value


def xlogy(x: Array, y: Array) -> Array:
    return np.where(x == 0.0, 0.0, x * np.log(np.where(x == 0.0, 1.0, y)))


REDUCTIONS: Mapping[str, Callable[..., Array]] = {
    "sum": np.sum,
    "prod": np.prod,
    "max": np.max,
    "mean": np.mean,
    "logsumexp": lambda x, axis: np.log(np.sum(np.exp(x), axis=axis)),
    "length": lambda x, axis: np.sum(np.ones_like(x), axis=axis),
}


def reduced(name: str, part: Value, over: str | None) -> Value:
    def value(at: Mapping[str, int]) -> Named:
        found = part(at)
        gone = [axis for axis in found.axes if over is None or axis == over]
        places = tuple(found.axes.index(axis) for axis in gone)
        left = tuple(axis for axis in found.axes if axis not in gone)
        return Named(left, REDUCTIONS[name](found.array, axis=places))

    return value


def running(part: Value, over: str) -> Value:
    def value(at: Mapping[str, int]) -> Named:
        found = part(at)
        return Named(found.axes, np.cumsum(found.array, axis=found.axes.index(over)))

    return value


def looped(index: str, axis: str, body: Value) -> Value:
    def value(at: Mapping[str, int]) -> Named:
        each = [body({**at, index: place}) for place in range(SIZES[axis])]
        objects = [name.rstrip("′") for name in (axis, *each[0].axes)]
        names = [name + "′" * objects[:place].count(name) for place, name in enumerate(objects)]
        return Named(tuple(names), np.stack([found.array for found in each]))

    return value


def constant(number: float) -> Value:
    return lambda at: Named((), np.array(number))


def read(name: str, axes: tuple[str, ...], indices: Mapping[str, str]) -> Value:
    def value(at: Mapping[str, int]) -> Named:
        chosen = tuple(at[indices[axis]] if axis in indices else slice(None) for axis in axes)
        return Named(tuple(axis for axis in axes if axis not in indices), INPUTS[name][chosen])

    return value


LEAVES = {"a": ("K",), "b": ("J",), "m": ("J", "K")}


@st.composite
def expressions(draw: st.DrawFn, depth: int, around: tuple[tuple[str, str], ...] = ()) -> Written:
    """An expression in the inputs and the indices of the factors around it, and what it is worth."""
    kinds = ["leaf", "binary", "power", "xlogy", "if", "reduce", "reduce over", "cumsum", "factor"]
    kind = draw(st.sampled_from(kinds)) if depth else "leaf"

    def part() -> Written:
        return draw(expressions(depth - 1, around))

    match kind:
        case "leaf":
            number = draw(st.sampled_from([0.0, 1.0, 2.0, None, None, None, None]))
            if number is not None:
                return Written(f"{number}", constant(number))
            name = draw(st.sampled_from(sorted(LEAVES)))
            bound: dict[str, str] = {}
            for index, axis in around:
                if axis in LEAVES[name] and draw(st.booleans()):
                    bound[axis] = index
            indices = [bound[axis] for axis in LEAVES[name] if axis in bound]
            text = f"{name}[{', '.join(indices)}]" if indices else name
            return Written(text, read(name, LEAVES[name], bound))
        case "binary":
            sign, function = draw(
                st.sampled_from([("+", np.add), ("-", np.subtract), ("*", np.multiply), ("<", np.less)])
            )
            left, right = part(), part()
            return Written(
                f"({left.text} {sign} {right.text})", elementwise(function, left.value, right.value)
            )
        case "power":
            inner, power = part(), draw(st.sampled_from([0, 1, 2]))
            raised = elementwise(lambda x: np.power(x * 1.0, power), inner.value)
            return Written(f"({inner.text}) ^ {power}", raised)
        case "xlogy":
            left, right = part(), part()
            positive = f"1.0 + exp(0.1 * {right.text})"
            value = elementwise(lambda x, y: xlogy(x * 1.0, 1.0 + np.exp(0.1 * y)), left.value, right.value)
            return Written(f"xlogy({left.text}, {positive})", value)
        case "if":
            test, yes, no = part(), part(), part()
            chosen = elementwise(lambda c, x, y: np.where(c < 1.0, x, y), test.value, yes.value, no.value)
            return Written(f"(if {test.text} < 1.0 then {yes.text} else {no.text})", chosen)
        case "factor":
            index, axis = f"i{len(around)}", draw(st.sampled_from(sorted(SIZES)))
            body = draw(expressions(depth - 1, (*around, (index, axis))))
            return Written(f"(factor {index} : {axis} in {body.text})", looped(index, axis, body.value))
    inner = part()
    at = {index: 0 for index, _ in around}
    with np.errstate(all="ignore"):
        axes = [axis for axis in inner.value(at).axes if "′" not in axis]
    name = draw(st.sampled_from(sorted(REDUCTIONS)))
    if kind == "reduce" or not axes:
        return Written(f"{name}({inner.text})", reduced(name, inner.value, None))
    over = draw(st.sampled_from(axes))
    if kind == "cumsum":
        return Written(f"cumsum({inner.text}, over={over})", running(inner.value, over))
    return Written(f"{name}({inner.text}, over={over})", reduced(name, inner.value, over))


def compare(text: str, expected: Named) -> None:
    checked = check_source(PROGRAM.format(text=text))
    program = checked.programs["p"]
    assert not program.has_errors, [problem.message for problem in checked.diagnostics]
    density = build(checked, program)
    number = density.deterministic["found"]
    known = program.types["found"]
    assert isinstance(known, Type)
    assert tuple(str(axis) for axis in known.axes) == expected.axes
    assert density.nodes[number].axes == expected.axes
    found = evaluate(density.nodes, [number], INPUTS, SIZES)[number]
    np.testing.assert_allclose(found, expected.array, rtol=1e-9, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(expressions(3))
def test_an_expression_is_worth_what_its_loops_and_sums_say_over_the_axes_of_its_type(
    written: Written,
) -> None:
    with np.errstate(all="ignore"):
        expected = written.value({})
    if np.isfinite(expected.array).all() and np.abs(expected.array).max() < 1e100:
        compare(written.text, expected)


@pytest.mark.parametrize("text", ["{}(a ^ 0)", "{}(0.0 * a)", "{}(xlogy(0.0, exp(a)))", "{}(0.0 / exp(a))"])
@pytest.mark.parametrize("name", sorted(REDUCTIONS))
def test_a_fold_to_a_constant_keeps_the_axes(text: str, name: str) -> None:
    value = 1.0 if "^" in text else 0.0
    compare(text.format(name), Named((), REDUCTIONS[name](np.full(3, value), axis=(0,))))


def factor(index: str, axis: str, body: Callable[[int], Array], inner: tuple[str, ...] = ()) -> Named:
    return Named((axis, *inner), np.stack([body(place) for place in range(SIZES[axis])]))


def halved(steps: Array) -> Array:
    return np.array(list(itertools.accumulate(steps, lambda s, x: s / 2 + x)))


A, M = INPUTS["a"], INPUTS["m"]
SUMS = np.array([M[0] + A.sum() * A / 10, M[1] + (M[0] + A.sum() * A / 10).sum() * A / 10])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("factor i : K in sum(a * a[i])", factor("i", "K", lambda i: np.sum(A * A[i]))),
        ("factor i : K in a - a[i]", factor("i", "K", lambda i: A - A[i], ("K′",))),
        ("factor i : K, j : K in a[i] - 2 * a[j]", factor("i", "K", lambda i: A[i] - 2 * A, ("K′",))),
        ("factor i : K in (factor j : K in a[i] / 2 - a[j])[i]", Named(("K",), -A / 2)),
        ("factor i : K in length(a * a[i])", Named(("K",), np.full(3, 3.0))),
        ("factor i : K in sum(index(K) * a[i])", Named(("K",), 3 * A)),
        ("factor j : J in m[j] @ a", Named(("J",), M @ A)),
        ("(factor i : J, j : K in a[j] * b[i]) @ a", Named(("J",), INPUTS["b"] * np.sum(A * A))),
        ("(-m + b) @ a", Named(("J",), (INPUTS["b"][:, None] - M) @ A)),
        ("(a - -m) @ b", Named(("K",), (A[:, None] + M.T) @ INPUTS["b"])),
        (
            "factor i : K in logsumexp(factor j : J in a[i] + m[j, i])",
            factor("i", "K", lambda i: np.log(np.sum(np.exp(A[i] + M[:, i])))),
        ),
        (
            "factor k : K in (scan t : J, s = 0.0 in s + sum(a * m[t, k]))",
            factor("k", "K", lambda k: np.cumsum(A.sum() * M[:, k]), ("J",)),
        ),
        (
            "factor k : K in (scan t : K, s = 0.0 in s / 2 + a[t] * a[k])",
            factor("k", "K", lambda k: halved(A * A[k]), ("K′",)),
        ),
        (
            "scan t : J, s = a in sum(s) * a / 10 + m[t]",
            Named(("J", "K"), SUMS),
        ),
        ("scan t : K, s = a in 1.0", Named(("K", "K′"), np.ones((3, 3)))),
    ],
)  # fmt: skip
def test_an_index_is_a_single_value_to_what_stands_under_it(text: str, expected: Named) -> None:
    compare(text, expected)


KERNELS = """object K : FinSet 3
object J : FinSet 2
data m : J * K * Real
program p : K -> K
    sample a : K <- Normal(0.0, 1.0)
    sample scale <- HalfNormal(1.0)
    let near = factor i : K, j : K in exp(-((a[i] - a[j]) / scale) ^ 2)
    let gram = factor i : K in sum(a * a[i] * near[i])
    let best = factor i : K in logsumexp(factor j : J in a[i] * m[j, i] + max(a - a[i]))
    let chain = factor i : K in (scan t : K, s = 0.0 in 0.5 * s + sum(near[t]) * a[i])
    score total = sum(gram) - sum(best ^ 2) + sum(chain * near)
    return a
"""


def test_the_slopes_of_what_stands_under_an_index_are_those_of_autograd() -> None:
    bound = loads(KERNELS).morphism.bind({"m": M})
    q = torch.tensor([0.3, -0.7, 0.9, 0.2], dtype=torch.float64)
    slope = np.empty(4)
    value = bound.log_density_and_gradient(q.numpy(), slope)
    leaf = q.clone().requires_grad_()
    expected = bound.log_density(leaf)
    np.testing.assert_allclose(value, expected.item(), rtol=1e-12)
    np.testing.assert_allclose(slope, torch.autograd.grad(expected, leaf)[0], rtol=1e-10)
    a, scale = q[:3].numpy(), math.exp(0.2)
    near = np.exp(-(((a[:, None] - a) / scale) ** 2))
    gram = a.sum() * a * near.sum(1)  # what is left of `near[i]` runs along the copy, K′
    best = np.logaddexp.reduce(a * M, axis=0) + a.max() - a
    steps = near.sum(1)
    chain = np.stack([halved(steps * one) for one in a])
    wanted = gram.sum() - (best**2).sum() + (chain * near).sum()
    prior = (
        -0.5 * (a**2).sum() - 1.5 * math.log(2 * math.pi) + 0.5 * math.log(2 / math.pi) - 0.5 * scale**2 + 0.2
    )
    np.testing.assert_allclose(value, wanted + prior, rtol=1e-12)


def test_copies_of_an_axis_have_as_many_elements_as_what_they_copy() -> None:
    sizes = {"K": 5}
    for mark, size in {"": 5, "⁻": 4, "◺": 10, "◣": 15}.items():
        for copy in ("", "′", "′′", "◦", "◦◦"):
            assert axis_size(f"K{mark}{copy}", sizes) == size
            assert axis_size(f"K{copy}{mark}", sizes) == size
        assert axis_size(fresh(f"K{mark}", [f"K{mark}′"]), sizes) == size
    with pytest.raises(ValueError, match="no axis is derived from `K`"):
        axis_size("K⁻⁻", sizes)
