"""Trivial algebra on the density graph: constants fold, neutral elements vanish, dead nodes are dropped.

`apply` and `reduce` are the constructors that every pass uses, so a graph is simplified as it is built. They
hold to the rules of real arithmetic, not to those of NaN: `0 * x` is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from quivers.ir.graph import ALONG, CONDITIONS, MATRIX, SEQUENTIAL, Builder, Node

Fold = Callable[..., float]


def apply(builder: Builder, op: str, *args: int) -> int:
    """The elementwise operation `op`, or something simpler that equals it, with the same axes.

    A constant's own axes, which it is `spread` over, do not keep it from being simplified.
    """
    bare = tuple(_bare(builder, arg) for arg in args)
    found = _folded(builder, op, bare)
    rule = _RULES.get(op)
    if found is None and rule is not None:
        found = rule(builder, *bare)
    if found is None:
        found = builder.apply(op, *bare)
    return spread(builder, found, tuple(dict.fromkeys(axis for arg in args for axis in builder.axes(arg))))


def _bare(builder: Builder, number: int) -> int:
    """The constant that a node spreads over axes; any other node itself."""
    node = builder.nodes[number]
    if node.op == "spread" and builder.nodes[node.args[0]].op == "constant":
        return node.args[0]
    return number


def reduce(builder: Builder, op: str, arg: int, over: Iterable[str]) -> int:
    """The reduction over those of `over` that `arg` has."""
    over = tuple(over)
    node = builder.nodes[arg]
    if node.op == "spread" and op == "sum":
        kept = builder.nodes[node.args[0]]
        added = [axis for axis in node.over if axis in over]
        if added:
            inner = reduce(builder, op, node.args[0], [axis for axis in over if axis in kept.axes])
            inner = spread(builder, inner, [axis for axis in node.axes if axis not in over])
            return scaled_by_size(builder, inner, added)
    if op == "sum" and node.op == "neg":
        return apply(builder, "neg", reduce(builder, op, node.args[0], over))
    if op == "sum" and node.op == "mul":
        for factor, other in (node.args, node.args[::-1]):
            if builder.nodes[factor].op == "constant" and builder.axes(other) == node.axes:
                return apply(builder, "mul", factor, reduce(builder, op, other, over))
    return builder.reduce(op, arg, over)


def spread(builder: Builder, arg: int, axes: Sequence[str]) -> int:
    """`arg` broadcast to `axes`, of which it has some; itself where it has all."""
    have = builder.axes(arg)
    added = tuple(axis for axis in axes if axis not in have)
    if not added:
        return arg
    return builder.add(Node("spread", (arg,), tuple(axes), over=added))


def gather(builder: Builder, value: int, index: int, axis: str) -> int:
    """`value` read along `axis` at `index`; the index's axes take the place of that axis."""
    have = builder.axes(value)
    if axis not in have:  # the same wherever it is read
        return spread(builder, value, tuple(dict.fromkeys((*have, *builder.axes(index)))))
    node = builder.nodes[index]
    if node.op == "iota" and node.name == axis:
        return value
    rest = [kept for kept in have if kept != axis]
    added = [new for new in builder.axes(index) if new not in rest]
    place = have.index(axis)
    axes = (*have[:place], *added, *have[place + 1 :])
    return builder.add(Node("gather", (value, index), axes, name=axis))


def scaled_by_size(builder: Builder, arg: int, axes: Iterable[str]) -> int:
    """`arg` times the number of elements of `axes`: the sum over axes along which it is constant."""
    for axis in axes:
        arg = apply(builder, "mul", builder.size(axis), arg)
    return arg


def total(builder: Builder, arg: int, axes: Iterable[str]) -> int:
    """The sum of `arg` over all of `axes`, also over those that it does not have."""
    axes = tuple(axes)
    have = builder.axes(arg)
    summed = reduce(builder, "sum", arg, [axis for axis in axes if axis in have])
    return scaled_by_size(builder, summed, [axis for axis in axes if axis not in have])


def substitute(
    builder: Builder, nodes: Sequence[Node], wanted: Iterable[int], given: Mapping[int, int]
) -> dict[int, int]:
    """Rebuild what `wanted` needs of `nodes` in `builder`, taking the nodes `given` as they are.

    Returns where each rebuilt node ended; it is simplified on the way, and what nothing needs stays out.
    """
    placed = dict(given)
    for number in needed(nodes, wanted, stop=given):
        if number not in placed:
            placed[number] = rebuilt(builder, nodes[number], placed)
    return placed


def rebuilt(builder: Builder, node: Node, placed: Mapping[int, int]) -> int:
    """One node with its arguments where `placed` says."""
    args = tuple(placed[arg] for arg in node.args)
    if node.op in {"sum", "prod", "amax", "amin", "logsumexp"}:
        # An argument may have lost axes on the way: sums over those count their elements.
        if node.op == "sum":
            return total(builder, args[0], node.over)
        have = builder.axes(args[0])
        return reduce(
            builder, node.op, spread(builder, args[0], tuple(dict.fromkeys((*have, *node.over)))), node.over
        )
    if node.op == "spread":
        return spread(builder, args[0], node.axes)
    if node.op == "size":
        return builder.size(node.name or "")
    if node.op == "gather" and node.name not in builder.axes(args[0]):
        return spread(builder, args[0], node.axes)
    if not args or node.op in {"gather", "scatter"}:
        return builder.add(replace(node, args=args))
    if node.op in ALONG | MATRIX | SEQUENTIAL:
        return builder.add(replace(node, args=_widened(builder, node, args)))
    return apply(builder, node.op, *args)


def _widened(builder: Builder, node: Node, args: tuple[int, ...]) -> tuple[int, ...]:
    """Arguments with the axes that an operation needs them to have, though they are constant along them."""
    if node.op in ALONG:
        needs: list[tuple[str, ...]] = [node.axes]
    elif node.op == "cholesky":
        needs = [node.axes]
    elif node.op in MATRIX:
        # The axes that neither argument has any more are plates that nothing depends on.
        have = (*builder.axes(args[0]), *builder.axes(args[1]))
        needs = [node.over, (*(axis for axis in node.axes if axis not in have), node.over[0])]
    else:
        assert node.body is not None, "a scan has a body"
        needs = [tuple(axis for axis in node.axes if axis != node.name), *((),) * (len(args) - 1)]
        for inner in node.body.nodes:
            if inner.op == "outer":
                place = int(inner.name or "")
                needs[place] = tuple(dict.fromkeys((*needs[place], *inner.axes)))
    return tuple(
        spread(builder, arg, tuple(dict.fromkeys((*builder.axes(arg), *axes))))
        for arg, axes in zip(args, needs, strict=True)
    )


def needed(nodes: Sequence[Node], wanted: Iterable[int], stop: Iterable[int] = ()) -> list[int]:
    """The nodes that `wanted` depends on, itself included, each after those it uses; none behind `stop`."""
    stops = set(stop)
    seen: set[int] = set()
    stack = list(wanted)
    while stack:
        number = stack.pop()
        if number in seen:
            continue
        seen.add(number)
        if number not in stops:
            stack.extend(nodes[number].args)
    return sorted(seen)


def depends_on(nodes: Sequence[Node], leaves: frozenset[str]) -> list[bool]:
    """For each node, whether it depends on a leaf whose operation is in `leaves`."""
    result: list[bool] = []
    for node in nodes:
        result.append(node.op in leaves or any(result[arg] for arg in node.args))
    return result


# ------------------------------------------------------------------- folding


def _lgamma(x: float) -> float:
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


def _softplus(x: float) -> float:
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x)) if x >= 0 else math.exp(x) / (1.0 + math.exp(x))


_FOLDS: Mapping[str, Fold] = {
    "neg": lambda a: -a,
    "exp": math.exp,
    "log": lambda a: -math.inf if a == 0 else math.log(a),
    "log1p": lambda a: -math.inf if a == -1 else math.log1p(a),
    "expm1": math.expm1,
    "sqrt": math.sqrt,
    "abs": abs,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "tanh": math.tanh,
    "erf": math.erf,
    "lgamma": _lgamma,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "atan": math.atan,
    "floor": lambda a: float(math.floor(a)),
    "sign": lambda a: float((a > 0) - (a < 0)),
    "not": lambda a: float(not a),
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "pow": math.pow,
    "max": max,
    "min": min,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "gt": lambda a, b: float(a > b),
    "ge": lambda a, b: float(a >= b),
    "eq": lambda a, b: float(a == b),
    "ne": lambda a, b: float(a != b),
    "and": lambda a, b: float(bool(a) and bool(b)),
    "or": lambda a, b: float(bool(a) or bool(b)),
}


def _folded(builder: Builder, op: str, args: tuple[int, ...]) -> int | None:
    """The value of an operation on constants; None where one is no constant or the value is not finite."""
    fold = _FOLDS.get(op)
    values = [builder.nodes[arg].value for arg in args]
    if fold is None or op in CONDITIONS or any(value is None for value in values):
        return None
    try:
        result = fold(*values)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None  # torch decides what it is: an infinity or NaN
    return None if math.isnan(result) else builder.constant(result)


# --------------------------------------------------------------------- rules


def _constant(builder: Builder, number: int) -> float | None:
    return builder.nodes[number].value if builder.nodes[number].op == "constant" else None


def _argument_of(builder: Builder, number: int, op: str) -> int | None:
    node = builder.nodes[number]
    return node.args[0] if node.op == op else None


def _neg(builder: Builder, a: int) -> int | None:
    node = builder.nodes[a]
    if node.op == "neg":
        return node.args[0]
    if node.op == "sub":
        return apply(builder, "sub", node.args[1], node.args[0])
    if node.op == "mul":
        factor = _constant(builder, node.args[0])
        if factor is not None:
            return apply(builder, "mul", builder.constant(-factor), node.args[1])
    return None


def _add(builder: Builder, a: int, b: int) -> int | None:
    if _constant(builder, a) == 0:
        return b
    if _constant(builder, b) == 0:
        return a
    if _constant(builder, b) is not None:
        # Two constants without a sum are ∞ and −∞.
        return apply(builder, "add", b, a) if _constant(builder, a) is None else None
    negated = _argument_of(builder, b, "neg")
    if negated is not None:
        return apply(builder, "sub", a, negated)
    negated = _argument_of(builder, a, "neg")
    if negated is not None:
        return apply(builder, "sub", b, negated)
    outer, inner = _constant(builder, a), builder.nodes[b]
    if outer is not None and inner.op == "add":
        constant = _constant(builder, inner.args[0])
        if constant is not None:
            return apply(builder, "add", builder.constant(outer + constant), inner.args[1])
    return None


def _sub(builder: Builder, a: int, b: int) -> int | None:
    if _constant(builder, b) == 0:
        return a
    if _constant(builder, a) == 0:
        return apply(builder, "neg", b)
    constant = _constant(builder, b)
    if constant is not None:
        return apply(builder, "add", builder.constant(-constant), a)
    negated = _argument_of(builder, b, "neg")
    if negated is not None:
        return apply(builder, "add", a, negated)
    logistic = _argument_of(builder, b, "sigmoid")
    if logistic is not None and _constant(builder, a) == 1:
        return apply(builder, "sigmoid", apply(builder, "neg", logistic))
    return None


