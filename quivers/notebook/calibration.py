"""A calibration as a notebook shows it: the table of verdicts, what they mean, and the picture of ranks."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from quivers.notebook.rows import table_html, warnings_html
from quivers.terminal.calibration import HEADER, Finding, calibration_cells, calibration_table

_MEANINGS = {
    "p": "how probable it is that uniform ranks stray as far, of the worst element",
    "beyond": "how far the ranks leave their band, as a share of the replicates",
    "ranks": "histogram of the ranks; bars are half full where ranks are uniform",
}


def verdicts_html(found: Sequence[Finding], greatest: int, caption: str = "") -> str:
    """The table of verdicts; ranks go from 0 to `greatest`."""
    return table_html(
        HEADER, calibration_cells(found, greatest), caption, _MEANINGS, typed=[HEADER.index("ranks")]
    )


def calibration_text(
    title: str, found: Sequence[Finding], greatest: int, remarks: Sequence[str], meaning: str
) -> str:
    """The title, the table, a line for each remark, and what it all means."""
    table = ["", calibration_table(found, greatest), ""] if found else []
    return "\n".join([title, *table, *(f"warning: {each}" for each in remarks), meaning])


def calibration_html(
    title: str, found: Sequence[Finding], greatest: int, remarks: Sequence[str], meaning: str, picture: str
) -> str:
    """The same in HTML, with an SVG file's text as a picture whose style stays its own."""
    table = verdicts_html(found, greatest, title) if found else f"<p>{escape(title)}</p>"
    drawn = ""
    if picture:
        data = b64encode(picture.encode()).decode("ascii")
        drawn = f'<img alt="ECDFs of ranks less uniform" src="data:image/svg+xml;base64,{data}"/>'
    said = f"{warnings_html(remarks)}<p>{escape(meaning)}</p>"
    return f'<div class="qvr-calibration">{table}{said}{drawn}</div>'
