"""The data files beside open models: read when they change, and compared with the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quivers.check.program import Checked, CheckedProgram
from quivers.errors import DataError, DataProblem


class DataFiles:
    """Reads each data file once for every time it was written. Its methods may be called on any thread."""

    def __init__(self) -> None:
        self._read: dict[Path, tuple[tuple[int, int], dict[str, Any] | DataError]] = {}

    def problems(
        self, model: Path, chosen: Path | None, checked: Checked, program: CheckedProgram
    ) -> tuple[DataProblem, ...]:
        """What is wrong with the data of `model`: the file chosen for it, else the one beside it, if there.

        numpy is first imported here, off the event loop.
        """
        from quivers import data

        path = chosen or data.default_path(model)
        values = self._values(path)
        if values is None:
            return ()
        if isinstance(values, DataError):
            return values.problems
        try:
            data.bind(checked, program, values)
        except DataError as error:
            return error.in_file(path.name).problems
        return ()

    def _values(self, path: Path) -> dict[str, Any] | DataError | None:
        """The values in a file, or why they can't be read; None where there is no file."""
        from quivers import data

        try:
            status = path.stat()
        except OSError:
            self._read.pop(path, None)
            return None
        written = (status.st_mtime_ns, status.st_size)
        cached = self._read.get(path)
        if cached is not None and cached[0] == written:
            return cached[1]
        values: dict[str, Any] | DataError
        try:
            values = data.read(path)
        except DataError as error:
            values = error
        self._read[path] = (written, values)
        return values