def _mul(builder: Builder, a: int, b: int) -> int | None:
    factor = _constant(builder, a)
    if _constant(builder, b) is not None:
        return apply(builder, "mul", b, a) if factor is None else None
    if factor is None:
        for left, right in ((a, b), (b, a)):
            negated = _argument_of(builder, left, "neg")
            if negated is not None:
                return apply(builder, "neg", apply(builder, "mul", negated, right))
        return None
    if factor == 0:
        return a
    if factor == 1:
        return b
    inner = builder.nodes[b]
    if inner.op == "neg":
        return apply(builder, "mul", builder.constant(-factor), inner.args[0])
    if factor == -1:
        return apply(builder, "neg", b)
    if inner.op == "mul":
        constant = _constant(builder, inner.args[0])
        if constant is not None:
            return apply(builder, "mul", builder.constant(factor * constant), inner.args[1])
    return None


def _div(builder: Builder, a: int, b: int) -> int | None:
    if _constant(builder, b) == 1:
        return a
    if _constant(builder, a) == 0:
        return a
    negated = _argument_of(builder, a, "neg")
    if negated is not None:
        return apply(builder, "neg", apply(builder, "div", negated, b))
    return None


def _pow(builder: Builder, a: int, b: int) -> int | None:
    exponent = _constant(builder, b)
    if exponent == 0:
        return builder.constant(1.0)
    if exponent == 1:
        return a
    if exponent == 2:
        return apply(builder, "mul", a, a)
    if exponent == 0.5:
        return apply(builder, "sqrt", a)
    if exponent == -1:
        return apply(builder, "div", builder.constant(1.0), a)
    return None


def _log(builder: Builder, a: int) -> int | None:
    exponent = _argument_of(builder, a, "exp")
    if exponent is not None:
        return exponent
    logistic = _argument_of(builder, a, "sigmoid")
    if logistic is not None:
        return apply(builder, "neg", apply(builder, "softplus", apply(builder, "neg", logistic)))
    return None


def _log1p(builder: Builder, a: int) -> int | None:
    negated = _argument_of(builder, a, "neg")
    logistic = _argument_of(builder, negated, "sigmoid") if negated is not None else None
    if logistic is not None:
        return apply(builder, "neg", apply(builder, "softplus", logistic))
    return None


def _logit(builder: Builder, a: int) -> int | None:
    return _argument_of(builder, a, "sigmoid")


def _xlogy(builder: Builder, a: int, b: int) -> int | None:
    if _constant(builder, a) == 0:
        return a
    if _constant(builder, a) == 1:
        return apply(builder, "log", b)
    exponent = _argument_of(builder, b, "exp")
    if exponent is not None:
        return apply(builder, "mul", a, exponent)
    if _argument_of(builder, b, "sigmoid") is not None:
        return apply(builder, "mul", a, apply(builder, "log", b))
    return None


def _xlog1py(builder: Builder, a: int, b: int) -> int | None:
    if _constant(builder, a) == 0:
        return a
    if _constant(builder, a) == 1:
        return apply(builder, "log1p", b)
    negated = _argument_of(builder, b, "neg")
    if negated is not None and _argument_of(builder, negated, "sigmoid") is not None:
        return apply(builder, "mul", a, apply(builder, "log1p", b))
    return None


def _where(builder: Builder, condition: int, yes: int, no: int) -> int | None:
    if yes == no:
        return yes
    test = builder.nodes[condition]
    values = [builder.nodes[arg].value for arg in test.args]
    if test.op not in _COMPARISONS or any(value is None for value in values):
        return None
    # A comparison of constants is decided, so that nothing is computed for the branch that is never taken.
    return yes if _FOLDS[test.op](*values) else no


_COMPARISONS = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})

_RULES: Mapping[str, Callable[..., int | None]] = {
    "neg": _neg,
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "div": _div,
    "pow": _pow,
    "log": _log,
    "log1p": _log1p,
    "logit": _logit,
    "xlogy": _xlogy,
    "xlog1py": _xlog1py,
    "where": _where,
}
