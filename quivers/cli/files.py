"""Finds and reads the `.qvr` files that a command is given."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from quivers.cli.output import refused
from quivers.errors import QvrError
from quivers.syntax.document import decoded

NOT_A_PROGRAM = "QVR100"
STANDARD_INPUT = "-"


def program_text(file: str) -> tuple[str, bytes]:
    """A file's name for messages, and its text; RefusedError says why it cannot be read."""
    name = "<stdin>" if file == STANDARD_INPUT else file
    try:
        content = sys.stdin.buffer.read() if file == STANDARD_INPUT else Path(file).read_bytes()
    except FileNotFoundError:
        raise refused(name, NOT_A_PROGRAM, f"{name} does not exist.") from None
    except IsADirectoryError:
        raise refused(name, NOT_A_PROGRAM, f"{name} is a directory, not a program.") from None
    except PermissionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refused(name, NOT_A_PROGRAM, f"{name} cannot be read: {reason.lower()}.") from None
    try:
        return name, decoded(content, name)
    except QvrError as error:
        raise refused(name, NOT_A_PROGRAM, str(error)) from None


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
            raise refused(name, NOT_A_PROGRAM, f"{name} holds no .qvr file.")
        files.update(dict.fromkeys(under))
    return list(files)
