"""Reverse-mode differentiation, graph to graph: the gradient comes out as more nodes of the same graph.

An adjoint may lack axes of the node it belongs to: along those it is constant. So the adjoint of a sum's
argument is the sum's own adjoint, and nothing is broadcast before an operation needs it
(Griewank and Walther, Evaluating Derivatives, 2008, chapter 3).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping

from quivers.ir.graph import CONDITIONS, Builder, Node
from quivers.ir.matrix_adjoints import factored, gathered, scattered, solved, summed_up
from quivers.ir.scan_adjoint import adjoint_of_scan
from quivers.ir.simplify import apply, needed, reduce, scaled_by_size

Adjoint = Callable[[Builder, int, Node, int], tuple[tuple[int, int], ...]]

TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def differentiate(
    builder: Builder, output: int, wanted: Iterable[int], adjoint_of_output: int | None = None
) -> dict[int, int]:
    """Nodes of the derivatives of `output` (no axes) with respect to each of `wanted`, added to `builder`.

    With `adjoint_of_output`, those of the sum of its products with `output`, which may then have axes. A
    derivative may lack axes of its node, along which it is constant; it has no others.
    """
    wanted = tuple(wanted)
    nodes = builder.nodes
    active = _active(nodes, output, wanted)
    adjoints = {output: builder.constant(1.0) if adjoint_of_output is None else adjoint_of_output}
    for number in sorted(active, reverse=True):
        adjoint = adjoints.get(number)
        node = nodes[number]
        if adjoint is None or not node.args or number in wanted:
            continue
        for arg, contribution in _RULES[node.op](builder, number, node, adjoint):
            if arg in active:
                part = _reduced(builder, contribution, node, arg)
                before = adjoints.get(arg)
                adjoints[arg] = part if before is None else apply(builder, "add", before, part)
    return {number: adjoints.get(number, builder.constant(0.0)) for number in wanted}


def _active(nodes: list[Node], output: int, wanted: tuple[int, ...]) -> set[int]:
    """The nodes that `output` needs and that depend on one of `wanted`."""
    active: set[int] = set()
    for number in needed(nodes, [output]):
        if number in wanted or any(arg in active for arg in nodes[number].args):
            active.add(number)
    return active


def _reduced(builder: Builder, contribution: int, node: Node, arg: int) -> int:
    """Sum a contribution over the axes that the operation broadcast its argument along."""
    if node.op in _OWN_AXES:
        return contribution
    target = builder.axes(arg)
    broadcast = [axis for axis in node.axes if axis not in target]
    have = builder.axes(contribution)
    summed = reduce(builder, "sum", contribution, [axis for axis in have if axis not in target])
    return scaled_by_size(builder, summed, [axis for axis in broadcast if axis not in have])


# --------------------------------------------------------------------- rules


def _unary(derivative: Callable[[Builder, int, int], int]) -> Adjoint:
    """A rule from f′, given as a function of the argument and of the result."""

    def rule(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
        (x,) = node.args
        return ((x, apply(b, "mul", adjoint, derivative(b, x, number))),)

    return rule


def _one_minus(b: Builder, x: int) -> int:
    return apply(b, "sub", b.constant(1.0), x)


def _square(b: Builder, x: int) -> int:
    return apply(b, "mul", x, x)


def _over(derivative: Callable[[Builder, int, int], int]) -> Adjoint:
    """A rule for f′ = 1 / g: the adjoint is divided, which saves an operation."""

    def rule(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
        (x,) = node.args
        return ((x, apply(b, "div", adjoint, derivative(b, x, number))),)

    return rule


def _log_ndtr_slope(b: Builder, x: int, y: int) -> int:
    exponent = apply(b, "sub", apply(b, "mul", b.constant(-0.5), _square(b, x)), y)
    return apply(b, "exp", apply(b, "add", b.constant(-HALF_LOG_TWO_PI), exponent))


def _erf_slope(b: Builder, x: int, y: int) -> int:
    return apply(b, "mul", b.constant(TWO_OVER_ROOT_PI), apply(b, "exp", apply(b, "neg", _square(b, x))))


def _i0e_slope(b: Builder, x: int, y: int) -> int:
    return apply(b, "sub", apply(b, "i1e", x), apply(b, "mul", apply(b, "sign", x), y))


def _i1e_slope(b: Builder, x: int, y: int) -> int:
    """At 0, where y / x is 0 / 0, the derivative is ½."""
    at_zero = apply(b, "eq", x, b.constant(0.0))
    share = apply(b, "div", y, apply(b, "where", at_zero, b.constant(1.0), x))
    falling = apply(b, "add", apply(b, "mul", apply(b, "sign", x), y), share)
    return apply(b, "where", at_zero, b.constant(0.5), apply(b, "sub", apply(b, "i0e", x), falling))


def _nothing(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return ()


def _neg(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return ((node.args[0], apply(b, "neg", adjoint)),)


def _add(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return ((node.args[0], adjoint), (node.args[1], adjoint))


def _sub(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return ((node.args[0], adjoint), (node.args[1], apply(b, "neg", adjoint)))


def _mul(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    left, right = node.args
    if left == right:
        return ((left, apply(b, "mul", apply(b, "mul", b.constant(2.0), adjoint), left)),)
    return ((left, apply(b, "mul", adjoint, right)), (right, apply(b, "mul", adjoint, left)))


def _div(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    top, bottom = node.args
    share = apply(b, "div", adjoint, bottom)
    return ((top, share), (bottom, apply(b, "neg", apply(b, "mul", share, number))))


def _pow(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    base, exponent = node.args
    lower = apply(b, "pow", base, apply(b, "sub", exponent, b.constant(1.0)))
    slope = apply(b, "mul", exponent, lower)
    return (
        (base, apply(b, "mul", adjoint, slope)),
        (exponent, apply(b, "mul", adjoint, apply(b, "xlogy", number, base))),
    )


def _extreme(comparison: str) -> Adjoint:
    """`max` and `min`: the adjoint goes to the argument chosen, half to each where they are equal."""

    def rule(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
        left, right = node.args
        zero, half = b.constant(0.0), apply(b, "mul", b.constant(0.5), adjoint)
        equal = apply(b, "eq", left, right)

        def share(mine: int, other: int) -> int:
            chosen = apply(b, "where", apply(b, comparison, mine, other), adjoint, zero)
            return apply(b, "where", equal, half, chosen)

        return ((left, share(left, right)), (right, share(right, left)))

    return rule


def _share(b: Builder, x: int, y: int) -> int:
    """x / y, and 0 where x is 0: 0 log y is 0 for each y, also at 0."""
    zero = b.constant(0.0)
    return apply(b, "where", apply(b, "eq", x, zero), zero, apply(b, "div", x, y))


def _xlogy(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    x, y = node.args
    return (
        (x, apply(b, "mul", adjoint, apply(b, "log", y))),
        (y, apply(b, "mul", adjoint, _share(b, x, y))),
    )


def _xlog1py(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    x, y = node.args
    bottom = apply(b, "add", b.constant(1.0), y)
    return (
        (x, apply(b, "mul", adjoint, apply(b, "log1p", y))),
        (y, apply(b, "mul", adjoint, _share(b, x, bottom))),
    )


def _logaddexp(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    x, y = node.args
    difference = apply(b, "sub", x, y)
    return (
        (x, apply(b, "mul", adjoint, apply(b, "sigmoid", difference))),
        (y, apply(b, "mul", adjoint, apply(b, "sigmoid", apply(b, "neg", difference)))),
    )


def _where(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    condition, yes, no = node.args
    zero = b.constant(0.0)
    return (
        (yes, apply(b, "where", condition, adjoint, zero)),
        (no, apply(b, "where", condition, zero, adjoint)),
    )


def _below(log_density: Callable[..., int], sign: float = 1.0) -> Adjoint:
    """A rule for the log of a distribution function: its slope is the density over the function."""

    def rule(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
        share = apply(b, "exp", apply(b, "sub", log_density(b, *node.args), number))
        return ((node.args[-1], apply(b, "mul", b.constant(sign), apply(b, "mul", adjoint, share))),)

    return rule


def _log_gamma_density(b: Builder, a: int, x: int) -> int:
    power = apply(b, "xlogy", apply(b, "sub", a, b.constant(1.0)), x)
    return apply(b, "sub", apply(b, "sub", power, x), apply(b, "lgamma", a))


def _log_odds_density(b: Builder, alpha: int, beta: int, odds: int) -> int:
    total = apply(b, "add", alpha, beta)
    complete = apply(b, "add", apply(b, "lgamma", alpha), apply(b, "lgamma", beta))
    power = apply(b, "xlogy", apply(b, "sub", alpha, b.constant(1.0)), odds)
    power = apply(b, "sub", power, apply(b, "xlog1py", total, odds))
    return apply(b, "add", power, apply(b, "sub", apply(b, "lgamma", total), complete))


def _log_student_density(b: Builder, df: int, t: int) -> int:
    half = apply(b, "mul", b.constant(0.5), df)
    more = apply(b, "add", half, b.constant(0.5))
    constant = apply(b, "sub", apply(b, "lgamma", more), apply(b, "lgamma", half))
    root = apply(b, "mul", b.constant(0.5), apply(b, "log", apply(b, "mul", b.constant(math.pi), df)))
    power = apply(b, "xlog1py", more, apply(b, "div", _square(b, t), df))
    return apply(b, "sub", apply(b, "sub", constant, root), power)


def _sum(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return ((node.args[0], adjoint),)


def _prod(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    """The product of the others, which division by the element gives only where no element is 0."""
    (x,) = node.args
    zero, one = b.constant(0.0), b.constant(1.0)
    vanishes = apply(b, "eq", x, zero)
    zeros = reduce(b, "sum", apply(b, "where", vanishes, one, zero), node.over)
    filled = apply(b, "where", vanishes, one, x)
    product = reduce(b, "prod", filled, node.over)
    at_zero = apply(b, "where", apply(b, "eq", zeros, one), product, zero)
    elsewhere = apply(b, "where", apply(b, "eq", zeros, zero), apply(b, "div", product, filled), zero)
    return ((x, apply(b, "mul", adjoint, apply(b, "where", vanishes, at_zero, elsewhere))),)


def _reduced_extreme(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    """The adjoint in equal parts to the elements that attain the extreme."""
    (x,) = node.args
    one, zero = b.constant(1.0), b.constant(0.0)
    attains = apply(b, "where", apply(b, "eq", x, number), one, zero)
    share = apply(b, "div", adjoint, reduce(b, "sum", attains, node.over))
    return ((x, apply(b, "mul", share, attains)),)


def _logsumexp(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    (x,) = node.args
    return ((x, apply(b, "mul", adjoint, apply(b, "exp", apply(b, "sub", x, number)))),)


def _scan(b: Builder, number: int, node: Node, adjoint: int) -> tuple[tuple[int, int], ...]:
    return adjoint_of_scan(differentiate, b, number, node, adjoint)


_OWN_AXES = frozenset({"sum", "prod", "amax", "amin", "logsumexp", "gather", "scatter", "scan", "rscan"})

_RULES: Mapping[str, Adjoint] = {
    "neg": _neg,
    "exp": _unary(lambda b, x, y: y),
    "log": _over(lambda b, x, y: x),
    "log1p": _over(lambda b, x, y: apply(b, "add", b.constant(1.0), x)),
    "expm1": _unary(lambda b, x, y: apply(b, "add", b.constant(1.0), y)),
    "sqrt": _over(lambda b, x, y: apply(b, "mul", b.constant(2.0), y)),
    "abs": _unary(lambda b, x, y: apply(b, "sign", x)),
    "sigmoid": _unary(lambda b, x, y: apply(b, "mul", y, _one_minus(b, y))),
    "logit": _over(lambda b, x, y: apply(b, "mul", x, _one_minus(b, x))),
    "softplus": _unary(lambda b, x, y: apply(b, "sigmoid", x)),
    "tanh": _unary(lambda b, x, y: _one_minus(b, _square(b, y))),
    "erf": _unary(_erf_slope),
    "lgamma": _unary(lambda b, x, y: apply(b, "digamma", x)),
    "digamma": _unary(lambda b, x, y: apply(b, "trigamma", x)),
    "log_ndtr": _unary(_log_ndtr_slope),
    "i0e": _unary(_i0e_slope),
    "i1e": _unary(_i1e_slope),
    "sin": _unary(lambda b, x, y: apply(b, "cos", x)),
    "cos": _unary(lambda b, x, y: apply(b, "neg", apply(b, "sin", x))),
    "tan": _unary(lambda b, x, y: apply(b, "add", b.constant(1.0), _square(b, y))),
    "atan": _over(lambda b, x, y: apply(b, "add", b.constant(1.0), _square(b, x))),
    "floor": _nothing,
    "sign": _nothing,
    **dict.fromkeys(CONDITIONS, _nothing),
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "max": _extreme("gt"),
    "min": _extreme("lt"),
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "logaddexp": _logaddexp,
    "where": _where,
    "log_gamma_below": _below(_log_gamma_density),
    "log_gamma_above": _below(_log_gamma_density, -1.0),
    "log_beta_below": _below(_log_odds_density),
    "log_student_below": _below(_log_student_density),
    "sum": _sum,
    "spread": _sum,
    "prod": _prod,
    "amax": _reduced_extreme,
    "amin": _reduced_extreme,
    "logsumexp": _logsumexp,
    "scan": _scan,
    "rscan": _scan,
    "gather": gathered,
    "scatter": scattered,
    "cumsum": summed_up,
    "rcumsum": summed_up,
    "argsort": _nothing,
    "cholesky": factored,
    "solve": solved,
    "solve_transposed": solved,
}
