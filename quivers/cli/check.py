"""`qvr check`: tell what is wrong with programs. It loads neither NumPy nor the runtime."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from quivers.cli.files import program_files
from quivers.cli.output import CLEAN, PROBLEMS, RefusedError, diagnostics_text, say
from quivers.cli.programs import checked_file
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import summary_line

# A file's name, its text where it could be read, and what is wrong with it.
_Entry = tuple[str, bytes | None, Sequence[Diagnostic]]


def check(options: argparse.Namespace) -> int:
    """Print the diagnostics of every file; warnings and hints alone leave the status clean.

    What is wrong with a configuration file is told once, before the first model that it is for.
    """
    form = options.output_format
    status = CLEAN
    told: set[str] = set()
    entries: Iterable[_Entry]
    try:
        files = program_files(options.files)
        entries = (entry for file in files for entry in _diagnosed(file, told))
    except RefusedError as refusal:
        if form not in ("sarif", "github"):
            raise
        files, entries = [], [(refusal.file, None, refusal.problems)]
        status = PROBLEMS
    if form == "json":
        severities = _print_json(entries)
    elif form == "sarif":
        severities = _print_sarif(entries)
    elif form == "github":
        severities = _print_workflow_commands(entries)
    else:
        severities = _print_text(entries)
        if not options.quiet:
            say(sys.stdout, summary_line(severities, len(files)))
    return status or (PROBLEMS if Severity.ERROR in severities else CLEAN)


def _print_text(entries: Iterable[_Entry]) -> list[Severity]:
    """Each file's diagnostics as soon as they are known; the severities of all."""
    severities: list[Severity] = []
    for name, source, found in entries:
        severities += [each.severity for each in found]
        if found:
            say(sys.stdout, diagnostics_text(found, source, name, sys.stdout) + "\n")
    return severities


def _print_json(entries: Iterable[_Entry]) -> list[Severity]:
    """All diagnostics as one JSON array; the severities of all."""
    from quivers import json_output  # the start without it is sooner

    severities: list[Severity] = []
    written: list[dict[str, Any]] = []
    for name, source, found in entries:
        severities += [each.severity for each in found]
        written += json_output.diagnostics(found, source or b"", name)
    say(sys.stdout, json_output.dumps(written))
    return severities


def _print_sarif(entries: Iterable[_Entry]) -> list[Severity]:
    """All diagnostics as one SARIF log; the severities of all."""
    from quivers.cli.sarif import sarif
    from quivers.json_output import dumps

    kept = list(entries)
    say(sys.stdout, dumps(sarif(kept)))
    return [each.severity for _, _, found in kept for each in found]


def _print_workflow_commands(entries: Iterable[_Entry]) -> list[Severity]:
    """A line for each diagnostic, as GitHub reads them in a workflow's log; the severities of all."""
    from quivers.cli.github import workflow_commands

    severities: list[Severity] = []
    for name, source, found in entries:
        severities += [each.severity for each in found]
        for line in workflow_commands(found, source, name):
            say(sys.stdout, line)
    return severities


def _diagnosed(file: str, told: set[str]) -> list[_Entry]:
    """The model, and before it its configuration's file unless `told`, each with text and problems."""
    try:
        model = checked_file(file)
    except RefusedError as refusal:
        return [(refusal.file, None, refusal.problems)]
    entry = (model.name, model.source, model.diagnostics)
    configuration = model.configuration
    if configuration.file is None or configuration.file in told:
        return [entry]
    told.add(configuration.file)
    return [(_named(configuration.file), configuration.source, configuration.problems), entry]


def _named(file: str) -> str:
    """A file's name as seen from the working folder, where it lies in that."""
    near = os.path.relpath(file)
    return file if near.startswith(os.pardir) else near
