"""Keeps a run that is under way: begins its folder, records its draws, and writes its end."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.errors import QvrError
from quivers.runs.about import LOG, PROGRAM, About, reason, write_about, write_whole
from quivers.runs.answers import shown
from quivers.runs.folders import held, new_folder, point_to, runs_folder, settle
from quivers.runs.log import Appender, Kind, packed
from quivers.runs.recording import Recorder
from quivers.runs.saved import SavedRun, read_run

if TYPE_CHECKING:
    from quivers.data import Bound
    from quivers.inference.compiled_run import CompiledRun
    from quivers.inference.mcmc_result import MCMCResult


class Saving:
    """A run that is being saved in `folder`. `recorder.begin` is to be told of its chains.

    Sampling goes on where saving fails; what is then missing, `end` and `abandon` answer as a sentence.
    """

    def __init__(self, folder: Path, about: About, recorder: Recorder) -> None:
        self.folder = folder
        self.about = about
        self.recorder = recorder
        self.open = True
        self._log = _which(folder / LOG)

    def stop(self) -> None:
        """Writes the last draws, when the chains have ended."""
        if self.open:
            self.open = False
            self.recorder.close()

    def end(self, outcome: Mapping[str, Any], *, finished: bool) -> str | None:
        """Writes the run's end; a finished run takes the place of others of its identity, and their name."""
        self.stop()
        if self._log is None or _which(self.folder / LOG) != self._log:
            return f"The run is not saved: {self.folder} was deleted while it ran."
        failure = self.recorder.failure
        if failure is None:
            try:
                state = "finished" if finished else "interrupted"
                write_about(self.folder, self.about.ended(state, outcome))
            except OSError as error:
                failure = error
        if failure is None:
            if finished:
                self.folder = settle(self.folder, self.about.identity.digest())
            return None
        made = min(self.recorder.kept, default=0)
        draws = f"the first {made} draws of each chain" if made else "no draws that all chains have"
        return f"The run is not saved as a whole: {reason(failure)}. {self.folder} has {draws}."

    def abandon(self) -> str | None:
        """Ends a run that has no result: one without draws leaves nothing behind."""
        self.stop()
        if not any(self.recorder.kept):
            shutil.rmtree(self.folder, ignore_errors=True)
            return None
        return self.end({}, finished=False)


@contextmanager
def saving(about: About, source: bytes, data: Bound, runs: Path | None = None) -> Iterator[Saving]:
    """A new run's folder, which is this process's while the block runs; it is in `runs`, if that is given.

    Raises:
        QvrError: it can't be made; nothing of it is left.
    """
    told = {
        "sizes": {name: int(size) for name, size in data.sizes.items()},
        "levels": {name: list(names) for name, names in data.levels.items()},
    }

    def fill(log: Appender) -> None:
        log.append(packed(Kind.DATA, told, data.values))

    with _begun(about, source, fill, runs or runs_folder()) as (folder, log):
        run = Saving(folder, about, Recorder(log))
        try:
            yield run
        finally:
            run.stop()


@contextmanager
def extending(saved: SavedRun, about: About) -> Iterator[Saving]:
    """A run of more draws than a saved one's, in a folder of its own, which has the saved one's draws.

    `about` tells of the longer run; the saved one stays as it is.

    Raises:
        QvrError: it can't be made.
    """
    before = [0 if part is None else len(part.positions) for part in saved.parts]

    def fill(log: Appender) -> None:
        log.copy(saved.folder / LOG, saved.end)

    with _begun(about, saved.source, fill, runs_folder()) as (folder, log):
        run = Saving(folder, about, Recorder(log, before if saved.begun else (), saved.seconds))
        try:
            yield run
        finally:
            run.stop()


@contextmanager
def _begun(
    about: About, source: bytes, fill: Callable[[Appender], None], runs: Path
) -> Iterator[tuple[Path, Appender]]:
    """The folder of a new run in `runs`, and its log, into which `fill` puts what the run begins with."""
    with ExitStack() as stack:
        folder = log = None
        try:
            folder = new_folder(about.program, about.identity.digest(), stack, runs)
            write_whole(folder / PROGRAM, source)
            log = Appender(folder / LOG)
            fill(log)
            write_about(folder, about)
            point_to(folder)
        except (OSError, QvrError) as error:
            if log is not None:
                log.close()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            why = f"{reason(error)}." if isinstance(error, OSError) else str(error)
            raise QvrError(f"The run can't be saved in {runs}: {why}") from None
        yield folder, log


@contextmanager
def resuming(folder: Path) -> Iterator[tuple[Saving, SavedRun]]:
    """A run that was interrupted, to go on from the draws that it has; nobody else can do so meanwhile.

    Raises:
        QvrError: it is under way, finished or damaged, or can't be written to.
    """
    with held(folder):
        saved = read_run(folder)
        if saved.about.state == "finished":
            raise QvrError(
                f"The run {folder.name} is finished: `qvr runs show {folder.name}` prints it, and"
                f" `qvr run --resume {folder.name} --draws N` takes it to N draws."
            )
        before = [0 if part is None else len(part.positions) for part in saved.parts]
        try:
            log = Appender(folder / LOG, saved.end)
        except OSError as error:
            raise QvrError(f"The run {folder.name} can't go on: {reason(error)}.") from None
        about = saved.about.ended("running", {})
        run = Saving(folder, about, Recorder(log, before if saved.begun else (), saved.seconds))
        try:
            yield run, saved
        finally:
            run.stop()


def outcome(result: CompiledRun | MCMCResult, seconds: Mapping[str, float]) -> dict[str, Any]:
    """What a run's folder tells of its end."""
    return {
        "kept": result.kept,
        "seconds": {name: round(value, 4) for name, value in seconds.items()},
        "engine": result.engine,
        "engine_reason": result.engine_reason,
        "divergences": result.total_divergences,
        "problems": list(result.check()),
        "troubles": [asdict(trouble) for trouble in result.troubles],
        "summary": [{name: _plain(value) for name, value in asdict(row).items()} for row in result.summary()],
        **shown(result),
    }


def _which(place: Path) -> tuple[int, int] | None:
    """What tells a file from another that has its name now; None where there is none."""
    try:
        status = place.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value
