"""Reads and checks the `.qvr` files that a command is given."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from quivers.check.analysis import check_source
from quivers.check.program import Checked
from quivers.cli.output import refused
from quivers.configuration import Configuration, configuration_for, shown
from quivers.errors import QvrError
from quivers.syntax.document import decoded
from quivers.syntax.problems import Diagnostic

NOT_A_PROGRAM = "QVR100"
STANDARD_INPUT = "-"


@dataclass(frozen=True, slots=True)
class Model:
    """A file's name for messages, its text and what the checker finds in it.

    `diagnostics` are those of `checked` as the comments in the file and `configuration` want them shown.
    """

    name: str
    source: bytes
    checked: Checked
    configuration: Configuration
    diagnostics: tuple[Diagnostic, ...]


def program_text(file: str) -> tuple[str, bytes]:
    """A file's name for messages, and its text; RefusedError says why it cannot be read."""
    name = "<stdin>" if file == STANDARD_INPUT else file
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except FileNotFoundError:
        raise refused(name, NOT_A_PROGRAM, f"{name} does not exist") from None
    except IsADirectoryError:
        raise refused(name, NOT_A_PROGRAM, f"{name} is a directory, not a program") from None
    except PermissionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: permission denied") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: {reason.lower()}") from None
    try:
        return name, decoded(content, name)
    except QvrError as error:
        raise refused(name, NOT_A_PROGRAM, str(error)) from None


def checked_file(file: str) -> Model:
    """Read and check a file; RefusedError says why it cannot be read."""
    name, source = program_text(file)
    try:
        checked = check_source(source)
    except RecursionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} nests brackets too deeply to be read") from None
    except QvrError as error:
        raise refused(name, NOT_A_PROGRAM, str(error)) from None
    if not (checked.objects or checked.programs or checked.occurrences or checked.diagnostics):
        raise refused(name, NOT_A_PROGRAM, f"{name} is empty: a model starts with its objects and a program")
    configuration = configuration_for(None if file == STANDARD_INPUT else file)
    return Model(name, source, checked, configuration, shown(checked.diagnostics, source, configuration))


def program_files(given: Iterable[str]) -> list[str]:
    """The files to check: each as given, a directory as the `.qvr` files under it, none twice."""
    files: dict[str, None] = {}
    for name in given:
        path = Path(name)
        if name == STANDARD_INPUT or not path.is_dir():
            files[name] = None
            continue
        under = [
            str(found)
            for found in sorted(path.rglob("*.qvr"))
            if found.is_file() and not any(part.startswith(".") for part in found.relative_to(path).parts)
        ]
        if not under:
            raise refused(name, NOT_A_PROGRAM, f"{name} holds no .qvr file")
        files.update(dict.fromkeys(under))
    return list(files)
