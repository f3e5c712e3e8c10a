"""`qvr sbc`: simulate data from a program's own prior, fit them, and say whether the posteriors are right."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.check.program import CheckedProgram
from quivers.cli.fitted import chosen_program, data_for, doubts, fitted, require_sound
from quivers.cli.interrupts import cancelling
from quivers.cli.output import CLEAN, INTERRUPTED, PROBLEMS, RefusedError, colour, say
from quivers.cli.programs import Model, checked_file
from quivers.errors import ProgramError, QvrError
from quivers.ide.definition import site as place_of
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import title_line

if TYPE_CHECKING:
    from quivers.calibration import Calibration, Verdict


def sbc(options: argparse.Namespace) -> int:
    """Calibrate and print the verdicts; 0 where all is calibrated, 1 where not, 130 where interrupted."""
    as_json = options.output_format == "json"
    began = time.monotonic()
    if options.output is not None:
        _require_writable(options.output)
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    data, data_name = data_for(
        options.data, program, model, options.file, observed=False, renames=options.map
    )
    fitted(model, program, data, data_name, observed=False)
    if not as_json:
        for problem in doubts(options.data, model, options.file):
            say(sys.stderr, title_line(Severity.WARNING, problem.code, problem.message, colour(sys.stderr)))
    with cancelling() as cancel:
        from quivers.calibration import Study, UnsuitableError, calibrate
        from quivers.calibration.study import Prepared
        from quivers.terminal.replicates import replicates

        study = Study(model.source, data, seed=options.seed, draws=options.draws, program=program.name)
        try:
            prepared = Prepared(study)
        except UnsuitableError as error:
            raise unsuitable(model, program, error) from None
        except ProgramError as error:
            problems = [each for each in error.diagnostics if isinstance(each, Diagnostic)]
            raise RefusedError(model.name, problems, model.source) from None
        if not as_json:
            say(sys.stdout, _heading(program, data_name, options))
        with replicates(sys.stderr, options.replicates, quiet=options.quiet) as counted:
            calibration = calibrate(
                prepared,
                options.replicates,
                progress=lambda each: counted(each.problem is None),
                threads=options.threads or _cores(),
                cancel=cancel,
            )
        interrupted = cancel.is_set() and len(calibration.made) < options.replicates
    from quivers.calibration.verdicts import meaning, verdicts

    found = verdicts(calibration)
    sound = bool(found) and not calibration.failed and all(each.is_calibrated for each in found)
    sentence = meaning(calibration, found)
    seconds = time.monotonic() - began
    if as_json:
        outcome = _as_json(model, program, calibration, found, interrupted=interrupted)
        outcome |= {"calibrated": sound, "meaning": sentence, "seconds": round(seconds, 3)}
        say(sys.stdout, json.dumps(outcome, allow_nan=False))
    else:
        _print(calibration, found, sentence, seconds, sound=sound, interrupted=interrupted)
    if options.output is not None and found:
        _draw(calibration, found, options.output, quiet=as_json)
    return INTERRUPTED if interrupted else CLEAN if sound else PROBLEMS


def _cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def unsuitable(model: Model, program: CheckedProgram, error: Any) -> RefusedError:
    """Why a program can't be calibrated, on the line of the site responsible."""
    name = program.declaration.name.span.shifted(program.offset)
    span = (place_of(model.checked, program.name, error.site) if error.site else None) or name
    problem = Diagnostic(error.code, Severity.ERROR, span, error.message, hint=error.hint)
    return RefusedError(model.name, [problem], model.source)


def _heading(program: CheckedProgram, data_name: str | None, options: argparse.Namespace) -> str:
    lines = [f"{program.name} : {program.signature}"]
    simulated = ", ".join(entry.name for entry in program.inputs if entry.observed)
    if simulated:
        lines.append(f"simulated  {simulated}")
    given = ", ".join(entry.name for entry in program.inputs if not entry.observed)
    if given and data_name:
        lines.append(f"given      {given}, from {data_name}")
    lines.append(
        f"study      {options.replicates} replicates, each ranked by {options.draws} draws,"
        f" seed {options.seed}"
    )
    return "\n".join(lines)


def _print(
    calibration: Calibration,
    found: Sequence[Verdict],
    sentence: str,
    seconds: float,
    *,
    sound: bool,
    interrupted: bool,
) -> None:
    from quivers.calibration.verdicts import remarks
    from quivers.terminal.calibration import calibration_table

    if found:
        say(sys.stdout, f"\n{calibration_table(found, calibration.study.draws)}\n")
    for line in remarks(calibration):
        say(sys.stdout, title_line(Severity.WARNING, None, line, colour(sys.stdout)))
    if calibration.engine_reason is not None:
        text = f"{calibration.engine_reason}. Torch ran instead, which is slower."
        say(sys.stderr, title_line(Severity.WARNING, None, text, colour(sys.stderr)))
    made, asked = len(calibration.made), calibration.asked
    if interrupted:
        say(sys.stdout, f"Interrupted after {made} of {asked} replicates; what these show:")
    if sound:
        say(sys.stdout, f"calibrated: {sentence}")
    else:
        say(sys.stdout, title_line(Severity.ERROR, None, sentence, colour(sys.stdout)))
    say(sys.stdout, f"{made} {'replicate' if made == 1 else 'replicates'} in {seconds:.1f} s")


def _as_json(
    model: Model,
    program: CheckedProgram,
    calibration: Calibration,
    found: Sequence[Verdict],
    *,
    interrupted: bool,
) -> dict[str, Any]:
    """The study as plain data; a quantity's `range` is the name of its site in the file, null for none."""
    sites = {
        site: json_output.range_of(span, model.source)
        for site in dict.fromkeys(each.site for each in found)
        if (span := place_of(model.checked, program.name, site)) is not None
    }
    study = calibration.study
    return {
        "program": program.name,
        "seed": study.seed,
        "replicates": calibration.asked,
        "made": len(calibration.made),
        "draws": study.draws,
        "interrupted": interrupted,
        "quantities": [
            {
                "name": each.name,
                "site": each.site,
                "element": list(each.element),
                "verdict": each.kind,
                "p": each.p,
                "beyond": each.excess,
                "mean_rank": each.mean_rank,
                "range": sites.get(each.site),
                "ranks": each.ranks.tolist(),
            }
            for each in found
        ],
        "failed": [{"replicate": each.number, "message": each.problem} for each in calibration.failed],
        "divergences": sum(each.divergences for each in calibration.fitted),
        "diverged": sum(1 for each in calibration.fitted if each.divergences),
        "slow": sum(1 for each in calibration.fitted if not each.ess >= study.draws),
        "engine_reason": calibration.engine_reason,
    }


def _require_writable(output: str) -> None:
    folder = Path(output).parent
    if not folder.is_dir():
        raise QvrError(f"{output} can't be written: there is no folder {folder}.")
    if Path(output).is_dir():
        raise QvrError(f"{output} can't be written: it is a folder; name a file, such as ecdf.svg.")


def _draw(calibration: Calibration, found: Sequence[Verdict], output: str, *, quiet: bool) -> None:
    from quivers.calibration.picture import picture
    from quivers.calibration.verdicts import band_of

    try:
        Path(output).write_text(picture(found, band_of(calibration)), encoding="utf-8")
    except OSError as error:
        raise QvrError(f"{output} can't be written: {(error.strerror or str(error)).lower()}.") from None
    if not quiet:
        say(sys.stdout, f"picture in {output}")
