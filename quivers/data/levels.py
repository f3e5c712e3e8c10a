"""The names of an object's elements: from the data's own list of them, or from the inputs that use them.

Names that no list puts in an order are sorted, by Unicode, so that an element's place depends neither on the
order of the rows nor on that of the inputs.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from quivers.check.program import Checked, Input
from quivers.data.codes import DISAGREEMENT, NOT_A_MEMBER, WRONG_SIZE
from quivers.data.column import Column, Kind
from quivers.data.pieces import floats
from quivers.data.sizes import Sizing
from quivers.data.wording import count_text, row_text
from quivers.errors import DataProblem
from quivers.families.support import Member

NAMES_IN_A_NOTE = 3


class Naming:
    """The names of objects' elements as inputs use them, each with a number while not all are known.

    `settle` puts the final numbers in the inputs' arrays. `levels` then has each object's names in order.
    """

    def __init__(self, checked: Checked, data: Mapping[str, Any], problems: list[DataProblem]) -> None:
        self.problems = problems
        self.levels: dict[str, tuple[str, ...]] = {}
        self.notes: list[str] = []
        self._numbers: dict[str, dict[str, int]] = {}
        self._orders: dict[str, list[tuple[str, ...] | None]] = {}
        self._users: dict[str, list[str]] = {}
        self._refused: set[str] = set()  # objects whose list of names is wrong
        for name, entry in checked.objects.items():
            if entry.finite and name in data and (names := _listed(data[name])) is not None:
                self._take_list(name, names)
        self.listed = frozenset(self.levels)

    def _take_list(self, name: str, names: tuple[str, ...]) -> None:
        if len(set(names)) == len(names):
            self.levels[name] = names
            return
        twice = next(text for place, text in enumerate(names) if text in names[:place])
        rows = [row for row, text in enumerate(names, 1) if text == twice]
        message = (
            f"The list of `{name}`'s names has {_quoted(twice)} twice, at places {rows[0]} and {rows[1]}."
        )
        self.problems.append(DataProblem(WRONG_SIZE, message, name))
        self._refused.add(name)

    def number(self, entry: Input, texts: Sequence[str | None]) -> np.ndarray:
        """Numbers for the names that an input gives, NaN for None; float64 with the axes of `texts`."""
        numbers = self._used(entry, None)
        return floats([math.nan if t is None else numbers.setdefault(t, len(numbers)) for t in texts])

    def number_column(self, entry: Input, column: Column) -> np.ndarray:
        """Numbers for the names in a column of text; float64 with the axis row."""
        numbers = self._used(entry, column.levels if column.ordered else None)
        levels = column.levels
        if not column.ordered and len(levels) > 0:
            used = np.bincount(column.values[~column.missing].astype(np.intp), minlength=len(levels)) > 0
            levels = tuple(level for level, is_used in zip(levels, used, strict=True) if is_used)
        for level in levels:
            numbers.setdefault(level, len(numbers))
        coded = np.array([*(numbers.get(level, -1) for level in column.levels), math.nan], dtype=np.float64)
        return np.asarray(coded[np.where(column.missing, len(column.levels), column.values).astype(np.intp)])

    def _used(self, entry: Input, order: tuple[str, ...] | None) -> dict[str, int]:
        element = entry.type.element
        assert isinstance(element, Member), "only an index into an object is given by name"
        self._users.setdefault(element.object, []).append(entry.name)
        self._orders.setdefault(element.object, []).append(order)
        return self._numbers.setdefault(element.object, {})

    def settle(
        self,
        entries: Sequence[Input],
        arrays: dict[str, np.ndarray],
        sizing: Sizing,
        groups: Mapping[str, Input],
    ) -> None:
        """Give each name its place among its object's, and the object its size if nothing has told it.

        The inputs in `groups` have their elements' names beside them in a table.
        """
        by_place = [entry for entry in entries if entry.name not in groups]
        for name, numbers in self._numbers.items():
            indices = [
                entry
                for entry in entries
                if isinstance(entry.type.element, Member) and entry.type.element.object == name
            ]
            users = [entry for entry in indices if entry.name in self._users[name]]
            if not users:
                continue
            if not self._mixed(name, users[0], indices):
                self._order(name, by_place, users, arrays, sizing)
            # After a problem 0 stands for what has no place, so that nothing more is said of it.
            place = {text: number for number, text in enumerate(self.levels.get(name, ()))}
            final = np.array([*(place.get(text, 0) for text in numbers), math.nan], dtype=np.float64)
            for entry in users:
                array = arrays[entry.name]
                arrays[entry.name] = final[np.where(np.isnan(array), len(numbers), array).astype(np.intp)]

    def _order(
        self,
        name: str,
        entries: Sequence[Input],
        users: Sequence[Input],
        arrays: Mapping[str, np.ndarray],
        sizing: Sizing,
    ) -> None:
        """Settle the names of one object, and report those that can't be."""
        if name in self.levels:
            for entry in users:
                self._check_names(name, entry, arrays[entry.name])
            return
        if name in self._refused:
            return
        orders = set(self._orders[name])
        chosen = orders.pop() if len(orders) == 1 else None
        names = chosen or tuple(sorted(self._numbers[name]))
        if self._sized(name, len(names), users, arrays, sizing):
            self.levels[name] = names
            if chosen is None:
                self._note_order(name, entries, arrays)

    def _mixed(self, name: str, by_name: Input, indices: Sequence[Input]) -> bool:
        by_number = [entry for entry in indices if entry.name not in self._users[name]]
        for entry in by_number:
            message = (
                f"`{entry.name}` gives `{name}` by number, but `{by_name.name}` by name: "
                "give both in the same way."
            )
            self.problems.append(DataProblem(DISAGREEMENT, message, entry.name))
        return bool(by_number)

    def _check_names(self, name: str, entry: Input, array: np.ndarray) -> None:
        """Every name that an input uses must be in the list of them."""
        known = set(self.levels[name])
        texts = list(self._numbers[name])
        strange = [number for number, text in enumerate(texts) if text not in known]
        wrong = np.isin(array, strange)
        if not wrong.any():
            return
        first = int(np.argmax(wrong))
        text = texts[int(array.reshape(-1)[first])]
        near = difflib.get_close_matches(text, self.levels[name], n=1)
        meant = f"; did you mean {_quoted(near[0])}?" if near else "."
        place = row_text(first, array.shape, entry.type.axes)
        message = (
            f"`{entry.name}` must be one of the {count_text(len(known), 'names')} of `{name}`: "
            f"{place} is {_quoted(text)}{meant}"
        )
        self.problems.append(DataProblem(NOT_A_MEMBER, message, entry.name))

    def _sized(
        self,
        name: str,
        count: int,
        users: Sequence[Input],
        arrays: Mapping[str, np.ndarray],
        sizing: Sizing,
    ) -> bool:
        """Whether there are as many names as the object has elements; told as its size where nobody knew."""
        entry = users[0]
        size = sizing.sizes.get(name)
        if size is None:
            sizing.sizes[name] = count
            sizing.told_by[name] = entry.name
            return True
        if size == count:
            return True
        teller = sizing.told_by.get(name)
        code = WRONG_SIZE if teller is None else DISAGREEMENT
        has = f"`{name}` has {size}" if teller is None else f"`{teller}` has {size} values for `{name}`"
        names = count_text(count, "different names")
        if count < size:
            message = f"`{entry.name}` has {names}, but {has}"
            advice = f'; name all of them in the data, as in `"{name}": ["…"]`.' if teller is None else "."
            self.problems.append(DataProblem(code, message + advice, entry.name))
            return False
        extra = list(self._numbers[name])[size]
        for user in users:
            array = arrays[user.name]
            wrong = array == size  # the names are numbered in the order in which they come
            if wrong.any():
                place = row_text(int(np.argmax(wrong)), array.shape, user.type.axes)
                message = (
                    f"`{user.name}` has {names}, but {has}: {_quoted(extra)} in {place} is one too many."
                )
                self.problems.append(DataProblem(NOT_A_MEMBER, message, user.name))
                return False
        message = f"`{entry.name}` has {names}, but {has}."
        self.problems.append(DataProblem(code, message, entry.name))
        return False

    def _note_order(self, name: str, entries: Sequence[Input], arrays: Mapping[str, np.ndarray]) -> None:
        """Tell by which order values without names belong to the elements."""
        by_place = [
            f"`{entry.name}`"
            for entry in entries
            if entry.name in arrays and any(axis.object == name for axis in entry.type.axes)
        ]
        if by_place and len(self.levels[name]) > 1:
            names = self.levels[name]
            first = ", ".join(names[:NAMES_IN_A_NOTE]) + (", …" if len(names) > NAMES_IN_A_NOTE else "")
            verb = "is" if len(by_place) == 1 else "are"
            self.notes.append(
                f"{' and '.join(by_place)} {verb} taken to be in the order of `{name}`'s names: {first}."
            )


def _listed(value: Any) -> tuple[str, ...] | None:
    """The names that the data list under an object's own name; None for anything else."""
    if isinstance(value, Column):
        value = value.named or value
        every = value.kind is Kind.TEXT and not value.missing.any() and len(value.levels) == value.rows
        return tuple(value.text(row) for row in range(value.rows)) if every else None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple) and value and all(isinstance(item, str) for item in value):
        return tuple(map(str, value))
    return None


def _quoted(text: str) -> str:
    return json.dumps(text[:40] + "…" if len(text) > 40 else text, ensure_ascii=False)
