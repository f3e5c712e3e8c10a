"""The exceptions that QVR raises. Each one's text is a sentence for the person who wrote the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quivers.records import record, replace

if TYPE_CHECKING:
    from types import TracebackType


class QvrError(Exception):
    """Something the user can mend; `str(error)` says what, and where possible how."""

    def _render_traceback_(self) -> list[str]:
        """What notebooks show in a traceback's place: the sentence, and the line that led to it."""
        told = [f"\x1b[31m{type(self).__name__}\x1b[0m: {self}"]
        return [*told, *_last_line_of_the_user(self.__traceback__)]


class ProgramError(QvrError):
    """The program has errors. `diagnostics` holds them, and the text shows each with its line."""

    def __init__(self, text: str, diagnostics: Sequence[object] = ()) -> None:
        super().__init__(text)
        self.diagnostics = tuple(diagnostics)


@record
class DataProblem:
    """One thing wrong with the data. `input` is the name concerned, None when it is the file as a whole.

    `near` is a name that the data have, where they may have meant it.
    """

    code: str
    message: str
    input: str | None = None
    near: str | None = None


class DataError(QvrError):
    """The data do not fit the program. `problems` lists all of it, in the program's order of inputs."""

    def __init__(self, problems: Sequence[DataProblem]) -> None:
        super().__init__("\n".join(problem.message for problem in problems))
        self.problems = tuple(problems)

    def in_file(self, name: str) -> DataError:
        """The same problems, each with the name of the file that the values are from."""
        return DataError(
            [replace(problem, message=f"{name}: {problem.message}") for problem in self.problems]
        )


class SamplingWarning(UserWarning):
    """A run has problems that bias its draws or leave them too few. `quivers.fit` warns of them."""


class SamplingError(QvrError):
    """A run could not start or go on, such as when no starting point with a finite density was found."""


class Cancelled(QvrError):
    """The run was cancelled before it had a result."""


def _last_line_of_the_user(trace: TracebackType | None) -> list[str]:
    """Where the caller's own code stood: the last frame before QVR's that is in no installed library."""
    import linecache
    from pathlib import PurePath

    own, found = __name__.partition(".")[0], list[str]()
    while trace is not None:
        code, number = trace.tb_frame.f_code, trace.tb_lineno
        text = linecache.getline(code.co_filename, number).strip()
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] == own:
            break
        installed = {"site-packages", "dist-packages"} & set(PurePath(code.co_filename).parts)
        if text and not installed:
            found = [f"  line {number}: {text}"]
        trace = trace.tb_next
    return found
