"""The density graph: straight-line arithmetic over values with named axes.

A `Graph` is a list of nodes, each after the nodes it uses. It knows axes by name and never by
position or size, so the same graph serves every data set; sizes come with the data. Building the same
node twice gives the same number (common subexpressions are shared as they are made).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from quivers.families.support import REAL, Element, Interval, Space

# Operations by the shape of what they do. Every backend has one rule for each, `differentiate` one adjoint.
LEAVES = frozenset({"constant", "input", "site", "position", "iota", "size"})
UNARY = frozenset(
    {"neg", "exp", "log", "log1p", "expm1", "sqrt", "abs", "sigmoid", "logit", "softplus", "tanh", "erf",
     "lgamma", "digamma", "trigamma", "log_ndtr", "i0e", "i1e", "sin", "cos", "tan", "atan", "floor", "sign",
     "not"}
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
        "log_gamma_below",
        "log_gamma_above",
        "log_student_below",
    }
)
TERNARY = frozenset({"where", "log_beta_below"})
INCOMPLETE = frozenset({"log_gamma_below", "log_gamma_above", "log_beta_below", "log_student_below"})
"""Logs of distribution functions. They have a slope along their last argument alone: the others, the shape,
must not depend on a latent."""
ELEMENTWISE = UNARY | BINARY | TERNARY
REDUCTIONS = frozenset({"sum", "prod", "amax", "amin", "logsumexp"})  # over the axes in `over`
ALONG = frozenset({"cumsum", "rcumsum", "argsort"})  # along the axis `name`, which the result keeps
MATRIX = frozenset({"cholesky", "solve", "solve_transposed"})  # `over` are the rows' and the columns' axis
SEQUENTIAL = frozenset({"scan", "rscan"})  # along the axis `name`, by the node's `body`
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

    `cumsum` has running sums along `name`, the element itself included, `rcumsum` those from the end, and
    `argsort` the places of its argument's elements in increasing order. `cholesky(a)` is the lower triangular
    L with L Lᵀ = a, over the axes `over` = (row, column); it reads a's lower triangle. `solve(l, b)` is L⁻¹ b
    for a lower triangular l over the same axes, and `solve_transposed(l, b)` is L⁻ᵀ b: b has the axis of the
    rows, and so has the result. Where a matrix is not positive definite, or a diagonal element is 0, they
    hold NaN.

    `scan(s, a, b, …)` is the sequence s₁, s₂, … along the axis `name`, put before the state's own axes; each
    is `body` at the one before, and `s` comes before the first. `rscan` runs from the last element to the
    first. The other arguments are what the body uses from outside; one that has the axis `name` is read there
    at the element that is being worked out.
    """

    op: str
    args: tuple[int, ...] = ()
    axes: tuple[str, ...] = ()
    value: float | None = None
    name: str | None = None
    over: tuple[str, ...] = ()
    element: Element = REAL
    body: Body | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """One step of a `scan`: a graph of its own, `value` the node of the next state.

    Its leaves are constants, sizes, iotas of axes other than the scan's, `state` (the state before), and
    `outer`, whose `name` is the place of one of the scan's arguments, "1" for the first after the state. The
    state's axes are those of the scan without `name`; `value` has the same.
    """

    nodes: tuple[Node, ...]
    value: int


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
        if object_of(axis) not in self.sizes:
            return self.add(Node("size", name=axis))
        return self.constant(axis_size(axis, self.sizes))

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
class Centring:
    """How far a latent of a location-scale family is centred, by the nodes `loc_share` and `scale_share`.

    `family` is that of its value on the real line, with the nodes of its `parameters`; the latent's density
    holds under `condition` alone. `quivers.ir.centring` has the formulas.
    """

    family: str
    parameters: Mapping[str, int]
    loc_share: int
    scale_share: int
    condition: int | None = None


@dataclass(frozen=True, slots=True)
class Latent:
    """A site that is drawn. `value` is the node of its constrained value, a `site` leaf before `constrain`.

    `support` is where each number lies; where an end depends on parameters, `low` or `high` is its node.
    `space` says what the numbers along the axes `event` are together, None where each stands for itself.
    `centring` moves it between its centred and its non-centred form, None where it stays as written.
    """

    name: str
    axes: tuple[str, ...]
    value: int
    support: Interval = REAL
    low: int | None = None
    high: int | None = None
    space: Space | None = None
    event: tuple[str, ...] = ()
    centring: Centring | None = None

    @property
    def free_axes(self) -> tuple[str, ...]:
        """The axes of its unconstrained coordinates: one derived from `event` stands for them, at the end."""
        suffix = COORDINATES[self.space] if self.space is not None else None
        if suffix is None:
            return self.axes
        plates = tuple(axis for axis in self.axes if axis not in self.event)
        return (*plates, self.event[0] + suffix)


