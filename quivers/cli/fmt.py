"""`qvr fmt`: write programs in the canonical layout, or tell which are not. It needs the syntax alone."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from quivers.cli.files import NOT_A_PROGRAM, STANDARD_INPUT, program_files, program_text
from quivers.cli.output import (
    CLEAN,
    PROBLEMS,
    OutputError,
    RefusedError,
    diagnostics_text,
    refused,
    say,
    tell,
)
from quivers.syntax.document import Document
from quivers.syntax.format import format_source, obstacles
from quivers.syntax.lower import lower
from quivers.syntax.problems import Diagnostic


@dataclass(frozen=True, slots=True)
class _Formatted:
    """A file's name for messages, its text before and after, and why parts of it were left as they are."""

    name: str
    old: bytes
    new: bytes
    obstacles: tuple[Diagnostic, ...]


def fmt(options: argparse.Namespace) -> int:
    """Format every file, or with `--check` and `--diff` tell what would change and write nothing.

    Standard input is written to standard output. The status is clean if every file could be read
    and formatted as a whole and, where nothing is written, if no file would change.
    """
    writes = not (options.check or options.diff)
    status = CLEAN
    changed = unchanged = 0
    for file in program_files(options.files):
        try:
            formatted = _formatted(file)
            is_changed = formatted.new != formatted.old
            if options.diff and is_changed:
                _write_out(_difference(formatted))
            elif writes and file == STANDARD_INPUT:
                _write_out(formatted.new)
            elif writes and is_changed:
                _replace(file, formatted.new)
        except RefusedError as refusal:
            status = max(status, tell(refusal, as_json=False))
            continue
        if is_changed and not writes:
            status = PROBLEMS
            if options.check:
                say(sys.stderr if options.diff else sys.stdout, f"Would reformat {formatted.name}")
        if formatted.obstacles:
            _say_what_was_left(formatted)
            status = PROBLEMS
        changed += is_changed
        unchanged += not is_changed
    if changed + unchanged and (not writes or options.files != [STANDARD_INPUT]):
        say(sys.stderr if options.diff or STANDARD_INPUT in options.files else sys.stdout,
            _summary(changed, unchanged, writes=writes))  # fmt: skip
    return status


def _formatted(file: str) -> _Formatted:
    name, old = program_text(file)
    document = Document(old)
    try:
        lowered = lower(document)
        return _Formatted(name, old, format_source(document, lowered), obstacles(lowered))
    except RecursionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} nests brackets too deeply to be read.") from None


def _say_what_was_left(formatted: _Formatted) -> None:
    """Why some declarations of a file were not formatted, each problem in its line."""
    say(sys.stderr, diagnostics_text(formatted.obstacles, formatted.old, formatted.name, sys.stderr) + "\n")
    say(sys.stderr, f"{formatted.name} was formatted around what cannot be read")


def _difference(formatted: _Formatted) -> bytes:
    """A unified diff, as `patch` takes it."""
    old, new = (text.splitlines(keepends=True) for text in (formatted.old, formatted.new))
    before, after = f"{formatted.name} (as it is)".encode(), f"{formatted.name} (formatted)".encode()
    lines = difflib.diff_bytes(difflib.unified_diff, old, new, before, after)
    return b"".join(
        line if line.endswith((b"\n", b"\r")) else line + b"\n\\ No newline at end of file\n"
        for line in lines
    )


def _summary(changed: int, unchanged: int, *, writes: bool) -> str:
    done = "reformatted" if writes else "would be reformatted"
    left = "left unchanged" if writes else "already formatted"
    parts = [f"{_files(changed)} {done}"] if changed else []
    parts += [f"{_files(unchanged)} {left}"] if unchanged else []
    return ", ".join(parts)


def _files(count: int) -> str:
    return f"{count} file" if count == 1 else f"{count} files"


def _write_out(content: bytes) -> None:
    """Write bytes to standard output, which would else change line endings on some systems."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError((error.strerror or str(error)).lower()) from None


def _replace(file: str, content: bytes) -> None:
    """Put `content` in the place of a file's own, all of it or none, and keep the file's permissions."""
    target = Path(os.path.realpath(file))  # a link stays a link
    temporary = ""
    try:
        if not os.access(target, os.W_OK):
            raise PermissionError
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except OSError as error:
        reason = "permission denied" if isinstance(error, PermissionError) else error.strerror or str(error)
        raise refused(file, NOT_A_PROGRAM, f"{file} cannot be written: {reason.lower()}.") from None
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
