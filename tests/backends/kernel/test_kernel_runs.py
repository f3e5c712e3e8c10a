"""Runs by kernel: the posterior, the choice of engine, the check against torch, threads and seeds."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from kernels_against_torch import built, called

from quivers.backends.kernel import kernel as kernels
from quivers.data import default_path, read
from quivers.dsl import load
from quivers.errors import QvrError, SamplingError
from quivers.inference import MCMC, NUTSKernel

MODEL = Path(__file__).parents[3] / "examples" / "eight_schools" / "noncentred.qvr"
DATA = read(default_path(MODEL))
SHORT = {"num_warmup": 60, "num_samples": 40, "num_chains": 2, "seed": 3}


def run(engine, **options):
    return MCMC(NUTSKernel(target_accept=0.9), engine=engine, **options).run(load(MODEL).morphism, None, DATA)


def test_the_posterior_of_the_eight_schools():
    result = run("kernel", num_warmup=1000, num_samples=2000, num_chains=4, seed=1)
    assert (result.engine, result.engine_reason) == ("kernel", None)
    # By quadrature over mu and tau.
    for name, place, mean in (("mu", (), 4.4415), ("tau", (), 3.287), ("theta", (0,), 5.938)):
        error = float(result.mcse[name][place])
        assert abs(float(result.samples[name][(..., *place)].mean()) - mean) < 4 * error
        assert float(result.r_hat[name][place]) < 1.01


def test_the_same_seed_gives_the_same_draws():
    first, second = (run("kernel", **SHORT).samples for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_kernel_follows_torch_until_rounding_parts_them():
    by_kernel, by_torch = (run(engine, **SHORT) for engine in ("kernel", "torch"))
    assert by_torch.engine == "torch"
    start = {"rtol": 1e-6, "atol": 1e-6}
    for name in ("log_density", "step_size"):
        torch.testing.assert_close(
            by_kernel.warmup_statistics[name][:, :3], by_torch.warmup_statistics[name][:, :3], **start
        )


def test_auto_takes_the_kernel():
    assert run("auto", **SHORT).engine == "kernel"


def test_where_there_is_no_kernel_auto_takes_torch_and_says_why(monkeypatch):
    monkeypatch.setattr(kernels, "LARGEST", 10)
    result = run("auto", **SHORT)
    assert result.engine == "torch"
    assert result.engine_reason is not None
    assert "operations" in result.engine_reason
    with pytest.raises(QvrError, match=r"operations, more than the 10 that are compiled\. With engine"):
        run("kernel", **SHORT)


def test_a_kernel_that_disagrees_with_torch_is_reported_and_torch_runs(monkeypatch):
    right = kernels.Kernels.__call__

    def wrong(self, inputs, sizes):
        made = right(self, inputs, sizes)
        made.shared[:] += 1e-6
        return made

    monkeypatch.setattr(kernels.Kernels, "__call__", wrong)
    result = run("auto", **SHORT)
    assert result.engine == "torch"
    assert "The kernel disagrees with torch at a starting point: the log density is" in result.engine_reason
    assert torch.equal(result.samples["mu"], run("torch", **SHORT).samples["mu"])
    with pytest.raises(SamplingError, match="disagrees with torch"):
        run("kernel", **SHORT)


def test_an_engine_that_does_not_exist_is_refused():
    with pytest.raises(QvrError, match=r'engine must be one of "auto", "kernel", "torch"'):
        MCMC(NUTSKernel(), engine="jax")


def test_threads_give_identical_bits():
    source = """
object Row : FinSet 300
object Group : FinSet 20
data group : Row -> Group

program p : Row -> Row
    sample tau <- HalfNormal(5.0)
    sample z : Group <- Normal(0.0, 1.0)
    let alpha = tau * z
    observe y : Row <- Bernoulli(logits=alpha[group])
"""
    rng = np.random.default_rng(4)
    data = {"group": rng.integers(0, 20, 300), "y": rng.integers(0, 2, 300).astype(float)}
    bound, made = built(source, data)
    points = rng.normal(size=(4, 200, bound.dimension))
    alone = [[called(made, q) for q in row] for row in points]
    found = [[] for _ in points]
    threads = [
        threading.Thread(target=lambda row=row: found[row].extend(called(made, q) for q in points[row]))
        for row in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for row in range(4):
        for (value, slope), (expected, expected_slope) in zip(found[row], alone[row], strict=True):
            assert value == expected
            np.testing.assert_array_equal(slope, expected_slope)
