"""Finds the size of every object, from its declaration or from the data, and where two sources disagree."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quivers.check.program import Checked, Input
from quivers.check.types import Axis
from quivers.data.codes import AMBIGUOUS_AXES, DISAGREEMENT, NOT_A_MEMBER, WRONG_SIZE
from quivers.data.column import Column
from quivers.data.wording import axes_text, count_text, shape_text, values_text
from quivers.errors import DataProblem
from quivers.families.support import Member

LARGEST_SIZE = 2**31  # beyond this an index or a size is a slip, not an object
# An object sized by its largest index alone may have so many elements, or so many for each that the data use.
FEW_ELEMENTS = 200
MOST_UNUSED = 10


class Sizing:
    """The sizes of the objects as they become known, and which input told each."""

    def __init__(self, checked: Checked, problems: list[DataProblem]) -> None:
        self.objects = checked.objects
        self.problems = problems
        self.sizes = {
            name: entry.size
            for name, entry in checked.objects.items()
            if entry.size is not None  # `FinSet 8`, and `Real 3`, whose coordinates are an axis
        }
        self.told_by: dict[str, str] = {}
        self.notes: list[str] = []
        self.refused = frozenset(problem.input for problem in problems)
        self.multiply_products()

    def take_given(self, data: Mapping[str, Any], levels: Mapping[str, Sequence[str]] | None = None) -> None:
        """Take a size given outright, `{"Item": 50}`, or as the number of names in `levels`.

        A column of a table under an object's name is no size.
        """
        for name, entry in self.objects.items():
            if not entry.finite or name not in data:
                continue
            value = data[name]
            if levels and name in levels:
                value = len(levels[name])
            elif isinstance(value, Column) or name in self.refused:
                continue
            if (value := _whole(value)) is None or not 1 <= value < LARGEST_SIZE:
                self._report(
                    WRONG_SIZE,
                    f"`{name}` is an object, so its value must be its size, a whole number from 1, "
                    "or the list of its names.",
                    name,
                )
            elif self.sizes.get(name, value) != value:
                self._report(
                    WRONG_SIZE,
                    f"The data say that `{name}` has {value}, but the program says {self.sizes[name]}.",
                    name,
                )
            else:
                self.sizes[name] = value

    def take(self, entry: Input, axes: Sequence[Axis], shape: Sequence[int]) -> bool:
        """Learn sizes from an array whose axes are known, or report where it disagrees."""
        wrong = [
            axis
            for axis, count in zip(axes, shape, strict=True)
            if self.sizes.get(axis.object, count) != count
        ]
        if wrong:
            self._report_size(entry, axes, shape, wrong[0])
            return False
        for axis, count in zip(axes, shape, strict=True):
            if axis.object not in self.sizes:
                if count == 0:
                    self._report(
                        WRONG_SIZE,
                        f"`{entry.name}` is empty, so `{axis.object}` would have no elements.",
                        entry.name,
                    )
                    return False
                self.sizes[axis.object] = count
                self.told_by[axis.object] = entry.name
        repeated = [axis for axis, count in zip(axes, shape, strict=True) if self.sizes[axis.object] != count]
        if repeated:
            self._report(
                WRONG_SIZE,
                f"`{entry.name}` is {shape_text(shape)}, but {axes_text(axes)} needs as many along "
                f"`{repeated[0]}` as along `{repeated[0].object}`.",
                entry.name,
            )
        return not repeated

    def place(self, entry: Input, shape: tuple[int, ...]) -> tuple[Axis, ...] | None:
        """The axes that a value with fewer than its input's runs along; None after a report."""
        fitting = [
            axes
            for axes in itertools.combinations(entry.type.axes, len(shape))
            if all(self.sizes.get(axis.object, n) == n for axis, n in zip(axes, shape, strict=True))
        ]
        if len(fitting) > 1:
            choices = " or over ".join(axes_text(axes) for axes in fitting)
            self._report(
                AMBIGUOUS_AXES,
                f"`{entry.name}` has {values_text(shape)}, which may run over {choices}: give it all of "
                f"{axes_text(entry.type.axes)}, or declare it with `data`.",
                entry.name,
            )
            return None
        if not fitting:
            known = " and ".join(
                f"`{axis.object}` has {self.sizes[axis.object]}"
                for axis in entry.type.axes
                if axis.object in self.sizes
            )
            self._report(WRONG_SIZE, f"`{entry.name}` has {values_text(shape)}, but {known}.", entry.name)
            return None
        return fitting[0] if self.take(entry, fitting[0], shape) else None

    def take_largest_members(self, entries: Sequence[Input], arrays: Mapping[str, np.ndarray]) -> None:
        """Size each object that no input runs over by the largest index into it."""
        largest: dict[str, tuple[float, str]] = {}
        for entry in entries:
            element, array = entry.type.element, arrays[entry.name]
            if isinstance(element, Member) and element.object not in self.sizes and array.size:
                index = float(np.max(array, initial=-1.0, where=np.isfinite(array)))
                largest[element.object] = max(largest.get(element.object, (-1.0, "")), (index, entry.name))
        for name, (index, teller) in largest.items():
            if index >= 0:
                self._take_largest(name, index, teller, _indices(name, entries, arrays))

    def _take_largest(self, name: str, index: float, teller: str, used: np.ndarray) -> None:
        """Size an object by the largest index into it; `used` are all, sorted."""
        size = f"{index + 1:.0f}"
        if index >= LARGEST_SIZE:
            message = f"`{teller}` must be an index into `{name}`, but goes to {index:g}."
            self._report(NOT_A_MEMBER, message, teller)
        elif index > FEW_ELEMENTS and len(used) * MOST_UNUSED < index:
            message = (
                f"`{teller}` goes to {index:.0f}, so `{name}` would have {size} elements, of which the data "
                f"use {len(used)}. If the numbers are names, give text in their place; if they are indices, "
                f'give `"{name}": {size}` as well.'
            )
            self._report(NOT_A_MEMBER, message, teller)
        else:
            self.sizes[name] = int(index) + 1
            if len(used) == index and used[0] == 1:
                self.notes.append(
                    f"No row of `{teller}` is 0, the first of the {size} elements of `{name}`: if it counts "
                    "from 1, as Stan and R do, take 1 off, or give names."
                )

    def multiply_products(self) -> None:
        """Size the products whose factors are sized."""
        for name, entry in self.objects.items():
            if (
                entry.finite
                and entry.factors
                and name not in self.sizes
                and all(factor in self.sizes for factor in entry.factors)
            ):
                self.sizes[name] = math.prod(self.sizes[factor] for factor in entry.factors)

    def _report_size(self, entry: Input, axes: Sequence[Axis], shape: Sequence[int], axis: Axis) -> None:
        count = shape[axes.index(axis)]
        expected = [self.sizes.get(axis.object, n) for axis, n in zip(axes, shape, strict=True)]
        teller = self.told_by.get(axis.object)
        if len(axes) > 1 and list(reversed(shape)) == expected:
            message = (
                f"`{entry.name}` is {shape_text(shape)}, but {axes_text(axes)} is {shape_text(expected)}: "
                "its axes are in the other order."
            )
            self._report(WRONG_SIZE, message, entry.name)
        elif teller is not None:
            unit = "values" if len(axes) == 1 else "rows" if axis == axes[0] else "entries"
            message = f"`{entry.name}` has {count_text(count, unit)} for `{axis.object}`, but `{teller}` has "
            self._report(DISAGREEMENT, f"{message}{self.sizes[axis.object]}.", entry.name)
        elif len(axes) == 1:
            message = f"`{entry.name}` has {count_text(count, 'values')}, but `{axis.object}` has "
            declared = self.objects.get(axis.object)
            fixed = declared is not None and declared.finite and declared.size is not None and count > 0
            advice = (
                f", as the program says: `object {axis.object} : FinSet` lets the data give its size"
                if fixed
                else ""
            )
            self._report(WRONG_SIZE, f"{message}{self.sizes[axis.object]}{advice}.", entry.name)
        else:
            message = (
                f"`{entry.name}` is {shape_text(shape)}, but {axes_text(axes)} is {shape_text(expected)}."
            )
            self._report(WRONG_SIZE, message, entry.name)

    def _report(self, code: str, message: str, name: str) -> None:
        self.problems.append(DataProblem(code, message, name))


def _indices(name: str, entries: Sequence[Input], arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The different indices into an object, from all inputs."""
    found = [
        np.unique(arrays[entry.name])
        for entry in entries
        if isinstance(entry.type.element, Member) and entry.type.element.object == name
    ]
    indices: np.ndarray = np.unique(np.concatenate(found))
    return np.asarray(indices[np.isfinite(indices)])


def _whole(value: Any) -> int | None:
    """A whole number of Python, NumPy or torch, which may be alone in a list, as R writes it."""
    try:
        value = value.tolist() if hasattr(value, "tolist") else value
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        return None if isinstance(value, bool) else operator.index(value)
    except (TypeError, RuntimeError):
        return None
