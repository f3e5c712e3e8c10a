"""Rewrite a draw from a location-scale family non-centred, and a value made from a raw draw centred."""

from __future__ import annotations

from quivers.check.rewrites.centring import centring, location_scale, noncentring
from quivers.ide.actions.proof import proven
from quivers.ide.actions.selection import (
    Change,
    Obstacle,
    Selection,
    Within,
    block_of,
    blocks,
    shifted,
    taken_names,
    within,
)
from quivers.syntax import ast
from quivers.syntax.problems import Fix

# Advice about the parameterization comes and goes with it.
_ADVICE = ("QVR701",)


def noncentre_title(selection: Selection) -> str | Obstacle | None:
    """The title of drawing the step under the cursor non-centred; None where that can't be done."""
    found = within(selection)
    return None if found is None else _title(_noncentred(selection, found))


def noncentre(selection: Selection) -> Change | Obstacle | None:
    """Draw the step under the cursor non-centred."""
    found = within(selection)
    return None if found is None else _change(selection, found, _noncentred(selection, found))


def centre_title(selection: Selection) -> str | Obstacle | None:
    """The title of drawing what the `let` under the cursor makes centred; None where that can't be done."""
    found = within(selection)
    return None if found is None else _title(_centred(found))


def centre(selection: Selection) -> Change | Obstacle | None:
    """Draw what the `let` under the cursor makes centred."""
    found = within(selection)
    return None if found is None else _change(selection, found, _centred(found))


def _noncentred(selection: Selection, found: Within) -> Fix | None:
    step = found.step
    if not isinstance(step, ast.Sample) or found.program.has_errors:
        return None
    scaled = location_scale(step)
    if scaled is None:
        return None
    taken = taken_names(selection, found)
    return noncentring(step, scaled, found.text, found.program.types, taken.__contains__)


def _centred(found: Within) -> Fix | None:
    step = found.step
    if not isinstance(step, ast.Let) or found.program.has_errors:
        return None
    block = block_of(step, found.declaration.steps)
    uses = [each.name for each in found.occurrences if not each.binds and each.owner is None]
    return centring(step, block, found.text, found.program.types, uses)


def _title(fix: Fix | None) -> str | None:
    return None if fix is None else fix.title


def _change(selection: Selection, found: Within, fix: Fix | None) -> Change | Obstacle | None:
    if fix is None:
        return None
    removed = [edit.span for edit in fix.edits if not edit.text]
    gone = [
        step.name.text
        for block in blocks(found.declaration.steps)
        for step in block
        if isinstance(step, ast.Sample)
        and any(span.start <= step.span.start and step.span.end <= span.end for span in removed)
    ]
    return proven(selection, Change(shifted(fix.edits, found.program.offset)), gone=gone, but=_ADVICE)
