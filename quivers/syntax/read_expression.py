"""Expressions and options, from their tree-sitter nodes to their syntax."""

from __future__ import annotations

from tree_sitter import Node

from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.reading import (
    MOST_NESTED,
    Reading,
    contents,
    is_broken,
    present,
    read_name,
    read_name_field,
    replacement,
)

_ASCII_OPERATORS = {"≤": "<=", "≥": ">=", "≠": "!="}
_COMPARISONS = frozenset(("==", "!=", "<", "<=", ">", ">="))


def read_expression(reading: Reading, node: Node, depth: int = 0) -> ast.Expression:
    """The syntax of `node`; what is missing or could not be read is a hole."""
    while node.type == "parenthesized_expression":
        inner = next(contents(node), None)
        if inner is None:
            return ast.Hole(reading.span(node))
        node = inner
    if not present(node) or (reading.is_damaged and node.type != "call" and is_broken(node)):
        return ast.Hole(reading.span(node))
    if depth > MOST_NESTED:
        return reading.too_deep(node)
    reader = _READERS.get(node.type)
    return reader(reading, node, depth + 1) if reader is not None else ast.Hole(reading.span(node))


def read_field(reading: Reading, node: Node, field: str, depth: int = 0) -> ast.Expression:
    """The expression in a field of `node`; where there is none, a hole at the node's end."""
    child = node.child_by_field_name(field)
    if child is None:
        return reading.missing(node)
    return read_expression(reading, child, depth)


def read_call(reading: Reading, node: Node, depth: int = 0) -> ast.Call:
    """The syntax of a `call` node."""
    arguments = node.child_by_field_name("arguments")
    span = reading.span(node)
    name = read_name_field(reading, node, "function")
    if arguments is None:
        return ast.Call(name, (), span)
    read = [_read_argument(reading, argument, depth) for argument in contents(arguments)]
    if reading.is_damaged and (is_broken(node) or is_broken(arguments)):
        # Part of the call was not read, so nobody may complain of what it lacks.
        end = Span(span.end, span.end)
        read.append(ast.Argument(None, ast.Hole(end), end))
    return ast.Call(name, tuple(read), span)


def read_options(reading: Reading, nodes: list[Node]) -> tuple[ast.Option, ...]:
    """The entries of one or more `[…]`, in order."""
    return tuple(
        _read_option(reading, option)
        for options in nodes
        for option in contents(options)
        if option.type == "option"
    )


def _read_option(reading: Reading, node: Node) -> ast.Option:
    name = read_name_field(reading, node, "name")
    value = node.child_by_field_name("value")
    if value is None:
        return ast.Option(name, (), False, reading.span(node))
    if value.type == "list":
        values = tuple(read_expression(reading, element) for element in contents(value))
        return ast.Option(name, values, True, reading.span(node))
    return ast.Option(name, (read_expression(reading, value),), False, reading.span(node))


def _read_argument(reading: Reading, node: Node, depth: int) -> ast.Argument:
    if node.type == "keyword_argument":
        keyword = read_name_field(reading, node, "keyword")
        value = read_field(reading, node, "value", depth)
        return ast.Argument(keyword, value, reading.span(node))
    return ast.Argument(None, read_expression(reading, node, depth), reading.span(node))


def _read_number(reading: Reading, node: Node, depth: int) -> ast.Expression:
    text = reading.text(node)
    return ast.Number(float(text), text.isdigit(), reading.span(node))


def _read_variable(reading: Reading, node: Node, depth: int) -> ast.Expression:
    name = read_name(reading, node)
    return ast.Variable(name.text, name.span)


def _read_unary(reading: Reading, node: Node, depth: int) -> ast.Expression:
    operator_node = node.child_by_field_name("operator")
    if operator_node is None:
        return ast.Hole(reading.span(node))
    operator = reading.text(operator_node)
    operand = read_field(reading, node, "operand", depth)
    return ast.Unary(operator, operand, reading.span(node))


