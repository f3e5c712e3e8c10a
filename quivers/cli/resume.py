"""`qvr run --resume`: goes on with a run, to the draws that it would have had, or to more of them."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quivers.cli.files import STANDARD_INPUT
from quivers.cli.fitted import chosen_program, data_for, fitted, require_sound
from quivers.cli.output import say
from quivers.cli.programs import checked_file
from quivers.cli.run import complete, heading, process_start
from quivers.cli.sampling import SETTINGS, Task
from quivers.errors import QvrError
from quivers.records import replace as replaced
from quivers.runs.about import About, Identity, now
from quivers.runs.folders import Listed, found, listed, running
from quivers.runs.identity import changes, identity_of, versions
from quivers.runs.saved import SavedRun, observations, read_run
from quivers.runs.saving import extending, resuming

if TYPE_CHECKING:
    from quivers.runs.saving import Saving


def resume(options: argparse.Namespace) -> int:
    """Go on with the run that is asked for, else with the interrupted one that began last."""
    arrived = time.monotonic()
    folder, file = _asked(options)
    with _going_on(folder, file, options) as (saving, saved):
        about = saving.about
        checked, program = saved.program
        settings = dict(about.identity.settings)
        if options.output_format != "json" and not options.quiet:
            say(sys.stdout, heading(program, saved.data, about.data_name, settings))
            say(sys.stdout, _progress(saved, about))
        values = observations(checked, saved.data)
        task = Task(checked, program, values, saved.data, settings, tuple(options.keep), tuple(options.drop))
        began = arrived if "again" in options else process_start()
        report = None
        if options.report is not None:
            from quivers.cli.report import reporting

            report = reporting(options.report, saved.source, about.file or about.program, about.data_name)
        return complete(
            task,
            options,
            saving,
            began=began,
            checkpoint=saved.checkpoint,
            before=saved.spent(),
            report=report,
        )


@contextmanager
def _going_on(
    folder: Path, file: str | None, options: argparse.Namespace
) -> Iterator[tuple[Saving, SavedRun]]:
    """The run in its own folder, or with more draws in a new one, and what is there of it.

    Raises QvrError where it can't go on.
    """
    saved = read_run(folder)
    if running(folder):
        raise QvrError(f"The run {folder.name} is under way in another process.")
    _same_settings(options, folder, saved.about)
    wanted = options.draws or saved.about.wanted
    if wanted == saved.about.wanted:
        with resuming(folder) as (saving, saved):
            _unchanged(saved, file, options)
            yield saving, saved
        return
    _unchanged(saved, file, options)
    own = saved.about.identity
    identity = replaced(own, settings={**own.settings, "draws": wanted})
    longer = replaced(saved.about, identity=identity, began=now(), state="running", outcome={})
    with extending(saved, longer) as saving:
        yield saving, saved


def _asked(options: argparse.Namespace) -> tuple[Path, str | None]:
    """The folder of the run to resume, and the program's file where one is named."""
    asked, file = options.resume, options.file
    if file is None and (asked.endswith(".qvr") or asked == STANDARD_INPUT):
        asked, file = "", asked
    if asked:
        return found(asked), file
    path = None if file in (None, STANDARD_INPUT) else os.path.abspath(file)
    runs = [run for run in listed() if file is None or (run.about is not None and run.about.file == path)]
    for run in runs:
        if run.about is not None and run.state != "running":
            stopped = run.state == "interrupted" and options.draws in (None, run.about.wanted)
            if stopped or (options.draws is not None and options.draws > run.about.wanted):
                return run.folder, file
    raise QvrError(_nothing_to_resume(runs, file, options.draws))


def _nothing_to_resume(runs: list[Listed], file: str | None, draws: int | None) -> str:
    of = "" if file is None else f" of {file}"
    if not runs:
        return f"No run{of} is saved here, so there is none to resume."
    if draws is not None:
        if all(run.state == "running" for run in runs):
            return f"No run{of} has ended yet, so none can go on to {draws} draws."
        return (
            f"Each run{of} that has ended was asked for {draws} draws or more, so there is none to take to"
            f" {draws}: `qvr runs` lists them."
        )
    if any(run.state == "running" for run in runs):
        return f"No run{of} was interrupted; one is under way."
    return (
        f"No run{of} was interrupted: `qvr runs` lists those that are saved. With --draws N a finished one"
        " goes on to N draws."
    )


def _same_settings(options: argparse.Namespace, folder: Path, about: About) -> None:
    """Refuses settings on the command line that are not the run's, but for more draws."""
    for name in SETTINGS:
        given, own = getattr(options, name), about.identity.settings.get(name)
        if given is None or given == own or (name == "draws" and given > about.wanted):
            continue
        if name == "draws":
            raise QvrError(
                f"The run {folder.name} is one of {own} draws: with --draws it can go on to more,"
                f" not end with {given}."
            )
        option = f"--{name.replace('_', '-')}"
        raise QvrError(
            f"{option} {given} is not the setting of the run {folder.name}, which is {own}: leave it out,"
            " since a run goes on with its own, or run it anew."
        )


def _unchanged(saved: SavedRun, file: str | None, options: argparse.Namespace) -> None:
    """Refuses a run whose program, data or versions are not what they were.

    A program that came from standard input or whose file is gone can't have changed: the run has its own.
    """
    about, own = saved.about, saved.about.identity
    engine = None if saved.begun is None else saved.begun.engine
    today = Identity(own.program, own.data, own.settings, versions())
    place = file or about.file
    if place is not None and (file is not None or Path(place).exists()):
        model = checked_file(place)
        require_sound(model)
        program = chosen_program(model, about.program)
        given = options.data or about.data_files
        renames = options.map or [(new, old) for new, old in about.renames]
        data, name = data_for(given, program, model, place, renames=renames)
        today = identity_of(model.checked, program, fitted(model, program, data, name), own.settings)
    different = list(changes(own, today, engine))
    if different:
        raise QvrError(
            f"The run {saved.folder.name} can't go on to the same draws: since it began,"
            f" {' and '.join(different)}. Run it anew, or put back what it was;"
            f" its program is kept in {saved.folder / 'program.qvr'}."
        )


def _progress(saved: SavedRun, about: About) -> str:
    name = saved.folder.name
    if about is not saved.about and about.wanted > saved.about.wanted:
        return f"extends  {name}, from {saved.kept} to {about.wanted} draws of each chain"
    if saved.kept:
        return f"resumed  {name}, from {saved.kept} of {saved.about.wanted} draws of each chain"
    if saved.begun is not None:
        return f"resumed  {name}; chains that had no draw yet warm up anew"
    return f"resumed  {name}, from the beginning: it ended before its chains started"
