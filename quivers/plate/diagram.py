"""What a plate diagram holds: sites as nodes, what they read as edges, and objects as plates around them.

The conventions are those of Buntine (1994) and Dietz (2010); square nodes for discrete values and double
borders for deterministic ones are those of Lee and Wagenmakers (2013).
"""

from __future__ import annotations

from enum import Enum

from quivers.check.types import Axis
from quivers.records import record
from quivers.syntax.ast import Span


class Kind(Enum):
    """What a node stands for."""

    LATENT = "latent"
    OBSERVED = "observed"
    DETERMINISTIC = "deterministic"
    INPUT = "input"
    SCORE = "score"


class Link(Enum):
    """How an edge's source enters its target: by its value there, or by that at an earlier place."""

    VALUE = "value"
    EARLIER = "earlier"


@record
class Node:
    """A site, a let, an input or a score.

    `key` is its own in the diagram; `name` is what the program calls it, with a called program's draw before
    it, as `theta.z`. `axes` are the objects that it is repeated over, `event` those that one draw runs over.
    `family` is the distribution's name where it is drawn, `text` what stands after `<-` or `=`. A
    `marginalised` latent is summed out. `span` is the place of the name in the file.
    """

    key: str
    name: str
    kind: Kind
    axes: tuple[Axis, ...]
    event: tuple[Axis, ...]
    discrete: bool
    family: str | None
    text: str | None
    marginalised: bool
    span: Span
    documentation: str | None


@record
class Edge:
    """`target` reads `source`; both are keys. An edge from a node to itself is a series' step in time."""

    source: str
    target: str
    link: Link


@record
class Plate:
    """The elements of an object, for each of which the nodes within stand once.

    `size` is None where the data decide it. `within` names the plates around it whose element an input tells:
    a Student is `within` School by `school : Student -> School`, so that the two are drawn nested.
    """

    axis: Axis
    size: int | None
    within: tuple[Within, ...]

    @property
    def label(self) -> str:
        """`School (8)`, or the object alone where the data decide its size."""
        return str(self.axis) if self.size is None else f"{self.axis} ({self.size:,})"


@record
class Within:
    """A plate around another one, and the input that maps the elements."""

    axis: Axis
    input: str


@record
class Diagram:
    """A program's plate diagram, nodes in the order of its steps with inputs before their first use.

    `around` has, for each node by its key, every plate that it stands in: its own axes, and those that they
    lie within.
    """

    program: str
    signature: str
    documentation: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    plates: tuple[Plate, ...]
    around: dict[str, tuple[Axis, ...]]


WORDS = {
    Kind.LATENT: "drawn",
    Kind.OBSERVED: "observed",
    Kind.DETERMINISTIC: "worked out",
    Kind.INPUT: "given",
    Kind.SCORE: "added to the log density",
}


def described(node: Node) -> str:
    """A node as one line of plain words, `theta ~ Normal(mu, tau), one for each School`."""
    sign = {Kind.DETERMINISTIC: "=", Kind.SCORE: "="}.get(node.kind, "~")
    parts = [f"{node.name} {sign} {node.text}" if node.text else f"{node.name}, {WORDS[node.kind]}"]
    if node.kind is Kind.OBSERVED:
        parts.append("observed")
    if node.kind is Kind.SCORE:
        parts.append("added to the log density")
    if node.marginalised:
        parts.append("summed out")
    if node.axes:
        parts.append(f"one for each {' and '.join(str(axis) for axis in node.axes)}")
    if node.event:
        parts.append(f"along {' and '.join(str(axis) for axis in node.event)}")
    return ", ".join(parts)
