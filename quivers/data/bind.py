"""Binds data to a program's inputs: names, sizes, axes and supports.

Everything that is wrong is found in one pass and told together, before a run starts. Rows are counted
from 1 in messages; members of an object are counted from 0 in the data, as in torch and NumPy.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from quivers.check.program import Checked, CheckedProgram, Input
from quivers.check.types import Axis, Type
from quivers.data.codes import MISSING, UNKNOWN_SIZE, WRONG_DIMENSIONS
from quivers.data.frames import in_order, values_of
from quivers.data.grouped import by_group, group_columns, in_rows
from quivers.data.levels import Naming
from quivers.data.missing import inputs_left_out
from quivers.data.numbers import numbers
from quivers.data.sizes import Sizing
from quivers.data.supports import outside
from quivers.data.unfit import UnfitError
from quivers.data.wording import shape_text, values_text
from quivers.errors import DataError, DataProblem
from quivers.families.support import Member
from quivers.syntax.reading import identifier

NAMES_IN_A_NOTE = 8


@dataclass(frozen=True, slots=True)
class Bound:
    """Data that fit a program.

    `values` holds each input as float64 with exactly the axes of its type; one given with fewer is
    broadcast. `sizes` gives the number of elements of every object whose size is known, and `levels` the
    names of the elements of those that the data name, in order. `notes` are sentences about the data that
    are no errors, such as a name that the program does not use.
    """

    values: Mapping[str, np.ndarray]
    sizes: Mapping[str, int]
    notes: tuple[str, ...] = ()
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def bind(checked: Checked, program: CheckedProgram, data: Any, *, require_observed: bool = True) -> Bound:
    """Fit `data` to the inputs of `program`.

    `data` are values by name or a data frame. A value may be a number, nested lists, a NumPy array, a tensor,
    a series or the column of a table. Surplus leading axes of size one are ignored.
    A value with fewer axes than its input has is broadcast along the axes that its shape leaves out. The
    size of an object is the declared one, else a whole number under the object's own name, else the
    length of the first input that runs over it, else the number of its names, else one more than the largest
    index into it. An index may be given by name; the names are listed under the object's own name, else they
    are those that the inputs use, sorted.

    What an `observe` with `[where=…]` scores may be NaN or None; that it is there in the rows that count is
    asked when the program's density is bound. With `require_observed` false, what the program observes may
    be left out, or be missing in some places (for prediction).

    Raises:
        DataError: with everything that is wrong, in the order of the program's inputs.
    """
    problems: list[DataProblem] = []
    data = _by_identifier(values_of(data))
    arrays: dict[str, np.ndarray] = {}
    may_miss = inputs_left_out(checked, program)
    if not require_observed:
        may_miss |= {entry.name for entry in program.inputs if entry.observed}
    naming = Naming(checked, data, problems)
    by_row = group_columns([entry for entry in program.inputs if entry.name in data], data)
    for entry in program.inputs:
        if entry.name not in data:
            if require_observed or not entry.observed:
                problems.append(_missing(entry, checked, program, data))
            continue
        try:
            value = in_order(data[entry.name], entry.type.axes)
            seen = in_rows(entry, by_row[entry.name]) if entry.name in by_row else entry
            array = numbers(seen, value, naming, missing=entry.name in may_miss)
        except UnfitError as unfit:
            problems.append(unfit.problem)
            continue
        rank = len(entry.type.axes)
        while array.ndim > rank and array.shape[0] == 1:
            array = array[0]
        if array.ndim > rank:
            problems.append(_too_many_dimensions(entry, array))
        else:
            arrays[entry.name] = array

    sizing = Sizing(checked, problems)
    sizing.take_given(data, naming.levels)
    present = [entry for entry in program.inputs if entry.name in arrays]
    groups = group_columns(present, data)
    placements: dict[str, Sequence[Axis]] = {
        entry.name: entry.type.axes
        for entry in present
        if entry.name not in groups
        and arrays[entry.name].ndim == len(entry.type.axes)
        and sizing.take(entry, entry.type.axes, arrays[entry.name].shape)
    }
    sizing.multiply_products()
    naming.settle(present, arrays, sizing, groups)
    for entry in present:
        if arrays[entry.name].ndim < len(entry.type.axes):
            axes = sizing.place(entry, arrays[entry.name].shape)
            if axes is not None:
                placements[entry.name] = axes
    sizing.take_largest_members(present, arrays)
    sizing.multiply_products()
    for entry in present:
        seen = in_rows(entry, groups[entry.name]) if entry.name in groups else entry
        problem = outside(seen, arrays[entry.name], sizing.sizes, missing=entry.name in may_miss)
        if problem is not None:
            problems.append(problem)
    if not problems:
        _gather(groups, program, arrays, placements, sizing, naming)
    if not problems:
        problems.extend(_unsized(program, sizing.sizes))
    if problems:
        order = {entry.name: place for place, entry in enumerate(program.inputs)}
        raise DataError(sorted(problems, key=lambda problem: order.get(problem.input or "", len(order))))

    values = {
        name: _broadcast(arrays[name], program, name, axes, sizing.sizes) for name, axes in placements.items()
    }
    notes = (*_notes(checked, program, data), *naming.notes, *sizing.notes)
    return Bound(values, dict(sizing.sizes), notes, naming.levels)


def _broadcast(
    array: np.ndarray, program: CheckedProgram, name: str, axes: Sequence[Axis], sizes: Mapping[str, int]
) -> np.ndarray:
    wanted = next(entry.type.axes for entry in program.inputs if entry.name == name)
    given = iter(array.shape)
    spread = array.reshape([next(given) if axis in axes else 1 for axis in wanted])
    return np.array(
        np.broadcast_to(spread, [sizes[axis.object] for axis in wanted]), dtype=np.float64, order="C"
    )


def _gather(
    groups: Mapping[str, Input],
    program: CheckedProgram,
    arrays: dict[str, np.ndarray],
    placements: dict[str, Sequence[Axis]],
    sizing: Sizing,
    naming: Naming,
) -> None:
    """Take the value of each group from the rows of the table."""
    rows = dict(arrays)
    for entry in program.inputs:
        if entry.name not in groups:
            continue
        index = groups[entry.name]
        object = entry.type.axes[0].object
        if object not in sizing.sizes:
            continue
        values = by_group(
            entry,
            index,
            rows[entry.name],
            rows[index.name],
            sizing.sizes[object],
            naming.levels.get(object, ()),
        )
        if isinstance(values, DataProblem):
            sizing.problems.append(values)
        elif sizing.take(entry, entry.type.axes, values.shape):
            arrays[entry.name] = values
            placements[entry.name] = entry.type.axes


def _unsized(program: CheckedProgram, sizes: Mapping[str, int]) -> list[DataProblem]:
    """The objects that the program's values run over and whose size nothing tells."""
    needed: dict[str, None] = {}
    for known in (*program.types.values(), *(entry.type for entry in program.inputs)):
        if isinstance(known, Type):
            needed.update((axis.object, None) for axis in known.axes)
    return [
        DataProblem(
            UNKNOWN_SIZE,
            f"Nothing tells how many elements `{name}` has: no input in the data runs over it; "
            f'declare `object {name} : FinSet 8`, or give `"{name}": 8` in the data.',
        )
        for name in needed
        if name not in sizes
    ]


