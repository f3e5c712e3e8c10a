"""Runs a program's text by the compiled kernel."""

from __future__ import annotations

from typing import Any

from quivers.check.analysis import check_source
from quivers.data import bind
from quivers.inference.compiled_run import CompiledRun, run_compiled
from quivers.inference.kernels import Kernel, NUTSKernel
from quivers.ir.build import build


def run_source(
    source: str,
    data: dict[str, Any],
    kernel: Kernel | None = None,
    *,
    num_samples: int = 1000,
    seed: int = 1,
    init: str = "uniform",
) -> CompiledRun:
    """The posterior of the file's program, 4 chains."""
    checked = check_source(source.encode())
    program = checked.program_to_run(None)
    assert program is not None, checked.diagnostics
    bound = bind(checked, program, data)
    result = run_compiled(
        build(checked, program), bound.values, bound.sizes, kernel or NUTSKernel(), num_warmup=1000,
        num_samples=num_samples, num_chains=4, seed=seed, init=init,
    )  # fmt: skip
    assert isinstance(result, CompiledRun), result
    return result
