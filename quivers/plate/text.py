"""A plate diagram in plain text: a box for each plate, a line for each node with what it is drawn from."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from quivers.plate.clusters import Cluster, clustered
from quivers.plate.diagram import Diagram, Kind, Link, Node
from quivers.records import record

SIGNS = {
    Kind.LATENT: "○",
    Kind.OBSERVED: "●",
    Kind.DETERMINISTIC: "◎",
    Kind.INPUT: "▪",
    Kind.SCORE: "◼",
}
SUMMED_OUT = "◌"
_WIDEST = 96  # columns of what stands in a line before it is cut


@record
class Line:
    """A line of the text, and the node that it is about, if any."""

    text: str
    node: Node | None = None


def text(diagram: Diagram) -> str:
    """The lines as one text."""
    return "\n".join([line.text for line in lines(diagram)]) + "\n"


def lines(diagram: Diagram) -> list[Line]:
    """A heading, the nodes outside of plates, the plates, and what the signs in use mean."""
    top = clustered(diagram)
    read: dict[str, list[str]] = {}
    for edge in diagram.edges:
        if edge.link is Link.EARLIER:
            name = next(node.name for node in diagram.nodes if node.key == edge.source)
            read.setdefault(edge.target, []).append(name)
    heading = f"{diagram.program} : {diagram.signature}"
    found = [Line(heading), Line(""), *_within(top, read)]
    meanings = _meanings(diagram)
    if meanings:
        found += [Line(""), Line("   ".join(meanings))]
    return found


def _within(cluster: Cluster, earlier: dict[str, list[str]]) -> Iterator[Line]:
    for node in cluster.nodes:
        yield Line(_written(node, earlier.get(node.key, [])), node)
    for inner in cluster.clusters:
        yield from _box(inner, list(_within(inner, earlier)))


def _box(cluster: Cluster, content: list[Line]) -> Iterator[Line]:
    """Lines in a box with the plate's label in its lower right corner."""
    label = cluster.label
    width = max([*(columns(line.text) for line in content), columns(label) + 2])
    yield Line("╭" + "─" * (width + 2) + "╮")
    for line in content:
        yield Line(f"│ {line.text}{' ' * (width - columns(line.text))} │", line.node)
    yield Line(f"╰{'─' * (width - columns(label) - 1)} {label} ─╯")


def _written(node: Node, earlier: list[str]) -> str:
    sign = SUMMED_OUT if node.marginalised else SIGNS[node.kind]
    equals = "=" if node.kind in (Kind.DETERMINISTIC, Kind.SCORE) else "~"
    written = f"{sign} {node.name}" + (f" {equals} {node.text}" if node.text else "")
    if len(written) > _WIDEST:
        written = written[: _WIDEST - 1] + "…"
    if node.event:
        written += f"  along {' ⊗ '.join(str(axis) for axis in node.event)}"
    if earlier:
        written += f"  ↺ {', '.join(earlier)}"
    return written


def _meanings(diagram: Diagram) -> list[str]:
    words = {
        Kind.LATENT: "latent",
        Kind.OBSERVED: "observed",
        Kind.DETERMINISTIC: "deterministic",
        Kind.INPUT: "input",
        Kind.SCORE: "score",
    }
    used = {node.kind for node in diagram.nodes if not node.marginalised}
    found = [f"{SIGNS[kind]} {word}" for kind, word in words.items() if kind in used]
    if any(node.marginalised for node in diagram.nodes):
        found.append(f"{SUMMED_OUT} summed out")
    if any(edge.link is Link.EARLIER for edge in diagram.edges):
        found.append("↺ at an earlier place")
    return found


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )
