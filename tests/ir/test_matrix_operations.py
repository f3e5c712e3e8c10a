"""Running sums, orders, renamings and matrix factors: by torch, by NumPy, and their slopes by the graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from quivers.backends.kernel import fixed
from quivers.backends.torch.evaluate import plan
from quivers.ir import matrices
from quivers.ir.differentiate import differentiate
from quivers.ir.graph import Builder, Node
from quivers.ir.joint import joint
from quivers.ir.simplify import apply, substitute

SIZES = {"K": 3, "S": 2, "N": 4, "J": 5}


def leaf(builder, name, axes, op="position"):
    return builder.add(Node(op, axes=axes, name=name))


def shape(axes):
    return fixed.shape_of(axes, SIZES)


def by_torch(builder, node, values):
    (found,) = plan(builder.nodes, [(node, builder.axes(node))], SIZES, {}, batched=True)(
        {name: torch.as_tensor(value) for name, value in values.items()}
    )
    return found.numpy()


def by_numpy(builder, node, values):
    nodes = [
        Node("input", axes=each.axes, name=each.name) if each.op == "position" else each
        for each in builder.nodes
    ]
    return fixed.evaluate(nodes, [node], values, SIZES)[node]


def random(seed, axes, batch=()):
    return np.random.default_rng(seed).normal(size=(*batch, *shape(axes)))


def definite(builder, axes, name="a"):
    """A positive definite matrix over (K, K′) from a leaf with `axes`, its plates among them."""
    a = leaf(builder, name, axes)
    square = matrices.squared(builder, a, "K", "K′")
    one = matrices.diagonal_matrix(builder, builder.constant(1.0), "K", "K′")
    return a, apply(builder, "add", square, one)


@pytest.mark.parametrize("op", ["cumsum", "rcumsum", "argsort"])
@pytest.mark.parametrize("axes", [("K",), ("S", "K", "N"), ("K", "N")])
def test_an_operation_along_an_axis_is_numpys(op, axes):
    builder = Builder()
    node = matrices.along(builder, op, leaf(builder, "x", axes), "K")
    x = random(1, axes)
    place = axes.index("K")
    expected = {
        "cumsum": lambda: np.cumsum(x, place),
        "rcumsum": lambda: np.flip(np.cumsum(np.flip(x, place), place), place),
        "argsort": lambda: np.argsort(x, place),
    }[op]()
    np.testing.assert_allclose(by_numpy(builder, node, {"x": x}), expected, rtol=1e-14)
    np.testing.assert_allclose(by_torch(builder, node, {"x": x}), expected, rtol=1e-14)
    batch = by_torch(builder, node, {"x": np.stack([x, 2 * x])})
    np.testing.assert_allclose(batch[0], expected, rtol=1e-14)


@pytest.mark.parametrize("axes", [("K", "K′"), ("K′", "S", "K"), ("S", "K", "K′", "N"), ("K′", "K")])
def test_a_cholesky_factor_is_numpys_wherever_its_axes_lie(axes):
    builder = Builder()
    _, matrix = definite(builder, axes)
    lower = matrices.cholesky(builder, matrix, "K", "K′")
    values = {"a": random(2, axes)}
    plates = tuple(axis for axis in axes if axis[0] != "K")
    a = fixed.aligned(values["a"], axes, (*plates, "K", "K′"))
    expected = np.linalg.cholesky(a @ np.swapaxes(a, -1, -2) + np.eye(3))
    order = [builder.axes(lower).index(axis) for axis in (*plates, "K", "K′")]
    for run in (by_torch, by_numpy):
        found = np.transpose(run(builder, lower, values), order)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("value_axes", [("K",), ("K", "N"), ("N", "S", "K"), ("K", "K′"), ("N", "K′", "K")])
@pytest.mark.parametrize("axes", [("K", "K′"), ("K′", "S", "K")])
@pytest.mark.parametrize("transpose", [False, True])
def test_a_triangular_solve_is_numpys_wherever_its_axes_lie(axes, value_axes, transpose):
    builder = Builder()
    lower = leaf(builder, "a", axes)
    value = leaf(builder, "b", value_axes)
    node = matrices.solve(builder, lower, value, "K", "K′", transpose=transpose)
    values = {"a": random(3, axes), "b": random(4, value_axes)}
    for run in (by_torch, by_numpy):
        found = run(builder, node, values)
        have = builder.axes(node)
        plates = [axis for axis in have if axis in axes and axis != "K"] if "K′" not in value_axes else (
            [axis for axis in have if axis == "S" and axis in axes]
        )  # fmt: skip
        columns = [axis for axis in have if axis not in (*plates, "K")]
        triangle = np.tril(fixed.aligned(values["a"], axes, (*plates, "K", "K′")))
        matrix = np.swapaxes(triangle, -1, -2) if transpose else triangle
        right = fixed.aligned(values["b"], value_axes, (*plates, "K", *columns))
        right = np.broadcast_to(right, shape((*plates, "K", *columns)))
        expected = np.linalg.solve(matrix, right.reshape(*shape(plates), 3, -1)).reshape(right.shape)
        np.testing.assert_allclose(fixed.aligned(found, have, (*plates, "K", *columns)), expected, rtol=1e-9)


def test_a_matrix_without_a_factor_gives_nan_and_spoils_no_other():
    builder = Builder()
    lower = matrices.cholesky(builder, leaf(builder, "a", ("S", "K", "K′")), "K", "K′")
    node = matrices.solve(
        builder, leaf(builder, "l", ("S", "K", "K′")), leaf(builder, "b", ("K",)), "K", "K′"
    )
    good = np.diag([4.0, 1.0, 1.0])
    for run in (by_torch, by_numpy):
        found = run(builder, lower, {"a": np.stack([good, -good])})
        assert found[0, 0, 0] == 2.0
        assert np.isnan(found[1]).all()
        singular = np.stack([good, np.diag([1.0, 0.0, 1.0])])
        found = run(builder, node, {"l": singular, "b": np.ones(3)})
        np.testing.assert_array_equal(found[0], [0.25, 1.0, 1.0])
        assert np.isnan(found[1]).all()


def test_transposing_twice_and_renaming_back_leave_no_trace():
    builder = Builder()
    a = leaf(builder, "a", ("S", "K", "K′"))
    once = matrices.transposed(builder, a, "K", "K′")
    values = {"a": random(5, ("S", "K", "K′"))}
    found = fixed.aligned(by_torch(builder, once, values), builder.axes(once), ("S", "K", "K′"))
    np.testing.assert_array_equal(found, np.swapaxes(values["a"], -1, -2))
    assert matrices.transposed(builder, once, "K", "K′") == a
    assert matrices.renamed(builder, matrices.renamed(builder, a, "K", "K′′"), "K′′", "K") == a
    row = matrices.renamed(builder, leaf(builder, "v", ("K",)), "K", "K′")
    assert builder.axes(row) == ("K′",)


def test_the_adjoint_of_a_renaming_scatters_nothing():
    builder = Builder()
    a = leaf(builder, "a", ("K", "K′"))
    b = leaf(builder, "b", ("K", "K′"))
    mixed = apply(builder, "mul", matrices.transposed(builder, a, "K", "K′"), b)
    output = joint(builder, [(mixed, ("K", "K′"))])
    differentiate(builder, output, [a, b])
    assert "scatter" not in {node.op for node in builder.nodes}


def test_several_axes_are_renamed_at_once():
    builder = Builder()
    a = leaf(builder, "a", ("K′", "S", "K"))
    node = matrices.renamed_all(builder, a, ("K", "S", "K′"))
    assert set(builder.axes(node)) == {"K", "S", "K′"}
    x = random(6, ("K′", "S", "K"))
    found = fixed.aligned(by_torch(builder, node, {"a": x}), builder.axes(node), ("K", "S", "K′"))
    np.testing.assert_array_equal(found, x)


def weighted(builder, node):
    """A sum over all elements of a node, each with a weight of its own and squared as well."""
    weight = builder.constant(1.0)
    for axis in builder.axes(node):
        weight = apply(builder, "add", weight, apply(builder, "sin", matrices.iota(builder, axis)))
    square = apply(builder, "mul", node, node)
    return apply(builder, "add", apply(builder, "mul", node, weight), square)


def _running(builder):
    x = leaf(builder, "x", ("S", "K", "N"))
    return matrices.along(builder, "cumsum", x, "K"), {"x": ("S", "K", "N")}


def _from_the_end(builder):
    x = leaf(builder, "x", ("K", "S"))
    return matrices.along(builder, "rcumsum", x, "K"), {"x": ("K", "S")}


def _sorted(builder):
    x = leaf(builder, "x", ("S", "K"))
    return matrices.gather(builder, x, matrices.along(builder, "argsort", x, "K"), "K"), {"x": ("S", "K")}


def _factor(builder):
    _, matrix = definite(builder, ("K′", "S", "K"))
    return matrices.cholesky(builder, matrix, "K", "K′"), {"a": ("K′", "S", "K")}


def _of_a_lower_triangle(builder):
    """A matrix that is not symmetric: its upper triangle is not read and has no slope."""
    a = leaf(builder, "a", ("K", "K′"))
    four = matrices.diagonal_matrix(builder, builder.constant(9.0), "K", "K′")
    return matrices.cholesky(builder, apply(builder, "add", four, a), "K", "K′"), {"a": ("K", "K′")}


def _solved(lower_axes, value_axes, transpose):
    def build(builder):
        a, b = leaf(builder, "a", lower_axes), leaf(builder, "b", value_axes)
        four = matrices.diagonal_matrix(builder, builder.constant(4.0), "K", "K′")
        lower = apply(builder, "add", four, a)
        node = matrices.solve(builder, lower, b, "K", "K′", transpose=transpose)
        return node, {"a": lower_axes, "b": value_axes}

    return build


def _transposed(builder):
    a, b = leaf(builder, "a", ("S", "K", "K′")), leaf(builder, "b", ("K",))
    once = matrices.transposed(builder, a, "K", "K′")
    mixed = apply(builder, "mul", once, apply(builder, "exp", a))
    return matrices.product(builder, mixed, b, "K′", "K"), {"a": ("S", "K", "K′"), "b": ("K",)}


def _diagonal(builder):
    a = leaf(builder, "a", ("S", "K", "K′"))
    return matrices.diagonal(builder, a, "K", "K′"), {"a": ("S", "K", "K′")}


SLOPES = {
    "running sums": _running,
    "running sums from the end": _from_the_end,
    "sorting": _sorted,
    "a factor": _factor,
    "a factor of a lower triangle": _of_a_lower_triangle,
    "a vector": _solved(("K", "K′"), ("K",), False),
    "a vector, transposed": _solved(("K", "K′"), ("K",), True),
    "many columns": _solved(("K", "K′"), ("N", "K"), False),
    "many columns, transposed": _solved(("K", "K′"), ("K", "N"), True),
    "plates": _solved(("S", "K", "K′"), ("N", "S", "K"), False),
    "plates of the matrix": _solved(("K", "S", "K′"), ("K",), True),
    "a matrix on the right": _solved(("K", "K′"), ("K", "K′"), False),
    "transposing": _transposed,
    "the diagonal": _diagonal,
}


@pytest.mark.parametrize("name", SLOPES)
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_the_slope_is_autograds_and_that_of_finite_differences(name, seed):
    builder = Builder()
    node, leaves = SLOPES[name](builder)
    output = joint(builder, [(weighted(builder, node), builder.axes(node))])
    places = {each: leaf(builder, each, axes) for each, axes in leaves.items()}
    slopes = differentiate(builder, output, places.values())
    values = {
        each: torch.from_numpy(random(seed + number, axes)).requires_grad_()
        for number, (each, axes) in enumerate(leaves.items())
    }
    value_plan = plan(builder.nodes, [(output, ())], SIZES, {}, batched=False)
    outputs = [(slopes[places[each]], axes) for each, axes in leaves.items()]
    found = plan(builder.nodes, outputs, SIZES, {}, batched=False)(values)
    (value,) = value_plan(values)
    expected = torch.autograd.grad(value, list(values.values()))
    plain = {each: given.detach().numpy() for each, given in values.items()}
    for (each, axes), mine, theirs in zip(leaves.items(), found, expected, strict=True):
        scale = max(1.0, theirs.abs().max().item())
        np.testing.assert_allclose(mine.detach(), theirs, rtol=1e-9, atol=1e-10 * scale)
        along = np.random.default_rng(seed).normal(size=shape(axes))
        ends = [by_numpy(builder, output, {**plain, each: plain[each] + h * along}) for h in (1e-5, -1e-5)]
        slope = float((ends[0] - ends[1]) / 2e-5)
        assert float((mine.detach().numpy() * along).sum()) == pytest.approx(
            slope, rel=1e-5, abs=1e-5 * scale
        )


def test_a_rebuilt_argument_that_lost_its_axes_is_given_them_again():
    builder = Builder()
    x = leaf(builder, "x", ("K", "K′"))
    nothing = builder.apply("mul", builder.constant(0.0), x)
    one = matrices.diagonal_matrix(builder, builder.constant(1.0), "K", "K′")
    nodes = {
        "cumsum": matrices.along(builder, "cumsum", nothing, "K"),
        "cholesky": matrices.cholesky(builder, builder.apply("add", nothing, one), "K", "K′"),
        "solve": matrices.solve(builder, one, builder.reduce("sum", nothing, ("K′",)), "K", "K′"),
        "gather": matrices.gather(builder, nothing, builder.constant(1.0), "K"),
    }
    again = Builder(sizes=SIZES)
    placed = substitute(again, builder.nodes, nodes.values(), {})
    for name, node in nodes.items():
        found = by_torch(again, placed[node], {})
        expected = np.eye(3) if name == "cholesky" else np.zeros(found.shape)
        np.testing.assert_array_equal(found, expected)
        assert set(again.axes(placed[node])) == set(builder.axes(node))
