"""`qvr run --resume`: goes on with a run that was interrupted, to the draws that it would have had."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from quivers.check.analysis import check_source
from quivers.cli.arguments import parser
from quivers.cli.files import STANDARD_INPUT
from quivers.cli.fitted import chosen_program, data_for, fitted, require_sound
from quivers.cli.output import say
from quivers.cli.programs import checked_file
from quivers.cli.run import complete, heading, process_start
from quivers.cli.sampling import SETTINGS, Task
from quivers.errors import QvrError
from quivers.runs.about import About, Identity
from quivers.runs.folders import Listed, found, listed
from quivers.runs.identity import changes, identity_of, versions
from quivers.runs.saved import SavedRun, observations
from quivers.runs.saving import resuming


def resume(options: argparse.Namespace) -> int:
    """Go on with the run that is asked for, else with the interrupted one that began last."""
    arrived = time.monotonic()
    folder, file = _asked(options)
    with resuming(folder) as (saving, saved):
        about = saved.about
        _same_settings(options, folder, about)
        _unchanged(saved, file, options)
        checked = check_source(saved.source)
        program = checked.programs[about.program]
        settings = dict(about.identity.settings)
        if options.output_format != "json" and not options.quiet:
            say(sys.stdout, heading(program, saved.data, about.data_name, settings))
            say(sys.stdout, _progress(saved))
        values = observations(checked, saved.data)
        task = Task(checked, program, values, saved.data, settings)
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
            before=saved.seconds,
            report=report,
        )


def _asked(options: argparse.Namespace) -> tuple[Path, str | None]:
    """The folder of the run to resume, and the program's file where one is named."""
    asked, file = options.resume, options.file
    if file is None and (asked.endswith(".qvr") or asked == STANDARD_INPUT):
        asked, file = "", asked
    if asked:
        return found(asked), file
    path = None if file in (None, STANDARD_INPUT) else os.path.abspath(file)
    runs = [run for run in listed() if file is None or (run.about is not None and run.about.file == path)]
    stopped = [run for run in runs if run.state == "interrupted"]
    if not stopped:
        raise QvrError(_nothing_to_resume(runs, file))
    return stopped[0].folder, file


def _nothing_to_resume(runs: list[Listed], file: str | None) -> str:
    of = "" if file is None else f" of {file}"
    if not runs:
        return f"No run{of} is saved here, so there is none to resume."
    if any(run.state == "running" for run in runs):
        return f"No run{of} was interrupted; one is under way."
    return f"No run{of} was interrupted: `qvr runs` lists those that are saved."


def _same_settings(options: argparse.Namespace, folder: Path, about: About) -> None:
    """Refuses settings on the command line that are not the run's."""
    defaults = parser(["run", "-"]).parse_args(["run", "-"])
    for name in SETTINGS:
        given, own = getattr(options, name), about.identity.settings[name]
        if given not in (getattr(defaults, name), own):
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
    now = Identity(own.program, own.data, own.settings, versions())
    place = file or about.file
    if place is not None and (file is not None or Path(place).exists()):
        model = checked_file(place)
        require_sound(model)
        program = chosen_program(model, about.program)
        given = options.data or about.data_files
        renames = options.map or [(new, old) for new, old in about.renames]
        data, name = data_for(given, program, model, place, renames=renames)
        now = identity_of(model.checked, program, fitted(model, program, data, name), own.settings)
    different = list(changes(own, now, engine))
    if different:
        raise QvrError(
            f"The run {saved.folder.name} can't go on to the same draws: since it began,"
            f" {' and '.join(different)}. Run it anew, or put back what it was;"
            f" its program is kept in {saved.folder / 'program.qvr'}."
        )


def _progress(saved: SavedRun) -> str:
    if saved.kept:
        return f"resumed  {saved.folder.name}, from {saved.kept} of {saved.about.wanted} draws of each chain"
    if saved.begun is not None:
        return f"resumed  {saved.folder.name}; chains that had no draw yet warm up anew"
    return f"resumed  {saved.folder.name}, from the beginning: it ended before its chains started"
