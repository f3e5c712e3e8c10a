"""`qvr new`: start a model from a template, with simulated data beside it."""

from __future__ import annotations

import argparse
import sys
from difflib import get_close_matches
from pathlib import Path

from quivers.cli.files import NOT_A_PROGRAM
from quivers.cli.output import CLEAN, MisuseError, RefusedError, refused, say
from quivers.syntax.document import Document
from quivers.syntax.format import formatted
from quivers.templates import DEFAULT, TEMPLATES, program_text, renamed


def new(options: argparse.Namespace) -> int:
    """Write NAME.qvr and NAME.data.csv, or list the templates; nothing that is there is written over."""
    if options.template is None:
        width = max(map(len, TEMPLATES))
        say(sys.stdout, "\n".join(f"{name:<{width}}  {about}" for name, about in TEMPLATES.items()))
        return CLEAN
    template, name = options.template, options.name
    if name is None:  # a template's name alone names the file too; any other is that of the file
        name = template
        near = [] if template.endswith(".qvr") else get_close_matches(template.lower(), TEMPLATES, 1, 0.8)
        if template not in TEMPLATES and near:
            reason = (
                f"No template is called `{template}`. Did you mean the template `{near[0]}`? "
                f"`qvr new {DEFAULT} {template}.qvr` makes a file of that name."
            )
            raise MisuseError(reason)
        template = template if template in TEMPLATES else DEFAULT
    if template not in TEMPLATES:
        near = get_close_matches(template, TEMPLATES, 1)
        meant = f"Did you mean `{near[0]}`?" if near else f"There are {', '.join(TEMPLATES)}."
        raise MisuseError(f"No template is called `{template}`. {meant}")
    from quivers.templates.simulate import simulated  # loads NumPy

    model = Path(name if name.endswith(".qvr") else f"{name}.qvr")
    data = model.with_name(f"{model.stem}.data.csv")
    for file in (model, data):
        if file.exists():
            reason = f"{file} is there already, and is left as it is: choose another name."
            raise refused(str(file), NOT_A_PROGRAM, reason)
    text = renamed(program_text(template), template, model.stem)
    _write(model, formatted(Document(text.encode())).text)
    try:
        _write(data, simulated(template, options.seed).encode())
    except RefusedError:
        model.unlink()
        raise
    say(sys.stdout, f"Wrote {model} and {data}, its simulated data. Next: qvr run {model}")
    return CLEAN


def _write(file: Path, content: bytes) -> None:
    try:
        with file.open("xb") as stream:
            stream.write(content)
    except FileNotFoundError:
        reason = f"{file} cannot be written: there is no folder {file.parent}."
        raise refused(str(file), NOT_A_PROGRAM, reason) from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise refused(str(file), NOT_A_PROGRAM, f"{file} cannot be written: {reason}.") from None
