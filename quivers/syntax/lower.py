"""From a document to its abstract syntax, declaration by declaration.

A declaration is read from its own text alone: a declaration without a slip from its tree as a
whole, one with a slip line by line. So a slip spoils its own line and nothing else, the answer does
not depend on how the text was typed, and what was read once holds for as long as the text is equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tree_sitter import Node

from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.layout import (
    Line,
    Start,
    content_end,
    declaration_starts,
    documentation_above,
    lines,
)
from quivers.syntax.layout_problems import indented_declaration, layout_problems, misplaced
from quivers.syntax.parse import tree
from quivers.syntax.problems import Diagnostic
from quivers.syntax.read_declaration import read_declaration
from quivers.syntax.read_step import read_step
from quivers.syntax.reading import Reading, contents
from quivers.syntax.salvage import salvage_declaration, salvage_step

_BEFORE_STEP = b"program p : A -> A\n "


@dataclass(frozen=True, slots=True)
class Lowered:
    """A document's syntax and the syntax problems in it (`QVR1xx`), by position, with absolute spans."""

    module: ast.Module
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class _Read:
    """What one declaration's text says, all offsets relative to its start."""

    declarations: tuple[tuple[ast.Declaration, int], ...]
    diagnostics: tuple[Diagnostic, ...]


Memo = dict[tuple[str | None, bytes], _Read]


def lower(document: Document, memo: Memo | None = None) -> Lowered:
    """The syntax of `document`.

    `memo` keeps what the declarations of the last call said; it belongs to one document and
    holds no more than that document. The same text gives the same objects again.
    """
    source = document.source
    known = memo if memo is not None else {}
    used: Memo = {}
    placed: list[ast.Placed] = []
    diagnostics: list[Diagnostic] = []
    for start, end, documentation in _regions(source):
        key = (documentation, source[start:end])
        read = known.get(key) or used.get(key)
        if read is None:
            read = _read(key[1], documentation)
        used[key] = read
        placed += [ast.Placed(declaration, start + offset) for declaration, offset in read.declarations]
        diagnostics += [diagnostic.shifted(start) for diagnostic in read.diagnostics]
        if start > 0 and source[start - 1] not in b"\r\n":
            diagnostics += indented_declaration(source, start)
    if memo is not None:
        memo.clear()
        memo.update(used)
    diagnostics.sort(key=lambda diagnostic: (diagnostic.span.start, diagnostic.span.end, diagnostic.code))
    return Lowered(ast.Module(tuple(placed)), tuple(diagnostics))


def _regions(source: bytes) -> list[tuple[int, int, str | None]]:
    """The start, end and documentation of each declaration, and of the text above the first."""
    starts = declaration_starts(source)
    regions: list[tuple[int, int, str | None]] = []
    lower_limit = 0
    documented: list[tuple[int, int, str | None]] = []
    for start in starts:
        documentation, above = documentation_above(source, start, lower_limit)
        documented.append((start, above, documentation))
        lower_limit = start
    first = documented[0][1] if documented else len(source)
    end = content_end(source, 0, first)
    if source[:end].strip(b"\r\n"):
        regions.append((0, end, None))
    for index, (start, _, documentation) in enumerate(documented):
        limit = documented[index + 1][1] if index + 1 < len(documented) else len(source)
        regions.append((start, content_end(source, start, limit), documentation))
    return regions


def _read(text: bytes, documentation: str | None) -> _Read:
    root = tree(text).root_node
    layout = lines(text)
    if not root.has_error and layout:
        reading = Reading(text, 0)
        nodes = list(contents(root))
        if len(nodes) == 1 and layout[0].start is Start.DECLARATION:
            declaration = read_declaration(reading, nodes[0], documentation)
            problems = layout_problems(text, layout, frozenset())
            return _Read(((declaration, 0),), (*problems, *reading.diagnostics))
    return _read_by_lines(text, layout, documentation)


