"""`qvr predict`: what a program would observe for new data, given its posterior."""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.check.program import CheckedProgram
from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT
from quivers.cli.fitted import NO_DATA_FILE, chosen_program, data_for, fitted, require_sound
from quivers.cli.interrupts import cancelling
from quivers.cli.output import CLEAN, MisuseError, RefusedError, colour, refused, say
from quivers.cli.programs import Model, checked_file
from quivers.configuration import configuration_for
from quivers.element_names import axis_labels, index_of
from quivers.errors import Cancelled, DataError, ProgramError, QvrError
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import title_line

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.inference.predictive import Predictions

FIGURES = ("mean", "sd", "q5", "q50", "q95")
ENDINGS = {".csv": "csv", ".json": "json", ".npz": "npz", ".parquet": "parquet"}


def predict(options: argparse.Namespace) -> int:
    """Print a row for each predicted number, or write them to the file that `-o` names."""
    if (options.file is None) == (options.run is None):
        reason = "Name a model to fit, or with --run a saved run to predict from: one of the two."
        raise MisuseError(reason)
    if options.run is not None and options.data:
        reason = "A saved run has its data: leave --data out."
        raise MisuseError(reason)
    form = _form_of(options.output)
    if options.draws_output is not None and not options.draws_output.endswith(".npz"):
        reason = f"{options.draws_output} must end in .npz: draws are written as NumPy arrays."
        raise MisuseError(reason)
    with cancelling() as cancel:
        if options.run is not None:
            model, program, result = _saved(options)
        else:
            model = checked_file(options.file)
            require_sound(model)
            program = chosen_program(model, options.program)
            _new_data(model, program, options)  # what can't be read is told before the fit
            result = _fit(model, program, options, cancel)
        if cancel.is_set():
            raise Cancelled("The run was cancelled.")
        sites = _sites(options.site, result, program, model.name)
        drawn, new_name = _drawn(model, program, result, sites, options)
    kept = {name: drawn[name].cpu().numpy() for name in sites}
    outcome = json_output.predictions(
        program.name,
        kept,
        axes={name: drawn.axes[name] for name in sites},
        levels=drawn.levels,
        roles={name: _role(name, program, result) for name in sites},
        seed=options.seed,
        problems=result.check(),
    )
    if options.draws_output is not None:
        _write_arrays(options.draws_output, {**kept, **_names(outcome)})
    if form is not None:
        _write(options.output, form, outcome)
    elif options.format == "text":
        _print_table(outcome, program, drawn, new_name, _count(outcome, result))
    else:
        text = _csv(outcome) if options.format == "csv" else json_output.dumps(outcome)
        say(sys.stdout, text.removesuffix("\n"))
    if options.samples is None and outcome["draws"] < result.divergences.numel():
        say(sys.stderr, f"from {_count(outcome, result)}; --samples takes more")
    for sentence in outcome["problems"]:
        say(sys.stderr, title_line(Severity.WARNING, None, sentence, colour(sys.stderr)))
    for written in (options.output, options.draws_output):
        if written is not None and not options.quiet:
            say(sys.stderr, f"Wrote {written}")
    return CLEAN


def _form_of(output: str | None) -> str | None:
    if output is None:
        return None
    form = ENDINGS.get(Path(output).suffix.lower())
    if form is None:
        reason = f"{output} doesn't say what to write: end it in one of {', '.join(ENDINGS)}."
        raise MisuseError(reason)
    if form == "parquet":  # told before the fit
        from quivers.data.write_parquet import can_write

        if not can_write():
            reason = f"{output} needs pyarrow, which isn't installed: pip install 'qvr[parquet]'."
            raise refused(output, NOT_A_PROGRAM, reason)
    return form


def _fit(
    model: Model, program: CheckedProgram, options: argparse.Namespace, cancel: threading.Event
) -> MCMCResult:
    """The model's posterior, sampled now."""
    data, data_name = data_for(options.data, program, model, options.file, renames=options.map)
    fitted(model, program, data, data_name)
    from quivers.dsl import Program
    from quivers.fitting import fit

    try:
        with warnings.catch_warnings():  # what the fit warns of is told once, below the predictions
            warnings.simplefilter("ignore")
            return fit(
                Program(program.name, model.checked, model.source, model.name),
                data,
                seed=options.seed,
                chains=options.chains,
                warmup=options.warmup,
                draws=options.draws,
                target_accept=options.target_accept,
                progress=not options.quiet,
                cancel=cancel,
            )
    except ProgramError as error:
        found = [each for each in error.diagnostics if isinstance(each, Diagnostic)]
        raise RefusedError(model.name, found, model.source) from None


def _saved(options: argparse.Namespace) -> tuple[Model, CheckedProgram, MCMCResult]:
    """The posterior of a saved run, with the program as it was then."""
    from quivers.runs.folders import found
    from quivers.runs.saved import read_run

    run = read_run(found(options.run))
    checked, program = run.program
    if options.program is not None and options.program != program.name:
        raise QvrError(f"The run is one of `{program.name}`, not of `{options.program}`.")
    model = Model(run.folder.name, run.source, checked, configuration_for(None), ())
    return model, program, run.result()


def _new_data(
    model: Model, program: CheckedProgram, options: argparse.Namespace
) -> tuple[dict[str, Any], str]:
    file = options.file or STANDARD_INPUT
    new, name = data_for(options.new, program, model, file, observed=False, renames=options.map)
    return new, name or ""


