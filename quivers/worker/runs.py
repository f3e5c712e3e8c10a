"""What the worker is asked for: a posterior sampled or a prior drawn from, as plain data."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.errors import Cancelled, DataError, ProgramError
from quivers.sampling_defaults import MAX_TREE_DEPTH
from quivers.syntax.problems import Severity
from quivers.worker.messages import PriorRequest, RunRequest, Settings, Subject

if TYPE_CHECKING:
    from quivers.check.program import Checked, CheckedProgram
    from quivers.data import Bound
    from quivers.inference import ChainProgress, MCMCResult
    from quivers.inference.mcmc import Underway
    from quivers.worker.saving import SavedWhileMade

Progress = Callable[["ChainProgress"], None]
Watch = Callable[["Underway"], None]

# A seed that is drawn fits a JavaScript number, so that a client can send it back.
SEEDS = 2**32


def run(
    request: RunRequest,
    on_progress: Progress | None = None,
    cancel: threading.Event | None = None,
    on_start: Watch | None = None,
    on_result: Callable[[MCMCResult], None] | None = None,
    saved: SavedWhileMade | None = None,
) -> dict[str, Any]:
    """Sample the program's posterior; the result of the request `run`.

    `on_start` is given a view of the chains before they start, `on_result` the draws at their end, and
    `saved` saves them meanwhile.

    Raises ProgramError, DataError, SamplingError, or Cancelled once `cancel` is set.
    """
    began = time.perf_counter()
    from quivers.backends.torch.module import ProgramModule
    from quivers.data import bind
    from quivers.inference import MCMC
    from quivers.inference.kernels import kernel_of

    settings = replace(request.settings, seed=_seed(request.settings.seed))
    assert settings.seed is not None
    checked, program = checked_program(request)
    values, file = data_values(request, program)
    mcmc = MCMC(
        kernel_of(
            settings.algorithm,
            target_accept=settings.target_accept,
            mass_matrix=settings.mass_matrix,
            max_tree_depth=settings.max_tree_depth,
        ),
        num_warmup=settings.warmup,
        num_samples=settings.draws,
        num_chains=settings.chains,
        init_strategy=settings.init,
        seed=settings.seed,
        thin=settings.thin,
        engine=settings.engine,
        reparameterize=settings.reparameterize,
    )
    module = ProgramModule(checked, program)
    built = time.perf_counter()

    def report(progress: ChainProgress) -> None:
        # At once, before the draws so far are copied and worked out: memory may be what ends the run.
        _stop_if(cancel)
        if on_progress is not None:
            on_progress(progress)

    try:
        bound = bind(checked, program, values)
        if saved is not None:
            saved.begin(request, checked, program, bound, settings)
        result = mcmc.run(
            module,
            None,
            values,
            progress=report,
            cancel=cancel,
            watch=on_start,
            record=None if saved is None else saved.record,
        )
        _stop_if(cancel)
        if on_result is not None:
            on_result(result)
        seconds = {
            "compile": built - began + result.seconds["compile"],
            "sample": result.seconds["sample"],
            "total": time.perf_counter() - began,
        }
        told = answer(result, program.name, settings, seconds, bound)
    except BaseException as error:
        if saved is not None:
            saved.abandon()
        if isinstance(error, DataError) and file is not None:
            raise error.in_file(file) from None
        raise
    folder = None if saved is None else saved.end(result, seconds)
    return {**told, "saved": folder}


def answer(
    result: MCMCResult, program: str, settings: Settings, seconds: Mapping[str, float], bound: Bound
) -> dict[str, Any]:
    """A run in figures, as the request `run` is answered; `seconds` are compile, sample and total."""
    from quivers import json_output
    from quivers.runs.identity import data_fingerprint

    assert settings.seed is not None
    rows = result.summary()
    details = json_output.run_details(
        samples={name: drawn.numpy() for name, drawn in result.samples.items()},
        latents=result.latents,
        axes=result.axes,
        levels=result.levels,
        rows=rows,
        troubles=result.troubles,
        e_bfmi=result.e_bfmi.tolist(),
        divergences_by_chain=result.divergences.sum(dim=1).tolist(),
        settings=_used(settings),
        data_fingerprint=data_fingerprint(bound),
    )
    summary = json_output.run(
        program,
        seed=settings.seed,
        chains=settings.chains,
        warmup=settings.warmup,
        draws=settings.draws,
        seconds=seconds,
        divergences=result.total_divergences,
        engine=result.engine,
        engine_reason=result.engine_reason,
        problems=result.check(),
        rows=rows,
        left_out={each.site: each.numbers for each in result.left_out},
    )
    return {**summary, **details}


def prior_predictive(request: PriorRequest, cancel: threading.Event | None = None) -> dict[str, Any]:
    """Draw from the program's prior; the result of the request `prior_predictive`.

    Raises ProgramError, DataError, QvrError where a prior can't be drawn from, or Cancelled.
    """
    from quivers import json_output
    from quivers.backends.torch.module import ProgramModule
    from quivers.inference.prior_predictive import prior_overview

    checked, program = checked_program(request)
    values, file = data_values(request, program)
    seed = _seed(request.settings.seed)
    try:
        drawn = prior_overview(
            ProgramModule(checked, program), values, draws=request.settings.draws, seed=seed
        )
    except DataError as error:
        raise (error if file is None else error.in_file(file)) from None
    result = json_output.prior_predictive(drawn, seed)
    _stop_if(cancel)
    return result


def checked_program(request: Subject) -> tuple[Checked, CheckedProgram]:
    """The checked file and the program to run; raises ProgramError where the file has errors or lacks it."""
    from quivers.check.analysis import check_source

    source = request.source.encode(errors="replace")
    checked = check_source(source)
    errors = [found for found in checked.diagnostics if found.severity is Severity.ERROR]
    if errors:
        from quivers.terminal.frames import render

        raise ProgramError(render(errors, source, request.name, False), errors)
    if not checked.programs:
        raise ProgramError(f"{request.name} has no program to run.")
    program = checked.program_to_run(request.program)
    if program is None:
        known = ", ".join(f"`{name}`" for name in checked.programs)
        raise ProgramError(f"{request.name} has no program `{request.program}`, only {known}.")
    return checked, program


def data_values(request: Subject, program: CheckedProgram) -> tuple[dict[str, Any], str | None]:
    """The values of the program's inputs and the files they are from; none where nothing asks for any."""
    from quivers import data

    if isinstance(request.data, Mapping):
        return dict(request.data), None
    named = (request.data,) if isinstance(request.data, Path) else request.data
    paths = named or (data.default_path(Path(request.name)),)
    if named is None and not paths[0].exists() and not program.inputs:
        return {}, None
    values = data.renamed(data.together(paths), request.renames, strict=False)
    return values, ", ".join(path.name for path in paths)


def load_runtime() -> None:
    """Import torch and the sampler now, so that the first run doesn't wait for them."""
    import quivers.backends.torch.module
    import quivers.check.analysis
    import quivers.data
    import quivers.inference.prior_predictive
    import quivers.runs.saving  # noqa: F401
    from quivers.inference.machine_code import compiled_chain

    compiled_chain()


def _stop_if(cancel: threading.Event | None) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled("The run was cancelled.")


def _seed(given: int | None) -> int:
    return secrets.randbelow(SEEDS) if given is None else given


def _used(settings: Settings) -> dict[str, Any]:
    """The settings of a run, with the default where one was left open."""
    used = asdict(settings)
    if settings.algorithm == "nuts" and settings.max_tree_depth is None:
        used["max_tree_depth"] = MAX_TREE_DEPTH
    return used
