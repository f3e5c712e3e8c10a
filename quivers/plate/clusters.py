"""Plates as clusters within clusters, for forms that know no overlap: DOT, Mermaid and plain text.

Where plates cross, the nodes that both hold stand in a cluster of the two, `Person ⊗ Item`.
"""

from __future__ import annotations

from collections.abc import Sequence

from quivers.check.types import Axis
from quivers.plate.diagram import Diagram, Node, Plate
from quivers.records import record


@record
class Cluster:
    """The nodes that stand in these plates and in no others besides those around, and the clusters within."""

    plates: tuple[Plate, ...]
    nodes: tuple[Node, ...]
    clusters: tuple[Cluster, ...]

    @property
    def label(self) -> str:
        """`Person (100) ⊗ Item (20)`."""
        return " ⊗ ".join([plate.label for plate in self.plates])


def clustered(diagram: Diagram) -> Cluster:
    """The whole diagram as a cluster without plates of its own."""
    plates = {plate.axis: plate for plate in diagram.plates}
    around = {node.key: _nested(node.axes, plates) for node in diagram.nodes}
    return _cluster((), diagram.nodes, around, plates)


def _nested(axes: Sequence[Axis], plates: dict[Axis, Plate]) -> frozenset[Axis]:
    """The plates of a node; one that lies within two others at once is drawn beside them."""
    found = set(axes)
    waiting = list(axes)
    while waiting:
        within = plates[waiting.pop()].within
        if len(within) == 1 and within[0].axis not in found:
            found.add(within[0].axis)
            waiting.append(within[0].axis)
    return frozenset(found)


def _cluster(
    own: tuple[Plate, ...],
    nodes: Sequence[Node],
    around: dict[str, frozenset[Axis]],
    plates: dict[Axis, Plate],
) -> Cluster:
    """A cluster of `nodes`, whose plates besides those around it are in `around`."""
    held = {axis: {node.key for node in nodes if axis in around[node.key]} for axis in plates}
    # The plates that no larger one holds; of two with the same nodes, the first.
    outer = [
        axis
        for place, (axis, mine) in enumerate(held.items())
        if mine
        and not any(
            mine < theirs or (mine == theirs and other_place < place)
            for other_place, theirs in enumerate(held.values())
        )
    ]
    parts: dict[tuple[Axis, ...], list[Node]] = {}
    for node in nodes:
        parts.setdefault(tuple(axis for axis in outer if axis in around[node.key]), []).append(node)
    free = tuple(parts.pop((), ()))
    clusters = []
    for axes, members in parts.items():
        left = {node.key: around[node.key].difference(axes) for node in members}
        clusters.append(_cluster(tuple(plates[axis] for axis in axes), members, left, plates))
    return Cluster(own, free, tuple(clusters))
