"""Samples a program's posterior for a command: by the kernel alone where it can, else with torch."""

from __future__ import annotations

import argparse
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from quivers.check.program import Checked, CheckedProgram
from quivers.cli.interrupts import cancelling
from quivers.errors import Cancelled
from quivers.terminal.progress import progress

if TYPE_CHECKING:
    from quivers.data import Bound
    from quivers.inference import MCMCResult
    from quivers.inference.checkpoint import Checkpoint, Record
    from quivers.inference.compiled_run import CompiledRun

SETTINGS = (
    "seed", "chains", "warmup", "draws", "thin", "target_accept", "max_tree_depth", "algorithm",
    "mass_matrix", "init", "engine", "reparameterize",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be sampled: a program with the data as they were given, `values`, and as they are bound.

    `settings` are the sampler's, by `SETTINGS`; `keep` and `drop` say which sites the result has.
    """

    checked: Checked
    program: CheckedProgram
    values: Mapping[str, Any]
    bound: Bound
    settings: Mapping[str, Any]
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


def settings_of(options: argparse.Namespace) -> dict[str, Any]:
    """The sampler's settings that a command line asks for."""
    return {name: getattr(options, name) for name in SETTINGS}


def sampled(
    task: Task,
    *,
    quiet: bool,
    record: Record | None = None,
    checkpoint: Checkpoint | None = None,
    with_torch: bool = False,
) -> MCMCResult | CompiledRun:
    """The run; one that Ctrl-C ended has the draws that all chains made.

    `with_torch` gives an `MCMCResult`, which can be criticised and predicted from; its draws are the same.

    Raises:
        Cancelled: it was ended before every chain had drawn.
    """
    settings = task.settings
    with cancelling() as cancel:
        from quivers.inference.kernels import kernel_of
        from quivers.inference.reparameterize import asked_for

        kernel = kernel_of(
            settings["algorithm"],
            target_accept=settings["target_accept"],
            mass_matrix=settings["mass_matrix"],
            max_tree_depth=settings["max_tree_depth"],
        )
        asked = asked_for(settings["reparameterize"])
        # Where torch sampled the first part of a run, it goes on.
        engine = settings["engine"]
        if checkpoint is not None and checkpoint.begun.engine == "torch":
            engine = "torch"
        _stop_if(cancel)
        # Torch draws from priors, so a run that starts there needs it, whatever computes the density.
        if engine != "torch" and settings["init"] != "prior" and not with_torch:
            from quivers.backends.kernel.kernel import NotCompiled
            from quivers.inference.compiled_run import run_compiled
            from quivers.ir.build import build

            with progress(sys.stderr, quiet=quiet) as report:
                by_kernel = run_compiled(
                    build(task.checked, task.program),
                    task.bound.values,
                    task.bound.sizes,
                    kernel,
                    num_warmup=settings["warmup"],
                    num_samples=settings["draws"],
                    num_chains=settings["chains"],
                    seed=settings["seed"],
                    thin=settings["thin"],
                    init=settings["init"],
                    levels=task.bound.levels,
                    reparameterize=asked,
                    progress=report,
                    cancel=cancel,
                    record=record,
                    checkpoint=checkpoint,
                    keep=task.keep,
                    drop=task.drop,
                )
            if not isinstance(by_kernel, NotCompiled):
                return by_kernel
            _stop_if(cancel)
        from quivers.backends.torch.module import ProgramModule

        _stop_if(cancel)
        from quivers.inference import MCMC

        _stop_if(cancel)
        sampler = MCMC(
            kernel,
            num_warmup=settings["warmup"],
            num_samples=settings["draws"],
            num_chains=settings["chains"],
            init_strategy=settings["init"],
            seed=settings["seed"],
            thin=settings["thin"],
            engine=engine,
            reparameterize=asked,
            keep=task.keep,
            drop=task.drop,
        )
        module = ProgramModule(task.checked, task.program)
        with progress(sys.stderr, quiet=quiet) as report:
            return sampler.run(
                module,
                None,
                task.values,
                progress=report,
                cancel=cancel,
                record=record,
                checkpoint=checkpoint,
            )


def _stop_if(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled("The run was cancelled.")
