"""The steps of a program, from their tree-sitter nodes to their syntax."""

from __future__ import annotations

from tree_sitter import Node

from quivers.syntax import ast
from quivers.syntax.layout import documentation_above
from quivers.syntax.read_expression import read_call, read_expression, read_field, read_options
from quivers.syntax.reading import Reading, contents, is_broken, present, read_name, read_name_field


def read_steps(reading: Reading, block: Node) -> tuple[ast.Step, ...]:
    """The steps of a `block`, in order."""
    return tuple(
        read_step(reading, child, documentation_above(reading.source, child.start_byte)[0])
        for child in contents(block)
    )


def read_step(reading: Reading, node: Node, documentation: str | None) -> ast.Step:
    """The syntax of a step's node."""
    span = reading.span(node)
    match node.type:
        case "sample_step":
            return ast.Sample(*_read_draw(reading, node), documentation, span)
        case "observe_step":
            return ast.Observe(*_read_draw(reading, node), documentation, span)
        case "marginalize_step":
            block = node.child_by_field_name("body")
            name, plate, draw, options = _read_draw(reading, node)
            steps = read_steps(reading, block) if block is not None else ()
            return ast.Marginalize(name, plate, draw, options, steps, documentation, span)
        case "let_step":
            name = read_name_field(reading, node, "name")
            return ast.Let(name, _read_value(reading, node), documentation, span)
        case "score_step":
            name = read_name_field(reading, node, "name")
            return ast.Score(name, _read_value(reading, node), documentation, span)
        case "return_step":
            return ast.Return(_read_returned(reading, node), span)
    return ast.Hole(span)


def _read_draw(
    reading: Reading, node: Node
) -> tuple[ast.Name, tuple[ast.Name, ...], ast.Call | ast.Hole, tuple[ast.Option, ...]]:
    name = read_name_field(reading, node, "name")
    plate_node = node.child_by_field_name("plate")
    plate = (
        tuple(read_name(reading, child) for child in contents(plate_node)) if plate_node is not None else ()
    )
    call = node.child_by_field_name("draw")
    draw: ast.Call | ast.Hole
    if call is None or not present(call) or call.type != "call":
        draw = reading.missing(node)
    else:
        draw = read_call(reading, call)
    return name, plate, draw, read_options(reading, node.children_by_field_name("options"))


def _read_value(reading: Reading, node: Node) -> ast.Expression:
    if reading.is_damaged and is_broken(node):
        return ast.Hole(reading.span(node))
    return read_field(reading, node, "value")


def _read_returned(reading: Reading, node: Node) -> tuple[ast.Returned, ...]:
    value = node.child_by_field_name("value")
    if value is None or (reading.is_damaged and is_broken(node)):
        hole = reading.missing(node)
        return (ast.Returned(None, hole, hole.span),)
    if value.type == "labelled_values":
        return tuple(
            ast.Returned(
                read_name_field(reading, child, "label"),
                read_field(reading, child, "value"),
                reading.span(child),
            )
            for child in contents(value)
        )
    read = read_expression(reading, value)
    elements = read.elements if isinstance(read, ast.Tuple) else (read,)
    return tuple(ast.Returned(None, element, element.span) for element in elements)
