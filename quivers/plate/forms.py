"""The forms that a plate diagram can be given in, by name."""

from __future__ import annotations

from quivers.plate.diagram import Diagram

FORMS = ("svg", "dot", "mermaid", "text")
ENDINGS = {
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
}


def written(diagram: Diagram, form: str) -> str:
    """The diagram as the text of one of `FORMS`; the form asked for is the only one that is loaded."""
    match form:
        case "svg":
            from quivers.plate.svg import svg

            return svg(diagram)
        case "dot":
            from quivers.plate.dot import dot

            return dot(diagram)
        case "mermaid":
            from quivers.plate.mermaid import mermaid

            return mermaid(diagram)
        case "text":
            from quivers.plate.text import text

            return text(diagram)
    raise ValueError(f"{form!r} is none of {', '.join(FORMS)}")
