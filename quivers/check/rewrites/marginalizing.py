"""A discrete latent turned into a `marginalize` block around the steps that depend on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quivers.check.rewrites.lines import (
    first_line,
    indentation,
    indented,
    line_ending,
    spelt,
    without,
)
from quivers.check.types import AnyType, Type
from quivers.families.support import Member
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Edit, Fix

_INDENT = "    "


def marginalizing(
    step: ast.Sample,
    declaration: ast.ProgramDeclaration,
    text: bytes,
    types: Mapping[str, AnyType],
    readers: Sequence[ast.Step],
) -> Fix | None:
    """Sum out a discrete draw; None where that would not be the same model.

    `readers` are the steps that depend on it, through lets too. Without `[over=…]` a block draws anew for
    every element of the plate of each observation in it, so then there may be one, over the draw's own plate.
    """
    type = types.get(step.name.text)
    observed = [reader for reader in readers if isinstance(reader, ast.Observe)]
    lets = [reader for reader in readers if isinstance(reader, ast.Let)]
    if not isinstance(type, Type) or step.options or not step.plate or not observed:
        return None
    if len(observed) + len(lets) != len(readers) or step not in declaration.steps:
        return None
    drawn = [name.text for name in step.plate]
    plates = [[name.text for name in observe.plate] for observe in observed]
    over = ""
    if plates != [drawn]:
        if len(drawn) != 1 or any(drawn[0] not in plate for plate in plates):
            return None
        over = f" [over={drawn[0]}]"
    steps = declaration.steps
    if any(reader not in steps for reader in readers) or isinstance(step.draw, ast.Hole):
        return None
    first = steps.index(readers[0])
    if tuple(readers) != steps[first : first + len(readers)]:
        return None
    draw = spelt(text, Span(step.draw.span.start, step.span.end))
    ranges = f" : {type.element.object}" if isinstance(type.element, Member) else ""
    header = f"marginalize {step.name.text}{ranges} <- {draw}{over}"
    edits: list[Edit] = []
    if first == steps.index(step) + 1:
        edits.append(Edit(step.span, header))
    else:
        at = first_line(text, readers[0])
        start = first_line(text, step)
        comments = text[start : step.span.start].decode()
        edits.append(without(text, step))
        lead = comments if comments.strip() else indentation(text, step)
        edits.append(Edit(Span(at, at), f"{lead}{header}{line_ending(text)}"))
    for reader in readers:
        edits += indented(text, reader, _INDENT)
    edits += _effects(step, declaration)
    return Fix(f"Marginalize `{step.name.text}`", _merged(edits))


def _merged(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """Edits by position, with two insertions at one place made one."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: edit.span.start):
        if merged and merged[-1].span == edit.span:
            merged[-1] = Edit(edit.span, merged[-1].text + edit.text)
        else:
            merged.append(edit)
    return tuple(merged)


def _effects(step: ast.Sample, declaration: ast.ProgramDeclaration) -> list[Edit]:
    """The header's effects as they are once the step is a `marginalize`."""
    dropped = () if any(_draws(other) and other is not step for other in declaration.steps) else ("Sample",)
    edits: list[Edit] = []
    for option in declaration.options:
        declared = [value.name for value in option.values if isinstance(value, ast.Variable)]
        if option.name.text == "effects" and declared:
            added = [] if "Marginal" in declared else ["Marginal"]
            names = [name for name in declared if name not in dropped]
            edits.append(Edit(option.span, f"effects=[{', '.join(names + added)}]"))
    return edits


def _draws(step: ast.Step) -> bool:
    return isinstance(step, ast.Sample)
