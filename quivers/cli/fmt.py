"""`qvr fmt`: write programs in the canonical layout, or tell which are not. It needs the syntax alone."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import shutil
import sys
import tempfile
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
from quivers.records import record
from quivers.syntax.document import Document
from quivers.syntax.format import Formatted, formatted
from quivers.syntax.lower import lower


@record
class _Work:
    """A file's name for messages, its text, and how that is laid out."""

    name: str
    old: bytes
    formatted: Formatted


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
            work = _work(file)
            is_changed = work.formatted.text != work.old
            if options.diff and is_changed:
                _write_out(_difference(work))
            elif writes and file == STANDARD_INPUT:
                _write_out(work.formatted.text)
            elif writes and is_changed:
                _replace(file, work.formatted.text)
        except RefusedError as refusal:
            status = max(status, tell(refusal, as_json=False))
            continue
        if is_changed and not writes:
            status = PROBLEMS
            if options.check:
                say(sys.stderr if options.diff else sys.stdout, f"Would reformat {work.name}")
        if work.formatted.left:
            status = PROBLEMS
            _say_what_was_left(work, writes=writes)
        changed += is_changed
        unchanged += not is_changed
    if changed + unchanged and not (writes and options.files == [STANDARD_INPUT]):
        text_is_out = options.diff or (writes and STANDARD_INPUT in options.files)
        stream = sys.stderr if text_is_out else sys.stdout
        say(stream, _summary(changed, unchanged, writes=writes))
    return status


def _work(file: str) -> _Work:
    name, old = program_text(file)
    try:
        return _Work(name, old, formatted(Document(old)))
    except RecursionError:
        raise refused(name, NOT_A_PROGRAM, f"{name} nests brackets too deeply to be read") from None


def _say_what_was_left(work: _Work, *, writes: bool) -> None:
    """Why declarations of a file were left as they are, each problem in its line of the file as it now is."""
    left, source = work.formatted.left, work.old
    if writes:
        source = work.formatted.text
        left = lower(Document(source)).diagnostics
    say(sys.stderr, diagnostics_text(left, source, work.name, sys.stderr) + "\n")
    done = "is" if writes else "would be"
    say(sys.stderr, f"{work.name} {done} formatted around what cannot be read")


def _difference(work: _Work) -> bytes:
    """A unified diff, as `patch` takes it."""
    old, new = (text.splitlines(keepends=True) for text in (work.old, work.formatted.text))
    name = work.name.encode(errors="surrogateescape")
    lines = difflib.diff_bytes(difflib.unified_diff, old, new, name, name, b"as it is", b"formatted")
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
