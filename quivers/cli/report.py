"""`qvr report`: sample a program, or take a saved run, and write its page with charts for a browser."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT
from quivers.cli.fitted import chosen_program, data_for, fitted, require_sound
from quivers.cli.interrupts import say_ended
from quivers.cli.output import CLEAN, MisuseError, colour, refused, say
from quivers.cli.programs import checked_file
from quivers.cli.sampling import Task, sampled, settings_of
from quivers.syntax.problems import Severity
from quivers.terminal.frames import title_line

if TYPE_CHECKING:
    from quivers.cli.run import Report
    from quivers.inference import MCMCResult
    from quivers.inference.compiled_run import CompiledRun


def report(options: argparse.Namespace) -> int:
    """Write a run's page: of a program, which is sampled as `qvr run` does, or of a run that is saved."""
    if options.file != STANDARD_INPUT and Path(options.file).suffix != ".qvr":
        return _of_saved(options)
    output = options.output
    if output is None:
        if options.file == STANDARD_INPUT:
            reason = "A model from standard input has no folder for its report: name a file with -o."
            raise MisuseError(reason)
        output = os.fspath(Path(options.file).with_suffix(".html"))
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    data, data_name = data_for(options.data, program, model, options.file, renames=options.map)
    write = reporting(output, model.source, model.name, data_name)
    bound = fitted(model, program, data, data_name)
    task = Task(model.checked, program, data, bound, settings_of(options))
    began = time.monotonic()
    result = sampled(task, quiet=options.quiet, with_torch=True)
    total = time.monotonic() - began
    sampling = result.seconds["sample"]
    write(result, task, {"compile": total - sampling, "sample": sampling, "total": total})
    _warn(result)
    if result.cancelled:
        return say_ended()
    return CLEAN


def reporting(output: str, source: bytes, file: str, data_name: str | None) -> Report:
    """What writes the page of a run of a program's text.

    Refused where no page can be written, since it is better known before a run that may take long.
    """
    place = Path(output)
    if place.is_dir():
        raise refused(output, NOT_A_PROGRAM, f"{output} is a directory: name a file, such as report.html.")
    if not place.parent.is_dir():
        raise refused(
            output, NOT_A_PROGRAM, f"{output} cannot be written: there is no folder {place.parent}."
        )

    def write(result: MCMCResult | CompiledRun, task: Task, seconds: Mapping[str, float]) -> None:
        from quivers.inference import MCMCResult
        from quivers.report.full import full_page
        from quivers.runs.identity import versions
        from quivers.worker.messages import Settings
        from quivers.worker.runs import answer

        assert isinstance(result, MCMCResult), "what is reported was sampled with torch at hand"
        page = full_page(
            result,
            answer(result, task.program.name, Settings(**task.settings), seconds, task.bound),
            source,
            file=Path(file).name,
            data=None
            if data_name is None
            else ", ".join([Path(each).name for each in data_name.split(", ")]),
            finished=time.time(),
            versions={name: value for name, value in versions().items() if name != "sampler"},
        )
        try:
            place.write_text(page, encoding="utf-8", newline="\n")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise refused(output, NOT_A_PROGRAM, f"{output} cannot be written: {reason}.") from None
        say(sys.stderr, f"Wrote {output}")

    return write


def _of_saved(options: argparse.Namespace) -> int:
    """The page of a saved run, under the run's name where `-o` gives none."""
    from quivers.runs.folders import found
    from quivers.runs.saved import observations, read_run

    folder = found(options.file)
    saved = read_run(folder)
    about = saved.about
    write = reporting(
        options.output or f"{folder.name}.html", saved.source, about.file or about.program, about.data_name
    )
    checked, program = saved.program
    settings = dict(about.identity.settings)
    task = Task(checked, program, observations(checked, saved.data), saved.data, settings)
    result = saved.result()
    seconds = {**saved.timing(), "total": sum(saved.timing().values())}
    write(result, task, seconds)
    _warn(result)
    return CLEAN


def _warn(result: MCMCResult | CompiledRun) -> None:
    for sentence in result.check():
        say(sys.stderr, title_line(Severity.WARNING, None, sentence, colour(sys.stderr)))