RANGE = "…"
"""Between the ends of whole numbers that a summed latent ranges over, in the name of their axis."""

INDEX = "◦"
"""After the name of an axis that an index of a `factor`, or a latent that is summed out, runs along."""

ONE_LESS = "⁻"
BELOW_DIAGONAL = "◺"
TRIANGLE = "◣"

COORDINATES: Mapping[Space, str | None] = {
    Space.ORDERED: None,
    Space.POSITIVE_ORDERED: None,
    Space.SIMPLEX: ONE_LESS,
    Space.ZERO_SUM: ONE_LESS,
    Space.CHOLESKY_CORRELATION: BELOW_DIAGONAL,
    Space.CORRELATION: BELOW_DIAGONAL,
    Space.COVARIANCE: TRIANGLE,
    Space.CHOLESKY_COVARIANCE: TRIANGLE,
}
"""For each space, what its coordinates' axis has after the event axis's name; None where it has as many."""


def axis_size(axis: str, sizes: Mapping[str, int]) -> int:
    """The number of elements of an axis, given those of objects.

    `School′` has as many as `School`, `Topic⁻` one less than `Topic`; `K◺` has as many as a K × K matrix has
    below its diagonal, and `K◣` those of the diagonal too. The whole numbers `0…40` are 41.
    """
    name = object_of(axis)
    if RANGE in name and name not in sizes:
        first, _, last = name.partition(RANGE)
        return int(last) - int(first) + 1
    count = sizes[name]
    match source_of(axis)[len(name) :].lstrip("′◦"):  # `State′⁻` is derived from `State′`
        case "":
            return count
        case "⁻":
            return count - 1
        case "◺":
            return count * (count - 1) // 2
        case "◣":
            return count * (count + 1) // 2
        case marks:
            raise ValueError(f"no axis is derived from `{name}` by `{marks}`")


def object_of(axis: str) -> str:
    """The object that an axis runs over: `School` for `School′` and for `School⁻`."""
    return axis.rstrip("′◦⁻◺◣")


def source_of(axis: str) -> str:
    """The axis that one is a copy of, and has as many elements as: `Topic⁻` for `Topic⁻′`."""
    return axis.rstrip("′◦")


@dataclass(frozen=True, slots=True)
class Term:
    """One additive term of the log density. `node` has the site's axes; the joint sums every element.

    `kind` is "prior", "likelihood", "score" or "jacobian"; `site` is the name the user wrote. Where `guard`
    does not hold, a latent's value lies outside its support and the term is −inf; on the unconstrained space
    that can't happen, and there is none. Where `counted` does not hold, `[where=…]` leaves out what is
    observed, and the term is 0.
    """

    site: str
    kind: str
    node: int
    guard: int | None = None
    counted: int | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """How a site is drawn forwards: its family's sampler and the nodes of its parameters, in program order.

    `value` is the node that holds the site's value in the density. A site that is `summed` out of the density
    is drawn for what is observed below it; `value` is then a leaf that only the parameters of draws use. What
    falls below `low` or above `high`, given as nodes, is drawn anew; `ordered` is the axis along which the
    draws increase. `events` has the axes of one draw in a vector parameter, where those are not its last.
    """

    site: str
    family: str
    form: int
    parameters: Mapping[str, int]
    axes: tuple[str, ...]
    observed: bool
    value: int | None = None
    summed: bool = False
    low: int | None = None
    high: int | None = None
    ordered: str | None = None
    events: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marginal:
    """A latent that is summed out. `weights` has the log of each term of the sum, over `axes` and `axis`.

    `axis` is what the latent ranges over, from `first` on: element k of it stands for the value `first` + k.
    """

    name: str
    axes: tuple[str, ...]
    axis: str
    weights: int
    first: int = 0


@dataclass(frozen=True, slots=True)
class Range:
    """An axis of whole numbers from `first` to the greatest element of `last`, a node of the data alone."""

    axis: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be true of the data: the condition `node`, of them alone, at each of its elements.

    Where it does not hold, `message` says so, a sentence whose `{place}` is the first such element's; the
    problem has this `code`, and is one of the input called `input`.

    A demand on single values names the node of these, `value`, and of what they are held against, `end`; the
    sentence may then have `{value}` and `{end}` there, `{more}`, how many others break it, and, where the
    values are numbers of `counts`, `{counting}`, whether they seem to count from 1. NaN breaks none of these.
    """

    node: int
    code: str
    message: str
    input: str | None = None
    value: int | None = None
    end: int | None = None
    counts: bool = False


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
    marginals: tuple[Marginal, ...] = ()
    ranges: tuple[Range, ...] = ()
    requirements: tuple[Requirement, ...] = ()
