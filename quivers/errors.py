"""The exceptions that QVR raises. Each one's text is a sentence for the person who wrote the model."""

from __future__ import annotations

from collections.abc import Sequence

from quivers.records import record, replace


class QvrError(Exception):
    """Something the user can mend; `str(error)` says what, and where possible how."""


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


class SamplingError(QvrError):
    """A run could not start or go on, such as when no starting point with a finite density was found."""


class Cancelled(QvrError):
    """The run was cancelled before it had a result."""
