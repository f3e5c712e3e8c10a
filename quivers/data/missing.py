"""Which inputs may have missing values: those that only an `observe` with `[where=…]` uses."""

from __future__ import annotations

from quivers.check.program import Checked, CheckedProgram
from quivers.syntax import ast


def inputs_left_out(checked: Checked, program: CheckedProgram) -> frozenset[str]:
    """The inputs of a program, those of the programs that it draws from among them."""
    found: set[str] = set()
    masked = {step.name.text for step in _observes(program.declaration.steps) if _has_mask(step)}
    for entry in program.inputs:
        if entry.name in masked and len(entry.uses) == 1:
            found.add(entry.name)
    for call in program.calls:
        called = checked.programs.get(call.program)
        if called is not None:
            found.update(
                call.inputs[name] for name in inputs_left_out(checked, called) if name in call.inputs
            )
    # A file's own `data` keeps its name in every program, and one of them may want all of it.
    declared = {entry.name for entry in program.inputs if len(entry.uses) > 1}
    return frozenset(found - declared)


def _observes(steps: tuple[ast.Step, ...]) -> list[ast.Observe]:
    found: list[ast.Observe] = []
    for step in steps:
        if isinstance(step, ast.Observe):
            found.append(step)
        elif isinstance(step, ast.Marginalize):
            found.extend(_observes(step.body))
    return found


def _has_mask(step: ast.Observe) -> bool:
    return any(option.name.text == "where" for option in step.options)
