"""From text to tree-sitter trees, and single expressions to their syntax."""

from __future__ import annotations

import threading

from tree_sitter import Language, Parser, Tree

from quivers.syntax import _parser, ast
from quivers.syntax.read_expression import read_field
from quivers.syntax.reading import Reading

LANGUAGE = Language(_parser.language())

# A parser must not be used by two threads at once, and making one costs more than a short parse.
_parsers = threading.local()

_BEFORE_EXPRESSION = b"program p : A -> A\n let x = "


def tree(source: bytes, old: Tree | None = None) -> Tree:
    """The syntax tree of `source`; `old` is the tree before the edits that it has been told of."""
    parser: Parser | None = getattr(_parsers, "parser", None)
    if parser is None:
        parser = _parsers.parser = Parser(LANGUAGE)
    return parser.parse(source, old) if old is not None else parser.parse(source)


def expression(text: str) -> ast.Expression:
    """The syntax of one expression; its spans count from the start of `text`, in bytes.

    Raises
    ------
    ValueError
        If `text` is not one expression.
    """
    source = _BEFORE_EXPRESSION + " ".join(text.splitlines()).encode()
    root = tree(source).root_node
    step = root.named_descendant_for_byte_range(len(_BEFORE_EXPRESSION) - 8, len(source))
    while step is not None and step.type != "let_step":
        step = step.parent
    if root.has_error or step is None or step.end_byte < len(source.rstrip()):
        raise ValueError(f"not an expression: {text!r}")
    reading = Reading(source, -len(_BEFORE_EXPRESSION))
    value = read_field(reading, step, "value")
    if reading.diagnostics:
        raise ValueError(f"not an expression: {text!r}: {reading.diagnostics[0].message}")
    return value
