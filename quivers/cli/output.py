"""Everything that the command line prints goes through here, and so does every reason to stop."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import IO

from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import render, summary_line, title_line

CLEAN, PROBLEMS, MISUSE, FAULT, INTERRUPTED, PIPE_CLOSED, TERMINATED = 0, 1, 2, 70, 130, 141, 143


class RefusedError(Exception):
    """A command cannot go on. `source` is None where the problems have no place in a program's text."""

    def __init__(self, file: str, problems: Sequence[Diagnostic], source: bytes | None = None) -> None:
        super().__init__(file)
        self.file = file
        self.problems = tuple(problems)
        self.source = source


class MisuseError(Exception):
    """A command is asked for what can't be; its text says what can. It is no file's fault, so has no code."""


class OutputError(Exception):
    """Standard output is on a full disk, or the like."""


def refused(file: str, code: str, message: str) -> RefusedError:
    """A refusal for one reason that concerns a file as a whole."""
    return RefusedError(file, [Diagnostic(code, Severity.ERROR, Span(0, 0), message)])


def tell(refusal: RefusedError, *, as_json: bool) -> int:
    """Print why a command cannot go on; its exit status."""
    if as_json:
        from quivers import json_output

        found = json_output.diagnostics(refusal.problems, refusal.source or b"", refusal.file)
        say(sys.stdout, json_output.dumps({"diagnostics": found}))
        return PROBLEMS
    say(sys.stderr, diagnostics_text(refusal.problems, refusal.source, refusal.file, sys.stderr))
    if len(refusal.problems) > 1:
        say(sys.stderr, "\n" + summary_line([each.severity for each in refusal.problems], 1))
    return PROBLEMS


def diagnostics_text(found: Iterable[Diagnostic], source: bytes | None, file: str, stream: IO[str]) -> str:
    """Diagnostics with their source lines; titles alone where there is no source."""
    if source is not None:
        return render(found, source, file, colour(stream))
    return "\n".join(title_line(each.severity, each.code, each.message, colour(stream)) for each in found)


def say(stream: IO[str], text: str) -> None:
    """Print and flush, so that a closed pipe or a full disk is met here and nowhere later."""
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError((error.strerror or str(error)).lower()) from None


def complain(sentence: str) -> None:
    """Say on standard error what stopped the command; in silence where nobody is left to tell."""
    with contextlib.suppress(BrokenPipeError, OutputError):
        say(sys.stderr, title_line(Severity.ERROR, None, sentence, colour(sys.stderr)))


def colour(stream: IO[str]) -> bool:
    """Whether to colour: on a terminal, unless NO_COLOR (no-color.org) is set or the terminal is dumb.

    FORCE_COLOR and CLICOLOR_FORCE have colours elsewhere too.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR") or os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def columns(stream: IO[str]) -> int | None:
    """The columns of a terminal, or of COLUMNS; None for a file or a pipe, which cuts nothing."""
    if not stream.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def drop_output() -> None:
    """Let what is still buffered go nowhere, so that the interpreter's last flush does not fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
