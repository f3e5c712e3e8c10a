"""`qvr check`: tell what is wrong with programs. It loads neither NumPy nor the runtime."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from quivers import json_output
from quivers.cli.files import program_files
from quivers.cli.output import CLEAN, PROBLEMS, RefusedError, diagnostics_text, say
from quivers.cli.programs import checked_file
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal import summary_line


def check(options: argparse.Namespace) -> int:
    """Print the diagnostics of every file; warnings and hints alone leave the status clean.

    What is wrong with a configuration file is told once, before the first model that it is for.
    """
    as_json = options.output_format == "json"
    entries: list[dict[str, Any]] = []
    severities: list[Severity] = []
    files = program_files(options.files)
    told: set[str] = set()
    for name, source, found in (entry for file in files for entry in _diagnosed(file, told)):
        severities += [each.severity for each in found]
        if as_json:
            entries += json_output.diagnostics(found, source or b"", name)
        elif found:
            say(sys.stdout, diagnostics_text(found, source, name, sys.stdout) + "\n")
    say(sys.stdout, json_output.dumps(entries) if as_json else summary_line(severities, len(files)))
    return PROBLEMS if Severity.ERROR in severities else CLEAN


def _diagnosed(file: str, told: set[str]) -> list[tuple[str, bytes | None, Sequence[Diagnostic]]]:
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
