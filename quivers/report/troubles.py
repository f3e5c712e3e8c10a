"""What went wrong in a run: a sentence each, why it matters, what mends it, and where the page shows it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from quivers.explanations import page as explanation
from quivers.ide.troubles import CODES

# The section of the page that shows each kind of trouble.
SHOWN_IN = {
    "divergences": "pairs",
    "r_hat": "chains",
    "ess": "chains",
    "e_bfmi": "energy",
    "stuck": "chains",
}
TITLES = {"pairs": "Pairs", "chains": "Chains", "energy": "Energies"}
_CODE = re.compile(r"`([^`]+)`")


def troubles(result: Mapping[str, Any], sections: Sequence[str]) -> str:
    """The troubles of a run as HTML, linked to those of the page's `sections` that show them."""
    found = result["troubles"]
    if not found and all(row["r_hat"] is None for row in result["summary"].values()):
        return '<p class="unknown">The run has too few draws to tell whether it is sound.</p>'
    if not found:
        alone = ", though one chain can't show whether several would agree" if result["chains"] == 1 else ""
        return f'<p class="sound">The run shows no sign of trouble{alone}.</p>'
    return f'<div class="troubles">{"".join([_trouble(each, sections) for each in found])}</div>'


def _trouble(trouble: Mapping[str, Any], sections: Sequence[str]) -> str:
    code = CODES.get(trouble["kind"])
    if code is None:
        return f'<section class="trouble"><h3>{escape(trouble["message"])}</h3></section>'
    title, parts = _explained(code)
    said = "".join(
        [
            f"<div><h4>{heading}</h4>{''.join([f'<p>{_with_code(each)}</p>' for each in paragraphs])}</div>"
            for heading, paragraphs in parts.items()
        ]
    )
    place = SHOWN_IN.get(trouble["kind"])
    link = f' <a href="#{place}">See {TITLES[place]}.</a>' if place in sections and place is not None else ""
    return (
        f'<section class="trouble"><h3>{escape(title)} <span class="code">{code}</span></h3>'
        f"<p><strong>{_with_code(trouble['message'])}</strong>{link}</p>"
        f'<div class="explained">{said}</div></section>'
    )


def _explained(code: str) -> tuple[str, dict[str, list[str]]]:
    """The title of a code's page, and the paragraphs under each heading, without its programs."""
    parts: dict[str, list[str]] = {"Why it matters": [], "How to mend it": []}
    title, heading, fenced = code, "", False
    paragraph: list[str] = []
    for line in [*explanation(code).splitlines(), ""]:
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            continue
        elif line.startswith("# "):
            title = line.partition(": ")[2]
        elif line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line:
            paragraph.append(line)
        elif paragraph:
            if heading in parts:
                parts[heading].append(" ".join(paragraph))
            paragraph = []
    return title, parts


def _with_code(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text))
