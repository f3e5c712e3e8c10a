"""Reads CSV and TSV: a header that names the columns, then one row a line.

The file is read in pieces, so that its text is never held as a whole and other threads get their turn. A cell
that is empty, `NA`, `N/A`, `NaN`, `nan` or `null` is missing. Spaces around a cell don't count.
"""

from __future__ import annotations

import csv
import math
import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from quivers.data.column import Column, Kind, large
from quivers.data.read import readable, unreadable
from quivers.data.table_faults import delimiter_fault, encoding_fault, quote_fault

MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null"))
LONGEST_LINE = 2**24
ROWS_AT_ONCE = 256
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_TRUTHS = {"true": 1.0, "TRUE": 1.0, "True": 1.0, "false": 0.0, "FALSE": 0.0, "False": 0.0}


def read(path: Path) -> dict[str, Any]:
    """The columns of a table by name; one without a name, such as row numbers that R writes, is left out.

    Raises:
        DataError: the file cannot be read or is no such table, with line, column and reason.
    """
    delimiter = _DELIMITERS[path.suffix.lower()]
    csv.field_size_limit(LONGEST_LINE)
    columns, mixed = _read(path, delimiter, frozenset())
    if mixed:  # text where numbers came first: what those were as text is only in the file
        columns, _ = _read(path, delimiter, mixed)
    rounded = frozenset(name for name, column in columns.items() if _has_large_numbers(column))
    if rounded:  # as written, they are only in the file
        as_written, _ = _read(path, delimiter, rounded)
        for name in rounded:
            columns[name] = _with_rounded(columns[name], as_written[name])
    return {name: column for name, column in columns.items() if column is not None}


def _has_large_numbers(column: Column | None) -> bool:
    return column is not None and column.kind is Kind.NUMBER and large(column.values).size > 0


def _with_rounded(column: Column | None, texts: Column | None) -> Column:
    """A column of numbers with its first whole number that is another one as float64."""
    assert column is not None
    assert texts is not None
    for row in large(column.values):
        written = texts.text(row)
        if written.lstrip("+-").isdigit() and int(written) != int(column.values[row]):
            return replace(column, rounded=(int(row), written))
    return column


def _read(
    path: Path, delimiter: str, texts: frozenset[str]
) -> tuple[dict[str, Column | None], frozenset[str]]:
    """The columns, and the names of those that hold numbers first and text later unless among `texts`."""
    with readable(path), path.open(encoding="utf-8-sig", newline="") as file:
        table = _Table(path, file, delimiter)
        try:
            names = table.header()
            builders = [_Builder(is_text=name in texts) if name else None for name in names]
            for rows in table.pieces(len(names)):
                for builder, cells in zip(builders, zip(*rows, strict=True), strict=True):
                    if builder is not None:
                        builder.add(cells)
                time.sleep(0)  # a turn for the other threads
        except UnicodeDecodeError:
            raise unreadable(encoding_fault(path)) from None
    if table.rows == 0:
        raise unreadable(f"{path} names its columns and has no rows.")
    named = [(name, builder) for name, builder in zip(names, builders, strict=True) if builder is not None]
    mixed = frozenset(name for name, builder in named if builder.is_mixed)
    return {name: builder.column() for name, builder in named}, mixed


