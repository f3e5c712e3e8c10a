"""Finds and reads the `.qvr` files that a command is given."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path

from quivers.cli.output import refused
from quivers.errors import QvrError
from quivers.syntax.document import decoded

NOT_A_PROGRAM = "QVR100"
STANDARD_INPUT = "-"
ENDING = ".qvr"
LONGEST = 10**7  # bytes of a program; what has more, such as data or a device, would take minutes to check


def program_text(file: str) -> tuple[str, bytes]:
    """A file's name for messages, and its text; RefusedError says why it cannot be read."""
    name = "<stdin>" if file == STANDARD_INPUT else file
    if file == STANDARD_INPUT and sys.stdin is None:
        raise refused(
            name, NOT_A_PROGRAM, "Standard input is closed: pipe a program into it, or name a file."
        )
    try:
        if file == STANDARD_INPUT:
            content = sys.stdin.buffer.read(LONGEST + 1)
        else:
            with open(file, "rb") as stream:
                content = stream.read(LONGEST + 1)
    except FileNotFoundError:
        raise refused(name, NOT_A_PROGRAM, f"{name} does not exist.") from None
    except IsADirectoryError:
        raise refused(name, NOT_A_PROGRAM, _of_a_folder(name)) from None
    except PermissionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: {reason.lower()}.") from None
    if len(content) > LONGEST:
        reason = (
            f"{name} is no program: it has more than {LONGEST // 10**6} MB. Is it data? Those go with --data."
        )
        raise refused(name, NOT_A_PROGRAM, reason)
    try:
        return name, decoded(content, name)
    except QvrError as error:
        raise refused(name, NOT_A_PROGRAM, str(error)) from None


def program_files(given: Iterable[str]) -> list[str]:
    """The files to check: each as given, a directory as the `.qvr` files under it, none twice.

    A directory without any, or one that can't be read, stands for itself: reading it says what is wrong.
    """
    files: dict[str, str] = {}  # by where they are
    for name in given:
        under = (
            [name] if name == STANDARD_INPUT or not os.path.isdir(name) else _models_under(name)[0] or [name]
        )
        for file in under:
            files.setdefault(file if file == STANDARD_INPUT else _place(file), file)
    return list(files.values())


def _place(file: str) -> str:
    try:
        return os.path.abspath(file)
    except (OSError, ValueError):  # the working folder is gone
        return file


def _of_a_folder(name: str) -> str:
    """Why a folder is no program, and what to name instead."""
    models, error = _models_under(name)
    if models:
        return f"{name} is a directory, not a program: name one of its files, such as {models[0]}."
    if error is not None:
        return f"{error.filename} cannot be read: {(error.strerror or str(error)).lower()}."
    return f"{name} holds no .qvr file."


def _models_under(folder: str) -> tuple[list[str], OSError | None]:
    """The models under a folder, hidden ones left out, in their order; and why it can't all be read."""
    found: list[Path] = []
    errors: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=errors.append):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            path
            for name in files
            if name.endswith(ENDING) and not name.startswith(".")
            for path in [Path(place, name)]
            if path.is_file()
        ]
    return [str(path) for path in sorted(found)], errors[0] if errors else None
