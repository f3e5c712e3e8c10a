"""Saves an editor's run in a folder, as `qvr run` saves its own, so that either finds the other's."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from quivers.errors import QvrError
from quivers.syntax.problems import Severity
from quivers.worker.messages import NoDrawsError, Place, RunRequest, Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from quivers.check.program import Checked, CheckedProgram
    from quivers.data import Bound
    from quivers.inference import MCMCResult
    from quivers.inference.checkpoint import Record
    from quivers.runs.saving import Saving

Tell = Callable[[str], None]


class SavedWhileMade:
    """One run that is saved while it is made; what can't be saved is told of once, and the run goes on.

    `begun` is told the run's folder when there is one, `remark` what is missing of it, as a sentence.
    """

    def __init__(self, place: Place, begun: Tell, remark: Tell) -> None:
        self._place = place
        self._begun = begun
        self._remark = remark
        self._stack = ExitStack()
        self._saving: Saving | None = None

    def begin(
        self, request: RunRequest, checked: Checked, program: CheckedProgram, bound: Bound, settings: Settings
    ) -> None:
        """Makes the folder; `settings` have their seed."""
        from quivers.runs.about import About, now
        from quivers.runs.identity import identity_of
        from quivers.runs.saving import saving

        place = self._place
        warnings = [found for found in checked.diagnostics if found.severity is Severity.WARNING]
        about = About(
            program.name,
            place.file,
            place.data_name,
            place.data_files,
            [],  # those of the project's configuration are looked up again
            now(),
            identity_of(checked, program, bound, asdict(settings)),
            warnings=[f"{found.code}: {found.message}" for found in warnings],
            data_key=place.data_key,
        )
        source = request.source.encode(errors="replace")
        try:
            self._saving = self._stack.enter_context(saving(about, source, bound, place.runs))
        except QvrError as error:
            self._remark(f"{error} It runs unsaved.")
        else:
            self._begun(str(self._saving.folder))

    @property
    def record(self) -> Record | None:
        """What `MCMC.run` is to call."""
        return None if self._saving is None else self._saving.recorder.begin

    def end(self, result: MCMCResult, seconds: Mapping[str, float]) -> str | None:
        """Writes the end of a run that came to it; its folder, None where it is not saved as a whole."""
        if self._saving is None:
            return None
        from quivers.runs.saving import outcome

        with self._stack:
            failure = self._saving.end(outcome(result, seconds), finished=True)
        if failure is not None:
            self._remark(failure)
            return None
        folder = self._saving.folder
        if self._place.instead is not None and self._place.instead != folder:
            from quivers.runs.folders import remove

            with contextlib.suppress(QvrError):
                remove(self._place.instead)
        return str(folder)

    def abandon(self) -> None:
        """Ends a run that was cancelled or failed: its draws are kept if they are to be."""
        if self._saving is None:
            return
        with self._stack:
            if self._place.keep_interrupted:
                failure = self._saving.abandon()
            else:
                self._saving.stop()
                shutil.rmtree(self._saving.folder, ignore_errors=True)
                failure = None
        if failure is not None:
            self._remark(failure)


def saved_draws(folder: Path) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.bool_]]:
    """The draws of a saved run, each (chain, draw, *axes), and which of them diverged, (chain, draw).

    Raises NoDrawsError where they can't be read any more.
    """
    from quivers.inference.trajectory import DIVERGENT
    from quivers.runs.saved import read_run

    try:
        run = read_run(folder).compiled_run()
    except QvrError as error:
        raise NoDrawsError(f"{error} Run the model again to see the trace.") from None
    return run.samples, run.statistics[..., DIVERGENT] > 0.0
