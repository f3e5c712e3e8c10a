"""A posterior in one call: `quivers.fit(source_or_path, data)`, with the defaults of `qvr run`."""

from __future__ import annotations

import difflib
import inspect
import operator
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from quivers.check.spelling import nearest
from quivers.dsl import Program, load, loads
from quivers.errors import Cancelled, DataError, DataProblem, QvrError, SamplingWarning
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
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from quivers.inference import MCMCResult
    from quivers.inference.reparameterize import Asked

# What other libraries call these arguments.
_ELSEWHERE = {
    "num_samples": "draws",
    "num_draws": "draws",
    "iter_sampling": "draws",
    "samples": "draws",
    "num_warmup": "warmup",
    "iter_warmup": "warmup",
    "tune": "warmup",
    "num_chains": "chains",
    "cores": "chains",
    "random_seed": "seed",
    "rng_key": "seed",
    "adapt_delta": "target_accept",
    "target_accept_prob": "target_accept",
    "max_treedepth": "max_tree_depth",
    "init_strategy": "init",
    "progress_bar": "progress",
    "progressbar": "progress",
    "observations": "data",
}
_DEVICES = ("device", "gpu", "cuda", "platform")
_DECLARES = re.compile(r"\s*(#|(object|data|program|define|export)\b)")


def fit(
    source: str | os.PathLike[str] | Program,
    data: Any = None,
    *,
    map: Mapping[str, str] | None = None,
    program: str | None = None,
    seed: int | None = 0,
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
    keep: Collection[str] = (),
    drop: Collection[str] = (),
    progress: bool | None = None,
    cancel: threading.Event | None = None,
    **unknown: Never,
) -> MCMCResult:
    """The posterior of a program, given its data, by the No-U-Turn Sampler (Hoffman and Gelman 2014).

    `source` is a `.qvr` file, the text of one, or what `load` gives; a string is a text where it has several
    lines or begins with a declaration. `data` are values by name, each of the shape that its type tells
    (`School ⊗ Real⁺` is a positive number for each school), a data frame, or a data file; None stands for the
    files that `qvr.toml` names, else the one beside the model, `model.data.json` or its like. `map` has names
    of the data by the program's, {"y": "score"}, as `--map`. `program` is by default the exported one, else
    the last.

    Each of `chains` makes `warmup` transitions and then keeps `draws`, every `thin`-th of those it makes. The
    same `seed` gives the same draws; None takes one from torch's generator. `algorithm`, `mass_matrix`,
    `init`, `engine`, `reparameterize`, `keep` and `drop` are those of `NUTSKernel` and `MCMC`, with
    `qvr run`'s defaults.

    By default progress is shown in a notebook and where standard error is a terminal; True shows it anywhere,
    as lines. Ctrl-C, or setting `cancel` from another thread, ends the run with the draws made so far. What
    is wrong with a run is in `result.check()`, and told as a `SamplingWarning`.

    Raises:
        ProgramError: the program has errors.
        DataError: the data do not fit it, or can't be read.
        SamplingError: the chains can't start or go on.
        QvrError: an argument makes no sense, or there is nothing to draw.
        KeyboardInterrupt: Ctrl-C, before every chain had drawn, or a second time.
    """
    for name in unknown:
        raise QvrError(_no_such_argument(name))
    counts = {
        "chains": _whole("chains", chains, 1),
        "warmup": _whole("warmup", warmup, 0),
        "draws": _whole("draws", draws, 1),
        "thin": _whole("thin", thin, 1),
    }
    seed = None if seed is None else _whole("seed", seed, 0)
    if not (progress is None or isinstance(progress, bool)):
        raise QvrError(f"progress must be True, False or None, it is {_shown(progress)}.")
    chosen, path = _program(source, program)
    values = _values(data, path, map)
    from quivers.inference import MCMC
    from quivers.inference.kernels import check_choice, kernel_of
    from quivers.notebook.progress import display_of, progress_display
    from quivers.terminal.progress import progress as on_a_stream

    check_choice("algorithm", algorithm, ALGORITHMS)
    check_choice("init", init, STARTS)
    kernel = kernel_of(
        algorithm, target_accept=target_accept, mass_matrix=mass_matrix, max_tree_depth=max_tree_depth
    )
    sampler = MCMC(
        kernel,
        num_warmup=counts["warmup"],
        num_samples=counts["draws"],
        num_chains=counts["chains"],
        init_strategy=init,
        seed=seed,
        thin=counts["thin"],
        engine=engine,
        reparameterize=reparameterize,
        keep=keep,
        drop=drop,
    )
    model = chosen.morphism
    display = None if progress is False else display_of()
    quiet = not (sys.stderr.isatty() if progress is None else progress)
    showing = on_a_stream(sys.stderr, quiet=quiet) if display is None else progress_display(display)
    with _interruptible(cancel) as stop, showing as report:
        result = sampler.run(model, None, values, progress=report, cancel=stop)
    if problems := result.check():
        warnings.warn("\n".join(problems), SamplingWarning, stacklevel=2)
    return result


def _program(source: object, name: str | None) -> tuple[Program, Path | None]:
    """The program, and the file that it is from where there is one."""
    path = None
    if isinstance(source, Program):
        found = source
    elif isinstance(source, str) and _is_text(source):
        found = loads(source)
    elif isinstance(source, (str, os.PathLike)):
        path = _file(source)
        found = load(path)
    else:
        loaded = hasattr(source, "checked") and hasattr(source, "bind")
        kind = "its .morphism: give what `load` gave" if loaded else type(source).__name__
        raise QvrError(f"source must be a .qvr file, its text or a loaded program, not {kind}.")
    if name is None or name == found.name:
        return found, path
    known = list(found.checked.programs)
    if not isinstance(name, str) or name not in known:
        listed = ", ".join(f"`{each}`" for each in known)
        raise QvrError(f"{found.file} has no program `{name}`, only {listed}.")
    return Program(name, found.checked, found.source, found.file), path


