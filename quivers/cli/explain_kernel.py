"""`qvr explain FILE --kernel`: the source that computes a program's log density, or why there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from quivers.check.program import CheckedProgram
from quivers.cli.files import STANDARD_INPUT
from quivers.cli.fitted import chosen_program, data_for, fitted, require_sound
from quivers.cli.output import CLEAN, say
from quivers.cli.programs import Model, checked_file


def explain_kernel(
    file: str,
    data: Sequence[str] | None,
    program_name: str | None,
    renames: Sequence[tuple[str, str]] = (),
) -> int:
    """Print the kernel of a file's program, under a heading that names program, data and sizes.

    It needs no data; where there are some it is the kernel that a run with them takes.
    """
    model = checked_file(file)
    require_sound(model)
    program = chosen_program(model, program_name)
    from quivers.backends.given import settled_sizes
    from quivers.backends.kernel.kernel import NotCompiled, writing
    from quivers.backends.kernel.objective import objective, open_objective
    from quivers.ir.build import build

    data_name, sizes = None, {}
    if data is not None or not program.inputs or _has_data(model, file):
        values, data_name = data_for(data, program, model, file, renames=renames)
        bound = fitted(model, program, values, data_name)
        density = build(model.checked, program)
        sizes = settled_sizes(density, bound.values, bound.sizes)
        found = objective(density, bound.values, sizes)
    else:
        found = open_objective(build(model.checked, program))
    written = writing(found)
    if isinstance(written, NotCompiled):
        say(sys.stdout, f"{program.name} has no kernel, so torch runs. {written.reason}.")
        return CLEAN
    heading = _heading(program, model.name, data_name, sizes, (*written.small, *written.sizes))
    say(sys.stdout, "\n".join([*heading, "", written.source.rstrip("\n")]))
    return CLEAN


def _has_data(model: Model, file: str) -> bool:
    from quivers.data import located

    return file != STANDARD_INPUT and located(Path(file), None, model.configuration.data).path.exists()


def _heading(
    program: CheckedProgram, file: str, data: str | None, sizes: Mapping[str, int], axes: Iterable[str]
) -> list[str]:
    from quivers.ir.graph import axis_size

    lines = [f"# The kernel of {program.name}, from {file}"]
    if data is None and program.inputs:
        return [*lines, "# There are no data: with some, guards on what is observed may go."]
    if data is not None:
        lines.append(f"# Data: {data}")
    counts = ", ".join(f"{axis} {axis_size(axis, sizes)}" for axis in axes)
    return [*lines, f"# Sizes: {counts}"] if counts else lines