def _read_binary(reading: Reading, node: Node, depth: int) -> ast.Expression:
    left_node = node.child_by_field_name("left")
    operator_node = node.child_by_field_name("operator")
    right_node = node.child_by_field_name("right")
    if operator_node is None:
        return ast.Hole(reading.span(node))
    written = reading.text(operator_node)
    operator = _ASCII_OPERATORS.get(written, written)
    left = read_field(reading, node, "left", depth)
    right = read_field(reading, node, "right", depth)
    if operator in _COMPARISONS:
        _check_comparison(reading, left_node, operator_node, right_node)
    return ast.Binary(operator, left, right, reading.span(operator_node), reading.span(node))


def _check_comparison(reading: Reading, left: Node | None, operator: Node, right: Node | None) -> None:
    """Refuse `a < b < c`, which would compare a truth value with `c`, and `a <-b`, which reads as a draw."""
    span = reading.span(operator)
    if left is not None and left.type == "binary_expression":
        inner = left.child_by_field_name("operator")
        middle = left.child_by_field_name("right")
        is_chain = inner is not None and _ASCII_OPERATORS.get(reading.text(inner), reading.text(inner))
        if is_chain in _COMPARISONS and middle is not None:
            again = f" and {reading.text(middle)}"
            end = reading.span(middle).end
            fix = replacement("Write two comparisons joined by `and`", Span(end, end), again)
            reading.report("QVR110", span, "Comparisons do not chain: write `a < b and b < c`.", fix)
    after = reading.source[operator.end_byte : operator.end_byte + 1]
    if after == b"-" and reading.text(operator) == "<":
        arrow = Span(span.start, span.end + 1)
        fix = replacement("Put a space between `<` and `-`", arrow, "< -")
        reading.report("QVR113", arrow, "`<-` draws a value; to compare with a negative, write `< -`.", fix)


def _read_if(reading: Reading, node: Node, depth: int) -> ast.Expression:
    condition, consequence, alternative = (
        read_field(reading, node, field, depth) for field in ("condition", "consequence", "alternative")
    )
    return ast.If(condition, consequence, alternative, reading.span(node))


def _read_index(reading: Reading, node: Node, depth: int) -> ast.Expression:
    value = read_field(reading, node, "value", depth)
    indices = tuple(read_expression(reading, index, depth) for index in node.children_by_field_name("index"))
    return ast.Index(value, indices, reading.span(node))


def _read_tuple(reading: Reading, node: Node, depth: int) -> ast.Expression:
    elements = tuple(read_expression(reading, element, depth) for element in contents(node))
    return ast.Tuple(elements, reading.span(node))


def _read_binder(reading: Reading, node: Node) -> ast.Binder:
    name = read_name_field(reading, node, "name")
    return ast.Binder(name, read_name_field(reading, node, "object"), reading.span(node))


def _read_factor(reading: Reading, node: Node, depth: int) -> ast.Expression:
    binders = tuple(_read_binder(reading, child) for child in contents(node) if child.type == "binder")
    body = read_field(reading, node, "body", depth)
    return ast.Factor(binders, body, reading.span(node))


def _read_scan(reading: Reading, node: Node, depth: int) -> ast.Expression:
    binder = node.child_by_field_name("binder")
    if binder is None:
        return ast.Hole(reading.span(node))
    return ast.Scan(
        _read_binder(reading, binder),
        read_name_field(reading, node, "state"),
        read_field(reading, node, "initial", depth),
        read_field(reading, node, "body", depth),
        reading.span(node),
    )


_READERS = {
    "number": _read_number,
    "identifier": _read_variable,
    "call": read_call,
    "unary_expression": _read_unary,
    "binary_expression": _read_binary,
    "if_expression": _read_if,
    "index": _read_index,
    "tuple": _read_tuple,
    "factor_expression": _read_factor,
    "scan_expression": _read_scan,
}
