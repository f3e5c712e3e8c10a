"""The front door from Python: `load` a `.qvr` file, or `loads` its text, and get the program it exports.

`diagnose` says what is wrong with one, and raises nothing.

```python
program = loads(source)
model = program.morphism            # a torch.nn.Module
```
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from quivers.check.analysis import check_source
from quivers.check.program import Checked, CheckedProgram
from quivers.errors import ProgramError, QvrError
from quivers.notebook.problems import Diagnostics
from quivers.syntax.document import decoded, encoded
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import render

if TYPE_CHECKING:
    from quivers.backends.torch.module import ProgramModule


@dataclass(frozen=True)
class Program:
    """A program without errors. `checked` is what is known about the whole file it stands in.

    `source` is the file's text as UTF-8 and `file` the name that messages give it.
    """

    name: str
    checked: Checked
    source: bytes
    file: str

    @property
    def program(self) -> CheckedProgram:
        """The types, inputs and effects of this program."""
        return self.checked.programs[self.name]

    @property
    def signature(self) -> str:
        """The program's type, `School -> School ! {Sample, Score}`."""
        return self.program.signature

    @property
    def diagnostics(self) -> Diagnostics:
        """Warnings and hints about the file that the program stands in."""
        return Diagnostics(self.checked.diagnostics, self.source, self.file)

    @cached_property
    def morphism(self) -> ProgramModule:
        """The program as a `torch.nn.Module`; torch is imported when this is first asked for.

        Raises:
            ProgramError: the program uses a construct that can be checked but not run.
        """
        from quivers.backends.torch.module import ProgramModule

        try:
            return ProgramModule(self.checked, self.program)
        except ProgramError as error:
            found = [item for item in error.diagnostics if isinstance(item, Diagnostic)]
            raise _failed(found, self.source, self.file) from error

    def __repr__(self) -> str:
        from quivers.notebook.program import program_text

        return program_text(self.checked, self.program)

    def _repr_html_(self) -> str:
        from quivers.notebook.program import program_html

        return program_html(self.checked, self.program)


def load(path: str | os.PathLike[str]) -> Program:
    """The program that a `.qvr` file exports, else its last.

    Raises:
        QvrError: the file can't be read or is no UTF-8 text.
        ProgramError: the file has errors, or no program.
    """
    return _program(*_read(path))


def loads(source: str | bytes) -> Program:
    """The program that a text exports, else its last.

    Raises:
        QvrError: the text is given as bytes that are no UTF-8.
        ProgramError: the text has errors, or no program.
    """
    return _program(_text(source), "<program>")


def diagnose(source: str | os.PathLike[str] | bytes) -> Diagnostics:
    """Everything that `qvr check` finds in a file, given as a path, or in a text of several lines or bytes.

    Raises:
        QvrError: there is no such file, or it is no UTF-8 text.
    """
    is_text = isinstance(source, bytes) or (isinstance(source, str) and len(source.splitlines()) > 1)
    text, file = (_text(source), "<program>") if is_text else _read(source)  # type: ignore[arg-type]
    return Diagnostics(check_source(text).diagnostics, text, file)


def _read(path: str | os.PathLike[str]) -> tuple[bytes, str]:
    """A file's text, and the name that it goes by."""
    if not isinstance(path, (str, os.PathLike)):
        raise QvrError(f"A .qvr file is given by its path, not by a value of the type {type(path).__name__}.")
    place = Path(path)
    try:
        data = place.read_bytes()
    except OSError as error:
        raise QvrError(f"{place} can't be read: {error.strerror or error}.") from error
    except ValueError:
        raise QvrError(f"{str(path)!r} can't be the name of a file.") from None
    return decoded(data, str(place)), str(place)


def _text(source: str | bytes) -> bytes:
    if not isinstance(source, (str, bytes)):
        raise QvrError(f"A program's text is a string, not a value of the type {type(source).__name__}.")
    return decoded(encoded(source) if isinstance(source, str) else source, "The program")


def _program(source: bytes, file: str) -> Program:
    checked = check_source(source)
    errors = [problem for problem in checked.diagnostics if problem.severity is Severity.ERROR]
    if errors:
        raise _failed(errors, source, file)
    program = checked.program_to_run()
    if program is None:
        raise ProgramError(f"There is no program in {file}.", checked.diagnostics)
    return Program(program.name, checked, source, file)


def _failed(problems: list[Diagnostic], source: bytes, file: str) -> ProgramError:
    return ProgramError(render(problems, source, file, colour=False).rstrip(), problems)
