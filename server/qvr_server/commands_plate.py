"""`qvr.plate`: the plate diagram of a program as the text stands in the editor."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from quivers.check.program import CheckedProgram
from quivers.ide.cursor import cursor
from quivers.ide.runs import run_target
from quivers.plate.diagram import Diagram
from quivers.syntax.lines import LineIndex
from qvr_server.places import Places
from qvr_server.protocol import RequestFailed
from qvr_server.run_subjects import Model, model_of

if TYPE_CHECKING:
    from qvr_server.server import QvrServer


async def plate(
    ls: QvrServer, arguments: Mapping[str, Any], token: types.ProgressToken | None
) -> dict[str, Any]:
    """A program's diagram in the form asked for, text by default, and the place in the model of each node.

    The program is the one named, else the one around `position`, else the one that a run would take. It
    must be sound; what is wrong elsewhere in the file does not matter.
    """
    model = await model_of(ls, arguments["uri"])
    places = Places(model.uri, LineIndex(model.source), ls.session.encoding)
    program = _program(model, places, arguments)
    return await asyncio.to_thread(_drawn, model, program, places, arguments.get("form", "text"))


def _program(model: Model, places: Places, arguments: Mapping[str, Any]) -> CheckedProgram:
    name, at = arguments.get("program"), arguments.get("position")
    program = None
    if name is None and at is not None:
        around = cursor(model.checked, places.offset(types.Position(at["line"], at["character"])))
        program = None if around is None else around.program
    if program is None:
        program = model.checked.program_to_run(name)
    if program is None:
        what = f"program {name}" if name else "program to draw"
        raise RequestFailed(f"{model.name} has no {what}.", data={"kind": "program"})
    if program.has_errors:
        reason = run_target(model.checked, program.name).reason or f"{program.name} has errors."
        sentence = reason.replace("`", "").removesuffix(".")
        raise RequestFailed(f"{sentence}, so it can't be drawn.", data={"kind": "program"})
    return program


def _drawn(model: Model, program: CheckedProgram, places: Places, form: str) -> dict[str, Any]:
    from quivers.plate.forms import written
    from quivers.plate.reading import diagram

    found = diagram(model.checked, program, model.source)
    lines = _lines(found) if form == "text" else {}
    return {
        "uri": model.uri,
        "program": program.name,
        "form": form,
        "text": written(found, form),
        "nodes": [
            {
                "key": node.key,
                "name": node.name,
                "range": places.plain_range(node.span),
                "line": lines.get(node.key),
            }
            for node in found.nodes
        ],
    }


def _lines(found: Diagram) -> dict[str, int]:
    """The line of the text form, from 0, in which each node stands."""
    from quivers.plate.text import lines

    return {line.node.key: number for number, line in enumerate(lines(found)) if line.node is not None}
