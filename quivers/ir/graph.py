"""The density graph: straight-line arithmetic over values with named axes.

A `Graph` is a list of nodes, each after the nodes it uses. It knows axes by name and never by
position or size, so the same graph serves every data set; sizes come with the data. Building the same
node twice gives the same number (common subexpressions are shared as they are made).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from quivers.families.support import REAL, Element, Interval

# Operations by the shape of what they do. Every backend has one rule for each, `differentiate` one adjoint.
LEAVES = frozenset({"constant", "input", "site", "position", "iota", "size"})
UNARY = frozenset(
    {"neg", "exp", "log", "log1p", "expm1", "sqrt", "abs", "sigmoid", "logit", "softplus", "tanh", "erf",
     "lgamma", "digamma", "trigamma", "log_ndtr", "sin", "cos", "tan", "atan", "floor", "sign", "not"}
)  # fmt: skip
BINARY = frozenset(
    {
        "add",
        "sub",
        "mul",
        "div",
        "pow",
        "max",
        "min",
        "xlogy",
        "xlog1py",
        "logaddexp",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
        "and",
        "or",
    }
)
TERNARY = frozenset({"where"})
REDUCTIONS = frozenset({"sum", "prod", "amax", "amin", "logsumexp"})  # over the axes in `over`
STRUCTURAL = frozenset({"gather", "scatter", "spread"})
CONDITIONS = frozenset(
    {"lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not"}
)  # results that are true or false


@dataclass(frozen=True, slots=True)
class Node:
    """One operation.

    `axes` are those of its result, outermost first. `value` holds a constant's number. `name` holds an
    input's or a site's name, a `position`'s site (the unconstrained coordinates of it), or the axis of an
    `iota`, a `size` (its number of elements), a `gather` and a `scatter`. `gather(a, i)` reads `a` along that
    axis at `i` and is aligned by name everywhere else; `scatter(v, i)` is its adjoint: it adds each element
    of `v` at `i` along that axis. `over` are the axes that a reduction removes or a `spread` (broadcast to
    more axes) adds.
    """

    op: str
    args: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()
    value: float | None = None
    name: str | None = None
    over: tuple[str, ...] = ()
    element: Element = REAL


@dataclass(slots=True)
class Builder:
    """Collects nodes, sharing equal ones. The only mutable thing in `ir`; its nodes end in a `Density`.

    `sizes` are the numbers of elements of objects that are known: they become constants.
    """

    nodes: list[Node] = field(default_factory=list)
    numbers: dict[Node, int] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)

    def add(self, node: Node) -> int:
        number = self.numbers.get(node)
        if number is None:
            number = self.numbers[node] = len(self.nodes)
            self.nodes.append(node)
        return number

    def axes(self, number: int) -> tuple[str, ...]:
        return self.nodes[number].axes

    def constant(self, value: float) -> int:
        return self.add(Node("constant", value=float(value)))

    def size(self, axis: str) -> int:
        """The number of elements of an axis; `School′` has that of `School`."""
        known = self.sizes.get(axis.rstrip("′"))
        return self.add(Node("size", name=axis)) if known is None else self.constant(known)

    def apply(self, op: str, *args: int, element: Element = REAL) -> int:
        """An elementwise operation; its axes are the union of its arguments', in order of appearance."""
        axes = tuple(dict.fromkeys(axis for arg in args for axis in self.axes(arg)))
        return self.add(Node(op, args, axes, element=element))

    def reduce(self, op: str, arg: int, over: tuple[str, ...]) -> int:
        """A reduction over those of `over` that the argument has; over none of them, the argument itself."""
        present = tuple(axis for axis in self.axes(arg) if axis in over)
        if not present:
            return arg
        left = tuple(axis for axis in self.axes(arg) if axis not in over)
        return self.add(Node(op, (arg,), left, over=present))


@dataclass(frozen=True, slots=True)
class Latent:
    """A site that is drawn. `value` is the node of its constrained value, a `site` leaf before `constrain`.

    `support` is where the value lies; where an end depends on parameters, `low` or `high` is its node.
    """

    name: str
    axes: tuple[str, ...]
    value: int
    support: Interval = REAL
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One additive term of the log density. `node` has the site's axes; the joint sums every element.

    `kind` is "prior", "likelihood", "score" or "jacobian"; `site` is the name the user wrote. Where `guard`
    does not hold, a latent's value lies outside its support and the term is −inf; on the unconstrained space
    that can't happen, and there is none.
    """

    site: str
    kind: str
    node: int
    guard: int | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """How a site is drawn forwards: its family's sampler and the nodes of its parameters, in program order.

    `value` is the node that holds the site's value in the density.
    """

    site: str
    family: str
    form: int
    parameters: Mapping[str, int]
    axes: tuple[str, ...]
    observed: bool
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Density:
    """A program as a graph. `sizes` are those the file declares; the data give the others.

    `order` names the latents and the lets as the program does, one after the other.
    """

    program: str
    nodes: tuple[Node, ...]
    latents: tuple[Latent, ...]
    terms: tuple[Term, ...]
    draws: tuple[Draw, ...]
    deterministic: Mapping[str, int]
    returned: tuple[tuple[str, int], ...]
    inputs: tuple[str, ...]
    sizes: Mapping[str, int | None]
    order: tuple[str, ...] = ()
