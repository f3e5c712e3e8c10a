"""Running sums, orders, factors, solves, indices that latents decide and scans, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from quivers.backends.kernel.block import new_block
from quivers.backends.kernel.compile import compile_source, key
from quivers.backends.kernel.fixed import shape_of
from quivers.backends.kernel.objective import Objective, lowered
from quivers.backends.kernel.source import write
from quivers.inference.compiled import python_function
from quivers.ir.graph import Body, Builder, Latent, Node, axis_size
from quivers.ir.simplify import depends_on

SIZES = {"T": 6, "P": 3, "K": 4, "I": 5}


def spread_over(graph, number, axes):
    missing = tuple(axis for axis in axes if axis not in graph.axes(number))
    return number if not missing else graph.add(Node("spread", (number,), tuple(axes), over=missing))


def computed(graph, outputs, latents, sizes=SIZES):
    """A function of the latents' coordinates: the values of `outputs`, got as slopes of made-up latents.

    `latents` maps each position's name to its axes.
    """
    made = [Latent(name, axes, 0) for name, axes in latents.items()]
    made += [Latent(f"out{place}", graph.axes(number), 0) for place, number in enumerate(outputs)]
    zero = graph.constant(0.0)
    slopes = [zero] * len(latents) + list(outputs)
    nodes, placed = lowered(graph.nodes, [zero, *slopes])
    moves = tuple(depends_on(nodes, frozenset({"position"})))
    slopes = tuple(placed[slope] for slope in slopes)
    written = write(Objective("p", tuple(nodes), placed[zero], slopes, tuple(made), moves, {}))
    assert not written.shared
    code = compile_source(written.source, key(written.source))
    shared = np.array([float(axis_size(axis, sizes)) for axis in written.sizes])
    scratch = sum(int(np.prod(shape_of(room.axes, sizes))) for room in written.scratch)
    shapes = [shape_of(graph.axes(number), sizes) for number in outputs]
    dimension = sum(int(np.prod(shape_of(latent.axes, sizes))) for latent in made)
    function = python_function(code.address)

    def call(*values):
        given = np.concatenate([np.ravel(value) for value in values])
        q = np.concatenate([given, np.zeros(dimension - len(given))])
        gradient = np.full(dimension, 123.0)
        function(q, gradient, new_block(shared, scratch))
        parts = np.split(gradient[len(given) :], np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1])
        return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]

    return call, written.source


def random(*shape):
    return np.random.default_rng(7).normal(size=shape)


@pytest.mark.parametrize("axes", [("T",), ("P", "T"), ("T", "P")])
def test_running_sums_go_along_their_axis_within_a_function_of_fused_loops(axes):
    graph = Builder()
    x = graph.add(Node("position", axes=axes, name="x"))
    doubled = graph.apply("exp", x)
    running = graph.add(Node("cumsum", (doubled,), axes, name="T"))
    back = graph.add(Node("rcumsum", (running,), axes, name="T"))
    after = graph.apply("mul", back, x)
    call, source = computed(graph, [running, after], {"x": axes})
    value = random(*shape_of(axes, SIZES))
    place = axes.index("T")
    expected = np.cumsum(np.exp(value), place)
    found = call(value)
    np.testing.assert_allclose(found[0], expected, rtol=1e-13)
    turned = np.flip(np.cumsum(np.flip(expected, place), place), place)
    np.testing.assert_allclose(found[1], turned * value, rtol=1e-13)
    assert source.count("def ") == 1


def test_running_sums_of_a_value_that_does_not_have_the_axis():
    graph = Builder()
    x = graph.add(Node("position", name="x"))
    running = graph.add(Node("cumsum", (spread_over(graph, x, ("T",)),), ("T",), name="T"))
    call, _ = computed(graph, [running], {"x": ()})
    np.testing.assert_allclose(call(2.5)[0], 2.5 * np.arange(1, 7))


@pytest.mark.parametrize(
    "values",
    [
        [3.0, 1.0, 2.0, -5.0, 1.0, 1.0],
        [np.nan, 1.0, -np.inf, np.nan, np.inf, 0.0],
        [0.0, -0.0, 0.0, 0.0, -0.0, 0.0],
        [6.0, 5.0, 4.0, 3.0, 2.0, 1.0],
    ],
)
def test_argsort_is_stable_and_puts_nan_last(values):
    graph = Builder()
    x = graph.add(Node("position", axes=("T",), name="x"))
    order = graph.add(Node("argsort", (x,), ("T",), name="T"))
    ordered = graph.add(Node("gather", (x, order), ("T",), name="T"))
    call, _ = computed(graph, [order, ordered], {"x": ("T",)})
    found = call(np.array(values))
    np.testing.assert_array_equal(found[0], np.argsort(values, kind="stable"))
    np.testing.assert_array_equal(found[1], np.sort(values))


@pytest.mark.parametrize("size", [1, 2, 3, 8, 17, 100])
def test_argsort_of_rows_of_any_length(size):
    graph = Builder()
    x = graph.add(Node("position", axes=("T", "P"), name="x"))
    order = graph.add(Node("argsort", (graph.apply("neg", x),), ("T", "P"), name="T"))
    sizes = {**SIZES, "T": size}
    call, _ = computed(graph, [order], {"x": ("T", "P")}, sizes)
    value = np.round(random(size, 3), 1)
    np.testing.assert_array_equal(call(value)[0], np.argsort(-value, axis=0, kind="stable"))


def test_an_index_that_a_latent_decides_stays_inside_its_axis():
    graph = Builder()
    x = graph.add(Node("position", axes=("K",), name="x"))
    i = graph.add(Node("position", axes=("I",), name="i"))
    picked = graph.add(Node("gather", (x, graph.apply("floor", i)), ("I",), name="K"))
    raw = graph.add(Node("gather", (graph.apply("exp", x), i), ("I",), name="K"))
    added = graph.add(Node("scatter", (graph.apply("add", i, i), i), ("K",), name="K"))
    call, _ = computed(graph, [picked, raw, added], {"x": ("K",), "i": ("I",)})
    x_value = np.array([10.0, 11.0, 12.0, 13.0])
    picked, raw, added = call(x_value, np.array([2.7, -5.0, 1e300, 0.0, 3.0]))
    np.testing.assert_array_equal(picked, [12.0, 10.0, 13.0, 10.0, 13.0])
    np.testing.assert_allclose(raw, np.exp(picked))
    np.testing.assert_allclose(added, [-10.0, 0.0, 5.4, 2e300])
    picked, _, _ = call(x_value, np.array([np.nan, np.inf, -np.inf, 1.0, 1.0]))
    np.testing.assert_array_equal(picked, [10.0, 13.0, 10.0, 11.0, 11.0])


def positive_definite(*plates):
    root = random(*plates, 4, 4)
    return root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(4)


@pytest.mark.parametrize("axes", [("K", "K′"), ("P", "K", "K′"), ("K", "P", "K′"), ("K′", "K")])
def test_cholesky_reads_the_lower_triangle_over_its_two_axes(axes):
    graph = Builder()
    a = graph.add(Node("position", axes=axes, name="a"))
    lower = graph.add(Node("cholesky", (graph.apply("add", a, a),), axes, over=("K", "K′")))
    call, _ = computed(graph, [lower], {"a": axes})
    plates = (3,) if "P" in axes else ()
    matrix = positive_definite(*plates)
    order = [(("P", "K", "K′") if plates else ("K", "K′")).index(axis) for axis in axes]
    expected = np.linalg.cholesky(2 * matrix)
    upper_spoilt = np.tril(matrix) + np.triu(np.full((4, 4), 99.0), 1)
    found = call(np.transpose(upper_spoilt, order))
    np.testing.assert_allclose(found[0], np.transpose(expected, order), rtol=1e-12, atol=1e-13)


def test_a_matrix_that_is_not_positive_definite_gives_nan_and_spoils_no_other():
    axes = ("P", "K", "K′")
    graph = Builder()
    a = graph.add(Node("position", axes=axes, name="a"))
    lower = graph.add(Node("cholesky", (a,), axes, over=("K", "K′")))
    call, _ = computed(graph, [lower], {"a": axes})
    matrices = positive_definite(3)
    expected = np.linalg.cholesky(matrices)
    matrices[1, 3, 3] = -1.0
    matrices[2, 0, 0] = np.nan
    found = call(matrices)[0]
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-12, atol=1e-13)
    assert np.isnan(found[1:]).all()


@pytest.mark.parametrize("op", ["solve", "solve_transposed"])
@pytest.mark.parametrize("axes", [("K",), ("I", "K"), ("K", "P"), ("P", "K", "I"), ("K", "K′")])
def test_triangular_solves_for_every_element_of_the_other_axes(op, axes):
    graph = Builder()
    lower = graph.add(Node("position", axes=("K", "K′"), name="l"))
    b = graph.add(Node("position", axes=axes, name="b"))
    found = graph.add(Node(op, (lower, graph.apply("neg", b)), axes, over=("K", "K′")))
    total = graph.reduce("sum", found, ("K",))
    call, _ = computed(graph, [found, total], {"l": ("K", "K′"), "b": axes})
    matrix = np.tril(random(4, 4)) + 2 * np.eye(4)
    value = random(*shape_of(axes, SIZES))
    place = axes.index("K")
    right = np.moveaxis(-value, place, 0).reshape(4, -1)
    solved = np.linalg.solve(matrix if op == "solve" else matrix.T, right)
    expected = np.moveaxis(solved.reshape(np.moveaxis(value, place, 0).shape), 0, place)
    outcome = call(matrix + np.triu(np.full((4, 4), 7.0), 1), value)
    np.testing.assert_allclose(outcome[0], expected, rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(outcome[1], expected.sum(place), rtol=1e-10, atol=1e-11)
    matrix[2, 2] = 0.0
    assert np.isnan(call(matrix, value)[0]).all()


def test_a_solve_with_a_constant_right_hand_side_and_plates_of_factors():
    axes = ("P", "K", "K′")
    graph = Builder()
    lower = graph.add(Node("position", axes=axes, name="l"))
    one = graph.add(Node("spread", (graph.constant(1.0),), ("K",), over=("K",)))
    solved = graph.add(Node("solve", (lower, one), ("P", "K"), over=("K", "K′")))
    places = graph.add(Node("iota", axes=("K",), name="K"))
    counted = graph.add(Node("solve", (lower, places), ("P", "K"), over=("K", "K′")))
    call, _ = computed(graph, [solved, counted], {"l": axes})
    matrix = np.tril(random(3, 4, 4)) + 2 * np.eye(4)
    expected = np.linalg.solve(matrix, np.stack([np.ones((3, 4)), np.tile(np.arange(4.0), (3, 1))], -1))
    found = call(matrix)
    np.testing.assert_allclose(found[0], expected[..., 0], rtol=1e-12)
    np.testing.assert_allclose(found[1], expected[..., 1], rtol=1e-12, atol=1e-14)


def test_axes_of_coordinates_have_sizes_of_their_own():
    graph = Builder()
    outputs = []
    for axis in ("K⁻", "K◺", "K◣"):
        x = graph.add(Node("position", axes=("P", axis), name=axis))
        outputs.append(graph.add(Node("cumsum", (graph.apply("exp", x),), ("P", axis), name=axis)))
    axes = {axis: ("P", axis) for axis in ("K⁻", "K◺", "K◣")}
    call, _ = computed(graph, outputs, axes)
    values = [random(3, size) for size in (3, 6, 10)]
    for found, value in zip(call(*values), values, strict=True):
        np.testing.assert_allclose(found, np.cumsum(np.exp(value), 1), rtol=1e-13)


# --------------------------------------------------------------------- scans


def local_level(state_axes):
    """s ← phi · s + x[t], for a state with these axes."""
    body = Builder()
    state = body.add(Node("state", axes=state_axes))
    x = body.add(Node("outer", axes=state_axes, name="1"))
    phi = body.add(Node("outer", name="2"))
    value = body.apply("add", body.apply("mul", phi, state), x)
    return Body(tuple(body.nodes), value)


@pytest.mark.parametrize("op", ["scan", "rscan"])
@pytest.mark.parametrize("plates", [(), ("P",), ("P", "I")])
def test_a_scan_whose_elements_go_their_own_ways_keeps_its_state_in_a_variable(op, plates):
    axes = ("T", *plates)
    graph = Builder()
    x = graph.add(Node("position", axes=axes, name="x"))
    phi = graph.add(Node("position", name="phi"))
    start = graph.add(Node("spread", (phi,), plates, over=plates)) if plates else phi
    scan = graph.add(
        Node(op, (start, graph.apply("exp", x), graph.apply("tanh", phi)), axes, name="T",
             body=local_level(plates))
    )  # fmt: skip
    after = graph.apply("mul", scan, x)
    call, source = computed(graph, [scan, after], {"x": axes, "phi": ()})
    value, rate = random(*shape_of(axes, SIZES)), 0.3
    expected = np.zeros_like(value)
    state = np.full(value.shape[1:], rate)
    for t in range(6) if op == "scan" else reversed(range(6)):
        state = expected[t] = np.tanh(rate) * state + np.exp(value[t])
    found = call(value, rate)
    np.testing.assert_allclose(found[0], expected, rtol=1e-13)
    np.testing.assert_allclose(found[1], expected * value, rtol=1e-13)
    assert "scan_before_at" not in source


def test_a_scan_that_mixes_its_state_reads_the_state_before_as_a_whole():
    """A forward algorithm: s[j] ← logsumexp over i of s[i] + logits[i, j], plus x[t, j]."""
    body = Builder()
    state = body.add(Node("state", axes=("K",)))
    logits = body.add(Node("outer", axes=("K", "K′"), name="1"))
    x = body.add(Node("outer", axes=("K",), name="2"))
    through = body.reduce("logsumexp", body.apply("add", state, logits), ("K",))
    place = body.add(Node("iota", axes=("K",), name="K"))
    renamed = body.add(Node("gather", (through, place), ("K",), name="K′"))
    value = body.apply("add", renamed, x)
    graph = Builder()
    x = graph.add(Node("position", axes=("T", "P", "K"), name="x"))
    logits = graph.add(Node("position", axes=("K", "K′"), name="l"))
    start = graph.add(Node("spread", (graph.constant(0.5),), ("P", "K"), over=("P", "K")))
    axes = ("T", "P", "K")
    renamed = Body(
        tuple(
            Node(**{f: getattr(n, f) for f in n.__slots__} | {"axes": ("P", *n.axes)})
            if n.op not in {"iota", "outer"} or n.name == "2"
            else n
            for n in body.nodes
        ),
        value,
    )
    scan = graph.add(Node("scan", (start, logits, x), axes, name="T", body=renamed))
    call, _ = computed(graph, [scan], {"x": axes, "l": ("K", "K′")})
    xs, table = random(6, 3, 4), random(4, 4)
    state = np.full((3, 4), 0.5)
    expected = []
    for t in range(6):
        state = np.logaddexp.reduce(state[:, :, None] + table, axis=1) + xs[t]
        expected.append(state)
    np.testing.assert_allclose(call(xs, table)[0], expected, rtol=1e-12)


def test_a_scan_within_a_scan_and_matrices_within_one():
    """Each step solves a system for the state, then runs along I from the sum of it."""
    inner = Builder()
    before = inner.add(Node("state"))
    weight = inner.add(Node("outer", axes=(), name="1"))
    inner_value = inner.apply("add", inner.apply("mul", before, inner.constant(0.5)), weight)
    body = Builder()
    state = body.add(Node("state", axes=("K",)))
    lower = body.add(Node("outer", axes=("K", "K′"), name="1"))
    weights = body.add(Node("outer", axes=("I",), name="2"))
    solved = body.add(Node("solve", (lower, state), ("K",), over=("K", "K′")))
    total = body.reduce("sum", solved, ("K",))
    nested = body.add(
        Node("scan", (total, weights), ("I",), name="I", body=Body(tuple(inner.nodes), inner_value))
    )
    value = body.apply("add", solved, body.reduce("amax", nested, ("I",)))
    graph = Builder()
    lower = graph.add(Node("position", axes=("K", "K′"), name="l"))
    weights = graph.add(Node("position", axes=("I",), name="w"))
    start = graph.add(Node("iota", axes=("K",), name="K"))
    scan = graph.add(
        Node("scan", (start, lower, weights), ("T", "K"), name="T", body=Body(tuple(body.nodes), value))
    )
    call, _ = computed(graph, [scan], {"l": ("K", "K′"), "w": ("I",)})
    matrix, w = np.tril(random(4, 4)) + 3 * np.eye(4), random(5)
    state, expected = np.arange(4.0), []
    for _ in range(6):
        solved = np.linalg.solve(matrix, state)
        run, runs = solved.sum(), []
        for weight in w:
            run = 0.5 * run + weight
            runs.append(run)
        state = solved + max(runs)
        expected.append(state)
    np.testing.assert_allclose(call(matrix, w)[0], expected, rtol=1e-11)


def test_ten_thousand_steps():
    graph = Builder()
    x = graph.add(Node("position", axes=("T",), name="x"))
    phi = graph.add(Node("position", name="phi"))
    scan = graph.add(Node("scan", (graph.constant(0.0), x, phi), ("T",), name="T", body=local_level(())))
    call, _ = computed(graph, [scan], {"x": ("T",), "phi": ()}, {**SIZES, "T": 10_000})
    found = call(np.ones(10_000), 0.99)[0]
    np.testing.assert_allclose(found, 100 * (1 - 0.99 ** np.arange(1, 10_001)), rtol=1e-10)
