"""A plate diagram in Graphviz's language; `dot -Tsvg` draws it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from quivers.plate.clusters import Cluster, clustered
from quivers.plate.diagram import Diagram, Kind, Link, Node, described
from quivers.plate.layout import family_text


def dot(diagram: Diagram) -> str:
    """The text of the DOT file."""
    lines = [
        f"digraph {_quoted(diagram.program)} {{",
        "  rankdir=TB; compound=true; newrank=true;",
        '  graph [fontname="Helvetica", fontsize=11];',
        '  node [fontname="Helvetica", fontsize=12, margin="0.08,0.04"];',
        "  edge [arrowsize=0.7];",
        *_cluster(clustered(diagram), "  ", count()),
    ]
    for edge in diagram.edges:
        style = " [style=dashed, constraint=false]" if edge.link is Link.EARLIER else ""
        lines.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{style};")
    return "\n".join([*lines, "}"]) + "\n"


def _cluster(cluster: Cluster, indent: str, numbers: count[int]) -> Iterator[str]:
    for node in cluster.nodes:
        yield f"{indent}{_quoted(node.key)} [{', '.join(_attributes(node))}];"
    for inner in cluster.clusters:
        yield f"{indent}subgraph cluster_{next(numbers)} {{"
        yield f"{indent}  label={_quoted(inner.label)}; labelloc=b; labeljust=r; style=rounded;"
        yield from _cluster(inner, f"{indent}  ", numbers)
        yield f"{indent}}}"


def _attributes(node: Node) -> Iterator[str]:
    yield f"tooltip={_quoted(described(node))}"
    if node.kind in (Kind.INPUT, Kind.SCORE):
        # Of a mark with its name beside it Graphviz would lay the name over the border of the plate.
        mark = "▪" if node.kind is Kind.INPUT else "■"
        yield f'shape=plaintext, margin="0.04,0", height=0, label={_quoted(f"{node.name}{chr(10)}{mark}")}'
        return
    family = family_text(node)
    yield f"label={_quoted(node.name + (chr(10) + family if family else ''))}"
    yield f"shape={'box' if node.discrete else 'ellipse'}"
    if node.kind is Kind.DETERMINISTIC:
        yield "peripheries=2"
    if node.kind is Kind.OBSERVED:
        yield "style=filled, fillcolor=lightgray"
    elif node.marginalised:
        yield "style=dashed"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
