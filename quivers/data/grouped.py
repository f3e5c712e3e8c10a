"""Columns of a long table that say something of a group: one value for each group, repeated in its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quivers.check.program import Input
from quivers.data.codes import DISAGREEMENT, WRONG_SIZE
from quivers.data.column import Column
from quivers.errors import DataProblem
from quivers.families.support import Member
from quivers.records import replace


def group_columns(entries: Sequence[Input], data: Mapping[str, Any]) -> dict[str, Input]:
    """The inputs over a group that a table gives row by row, each with the input that tells a row's group.

    Such a column runs over one object, into which exactly one other column of the table is an index.
    """
    columns = {entry.name: entry for entry in entries if isinstance(data[entry.name], Column)}
    found: dict[str, Input] = {}
    for name, entry in columns.items():
        if len(entry.type.axes) != 1:
            continue
        object = entry.type.axes[0].object
        indices = [
            other
            for other in columns.values()
            if isinstance(other.type.element, Member)
            and other.type.element.object == object
            and len(other.type.axes) == 1
            and other.type.axes[0].object != object
            and data[other.name].table == data[name].table
        ]
        if len(indices) == 1 and data[name].values.shape == data[indices[0].name].values.shape:
            found[name] = indices[0]
    return found


def in_rows(entry: Input, index: Input) -> Input:
    """The input as the table has it, over the rows instead of the groups."""
    return replace(entry, type=replace(entry.type, axes=index.type.axes))


def by_group(
    entry: Input, index: Input, array: np.ndarray, groups: np.ndarray, size: int, names: Sequence[str] = ()
) -> np.ndarray | DataProblem:
    """The value of each group, with the axis group, from `array` and `groups` with the axis row.

    A group whose rows differ, or that has no row, is the problem.
    """
    object = entry.type.axes[0].object
    kept = np.flatnonzero(~np.isnan(groups))
    array, rows = array[kept], groups[kept].astype(np.intp)
    values = np.full(size, np.nan)
    values[rows[::-1]] = array[::-1]  # the first row of each group is written last
    firsts = values[rows]
    different = ~((array == firsts) | (np.isnan(array) & np.isnan(firsts)))
    if different.any():
        row = int(np.argmax(different))
        first = int(np.argmax(rows == rows[row]))
        which = f"`{names[rows[row]]}`" if names else f"element {rows[row] + 1}"
        return DataProblem(
            DISAGREEMENT,
            f"`{entry.name}` must have one value for each `{object}`, but {which} has {array[first]:.15g} in "
            f"row {kept[first] + 1} and {array[row]:.15g} in row {kept[row] + 1}.",
            entry.name,
        )
    absent = np.setdiff1d(np.arange(size), rows)
    if absent.size:
        which = f"`{names[absent[0]]}`" if names else f"element {absent[0] + 1}"
        return DataProblem(
            WRONG_SIZE,
            f"`{entry.name}` has no value for {which} of `{object}`, which no row of `{index.name}` is in.",
            entry.name,
        )
    return values
