"""Rows of figures that show themselves as a table, and sentences that show themselves as a list."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import asdict, fields, is_dataclass
from html import escape
from importlib import import_module
from typing import Any, TypeVar

from quivers.errors import QvrError
from quivers.terminal.width import cell_width, safe

RowT = TypeVar("RowT")

MOST_SHOWN = 60  # rows of a table
CELL = "text-align:right;padding:1px 8px;font-variant-numeric:tabular-nums"
TYPED = "text-align:left;padding:1px 8px;font-family:monospace;white-space:pre"
NAME = "text-align:left;padding:1px 8px"
CAPTION = "caption-side:top;text-align:left;padding:4px 8px"


class Rows(tuple[RowT, ...]):
    """Dataclasses of one kind. A tuple, which a notebook or a terminal shows as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        header, *lines = self._cells()
        return "\n".join(aligned([header, *lines[:MOST_SHOWN], *self._left_out(len(lines))]))

    def _repr_html_(self) -> str:
        header, *lines = self._cells()
        return table_html(header, [*lines[:MOST_SHOWN], *self._left_out(len(lines))])

    def to_dict(self) -> dict[str, list[Any]]:
        """The columns by name, such as `polars.DataFrame` and `pandas.DataFrame` take."""
        rows = [asdict(row) for row in self if is_dataclass(row) and not isinstance(row, type)]
        return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}

    def to_pandas(self) -> Any:
        """A pandas data frame, a row for each. Raises QvrError where pandas is not installed."""
        return _library("pandas").DataFrame(self.to_dict())

    def to_polars(self) -> Any:
        """A polars data frame, a row for each. Raises QvrError where polars is not installed."""
        return _library("polars").DataFrame(self.to_dict())

    def _cells(self) -> list[tuple[str, ...]]:
        names = [field.name for field in fields(self[0])] if self else []  # type: ignore[arg-type]
        return [tuple(names), *(tuple(_text(getattr(row, name)) for name in names) for row in self)]

    @staticmethod
    def _left_out(count: int) -> list[tuple[str, ...]]:
        return [(f"… {count - MOST_SHOWN} more rows",)] if count > MOST_SHOWN else []


class Problems(tuple[str, ...]):
    """Sentences that say what is wrong, each with what to do about it; empty where nothing was found."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join([f"warning: {each}" for each in self] or ["no problem found"])

    def _repr_html_(self) -> str:
        return problems_list(self)


def problems_list(problems: Sequence[str]) -> str:
    """A list of sentences; a sentence that there are none."""
    return warnings_html(problems) or "<p>no problem found</p>"


def warnings_html(problems: Sequence[str]) -> str:
    """A list of sentences; nothing where there are none."""
    if not problems:
        return ""
    return "<ul>" + "".join(f"<li><b>warning</b>: {escape(each)}</li>" for each in problems) + "</ul>"


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Cells as lines of text, the first column to the left; a line of one cell stands as it is."""
    whole = [line for line in lines if len(line) > 1]
    widths = [max(cell_width(cell) for cell in column) for column in zip(*whole, strict=True)]
    return ["  ".join(_padded(line, widths)) if len(line) > 1 else "".join(line) for line in lines]


def _padded(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    blanks = [" " * (width - cell_width(cell)) for cell, width in zip(line, widths, strict=True)]
    return [line[0] + blanks[0], *(blank + cell for blank, cell in zip(blanks[1:], line[1:], strict=True))]


def table_html(
    header: Sequence[str],
    lines: Sequence[Sequence[str]],
    caption: str = "",
    titles: dict[str, str] | None = None,
    typed: Collection[int] = (),
) -> str:
    """A table with its header's meaning as `titles`; a line of one cell says what is left out.

    Columns in `typed` stand to the left in letters of one width, each blank among them.
    """
    told, styles = titles or {}, [TYPED if place in typed else CELL for place in range(len(header))]
    head = "".join(
        f'<th scope="col" style="{styles[place] if place else NAME}"'
        + (f' title="{escape(told[cell])}"' if cell in told else "")
        + f">{escape(cell)}</th>"
        for place, cell in enumerate(header)
    )
    body = "".join(
        f'<tr><th scope="row" style="{NAME}">{escape(line[0])}</th>'
        + "".join(
            f'<td style="{style}">{escape(cell)}</td>'
            for style, cell in zip(styles[1:], line[1:], strict=True)
        )
        + "</tr>"
        if len(line) > 1
        else f'<tr><td colspan="{len(header)}" style="{NAME}">{escape("".join(line))}</td></tr>'
        for line in lines
    )
    named = f'<caption style="{CAPTION}">{escape(caption)}</caption>' if caption else ""
    return f"<table>{named}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _text(value: object) -> str:
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:.4g}"
    if isinstance(value, (tuple, list)):
        return ", ".join(_text(each) for each in value)
    return "–" if value is None else safe(str(value))


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise QvrError(f"This needs {name}: pip install {name} ({error}).") from None