def _by_identifier(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The data by the names that the language reads theirs as, where no others have those already."""
    if all(name.isascii() for name in data):
        return data
    return {identifier(name) if identifier(name) not in data else name: value for name, value in data.items()}


def _missing(entry: Input, checked: Checked, program: CheckedProgram, data: Mapping[str, Any]) -> DataProblem:
    unused = _unused(checked, program, data)
    spare = {name.casefold(): name for name in unused}
    close = difflib.get_close_matches(entry.name.casefold(), spare, n=1, cutoff=0.6)
    near = spare[close[0]] if close else None
    advice = "."
    if near is not None:
        advice = f"; `{near}` is in the data: did you mean it?"
    elif entry.type.axes and entry.type.element == Member(entry.type.axes[0].object):
        # As in `county[n]` of Stan, where the data have a `county` for each row.
        advice = (
            f": if it stands for the row in hand, leave `[{entry.name}]` out, since each row of "
            f"`{entry.type.axes[0].object}` has its own values."
        )
    elif unused:
        advice = f"; nothing uses {_some(unused)} of the data: is it one of them?"
    message = f"The data have no `{entry.name}`, which is `{entry.type}`{advice}"
    return DataProblem(MISSING, message, entry.name, near)


def _too_many_dimensions(entry: Input, array: np.ndarray) -> DataProblem:
    rank = len(entry.type.axes)
    if rank == 0:
        message = f"`{entry.name}` is a single number, but the data give {values_text(array.shape)}."
    else:
        shape = shape_text(array.shape)
        message = f"`{entry.name}` has {array.ndim} dimensions ({shape}), but `{entry.type}` has {rank}."
    return DataProblem(WRONG_DIMENSIONS, message, entry.name)


def _notes(checked: Checked, program: CheckedProgram, data: Mapping[str, Any]) -> tuple[str, ...]:
    spare = _unused(checked, program, data)
    return (f"`{program.name}` makes no use of {_some(spare)} in the data.",) if spare else ()


def _unused(checked: Checked, program: CheckedProgram, data: Mapping[str, Any]) -> list[str]:
    """The names in the data that are neither an input's nor an object's."""
    used = {entry.name for entry in program.inputs} | set(checked.objects)
    return [name for name in data if name not in used]


def _some(names: Sequence[str]) -> str:
    """The first few of some names."""
    more = f" and {len(names) - NAMES_IN_A_NOTE} more" if len(names) > NAMES_IN_A_NOTE else ""
    return f"{', '.join(f'`{name}`' for name in names[:NAMES_IN_A_NOTE])}{more}"