def _is_text(source: str) -> bool:
    """Whether a string is a program rather than a file's name."""
    if not source.strip():
        raise QvrError("source is an empty string: give a .qvr file, or the text of one.")
    if len(source.splitlines()) > 1:
        return True
    return _DECLARES.match(source) is not None and not os.path.exists(source)


def _file(source: str | os.PathLike[str]) -> Path:
    """The file that is meant; `~` is the home directory. Raises QvrError where there is none."""
    given = os.fsdecode(source)
    shown = safe(given if len(given) <= 200 else f"{given[:80]}…")
    try:
        path = Path(given).expanduser()
        if path.is_dir():
            inside = sorted(each.name for each in path.glob("*.qvr"))
            there = f", such as {path / inside[0]}" if inside else "; there is none in it"
            raise QvrError(f"{shown} is a directory: give a .qvr file{there}.")
        if path.exists() or path.is_symlink():
            return path
        beside = [each.name for each in path.parent.glob("[!.]*.qvr")]
    except (OSError, ValueError, RuntimeError):
        raise QvrError(f"{shown} can't be the name of a file, and is no program's text.") from None
    near = nearest(path.name, beside)
    where = "" if path.is_absolute() else f" in {Path.cwd()}"
    advice = f": did you mean {path.parent / near}?" if near else "."
    raise QvrError(f"There is no file {shown}{where}{advice}")


def _values(data: Any, path: Path | None, renames: object) -> Any:
    """Values by the program's names: those given, or those of files."""
    from quivers.data import renamed

    if renames is not None and not (
        isinstance(renames, Mapping)
        and all(isinstance(each, str) for pair in renames.items() for each in pair)
    ):
        raise QvrError('map must have names of the data by the program\'s, such as {"y": "score"}.')
    configured: dict[str, str] = {}
    if data is None:
        values, configured = _found(path)
    else:
        values = _given(data)
    return renamed(values, {**configured, **(renames or {})}) if configured or renames else values


def _found(path: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    """What the files hold that go with a model, as `qvr run` finds them, and the project's names for it."""
    from quivers.configuration import configuration_for
    from quivers.data import located, together

    if path is None:
        return {}, {}
    configuration = configuration_for(path)
    found = located(path, None, configuration.data)
    if not found.wanted and not found.path.exists():
        return {}, {}
    values = together(found.paths)
    return values, {new: old for new, old in configuration.renames.items() if old in values}


def _given(data: Any) -> Any:
    """Values by name: those given, or those of a file."""
    from quivers.data import read, values_of
    from quivers.data.codes import UNREADABLE

    if isinstance(data, str) and (not data.strip() or len(data.splitlines()) > 1 or data.lstrip()[0] in "{["):
        text = "an empty string" if not data.strip() else "a text"
        raise QvrError(f"data is {text}: give a data file's name, a data frame or values by name.")
    if isinstance(data, (str, os.PathLike)):
        try:
            return read(Path(data).expanduser())
        except RuntimeError:
            raise QvrError(f"data is {_shown(data)}, which can't be the name of a file.") from None
    wrong = [name for name in data if not isinstance(name, str)] if isinstance(data, Mapping) else []
    if wrong:
        problem = f"Names of data are strings, but one is {_shown(wrong[0])}: give values by name."
        raise DataError([DataProblem(UNREADABLE, problem)])
    return values_of(data)


def _whole(name: str, value: Any, least: int) -> int:
    """A whole number, NumPy's among them. Raises QvrError for another, or one below `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if isinstance(value, bool) or number < least:
        raise QvrError(f"{name} must be a whole number of at least {least}, it is {_shown(value)}.")
    return number


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"a value of the type {type(value).__name__}"


def _no_such_argument(name: str) -> str:
    if name in _DEVICES:
        return f"fit takes no `{name}`: it samples on the processor's cores, so leave it out."
    known = [each for each in inspect.signature(fit).parameters if each not in ("source", "unknown")]
    close = difflib.get_close_matches(name, known, n=1)
    meant = _ELSEWHERE.get(name) or (close[0] if close else None)
    advice = f"did you mean `{meant}`?" if meant else f"it takes {', '.join(known)}."
    return f"fit takes no `{name}`: {advice}"


@contextmanager
def _interruptible(cancel: threading.Event | None) -> Iterator[threading.Event | None]:
    """An event that Ctrl-C sets, so that the draws made so far are kept; the second Ctrl-C is Python's own.

    An event of the caller's is set too. Off the main thread, or where a program handles the signal itself,
    nothing is changed.
    """
    usual = signal.default_int_handler
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGINT) is not usual:
        yield cancel
        return
    stop = threading.Event() if cancel is None else cancel
    interrupted = False

    def first(*_: object) -> None:
        nonlocal interrupted
        interrupted = True
        signal.signal(signal.SIGINT, usual)
        getattr(stop, "set", lambda: None)()

    signal.signal(signal.SIGINT, first)
    try:
        yield stop
    except Cancelled:
        if interrupted:
            raise KeyboardInterrupt from None
        raise
    finally:
        signal.signal(signal.SIGINT, usual)
