"""`qvr run`: check a program, bind its data, sample its posterior and show it."""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.check.program import CheckedProgram
from quivers.cli.fitted import chosen_program, data_for, doubts, fitted, require_sound
from quivers.cli.interrupts import cancelling
from quivers.cli.output import (
    CLEAN,
    colour,
    diagnostics_text,
    say,
)
from quivers.cli.programs import Model, checked_file
from quivers.configuration import WRONG_ENTRY
from quivers.errors import Cancelled, QvrError
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import title_line
from quivers.terminal.posterior import posterior_table
from quivers.terminal.progress import progress
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from quivers.data import Bound
    from quivers.inference import MCMCResult
    from quivers.inference.compiled_run import CompiledRun

_LOADED = time.monotonic()


def run(options: argparse.Namespace) -> int:
    """Sample and print the posterior; refused where the program or its data have errors."""
    arrived = time.monotonic()
    if options.max_tree_depth is not None and options.algorithm != "nuts":
        raise QvrError("HMC builds no trees: leave --max-tree-depth out, or --algorithm hmc.")
    as_json = options.output_format == "json"
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    data, data_name = data_for(options.data, program, model, options.file, renames=options.map)
    bound = fitted(model, program, data, data_name)
    if not as_json:
        for sentence in model.configuration.warnings:
            say(sys.stderr, title_line(Severity.WARNING, WRONG_ENTRY, sentence, colour(sys.stderr)))
        warnings = _of(Severity.WARNING, model.diagnostics)
        if warnings:
            say(sys.stderr, diagnostics_text(warnings, model.source, model.name, sys.stderr) + "\n")
        for problem in doubts(options.data, model, options.file):
            say(sys.stderr, title_line(Severity.WARNING, problem.code, problem.message, colour(sys.stderr)))
        if not options.quiet:
            say(sys.stdout, _heading(program, bound, data_name, options))
    started = time.monotonic()
    result = _sampled(model, program, data, bound, options)
    seconds = {
        "compile": time.monotonic() - started - result.seconds["sample"],  # loading the runtime included
        "sample": result.seconds["sample"],
        "total": time.monotonic() - (arrived if "again" in options else _process_start()),
    }
    rows = result.summary()
    if as_json:
        outcome = json_output.run(
            program.name,
            seed=options.seed,
            chains=options.chains,
            warmup=options.warmup,
            draws=options.draws,
            seconds=seconds,
            divergences=result.total_divergences,
            engine=result.engine,
            engine_reason=result.engine_reason,
            problems=result.check(),
            rows=rows,
        )
        say(sys.stdout, json_output.dumps(outcome))
        return CLEAN
    if result.engine_reason is not None:
        text = f"{result.engine_reason}. Torch ran instead, which is slower."
        say(sys.stderr, title_line(Severity.WARNING, None, text, colour(sys.stderr)))
    draws = options.chains * options.draws
    count = result.total_divergences
    times = ", ".join(f"{part} {value:.1f} s" for part, value in seconds.items())
    say(sys.stdout, f"{posterior_table(rows)}\n" if options.quiet else f"\n{posterior_table(rows)}\n")
    say(sys.stdout, f"{count} {'divergence' if count == 1 else 'divergences'} in {draws} draws; {times}")
    problems = result.check()
    for sentence in problems:
        say(sys.stdout, title_line(Severity.WARNING, None, sentence, colour(sys.stdout)))
    if not problems and not options.quiet:
        alone = ", though one chain can't show whether several would agree" if options.chains == 1 else ""
        say(sys.stdout, f"no problem found{alone}")
    return CLEAN


def _of(severity: Severity, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [found for found in diagnostics if found.severity is severity]


def _sampled(
    model: Model, program: CheckedProgram, data: dict[str, Any], bound: Bound, options: argparse.Namespace
) -> MCMCResult | CompiledRun:
    """The run by the kernel alone where there is one; else, and where torch is asked for, with torch."""
    quiet = options.quiet or options.output_format == "json"
    with cancelling() as cancel:
        from quivers.inference.kernels import kernel_of
        from quivers.inference.reparameterize import asked_for

        kernel = kernel_of(
            options.algorithm,
            target_accept=options.target_accept,
            mass_matrix=options.mass_matrix,
            max_tree_depth=options.max_tree_depth,
        )
        asked = asked_for(options.reparameterize)
        _stop_if(cancel)
        # Torch draws from priors, so a run that starts there needs it, whatever computes the density.
        if options.engine != "torch" and options.init != "prior":
            from quivers.backends.kernel.kernel import NotCompiled
            from quivers.inference.compiled_run import run_compiled
            from quivers.ir.build import build

            with progress(sys.stderr, quiet=quiet) as report:
                by_kernel = run_compiled(
                    build(model.checked, program),
                    bound.values,
                    bound.sizes,
                    kernel,
                    num_warmup=options.warmup,
                    num_samples=options.draws,
                    num_chains=options.chains,
                    seed=options.seed,
                    thin=options.thin,
                    init=options.init,
                    levels=bound.levels,
                    reparameterize=asked,
                    progress=report,
                    cancel=cancel,
                )
            _stop_if(cancel)
            if not isinstance(by_kernel, NotCompiled):
                return by_kernel
        from quivers.backends.torch.module import ProgramModule

        _stop_if(cancel)
        from quivers.inference import MCMC

        _stop_if(cancel)
        sampler = MCMC(
            kernel,
            num_warmup=options.warmup,
            num_samples=options.draws,
            num_chains=options.chains,
            init_strategy=options.init,
            seed=options.seed,
            thin=options.thin,
            engine=options.engine,
            reparameterize=asked,
        )
        module = ProgramModule(model.checked, program)
        with progress(sys.stderr, quiet=quiet) as report:
            result = sampler.run(module, None, data, progress=report, cancel=cancel)
        _stop_if(cancel)
    return result


def _stop_if(cancel: threading.Event) -> None:
    if cancel.is_set():
        raise Cancelled("The run was cancelled.")


def _heading(
    program: CheckedProgram, bound: Bound, data_name: str | None, options: argparse.Namespace
) -> str:
    """The program's type, its inputs and sizes, and what is about to run."""
    inputs = ", ".join(f"{entry.name} : {entry.type}" for entry in program.inputs)
    sizes = ", ".join(f"{name} {size}" for name, size in bound.sizes.items())
    lines = [f"{program.name} : {program.signature}"]
    if inputs:
        lines.append(f"inputs   {inputs}")
    if sizes:
        lines.append(f"sizes    {sizes}")
    if data_name:
        lines.append(f"data     {data_name}")
    lines += [f"note     {safe(note)}" for note in bound.notes]
    chains = "1 chain" if options.chains == 1 else f"{options.chains} chains"
    kept = f"{options.draws} kept draws" + (f", one of {options.thin}" if options.thin > 1 else "")
    lines.append(f"run      {chains} of {options.warmup} warm-up and {kept}, seed {options.seed}")
    return "\n".join(lines)


def _process_start() -> float:
    """When this process started, on the clock of `time.monotonic`; off Linux, when this module loaded."""
    try:
        status = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
        since_boot = int(status.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return _LOADED
