"""Keeps a run that is under way: begins its folder, records its draws, and writes its end."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.errors import QvrError
from quivers.runs.about import LOG, PROGRAM, About, reason, write_about, write_whole
from quivers.runs.folders import held, new_folder, point_to, remove_twins, runs_folder
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

    def stop(self) -> None:
        """Writes the last draws, when the chains have ended."""
        if self.open:
            self.open = False
            self.recorder.close()

    def end(self, outcome: Mapping[str, Any], *, finished: bool) -> str | None:
        """Writes the run's end; of a finished run, others of the same identity go."""
        self.stop()
        failure = self.recorder.failure
        if failure is None:
            try:
                state = "finished" if finished else "interrupted"
                write_about(self.folder, self.about.ended(state, outcome))
            except OSError as error:
                failure = error
        if failure is None:
            if finished:
                remove_twins(self.folder, self.about.identity.digest())
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
def saving(about: About, source: bytes, data: Bound) -> Iterator[Saving]:
    """A new run's folder, which is this process's while the block runs.

    Raises:
        QvrError: it can't be made; nothing of it is left.
    """
    with ExitStack() as stack:
        folder = log = None
        try:
            folder = new_folder(about.program, about.identity.digest())
            stack.enter_context(held(folder))
            write_whole(folder / PROGRAM, source)
            log = Appender(folder / LOG)
            told = {
                "sizes": {name: int(size) for name, size in data.sizes.items()},
                "levels": {name: list(names) for name, names in data.levels.items()},
            }
            log.append(packed(Kind.DATA, told, data.values))
            write_about(folder, about)
            point_to(folder)
        except (OSError, QvrError) as error:
            if log is not None:
                log.close()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
            why = f"{reason(error)}." if isinstance(error, OSError) else str(error)
            raise QvrError(f"The run can't be saved in {runs_folder()}: {why}") from None
        run = Saving(folder, about, Recorder(log))
        try:
            yield run
        finally:
            run.stop()


@contextmanager
def resuming(folder: Path) -> Iterator[tuple[Saving, SavedRun]]:
    """A run that was interrupted, to go on from the draws that it has; nobody else can do so meanwhile.

    Raises:
        QvrError: it is under way, finished or damaged, or can't be written to.
    """
    with held(folder):
        saved = read_run(folder)
        if saved.about.state == "finished":
            raise QvrError(f"The run {folder.name} is finished: `qvr runs show {folder.name}` prints it.")
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
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return list(value) if isinstance(value, tuple) else value
