"""What the generated source looks like: loops are shared, arrays are few, names are the user's."""

from __future__ import annotations

import numpy as np
import pytest
from kernels_against_torch import built
from test_kernel_agreement import SHAPES

from quivers.backends.kernel import kernel as kernels
from quivers.backends.kernel.kernel import NotCompiled

SCHOOLS = """
object School : FinSet 3

program schools : School -> School
    sample mu <- Normal(0.0, 5.0)
    sample tau <- HalfNormal(5.0)
    sample eta : School <- Normal(0.0, 1.0)
    let theta = mu + tau * eta
    observe y : School <- Normal(theta, sigma)
"""
DATA = {"y": [1.0, 2.0, 3.0], "sigma": [1.0, 2.0, 3.0]}


def test_elementwise_parts_share_one_loop_and_need_no_array():
    _, made = built(SCHOOLS, DATA)
    assert made.source.count("for ") == 1
    assert made.scratch == 0
    assert "theta = mu_free + " in made.source


def test_sizes_are_numbers_of_the_run_not_of_the_source():
    wide = {name: [*values, 1.0, 2.0, 3.0] * 2 for name, values in DATA.items()}
    _, twelve = built(SCHOOLS.replace("FinSet 3", "FinSet 12"), wide)
    wider = {name: [*values, 4.0] for name, values in wide.items()}
    _, other = built(SCHOOLS.replace("FinSet 3", "FinSet 13"), wider)
    assert other.source == twelve.source
    assert not other.compiled
    assert (twelve.dimension, other.dimension) == (14, 15)


def test_small_sizes_are_written_out_and_arrays_over_small_objects_are_the_functions_own():
    source = """
object Item : FinSet
object Component : FinSet 3

program mixture : Item -> Component
    sample weights : Component <- Dirichlet(1.0)
    sample mu : Component <- Normal(0.0, 5.0)
    marginalize component : Component <- Categorical(weights)
        observe y : Item <- Normal(mu[component], 1.0)
"""
    bound, made = built(source, {"y": np.linspace(-3.0, 3.0, 50)})
    assert "n_Component = 3" in made.source
    assert made.scratch == 0
    assert made.source.count("for i_Item") == 1
    from kernels_against_torch import agree

    for point in np.random.default_rng(3).uniform(-2, 2, size=(5, bound.dimension)):
        agree(bound, made, point)


def test_gathers_and_their_adjoints_stand_apart_from_a_loop_that_can_run_on_vectors():
    source, data = SHAPES["rows in groups"]
    source = source.replace("FinSet 6", "FinSet 16")
    values = data(np.random.default_rng(0))
    _, made = built(source, values)
    # Arrays over the groups: what is read at an index, and what is added at one. Over rows: what was read,
    # and what is to be added.
    assert made.scratch == 2 * 16 + 2 * 40
    loops = made.source.split("for i_Row")[1:]
    assert len(loops) == 3
    (heavy,) = [loop.split("for i_Group")[0] for loop in loops if "softplus" in loop.split("for i_Group")[0]]
    assert "int(" not in heavy
    _, light = built(
        source.replace("Bernoulli(logits=alpha[group] + beta * x)", "Normal(alpha[group], 1.0)"), values
    )
    assert light.source.count("for i_Row") == 1


def test_loops_that_stand_apart_take_turns_on_blocks_of_rows():
    source, data = SHAPES["more rows than a block has"]
    _, made = built(source, data(np.random.default_rng(0)))
    (blocks,) = [part for part in made.source.split("for block")[1:] if "of Row at a time" in part]
    assert blocks.count("for i_Row in range(first, min(first + 128, n_Row))") == 3


def test_names_that_mean_something_in_python_do_not_clash():
    source = SCHOOLS.replace("mu", "lambda").replace("theta", "range").replace("tau", "data_at")
    source = source.replace("eta", "n_School").replace("sigma", "q")
    _, plain = built(SCHOOLS, DATA)
    try:
        bound, made = built(source, {"y": DATA["y"], "q": DATA["sigma"]})
    except Exception as error:
        pytest.fail(f"{error}")
    from kernels_against_torch import agree

    agree(bound, made, [0.1, 0.2, 0.3, 0.4, 0.5])
    assert made.dimension == plain.dimension


def test_an_index_outside_its_axis_is_no_kernel_and_says_so(monkeypatch):
    source, data = SHAPES["rows in groups"]
    values = data(np.random.default_rng(0))
    bound, _ = built(source, values)
    inputs = {name: value.numpy().copy() for name, value in bound.inputs.items()}
    inputs["group"][3] = 6.0
    from quivers.dsl import loads

    made = kernels.kernel(loads(source).morphism.density, inputs, bound.sizes)
    assert made == NotCompiled(
        "The program can't be compiled for these data: an index runs outside Group, which has 6 elements"
    )


def test_a_program_of_too_many_operations_is_no_kernel_and_says_so(monkeypatch):
    monkeypatch.setattr(kernels, "LARGEST", 10)
    _, made = built(SCHOOLS, DATA)
    assert isinstance(made, NotCompiled)
    assert "operations, more than the 10 that are compiled" in made.reason
