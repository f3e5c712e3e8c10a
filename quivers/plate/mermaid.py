"""A plate diagram in Mermaid's language, which Markdown viewers draw in a fence."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from quivers.plate.clusters import Cluster, clustered
from quivers.plate.diagram import Diagram, Kind, Link, Node
from quivers.plate.layout import family_text

_CLASSES = (
    "classDef observed fill:#d3dae5,stroke:#1d2430,color:#1d2430",
    "classDef marginalised stroke-dasharray:4 3",
    "classDef input stroke:none,fill:none",
)


def mermaid(diagram: Diagram) -> str:
    """The text of the Mermaid diagram, without a fence."""
    names = {node.key: f"n{number}" for number, node in enumerate(diagram.nodes)}
    lines = ["flowchart TB", *_cluster(clustered(diagram), "  ", names, count())]
    for edge in diagram.edges:
        arrow = "-.->" if edge.link is Link.EARLIER else "-->"
        lines.append(f"  {names[edge.source]} {arrow} {names[edge.target]}")
    lines += [f"  {line}" for line in _CLASSES]
    return "\n".join(lines) + "\n"


def _cluster(cluster: Cluster, indent: str, names: dict[str, str], numbers: count[int]) -> Iterator[str]:
    for node in cluster.nodes:
        yield f"{indent}{names[node.key]}{_shape(node)}"
    for inner in cluster.clusters:
        yield f"{indent}subgraph p{next(numbers)} [{_quoted(inner.label)}]"
        yield from _cluster(inner, f"{indent}  ", names, numbers)
        yield f"{indent}end"


def _shape(node: Node) -> str:
    family = family_text(node)
    text = _quoted(node.name) if not family else _quoted(f"{node.name}\n{family}")
    if node.kind is Kind.INPUT:
        return f"[{_quoted('▪ ' + node.name)}]:::input"
    if node.kind is Kind.SCORE:
        return f"[{_quoted('◼ ' + node.name)}]:::input"
    if node.kind is Kind.DETERMINISTIC:
        return f"[[{text}]]" if node.discrete else f"((({text})))"
    shape = f"[{text}]" if node.discrete else f"([{text}])"
    if node.kind is Kind.OBSERVED:
        return f"{shape}:::observed"
    return f"{shape}:::marginalised" if node.marginalised else shape


def _quoted(text: str) -> str:
    escaped = text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
    return '"' + escaped.replace("\n", "<br>") + '"'
