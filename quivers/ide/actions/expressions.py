"""Expressions moved as text: which names they take along, where they are equal, which brackets they need."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

from quivers.check.program import Occurrence
from quivers.syntax import ast
from quivers.syntax.ast import Span

EXPRESSIONS = (
    ast.Hole,
    ast.Number,
    ast.Variable,
    ast.Call,
    ast.Unary,
    ast.Binary,
    ast.If,
    ast.Index,
    ast.Tuple,
    ast.Factor,
    ast.Scan,
)

_PARTS = (*EXPRESSIONS, ast.Argument, ast.Binder, ast.Name)

# How tightly what an operator makes holds together; the levels of the grammar, loosest first.
_LOOSEST, _OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _POWER, _TIGHTEST = range(10)
_LEVELS: Mapping[str, int] = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), _COMPARISON),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/@", _PRODUCT),
    "^": _POWER,
}
_NOISE = re.compile(rb"#[^\r\n]*|[()\[\]]|\r|\n")
_SPACE = b" \t\r\n\f\v"


# -------------------------------------------------------------------- names


def bound_around(path: tuple[object, ...]) -> dict[str, str]:
    """The names that `factor` and `scan` bind for the last node of `path`, each with its binder's word."""
    bound: dict[str, str] = {}
    for node, inner in pairwise(path):
        if isinstance(node, ast.Factor) and inner is node.body:
            bound.update((binder.name.text, "factor") for binder in node.binders)
        elif isinstance(node, ast.Scan) and inner is node.body:
            bound.update(((node.binder.name.text, "scan"), (node.state.text, "scan")))
    return bound


def free_variables(node: object, bound: frozenset[str] = frozenset()) -> Iterator[ast.Variable]:
    """The variables in a node that get their values from outside of it."""
    if isinstance(node, ast.Variable):
        if node.name not in bound:
            yield node
    elif isinstance(node, ast.Factor):
        yield from free_variables(node.body, bound | {binder.name.text for binder in node.binders})
    elif isinstance(node, ast.Scan):
        yield from free_variables(node.initial, bound)
        yield from free_variables(node.body, bound | {node.binder.name.text, node.state.text})
    else:
        for child in ast.children(node):
            yield from free_variables(child, bound)


def same_value(left: object, right: object, meanings: Mapping[int, Occurrence]) -> bool:
    """Whether two expressions of a program are the same, and their names mean the same.

    `meanings` has the program's occurrences by where they start.
    """
    if _shape(left) != _shape(right):
        return False
    pairs = zip(free_variables(left), free_variables(right), strict=True)
    return all(_meaning(one, meanings) == _meaning(other, meanings) for one, other in pairs)


def _meaning(variable: ast.Variable, meanings: Mapping[int, Occurrence]) -> object:
    found = meanings.get(variable.span.start)
    return None if found is None else (found.role, found.definition, found.owner)


def _shape(node: object) -> list[object]:
    """A node without its places, flat."""
    found: list[object] = []
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple):
            found.append(len(part))
            waiting += reversed(part)
        elif isinstance(part, _PARTS):
            found.append(type(part))
            waiting += [getattr(part, name) for name in reversed(type(part).__match_args__)]
        elif not isinstance(part, Span):
            found.append(part)
    return found


# ----------------------------------------------------------------- brackets


def bracketed_span(text: bytes, path: tuple[object, ...]) -> Span:
    """The span of the last node of `path` with all brackets that stand around it alone."""
    node = path[-1]
    span: Span = node.span  # type: ignore[attr-defined]
    opening = _call_bracket(text, path)
    while True:
        before, after = span.start, span.end
        while before > 0 and text[before - 1] in _SPACE:
            before -= 1
        while after < len(text) and text[after] in _SPACE:
            after += 1
        if text[before - 1 : before] != b"(" or text[after : after + 1] != b")" or before - 1 == opening:
            return span
        span = Span(before - 1, after + 1)


def _call_bracket(text: bytes, path: tuple[object, ...]) -> int:
    """Where the bracket of the call stands that the last node is an argument of; -1 where it is none."""
    call = next((node for node in path[-3:-1] if isinstance(node, ast.Call)), None)
    return -1 if call is None else text.find(b"(", call.function.span.end)


def placed_value(text: bytes, value: ast.Expression, path: tuple[object, ...]) -> str:
    """The text of `value` in the place of the last node of `path`, with the brackets that it needs there."""
    written = text[value.span.start : value.span.end]
    node = path[-1]
    span: Span = node.span  # type: ignore[attr-defined]
    loose = level(value) < _needed(path[-2], node) or breaks_outside_brackets(written)
    less_than_negative = text[: span.start].endswith(b"<") and written.startswith(b"-")
    if (loose or less_than_negative) and bracketed_span(text, path) == span:
        return f"({written.decode()})"
    return written.decode()


def breaks_outside_brackets(text: bytes) -> bool:
    """Whether a line ends where no bracket of the text itself is open."""
    depth = 0
    for match in _NOISE.finditer(text):
        sign = match[0]
        if sign in b"([":
            depth += 1
        elif sign in b")]":
            depth -= 1
        elif sign in b"\r\n" and depth == 0:
            return True
    return False


def level(node: object) -> int:
    """How tightly an expression holds together."""
    if isinstance(node, ast.Binary):
        return _LEVELS[node.operator]
    if isinstance(node, ast.Unary):
        return _NOT if node.operator == "not" else _SIGN
    return _LOOSEST if isinstance(node, ast.If | ast.Factor | ast.Scan) else _TIGHTEST


def _needed(parent: object, child: object) -> int:
    """How tightly an operand must hold together where `child` stands."""
    if isinstance(parent, ast.Unary):
        return level(parent)
    if isinstance(parent, ast.Index):
        return _TIGHTEST if child is parent.value else _LOOSEST
    if not isinstance(parent, ast.Binary):
        return _LOOSEST
    own = level(parent)
    if own == _COMPARISON:
        return _SUM
    if own == _POWER:
        return _TIGHTEST if child is parent.left else _SIGN
    return own if child is parent.left else own + 1
