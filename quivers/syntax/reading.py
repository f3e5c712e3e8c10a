"""What the readers of expressions, spaces, steps and declarations share: text, names and slips."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from quivers.records import field, record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity

DECLARATION_KEYWORDS = ("object", "data", "program", "define", "export")
STEP_KEYWORDS = ("sample", "observe", "let", "marginalize", "score", "return")
EXPRESSION_KEYWORDS = ("scan", "factor", "in", "if", "then", "else", "and", "or", "not")
KEYWORDS = frozenset(DECLARATION_KEYWORDS + STEP_KEYWORDS + EXPRESSION_KEYWORDS)

# Deeper trees would overflow the stack of the recursive phases after this one.
MOST_NESTED = 120

TRIVIA = frozenset(("comment", "documentation"))

_SUBSCRIPTS = re.compile("([₀-₉]+)")


@record(frozen=False)
class Reading:
    """One text being lowered. `shift` takes a node's byte offsets to the declaration's own.

    `is_damaged` tells that the tree holds errors, so that readers look out for them; a reader that
    finds a line broken off sets `is_incomplete`.
    """

    source: bytes
    shift: int
    is_damaged: bool = False
    is_incomplete: bool = False
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def span(self, node: Node) -> Span:
        return Span(node.start_byte + self.shift, node.end_byte + self.shift)

    def text(self, node: Node) -> str:
        return self.source[node.start_byte : node.end_byte].decode(errors="replace")

    def report(self, code: str, span: Span, message: str, *fixes: Fix, hint: str | None = None) -> None:
        self.diagnostics.append(Diagnostic(code, Severity.ERROR, span, message, fixes=fixes, hint=hint))

    def missing(self, node: Node) -> ast.Hole:
        """The hole for what should stand at the end of `node`."""
        self.is_incomplete = True
        end = node.end_byte + self.shift
        return ast.Hole(Span(end, end))

    def too_deep(self, node: Node) -> ast.Hole:
        """The hole in the place of what is nested too deeply, which is reported once for a text."""
        span = self.span(node)
        if not any(diagnostic.code == "QVR109" for diagnostic in self.diagnostics):
            message = f"This is nested more than {MOST_NESTED} levels deep."
            self.report("QVR109", span, message, hint="Name a part of it with `let`.")
        return ast.Hole(span)


def present(node: Node) -> bool:
    """Whether the node stands for text that is there and could be read."""
    return not node.is_missing and not node.is_error


def is_broken(node: Node) -> bool:
    """Whether something directly under `node` is missing or could not be read."""
    return node.has_error and any(child.is_missing or child.is_error for child in node.children)


def identifier(written: str) -> str:
    """The name that a word stands for.

    As in Python, what Unicode holds for the same letter in another form is the same name (NFKC), such as the
    micro sign and the Greek mu. A subscript digit stays one, so that `x₁` is shown as it was written.
    """
    if written.isascii():
        return written
    from unicodedata import normalize  # few files have such a name

    parts = _SUBSCRIPTS.split(written)
    return "".join(part if place % 2 else normalize("NFKC", part) for place, part in enumerate(parts))


def read_name(reading: Reading, node: Node) -> ast.Name:
    """The identifier of `node`; a keyword in its place is reported."""
    text = identifier(reading.text(node))
    span = reading.span(node)
    if text in KEYWORDS:
        reading.report("QVR108", span, f"`{text}` is a word of the language, so it cannot be a name.")
    return ast.Name(text, span)


def read_name_field(reading: Reading, node: Node, field: str) -> ast.Name:
    """The identifier in a field of `node`; where there is none, an empty name at the node's end."""
    child = node.child_by_field_name(field)
    if child is None:
        return ast.Name("", reading.missing(node).span)
    return read_name(reading, child)


def contents(node: Node) -> Iterator[Node]:
    """The named children of `node` that are neither comments nor errors."""
    for child in node.named_children:
        if child.type not in TRIVIA and not child.is_missing and not child.is_error:
            yield child


def replacement(title: str, span: Span, text: str) -> Fix:
    """The fix that puts `text` in the place of `span`."""
    return Fix(title, (Edit(span, text),))
