"""A run by the kernel alone: the same draws as with torch loaded, and torch stays out of the process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from test_generated_programs import DATA as GENERATED
from test_generated_programs import QUICK, programs

from quivers.backends.kernel import kernel as kernels
from quivers.backends.kernel.draws import constrained
from quivers.backends.kernel.kernel import NotCompiled
from quivers.cli import main
from quivers.data import default_path, read
from quivers.dsl import load, loads
from quivers.inference import MCMC, NUTSKernel
from quivers.inference.compiled_run import run_compiled

MODEL = Path(__file__).parents[3] / "examples" / "eight_schools" / "noncentred.qvr"
DATA = read(default_path(MODEL))
SHORT = {"num_warmup": 60, "num_samples": 40, "num_chains": 2, "seed": 3}


def inputs_of(bound):
    return {name: value.numpy() for name, value in bound.inputs.items()}


def test_the_draws_are_those_of_a_run_with_torch():
    model = load(MODEL).morphism
    bound = model.bind(DATA)
    alone = run_compiled(model.density, inputs_of(bound), bound.sizes, NUTSKernel(), **SHORT)
    with_torch = MCMC(NUTSKernel(), engine="kernel", **SHORT).run(model, None, DATA)
    assert list(alone.samples) == list(with_torch.samples)
    for name, values in alone.samples.items():
        np.testing.assert_allclose(values, with_torch.samples[name], rtol=1e-12, atol=1e-12)
    assert alone.total_divergences == with_torch.total_divergences
    assert [row.name for row in alone.summary()] == [row.name for row in with_torch.summary()]


@settings(max_examples=40, deadline=None, phases=QUICK, suppress_health_check=list(HealthCheck))
@given(programs(), st.integers(0, 2**32 - 1))
def test_constrained_values_are_torchs_on_generated_programs(source, seed):
    model = loads(source).morphism
    bound = model.bind(GENERATED)
    assume(bound.dimension > 0)
    positions = np.random.default_rng(seed).uniform(-2, 2, size=(2, 3, bound.dimension))
    expected = bound.constrain(torch.from_numpy(positions))
    found = constrained(model.density, inputs_of(bound), bound.sizes, positions)
    assert list(found) == list(expected)
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-9, atol=1e-12)


def test_the_command_does_not_load_torch():
    script = (
        "import sys; from quivers.cli import main; "
        f"main(['run', {str(MODEL)!r}, '--quiet', '--warmup', '50', '--draws', '50']); "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def test_where_there_is_no_kernel_the_command_runs_torch_and_says_why(monkeypatch, capsys):
    monkeypatch.setattr(kernels, "LARGEST", 10)
    short = ["--warmup", "20", "--draws", "20", "--chains", "1"]
    assert main(["run", str(MODEL), "--quiet", *short]) == 0
    _, err = capsys.readouterr()
    assert "operations, more than the 10 that are compiled. Torch ran instead" in err
    assert main(["run", str(MODEL), "--output-format", "json", *short]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["engine"] == "torch"
    assert "more than the 10" in result["engine_reason"]
    assert main(["run", str(MODEL), "--engine", "kernel", *short]) == 1
    assert "more than the 10 that are compiled" in capsys.readouterr().err


def test_where_no_start_is_found_that_is_the_answer():
    source = "object A : FinSet 2\n\nprogram p : A -> A\n    sample s <- HalfNormal(1.0)\n"
    model = loads(source + "    observe y : A <- Normal(0.0, 1e-300 * s)\n").morphism
    bound = model.bind({"y": [1.0, 1.0]})
    answer = run_compiled(model.density, inputs_of(bound), bound.sizes, NUTSKernel(), **SHORT)
    assert isinstance(answer, NotCompiled)
    assert "no starting point" in answer.reason


@pytest.mark.parametrize("engine", ["kernel", "torch"])
def test_the_command_takes_the_engine_asked_for(engine, capsys):
    status = main(
        ["run", str(MODEL), "--engine", engine, "--output-format", "json", "--warmup", "20", "--draws", "20"]
    )
    assert status == 0
    assert json.loads(capsys.readouterr().out)["engine"] == engine
