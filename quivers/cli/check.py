"""`qvr check`: tell what is wrong with programs. It loads neither NumPy nor the runtime."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from quivers import json_output
from quivers.cli.output import CLEAN, PROBLEMS, RefusedError, diagnostics_text, say
from quivers.cli.programs import checked_file, program_files
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal import summary_line


def check(options: argparse.Namespace) -> int:
    """Print the diagnostics of every file; warnings and hints alone leave the status clean."""
    as_json = options.output_format == "json"
    entries: list[dict[str, Any]] = []
    severities: list[Severity] = []
    files = program_files(options.files)
    for file in files:
        name, source, found = _diagnosed(file)
        severities += [each.severity for each in found]
        if as_json:
            entries += json_output.diagnostics(found, source or b"", name)
        elif found:
            say(sys.stdout, diagnostics_text(found, source, name, sys.stdout) + "\n")
    say(sys.stdout, json_output.dumps(entries) if as_json else summary_line(severities, len(files)))
    return PROBLEMS if Severity.ERROR in severities else CLEAN


def _diagnosed(file: str) -> tuple[str, bytes | None, Sequence[Diagnostic]]:
    try:
        model = checked_file(file)
    except RefusedError as refusal:
        return refusal.file, None, refusal.problems
    return model.name, model.source, model.checked.diagnostics
