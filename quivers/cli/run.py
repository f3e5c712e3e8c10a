"""`qvr run`: check a program, bind its data, sample its posterior, show it and save it."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.check.program import CheckedProgram
from quivers.cli.files import STANDARD_INPUT
from quivers.cli.fitted import chosen_program, data_for, doubts, fitted, require_sound, unfit
from quivers.cli.interrupts import say_ended
from quivers.cli.output import (
    CLEAN,
    colour,
    columns,
    diagnostics_text,
    say,
)
from quivers.cli.programs import Model, checked_file
from quivers.cli.sampling import Task, sampled, settings_of
from quivers.configuration import WRONG_ENTRY
from quivers.errors import DataError, QvrError
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import title_line
from quivers.terminal.posterior import posterior_table
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from quivers.data import Bound
    from quivers.inference import MCMCResult
    from quivers.inference.checkpoint import Checkpoint
    from quivers.inference.compiled_run import CompiledRun
    from quivers.runs.saving import Saving

Report = Callable[["MCMCResult | CompiledRun", Task, Mapping[str, float]], None]
"""Writes a run's page, given what was sampled and the seconds that it took."""

_LOADED = time.monotonic()


def run(options: argparse.Namespace) -> int:
    """Sample and print the posterior; refused where the program or its data have errors."""
    arrived = time.monotonic()
    if options.resume is not None:
        from quivers.cli.resume import resume

        return resume(options)
    if options.max_tree_depth is not None and options.algorithm != "nuts":
        raise QvrError("HMC builds no trees: leave --max-tree-depth out, or --algorithm hmc.")
    as_json = options.output_format == "json"
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    data, data_name = data_for(options.data, program, model, options.file, renames=options.map)
    bound = fitted(model, program, data, data_name)
    settings = settings_of(options)
    report = None
    if options.report is not None:
        from quivers.cli.report import reporting

        report = reporting(options.report, model.source, model.name, data_name)
    if not as_json:
        for sentence in model.configuration.warnings:
            _warn(sentence, WRONG_ENTRY)
        warnings = _of(Severity.WARNING, model.diagnostics)
        if warnings:
            say(sys.stderr, diagnostics_text(warnings, model.source, model.name, sys.stderr) + "\n")
        for problem in doubts(options.data, model, options.file):
            _warn(problem.message, problem.code)
        if not options.quiet:
            say(sys.stdout, heading(program, bound, data_name, settings))
    began = arrived if "again" in options else process_start()
    with ExitStack() as stack:
        saving = None
        if options.save and model.configuration.save_runs:
            try:
                saving = stack.enter_context(_saving(model, program, bound, data_name, options, settings))
            except QvrError as error:
                _warn(f"{error} It runs unsaved.")
        task = Task(model.checked, program, data, bound, settings, tuple(options.keep), tuple(options.drop))
        try:
            return complete(task, options, saving, began=began, report=report)
        except DataError as error:  # what the program demands of several inputs together
            raise unfit(error, model, program, data_name) from None


def complete(
    task: Task,
    options: argparse.Namespace,
    saving: Saving | None,
    *,
    began: float,
    checkpoint: Checkpoint | None = None,
    before: Mapping[str, float] | None = None,
    report: Report | None = None,
) -> int:
    """Samples to the end, or from a checkpoint, saves and shows what came of it; the exit status.

    `began` is when the command did, `before` the seconds that went into the checkpoint, under the names that
    those of the whole have. `report` writes the page that is asked for.
    """
    as_json = options.output_format == "json"
    started = time.monotonic()
    try:
        result = sampled(
            task,
            quiet=options.quiet or as_json,
            record=None if saving is None else saving.recorder.begin,
            checkpoint=checkpoint,
            with_torch=report is not None,
        )
    except BaseException:
        if saving is not None:
            _tell(saving.abandon())
            _offer(saving)
        raise
    seconds = {
        "compile": time.monotonic() - started - result.seconds["sample"],  # loading the runtime included
        "sample": result.seconds["sample"],
        "total": time.monotonic() - began,
    }
    seconds = {part: value + (before or {}).get(part, 0.0) for part, value in seconds.items()}
    try:
        if saving is not None:
            _end(saving, result, seconds)
        if report is not None:
            report(result, task, seconds)
        if as_json:
            _print_json(task, result, seconds, saving)
        else:
            _print_text(task, result, seconds, saving, quiet=options.quiet)
    except KeyboardInterrupt:  # while the summary was worked out: the draws are there
        if saving is not None:
            say(sys.stderr, f"The run is saved: `qvr runs show {saving.folder.name}` shows it.")
        if saving is not None and result.cancelled:
            _offer(saving)
        raise
    if not result.cancelled:
        return CLEAN
    if saving is not None:
        _offer(saving)
    return say_ended()


def _end(saving: Saving, result: MCMCResult | CompiledRun, seconds: Mapping[str, float]) -> None:
    """Writes the run's end; without a summary where Ctrl-C comes while that is worked out."""
    from quivers.runs.saving import outcome

    finished = not result.cancelled
    try:
        told = outcome(result, seconds)
    except KeyboardInterrupt:
        _tell(saving.end({"kept": result.kept, "seconds": dict(seconds)}, finished=finished))
        raise
    _tell(saving.end(told, finished=finished))


