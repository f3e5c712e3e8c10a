"""`qvr plate`: draw a program's plate diagram. It loads neither NumPy nor the runtime."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from quivers.cli.files import NOT_A_PROGRAM
from quivers.cli.fitted import chosen_program, require_sound
from quivers.cli.output import CLEAN, MisuseError, refused, say
from quivers.cli.programs import checked_file
from quivers.plate.forms import ENDINGS, written
from quivers.plate.reading import diagram


def plate(options: argparse.Namespace) -> int:
    """Write the diagram to standard output, or to the file that `-o` names.

    Without `--format` the file's ending says the form, and what is printed is text.
    """
    form = options.format or ENDINGS.get(Path(options.output or "").suffix.lower())
    if form is None and options.output is not None:
        known = ", ".join(ENDINGS)
        reason = f"{options.output} doesn't say what to draw: end it in one of {known}, or give --format."
        raise MisuseError(reason)
    model = checked_file(options.file)
    require_sound(model)
    program = chosen_program(model, options.program)
    drawn = written(diagram(model.checked, program, model.source), form or "text")
    if options.output is None:
        say(sys.stdout, drawn.removesuffix("\n"))
        return CLEAN
    try:
        Path(options.output).write_text(drawn, encoding="utf-8", newline="\n")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise refused(
            options.output, NOT_A_PROGRAM, f"{options.output} cannot be written: {reason}."
        ) from None
    say(sys.stderr, f"Wrote {os.fspath(options.output)}")
    return CLEAN