def _read_by_lines(text: bytes, layout: list[Line], documentation: str | None) -> _Read:
    """What the text says where some line of it cannot be read."""
    declarations: list[tuple[ast.Declaration, int]] = []
    diagnostics: list[Diagnostic] = []
    damaged: set[int] = set()
    steps: list[ast.Step] = []
    header: ast.Declaration | None = None
    index = 0
    if layout and layout[0].start is Start.DECLARATION:
        header, problems = _read_header(text, layout[0], documentation)
        if problems:
            damaged.add(0)
        diagnostics += problems
        index = 1
    while index < len(layout):
        if layout[index].depth == 0:
            hole, problem, following = misplaced(text, layout, index)
            if header is not None or steps:
                declarations += _finished(header, steps)
                header, steps = None, []
            declarations.append((hole, 0))
            diagnostics.append(problem)
            damaged.update(range(index, following))
            index = following
        else:
            step, index = _read_step_at(text, layout, index, diagnostics, damaged)
            steps.append(step)
    declarations += _finished(header, steps)
    diagnostics += layout_problems(text, layout, frozenset(damaged))
    return _Read(tuple(declarations), tuple(diagnostics))


def _finished(header: ast.Declaration | None, steps: list[ast.Step]) -> list[tuple[ast.Declaration, int]]:
    if header is None:
        return []
    if isinstance(header, ast.ProgramDeclaration) and steps:
        end = max(step.span.end for step in steps)
        header = replace(header, steps=tuple(steps), span=Span(header.span.start, end))
    return [(header, 0)]


def _read_header(
    text: bytes, line: Line, documentation: str | None
) -> tuple[ast.Declaration, list[Diagnostic]]:
    """The declaration of one line, without a program's steps."""
    fragment = text[line.span.start : line.span.end]
    root = tree(fragment).root_node
    reading = Reading(fragment, line.span.start, root.has_error)
    nodes = [node for node in contents(root) if node.type.endswith("_declaration")]
    if not root.has_error and len(nodes) == 1:
        return read_declaration(reading, nodes[0], documentation), reading.diagnostics
    problem = _explained(fragment, "declaration", root, line)
    whole = [node for node in nodes if node.start_byte == 0]
    if whole:
        return read_declaration(reading, whole[0], documentation), [problem]
    return salvage_declaration(fragment, line.span, documentation), [problem]


def _read_step_at(
    text: bytes, layout: list[Line], index: int, diagnostics: list[Diagnostic], damaged: set[int]
) -> tuple[ast.Step, int]:
    """The step of the line at `index` with the block under it, and the index of the line after those."""
    line = layout[index]
    documentation, _ = documentation_above(text, line.span.start)
    step, problems = _read_line(text, line, documentation)
    if problems:
        damaged.add(index)
    diagnostics += problems
    index += 1
    body: list[ast.Step] = []
    while index < len(layout) and layout[index].depth > line.depth:
        inner, index = _read_step_at(text, layout, index, diagnostics, damaged)
        body.append(inner)
    if isinstance(step, ast.Marginalize) and body:
        end = max(inner.span.end for inner in body)
        step = replace(step, body=tuple(body), span=Span(step.span.start, end))
    return step, index


def _read_line(text: bytes, line: Line, documentation: str | None) -> tuple[ast.Step, list[Diagnostic]]:
    fragment = text[line.span.start : line.span.end]
    source = _BEFORE_STEP + fragment
    root = tree(source).root_node
    reading = Reading(source, line.span.start - len(_BEFORE_STEP), root.has_error)
    nodes = _steps_of_fragment(root)
    if not root.has_error and len(nodes) == 1:
        return read_step(reading, nodes[0], documentation), reading.diagnostics
    problem = _explained(fragment, "step", root, line, len(_BEFORE_STEP))
    whole = [node for node in nodes if node.start_byte == len(_BEFORE_STEP)]
    if whole:
        return read_step(reading, whole[0], documentation), [problem]
    return salvage_step(fragment, line.span, documentation), [problem]


def _explained(fragment: bytes, kind: str, root: Node, line: Line, before: int = 0) -> Diagnostic:
    # Loading the reference grammar takes longer than all the rest, and a file without errors needs none.
    from quivers.syntax.explain import explain

    return explain(fragment, kind, root, before).shifted(line.span.start)


def _steps_of_fragment(root: Node) -> list[Node]:
    return [
        step
        for declaration in contents(root)
        if declaration.type == "program_declaration"
        for block in contents(declaration)
        if block.type == "block"
        for step in contents(block)
        if step.type.endswith("_step")
    ]