class _Table:
    """The rows of an open file. `rows` counts those that were read after the header."""

    def __init__(self, path: Path, file: TextIO, delimiter: str) -> None:
        self.path, self.delimiter = path, delimiter
        self.rows = 0
        self._lines = 0
        self._file = file
        self._record: list[str] = []  # the lines since the last whole row
        self._rows = self._read_rows()

    def header(self) -> list[str]:
        """The names of the columns, empty where one has none."""
        first = next(((line, row) for line, row in self._rows if row), None)
        if first is None:
            raise unreadable(
                f"{self.path} is empty: its first line should name the columns, as in `y,sigma`."
            )
        line, row = first
        names = [name.strip() for name in row]
        if 2 * sum(map(_is_number, names)) >= len(names) and _is_number(names[0]):  # years may be names
            raise unreadable(
                f"{self.path}, line {line}: the first row should name the columns, "
                f"but `{names[0]}` is a number."
            )
        if names[0].startswith("#"):
            raise unreadable(
                f"{self.path}, line {line}: the first row should name the columns, but begins with `#`, as "
                "comments do: take them out."
            )
        if (fault := delimiter_fault(names, self.delimiter)) is not None:
            raise unreadable(f"{self.path}, line {line}: {fault}")
        places: dict[str, int] = {}
        for place, name in enumerate(names, 1):
            if name in places and name:
                raise unreadable(
                    f"{self.path}, line {line}: columns {places[name]} and {place} are both called `{name}`."
                )
            places[name] = place
        if not any(names):
            raise unreadable(
                f"{self.path}, line {line}: the first row should name the columns, but is blank."
            )
        return names

    def pieces(self, width: int) -> Iterator[list[list[str]]]:
        """Some rows at a time, each with `width` cells; empty lines at the end of the file don't count."""
        blank: list[int] = []
        while piece := list(islice(self._rows, ROWS_AT_ONCE)):
            rows: list[list[str]] = []
            for line, row in piece:
                if not row:
                    blank.append(line)
                    continue
                if blank:
                    if width > 1:
                        raise unreadable(
                            f"{self.path}, line {blank[0]}: this line is empty, and more follow."
                        )
                    rows.extend([""] for _ in blank)  # in a table of one column, a missing value
                    blank.clear()
                if len(row) != width:
                    cells = "1 cell" if len(row) == 1 else f"{len(row)} cells"
                    columns = "1 column" if width == 1 else f"{width} columns"
                    raise unreadable(
                        f"{self.path}, line {line}: this row has {cells}, but the header names {columns}."
                    )
                rows.append(row)
            self.rows += len(rows)
            if rows:
                yield rows

    def _read_rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row with the line that it begins on, counted from 1."""
        rows = csv.reader(self._read_lines(), delimiter=self.delimiter, strict=True)
        record = self._record
        try:
            for row in rows:
                yield self._lines - len(record) + 1, row
                record.clear()
        except csv.Error:
            line = self._lines - len(record) + 1
            raise unreadable(f"{self.path}, {quote_fault(record, line, self.delimiter)}") from None

    def _read_lines(self) -> Iterator[str]:
        record = self._record
        while line := self._file.readline(LONGEST_LINE):
            self._lines += 1
            if len(line) >= LONGEST_LINE:
                raise unreadable(
                    f"{self.path}, line {self._lines}: this line has more than {LONGEST_LINE:,} characters."
                )
            if "\0" in line:
                place = line.index("\0") + 1
                raise unreadable(
                    f"{self.path}, line {self._lines}, column {place}: a zero byte stands here, "
                    "so this is no text."
                )
            record.append(line)
            yield line


class _Builder:
    """One column as its cells come. It is of numbers until a cell is none.

    `is_mixed` tells that numbers came before the first text, so that it has to be read again as text.
    """

    def __init__(self, *, is_text: bool) -> None:
        self.is_text = is_text
        self.is_mixed = False
        self._numbers = array("d")
        self._levels: dict[str, int] = {}

    def add(self, cells: Sequence[str]) -> None:
        if self.is_mixed:
            return
        if not self.is_text:
            numbers = _numbers(cells)
            if numbers is not None:
                self._numbers.extend(numbers)
                return
            if any(not math.isnan(number) for number in self._numbers):
                self.is_mixed = True
                return
            if self._numbers:  # only missing ones so far
                self._levels[""] = 0
                self._numbers = array("d", bytes(8 * len(self._numbers)))
            self.is_text = True
        levels = self._levels
        self._numbers.extend([levels.setdefault(cell, len(levels)) for cell in map(str.strip, cells)])

    def column(self) -> Column | None:
        """The column, None while it is mixed."""
        if self.is_mixed:
            return None
        values = np.frombuffer(self._numbers, dtype=np.float64)
        if not self.is_text:
            return Column(values)
        texts = [level for level in self._levels if level not in MISSING]
        is_truth = all(text in _TRUTHS for text in texts)
        meaning = _TRUTHS if is_truth else {text: float(number) for number, text in enumerate(texts)}
        coded = np.array([meaning.get(level, math.nan) for level in self._levels])[values.astype(np.intp)]
        return Column(coded, Kind.TRUTH) if is_truth else Column(coded, Kind.TEXT, tuple(texts))


def _numbers(cells: Sequence[str]) -> list[float] | None:
    """The cells as numbers, missing ones as NaN; None where one is no number."""
    try:
        numbers = list(map(float, cells))
    except ValueError:
        try:
            numbers = [math.nan if cell.strip() in MISSING else float(cell) for cell in cells]
        except ValueError:
            return None
    written = "".join(cells)
    # Python takes 1_000 and digits of other scripts for numbers too.
    return numbers if written.isascii() and "_" not in written else None


def _is_number(text: str) -> bool:
    return text not in MISSING and _numbers((text,)) is not None
