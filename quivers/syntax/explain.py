"""Why a line could not be read, in the user's words."""

from __future__ import annotations

from tree_sitter import Node

from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity


def explain(text: bytes, kind: str, root: Node, before: int = 0) -> Diagnostic:
    """The problem of the line `text`, whose tree is `root` with `before` bytes above it."""
    node = root
    while not (node.is_error or node.is_missing):
        inner = next((child for child in node.children if child.has_error or child.is_missing), None)
        if inner is None:
            break
        node = inner
    start = min(max(node.start_byte - before, 0), len(text))
    end = min(max(node.end_byte - before, start), len(text))
    return Diagnostic("QVR101", Severity.ERROR, Span(start, end), "this could not be read")
