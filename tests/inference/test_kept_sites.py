"""A run keeps latents and narrow lets; a let over many rows is worked out when it is asked for."""

import tracemalloc

import numpy as np
import pytest
import torch

from quivers.backends import blocks
from quivers.backends.kernel.draws import constrained
from quivers.dsl import loads
from quivers.errors import QvrError
from quivers.inference import MCMC, NUTSKernel
from quivers.inference.compiled_run import run_compiled
from quivers.inference.kept_sites import MOST_NUMBERS_OF_A_LET, kept_sites

MODEL = """
object Row : FinSet
program wide : Row -> Real [effects=[Sample, Score]]
    sample a <- Normal(0.0, 1.0)
    sample b <- Normal(0.0, 1.0)
    let mean = a + b * x
    let slope = 2.0 * b
    let fixed = 3.0 * x
    observe y : Row <- Normal(mean + fixed, 1.0)
    return slope
"""
ROWS = MOST_NUMBERS_OF_A_LET + 1


@pytest.fixture(scope="module")
def program():
    return loads(MODEL)


def data(rows):
    x = np.linspace(-1.0, 1.0, rows)
    return {"x": x, "y": 3.5 * x + np.sin(x * 50.0)}


def fit(program, rows, **options):
    sampler = MCMC(NUTSKernel(), num_warmup=150, num_samples=50, num_chains=2, seed=3, **options)
    return sampler.run(program.morphism, None, data(rows))


def test_a_let_over_many_rows_is_left_out_and_told(program):
    result = fit(program, ROWS)
    assert list(result.samples) == ["a", "b", "slope"]
    (left,) = result.left_out
    assert (left.site, left.axes, left.numbers, left.asked) == ("mean", ("Row",), ROWS, False)
    assert {row.site for row in result.summary()} == {"a", "b", "slope"}
    for shown in (repr(result), result._repr_html_()):
        assert "mean : 1,001 numbers, worked out by result[" in shown
    assert result["mean"].axes == ("Row",)
    with pytest.raises(QvrError, match="no `meen`: did you mean `mean`"):
        result["meen"]


def test_a_let_of_as_many_numbers_as_may_be_is_kept(program):
    result = fit(program, ROWS - 1)
    assert list(result.samples) == ["a", "b", "mean", "slope"]
    assert result.left_out == ()


def test_what_is_left_out_is_worked_out_when_it_is_asked_for(program):
    result = fit(program, ROWS)
    a, b = result.samples["a"], result.samples["b"]
    expected = a[..., None] + b[..., None] * torch.from_numpy(data(ROWS)["x"])
    torch.testing.assert_close(result.samples["mean"], expected, rtol=1e-14, atol=0.0)
    assert "mean" not in result.samples


def test_keep_and_drop_are_heeded_and_move_no_draw(program):
    usual, asked = fit(program, ROWS), fit(program, ROWS, keep=["mean"], drop=["b", "slope"])
    assert list(asked.samples) == ["a", "mean"]
    assert [(each.site, each.asked) for each in asked.left_out] == [("b", True), ("slope", True)]
    assert torch.equal(asked.samples["a"], usual.samples["a"])
    assert torch.equal(asked.samples["b"], usual.samples["b"])  # a latent that was dropped can be had still


def test_the_kernel_alone_keeps_the_same(program):
    density = program.morphism.density
    bound = program.morphism.bind(data(ROWS))
    inputs = {name: value.numpy() for name, value in bound.inputs.items()}
    settings = {"num_warmup": 150, "num_samples": 50, "num_chains": 2, "seed": 3}
    alone = run_compiled(density, inputs, bound.sizes, NUTSKernel(), drop=["slope"], **settings)
    whole = fit(program, ROWS, drop=["slope"])
    assert list(alone.samples) == list(whole.samples) == ["a", "b"]
    assert alone.left_out == whole.left_out
    np.testing.assert_allclose(alone.samples["mean"], whole.samples["mean"].numpy(), rtol=1e-13)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"keep": ["meen"]}, "`wide` has no latent or let `meen`. Did you mean `mean`?"),
        ({"drop": ["tau"]}, "`wide` has no latent or let `tau`. It has `a`, `b`, `mean`, `slope`."),
        ({"keep": ["fixed"]}, "`fixed` depends on no latent, so it has no draws: leave it out."),
        (
            {"keep": ["mean"], "drop": ["mean"]},
            "`mean` is to be kept and to be dropped: ask for one of them.",
        ),
        ({"keep": "mean"}, 'keep takes names in a list, ["mean"], not one by itself.'),
        ({"drop": [3]}, "A name in drop must be text, not 3."),
    ],
)
def test_a_name_that_makes_no_sense_is_refused_in_a_sentence(program, options, sentence):
    with pytest.raises(QvrError) as refused:
        fit(program, 5, **options)
    assert str(refused.value) == sentence


def test_values_over_many_rows_are_worked_out_in_blocks_that_agree_with_the_whole(program, monkeypatch):
    bound = program.morphism.bind(data(40))
    positions = torch.randn(3, 70, 2, dtype=torch.float64)
    whole = bound.constrain(positions)
    monkeypatch.setattr(blocks, "_MOST_NUMBERS", 1_000)
    in_blocks = bound.draws_of(list(whole), positions)
    assert {name: value.shape for name, value in whole.items()} == {
        name: value.shape for name, value in in_blocks.items()
    }
    for name, value in whole.items():
        torch.testing.assert_close(in_blocks[name], value, rtol=1e-14, atol=0.0)
    nothing = bound.draws_of(["mean"], positions[:, :0])
    assert nothing["mean"].shape == (3, 0, 40)


def test_a_sum_over_many_rows_takes_little_memory(monkeypatch):
    monkeypatch.setattr(blocks, "_MOST_NUMBERS", 200_000)
    program = loads(MODEL.replace("let slope = 2.0 * b", "let slope = sum(mean * mean)"))
    bound = program.morphism.bind(data(2_000))
    positions = torch.randn(1_000, 2, dtype=torch.float64)
    names = kept_sites(program.morphism.density, bound.sizes).names
    assert "slope" in names
    tracemalloc.start()  # NumPy's arrays are counted, torch's are not: the kernel's way is what is held here
    try:
        inputs = {name: value.numpy() for name, value in bound.inputs.items()}
        found = constrained(program.morphism.density, inputs, bound.sizes, positions.numpy(), names)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000 * 2_000 * 8 / 2  # half of what the let alone would take
    torch.testing.assert_close(
        torch.from_numpy(found["slope"]), bound.draws_of(["slope"], positions)["slope"], rtol=1e-12, atol=0.0
    )