def _saving(
    model: Model,
    program: CheckedProgram,
    bound: Bound,
    data_name: str | None,
    options: argparse.Namespace,
    settings: Mapping[str, Any],
) -> AbstractContextManager[Saving]:
    """A folder for the run."""
    from quivers.runs.about import About, now
    from quivers.runs.identity import identity_of
    from quivers.runs.saving import saving

    about = About(
        program.name,
        None if options.file == STANDARD_INPUT else os.path.abspath(options.file),
        data_name,
        None if options.data is None else [os.path.abspath(each) for each in options.data],
        [list(pair) for pair in options.map],
        now(),
        identity_of(model.checked, program, bound, settings),
        warnings=[f"{each.code}: {each.message}" for each in _of(Severity.WARNING, model.diagnostics)],
        data_key=_data_key(data_name, options, model),
    )
    return saving(about, model.source, bound)


def _data_key(data_name: str | None, options: argparse.Namespace, model: Model) -> str | None:
    """What stands for the data, by which an editor finds the run again."""
    from quivers.runs.data_key import NO_DATA, data_key, together

    if data_name is None:
        return NO_DATA
    paths = options.data or model.configuration.data or [data_name]
    renames = {**model.configuration.renames, **dict(options.map)}
    try:
        return together([data_key(Path(each), renames) for each in paths])
    except (OSError, QvrError):  # it is gone since it was read
        return None


def _print_json(
    task: Task, result: MCMCResult | CompiledRun, seconds: Mapping[str, float], saving: Saving | None
) -> None:
    outcome = json_output.run(
        task.program.name,
        seed=task.settings["seed"],
        chains=task.settings["chains"],
        warmup=task.settings["warmup"],
        draws=task.settings["draws"],
        seconds=seconds,
        divergences=result.total_divergences,
        engine=result.engine,
        engine_reason=result.engine_reason,
        problems=result.check(),
        rows=result.summary(),
        left_out={each.site: each.numbers for each in result.left_out},
    )
    outcome["saved"] = None if saving is None else str(saving.folder)
    say(sys.stdout, json_output.dumps(outcome))


def _print_text(
    task: Task,
    result: MCMCResult | CompiledRun,
    seconds: Mapping[str, float],
    saving: Saving | None,
    *,
    quiet: bool,
) -> None:
    if result.engine_reason is not None:
        _warn(f"{result.engine_reason}. Torch ran instead, which is slower.")
    chains, kept = task.settings["chains"], result.kept
    count = result.total_divergences
    times = ", ".join(f"{part} {value:.1f} s" for part, value in seconds.items())
    table = posterior_table(result.summary(), width=columns(sys.stdout))
    say(sys.stdout, f"{table}\n" if quiet else f"\n{table}\n")
    for each in result.left_out:
        if not each.asked and not quiet:
            say(sys.stdout, f"{each.site} : {each.numbers:,} numbers, not worked out (--keep {each.site})")
    divergences = "divergence" if count == 1 else "divergences"
    seed = task.settings["seed"]
    say(sys.stdout, f"{count} {divergences} in {chains * kept} draws of seed {seed}; {times}")
    if saving is not None and not quiet:
        say(sys.stdout, f"saved in {saving.folder}")
    problems = result.check()
    for sentence in problems:
        say(sys.stdout, title_line(Severity.WARNING, None, sentence, colour(sys.stdout)))
    if not problems and not quiet:
        alone = ", though one chain can't show whether several would agree" if chains == 1 else ""
        say(sys.stdout, f"no problem found{alone}")


def _tell(complaint: str | None) -> None:
    """Says what could not be saved."""
    if complaint is not None:
        _warn(complaint)


def _offer(saving: Saving) -> None:
    """Says how a run that was interrupted goes on, if it has draws."""
    if saving.folder.exists():
        say(sys.stderr, f"`qvr run --resume {saving.folder.name}` goes on with it.")


def _warn(sentence: str, code: str | None = None) -> None:
    say(sys.stderr, title_line(Severity.WARNING, code, sentence, colour(sys.stderr)))


def _of(severity: Severity, diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [found for found in diagnostics if found.severity is severity]


def heading(program: CheckedProgram, bound: Bound, data_name: str | None, settings: Mapping[str, Any]) -> str:
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
    chains = "1 chain" if settings["chains"] == 1 else f"{settings['chains']} chains"
    kept = f"{settings['draws']} kept draws" + (
        f", one of {settings['thin']}" if settings["thin"] > 1 else ""
    )
    lines.append(f"run      {chains} of {settings['warmup']} warm-up and {kept}, seed {settings['seed']}")
    return "\n".join(lines)


def process_start() -> float:
    """When this process started, on the clock of `time.monotonic`; off Linux, when this module loaded."""
    try:
        status = Path("/proc/self/stat").read_text(encoding="ascii", errors="replace")
        since_boot = int(status.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.monotonic() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)
    except (OSError, ValueError, IndexError, AttributeError):
        return _LOADED
