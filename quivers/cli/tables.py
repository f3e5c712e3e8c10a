"""Columns of text, the first and the named ones on the left and numbers on the right."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from quivers.terminal.width import cell_width


def aligned(lines: Sequence[Sequence[str]], left: Collection[int] = (0,)) -> str:
    """The lines, each column as wide as its widest cell, two blanks between columns."""
    widths = [max(cell_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    rows = []
    for line in lines:
        cells = []
        for column, (cell, width) in enumerate(zip(line, widths, strict=True)):
            blanks = " " * (width - cell_width(cell))
            cells.append(cell + blanks if column in left else blanks + cell)
        rows.append("  ".join(cells).rstrip())
    return "\n".join(rows)