def _drawn(
    model: Model,
    program: CheckedProgram,
    result: MCMCResult,
    sites: list[str],
    options: argparse.Namespace,
) -> tuple[Predictions, str]:
    """What is predicted for the new data, and their file's name."""
    from quivers.inference.predict_new import filled, predict_new

    new, told = _new_data(model, program, options)
    fitted(model, program, {**new, **filled(result, new)}, told, observed=False)
    try:
        drawn = predict_new(
            result,
            new,
            seed=options.seed,
            num_samples=options.samples,
            elements=dict(options.elements),
            sites=sites,
        )
    except DataError as error:
        raise refused(told, NO_DATA_FILE, str(error)) from None
    except QvrError as error:
        # The command's own words for what Python says with a dictionary.
        said = re.sub(r'elements=\{"(\w+)": "(\w+)"\}', r"--elements \1=\2", str(error))
        said = re.sub(r'(--elements (\w+)=new where all are, or )"further"', r"\1\2=further", said)
        raise QvrError(said) from None
    return drawn, told


def _role(name: str, program: CheckedProgram, result: MCMCResult) -> str:
    if name in result.latents:
        return "latent"
    return "predicted" if any(entry.name == name for entry in program.inputs) else "let"


def _sites(asked: list[str] | None, result: MCMCResult, program: CheckedProgram, file: str) -> list[str]:
    """The sites to show: those asked for, else what the program observes."""
    from quivers.inference.predicted import predictable

    there = predictable(result.run.bound.density)
    for name in asked or []:
        if name not in there:
            known = ", ".join(f"`{each}`" for each in there)
            raise MisuseError(f"Nothing predicted is called `{name}`, only {known}.")
    if asked:
        return list(dict.fromkeys(asked))
    observed = [entry.name for entry in program.inputs if entry.observed and entry.name in there]
    if not observed:
        known = ", ".join(f"`{each}`" for each in there)
        raise refused(file, NOT_A_PROGRAM, f"`{program.name}` observes nothing: ask with --site for {known}.")
    return observed


def _count(outcome: Mapping[str, Any], result: MCMCResult) -> str:
    """How many draws there are, and of how many where that isn't all."""
    drawn, there = outcome["draws"], result.divergences.numel()
    return f"{drawn:,} of {there:,} draws" if drawn < there else f"{drawn:,} draw{'s' * (drawn != 1)}"


def _print_table(
    outcome: Mapping[str, Any], program: CheckedProgram, drawn: Predictions, new: str, count: str
) -> None:
    from quivers.terminal.prior import prior_table

    say(sys.stdout, f"{program.name} : {program.signature}")
    say(sys.stdout, f"predicted for {new}: {count}, seed {outcome['seed']}\n")
    say(sys.stdout, prior_table(outcome["sites"], drawn.levels))


def _rows(outcome: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, str], list[float | None]]]:
    """Of each number its site, what its element of each object is called, and its figures."""
    for site, entry in outcome["sites"].items():
        own = axis_labels(entry["axes"], entry["shape"], outcome["labels"])
        for place in range(len(entry["mean"])):
            index = index_of(place, entry["shape"])
            elements = {
                axis: str(at + 1) if names is None else names[at]
                for axis, at, names in zip(entry["axes"], index, own, strict=True)
            }
            yield site, elements, [entry[figure][place] for figure in FIGURES]


def _table(outcome: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A header, then a line for each number: its site, a column for each object, and its figures."""
    objects = list(dict.fromkeys(axis for entry in outcome["sites"].values() for axis in entry["axes"]))
    yield ["site", *objects, *FIGURES]
    for site, elements, figures in _rows(outcome):
        yield [site, *(elements.get(name) for name in objects), *figures]


def _csv(outcome: Mapping[str, Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_table(outcome))
    return text.getvalue()


def _write(output: str, form: str, outcome: Mapping[str, Any]) -> None:
    if form == "npz":
        import numpy as np

        arrays = {
            f"{site}.{figure}": np.array(entry[figure], dtype=np.float64).reshape(entry["shape"])
            for site, entry in outcome["sites"].items()
            for figure in FIGURES
        }
        _write_arrays(output, arrays | _names(outcome))
        return
    try:
        if form == "parquet":
            from quivers.data.write_parquet import write

            header, *lines = _table(outcome)
            write(Path(output), dict(zip(header, zip(*lines, strict=True), strict=True)))
            return
        text = _csv(outcome) if form == "csv" else json_output.dumps(outcome) + "\n"
        Path(output).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise _unwritten(output, error) from None


def _write_arrays(output: str, arrays: Mapping[str, Any]) -> None:
    """Arrays by name, an object's names under `School labels`; `numpy.load` reads them."""
    import zipfile

    import numpy as np

    try:
        with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, values in arrays.items():  # a site may be called as an argument of `numpy.savez` is
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, np.asarray(values), allow_pickle=False)
    except OSError as error:
        raise _unwritten(output, error) from None


def _names(outcome: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name} labels": own for name, own in outcome["labels"].items()}


def _unwritten(output: str, error: OSError) -> RefusedError:
    reason = (error.strerror or str(error)).lower()
    return refused(output, NOT_A_PROGRAM, f"{output} cannot be written: {reason}.")
