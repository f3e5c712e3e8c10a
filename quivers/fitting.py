"""A posterior in one call: `quivers.fit(source_or_path, data)`, with the defaults of `qvr run`."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.dsl import Program, load, loads
from quivers.errors import QvrError
from quivers.sampling_defaults import (
    ALGORITHMS,
    CHAINS,
    DRAWS,
    ENGINE,
    MASS_MATRICES,
    REPARAMETERIZATION,
    STARTS,
    TARGET_ACCEPT,
    WARMUP,
)

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.inference.reparameterize import Asked


def fit(
    source: str | Path | Program,
    data: Any = None,
    *,
    program: str | None = None,
    seed: int = 0,
    chains: int = CHAINS,
    warmup: int = WARMUP,
    draws: int = DRAWS,
    thin: int = 1,
    target_accept: float = TARGET_ACCEPT,
    max_tree_depth: int | None = None,
    algorithm: str = ALGORITHMS[0],
    mass_matrix: str = MASS_MATRICES[0],
    init: str = STARTS[0],
    engine: str = ENGINE,
    reparameterize: Asked = REPARAMETERIZATION,
    progress: bool = False,
    cancel: threading.Event | None = None,
) -> MCMCResult:
    """The posterior of a program, given its data.

    `source` is a `.qvr` file, the text of one, or what `load` gives; a string is a text where it has more
    than one line. `data` are values by name, a data frame, or a data file; None stands for the file beside
    the model, `model.data.json` or its like. `program` is by default the exported one, else the last. The
    other arguments are `qvr run`'s, with its defaults; the same seed gives the same draws. With `progress`,
    chains are shown on standard error. Setting `cancel` ends the run with the draws made so far.

    Raises:
        ProgramError: the program has errors.
        DataError: the data do not fit it, or can't be read.
        SamplingError: the chains can't start or go on.
        QvrError: an argument makes no sense, or there is nothing to draw.
    """
    chosen, path = _program(source, program)
    values = _values(data, path)
    from quivers.inference import MCMC
    from quivers.inference.kernels import check_choice, kernel_of
    from quivers.terminal.progress import progress as shown

    check_choice("algorithm", algorithm, ALGORITHMS)
    kernel = kernel_of(
        algorithm, target_accept=target_accept, mass_matrix=mass_matrix, max_tree_depth=max_tree_depth
    )
    sampler = MCMC(
        kernel,
        num_warmup=warmup,
        num_samples=draws,
        num_chains=chains,
        init_strategy=init,
        seed=seed,
        thin=thin,
        engine=engine,
        reparameterize=reparameterize,
    )
    with shown(sys.stderr, quiet=not progress) as report:
        return sampler.run(chosen.morphism, None, values, progress=report, cancel=cancel)


def _program(source: str | Path | Program, name: str | None) -> tuple[Program, Path | None]:
    """The program, and the file that it is from where there is one."""
    path = None
    if isinstance(source, Program):
        found = source
    elif isinstance(source, str) and len(source.splitlines()) > 1:
        found = loads(source)
    elif isinstance(source, (str, Path)):
        path = Path(source)
        found = load(path)
    else:
        raise QvrError(
            f"source must be a .qvr file, its text or a loaded program, not {type(source).__name__}."
        )
    if name is None or name == found.name:
        return found, path
    if name not in found.checked.programs:
        known = ", ".join(f"`{each}`" for each in found.checked.programs)
        raise QvrError(f"{found.file} has no program `{name}`, only {known}.")
    return Program(name, found.checked, found.source, found.file), path


def _values(data: Any, path: Path | None) -> Any:
    """Values by name: those given, or those of a file."""
    from quivers.data import located, read, values_of

    if isinstance(data, (str, Path)):
        return read(Path(data))
    if data is not None:
        return values_of(data)
    beside = None if path is None else located(path).path
    return {} if beside is None or not beside.exists() else read(beside)
