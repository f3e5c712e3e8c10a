"""Declarations, spaces and compositions, from their tree-sitter nodes to their syntax."""

from __future__ import annotations

from tree_sitter import Node

from quivers.records import replace
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.read_expression import read_expression, read_options
from quivers.syntax.read_step import read_steps
from quivers.syntax.reading import (
    MOST_NESTED,
    Reading,
    contents,
    is_broken,
    present,
    read_name,
    read_name_field,
)

# Options in a program's header that say something about its codomain, not about the program.
_SPACE_OPTIONS = frozenset(("low", "high"))


def read_declaration(reading: Reading, node: Node, documentation: str | None) -> ast.Declaration:
    """The syntax of a declaration's node."""
    span = reading.span(node)
    name = read_name_field(reading, node, "name")
    match node.type:
        case "object_declaration":
            return ast.ObjectDeclaration(name, _read_space_field(reading, node, "space"), documentation, span)
        case "data_declaration":
            return ast.DataDeclaration(name, _read_space_field(reading, node, "space"), documentation, span)
        case "program_declaration":
            return _read_program(reading, node, name, documentation)
        case "define_declaration":
            composition = node.child_by_field_name("composition")
            read = (
                _read_composition(reading, composition) if composition is not None else reading.missing(node)
            )
            return ast.DefineDeclaration(name, read, documentation, span)
        case "export_declaration":
            return ast.ExportDeclaration(name, span)
    return ast.Hole(span)


def _read_program(
    reading: Reading, node: Node, name: ast.Name, documentation: str | None
) -> ast.ProgramDeclaration:
    block = node.child_by_field_name("body")
    codomain = _read_space_field(reading, node, "codomain")
    written = read_options(reading, node.children_by_field_name("options"))
    of_codomain = tuple(option for option in written if option.name.text in _SPACE_OPTIONS)
    if of_codomain:
        codomain = _with_options(codomain, of_codomain)
    header_end = max(child.end_byte for child in node.children if child.type != "block") + reading.shift
    return ast.ProgramDeclaration(
        name=name,
        parameters=_read_parameters(reading, node),
        domain=_read_space_field(reading, node, "domain"),
        codomain=codomain,
        options=tuple(option for option in written if option.name.text not in _SPACE_OPTIONS),
        steps=read_steps(reading, block) if block is not None else (),
        documentation=documentation,
        header_span=Span(node.start_byte + reading.shift, header_end),
        span=reading.span(node),
    )


def _read_parameters(reading: Reading, node: Node) -> tuple[ast.Parameter, ...]:
    parameters = node.child_by_field_name("parameters")
    if parameters is None:
        return ()
    return tuple(
        ast.Parameter(
            read_name_field(reading, child, "name"),
            _read_space_field(reading, child, "space"),
            reading.span(child),
        )
        for child in contents(parameters)
        if child.type == "parameter"
    )


def _with_options(space: ast.Space, options: tuple[ast.Option, ...]) -> ast.Space:
    """`space` with `options` on its last factor, where they stand."""
    end = max(option.span.end for option in options) + 1
    match space:
        case ast.SpaceName():
            return replace(space, options=space.options + options, span=Span(space.span.start, end))
        case ast.SpaceProduct(factors=(*first, last)):
            factors = (*first, _with_options(last, options))
            return replace(space, factors=factors, span=Span(space.span.start, end))
    return space


def _read_space_field(reading: Reading, node: Node, field: str) -> ast.Space:
    child = node.child_by_field_name(field)
    if child is None:
        return reading.missing(node)
    return _read_space(reading, child, 0)


def _read_space(reading: Reading, node: Node, depth: int) -> ast.Space:
    while node.type == "parenthesized_space":
        inner = next(contents(node), None)
        if inner is None:
            break
        node = inner
    span = reading.span(node)
    if not present(node) or (reading.is_damaged and is_broken(node)):
        return ast.Hole(span)
    if depth > MOST_NESTED:
        return reading.too_deep(node)
    match node.type:
        case "space":
            argument = node.child_by_field_name("argument")
            return ast.SpaceName(
                read_name_field(reading, node, "name"),
                (read_expression(reading, argument),) if argument is not None else (),
                read_options(reading, node.children_by_field_name("options")),
                span,
            )
        case "space_product":
            factors: list[ast.Space] = []
            for child in contents(node):
                factor = _read_space(reading, child, depth + 1)
                factors.extend(factor.factors if isinstance(factor, ast.SpaceProduct) else (factor,))
            return ast.SpaceProduct(tuple(factors), span)
        case "space_map":
            source = _read_space_field(reading, node, "source")
            return ast.SpaceMap(source, _read_space_field(reading, node, "target"), span)
    return ast.Hole(span)


def _read_composition(reading: Reading, node: Node, depth: int = 0) -> ast.Composition:
    while node.type == "parenthesized_composition":
        inner = next(contents(node), None)
        if inner is None:
            break
        node = inner
    span = reading.span(node)
    if not present(node) or (reading.is_damaged and is_broken(node)):
        return ast.Hole(span)
    if depth > MOST_NESTED:
        return reading.too_deep(node)
    if node.type == "identifier":
        return read_name(reading, node)
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is None or right is None:
        return ast.Hole(span)
    operator = ">>" if node.type == "sequential_composition" else "*"
    return ast.Compose(
        operator,
        _read_composition(reading, left, depth + 1),
        _read_composition(reading, right, depth + 1),
        span,
    )
