"""From a document to its abstract syntax, declaration by declaration.

A declaration is read from its own text alone: a declaration without a slip from its tree as a
whole, one with a slip line by line. So a slip spoils its own line and nothing else, the answer does
not depend on how the text was typed, and what was read once holds for as long as the text is equal.
"""

from __future__ import annotations

from itertools import pairwise

from tree_sitter import Node

from quivers.records import field, record, replace
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.division import UNDIVIDED, Division, Piece, divide
from quivers.syntax.document import Document
from quivers.syntax.layout import Line, Start, documentation_above, lines
from quivers.syntax.layout_problems import (
    indented_declaration,
    layout_problems,
    misplaced,
    misspelt_keyword,
    not_the_keyword,
)
from quivers.syntax.parse import tree
from quivers.syntax.problems import Diagnostic
from quivers.syntax.read_declaration import read_declaration
from quivers.syntax.read_step import read_step
from quivers.syntax.reading import Reading, contents
from quivers.syntax.reference_state import grammar_is_loaded
from quivers.syntax.steps import LONG, Steps, finished

_BEFORE_STEP = b"program p : A -> A\n "


@record
class Lowered:
    """A document's syntax and the syntax problems in it (`QVR1xx`), by position, with absolute spans."""

    module: ast.Module
    diagnostics: tuple[Diagnostic, ...]


@record
class _Read:
    """What one declaration's text says, all offsets relative to its start."""

    declarations: tuple[tuple[ast.Declaration, int], ...]
    diagnostics: tuple[Diagnostic, ...]


@record(frozen=False)
class Memo:
    """What is known of one document from the last time: its pieces, what each says, and where.

    `counts` has for each piece how many declarations it holds, which is one but for pieces with slips.
    `unfinished` holds what was read of a newer text before its reading was given up.
    """

    division: Division = UNDIVIDED
    read: list[_Read] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    declarations: ast.Declarations = field(default_factory=ast.Declarations)
    unfinished: dict[tuple[str | None, bytes], _Read] = field(default_factory=dict)


def lower(document: Document, memo: Memo | None = None) -> Lowered:
    """The syntax of `document`.

    `memo`, empty at first, keeps what the last call found and holds no more than that; it belongs to
    one document. A declaration whose text has not changed is the same object again.
    """
    return finished(lowering(document.source, Memo() if memo is None else memo))


def lowering(source: bytes, memo: Memo) -> Steps[Lowered]:
    """`lower` in steps: before each declaration that is read, gives the number of its bytes.

    Before a first reading, it gives those of the whole text, whose declarations are then to be found.
    """
    if not memo.division.pieces:
        yield len(source)
    division = divide(source, memo.division)
    pieces, first = division.pieces, division.same_at_start
    count = len(pieces) - division.same_at_end
    old_pieces = memo.division.pieces
    old_count = len(old_pieces) - division.same_at_end
    known = memo.unfinished
    for piece, said in zip(old_pieces[first:old_count], memo.read[first:old_count], strict=True):
        known[_key(piece)] = said
    new: list[_Read] = []
    for piece in pieces[first:count]:
        key = _key(piece)
        if key not in known:
            yield piece.content if grammar_is_loaded() or not _has_slip(key[1]) else LONG
            known[key] = _read(key[1], piece.documentation)
        new.append(known[key])
    read = [*memo.read[:first], *new, *memo.read[old_count:]]
    counts = [*memo.counts[:first], *(len(said.declarations) for said in new), *memo.counts[old_count:]]
    moved = len(source) - len(memo.division.source)
    above, below = sum(memo.counts[:first]), sum(memo.counts[:old_count])
    nodes, offsets = memo.declarations.nodes, memo.declarations.offsets
    declarations = ast.Declarations(
        [*nodes[:above], *(node for said in new for node, _ in said.declarations), *nodes[below:]],
        [
            *offsets[:above],
            *(
                start + at
                for start, said in zip(division.starts[first:count], new, strict=True)
                for _, at in said.declarations
            ),
            *[offset + moved for offset in offsets[below:]],
        ],
    )
    memo.division, memo.read, memo.counts, memo.declarations = division, read, counts, declarations
    memo.unfinished = {}
    return Lowered(ast.Module(declarations), tuple(_diagnostics(division, read)))


def _has_slip(text: bytes) -> bool:
    return tree(text).root_node.has_error


def _key(piece: Piece) -> tuple[str | None, bytes]:
    """All that what a piece says depends on."""
    return (piece.documentation, piece.text[: piece.content])


def _diagnostics(division: Division, read: list[_Read]) -> list[Diagnostic]:
    """All syntax problems, by position."""
    found: list[Diagnostic] = []
    starts = division.starts
    for number in [number for number, said in enumerate(read) if said.diagnostics]:
        found += [diagnostic.shifted(starts[number]) for diagnostic in read[number].diagnostics]
    for number in [number for number, piece in enumerate(division.pieces[:-1]) if not piece.ends_line]:
        found += indented_declaration(division.source, starts[number + 1])
    if found:
        from quivers.syntax.stan import stan_program  # a file without errors needs none

        stan = stan_program(division.source)
        if stan is not None:
            return [stan]
    found.sort(key=lambda diagnostic: (diagnostic.span.start, diagnostic.span.end, diagnostic.code))
    return found


def _read(text: bytes, documentation: str | None) -> _Read:
    root = tree(text).root_node
    layout = lines(text)
    if not root.has_error and layout:
        reading = Reading(text, 0)
        nodes = list(contents(root))
        if len(nodes) == 1 and layout[0].start is Start.DECLARATION:
            declaration = read_declaration(reading, nodes[0], documentation)
            if not reading.is_incomplete:
                problems = layout_problems(text, layout, frozenset())
                return _Read(((declaration, 0),), (*problems, *reading.diagnostics))
    slips = [line.span.start for line in layout if _is_misspelt_program(text, line)]
    if slips:
        return _read_with_slips(text, slips, documentation)
    return _read_by_lines(text, layout, documentation)


def _is_misspelt_program(text: bytes, line: Line) -> bool:
    """Whether the line is a program's header in all but its keyword."""
    if line.start is not Start.OTHER or line.depth > 0 or line.column > 0:
        return False
    word, near = misspelt_keyword(text, line)
    if near != "program":
        return False
    mended = b"program" + text[word.end : line.span.end]
    _, problems = _read_header(mended, lines(mended)[0], None)
    return not problems


def _read_with_slips(text: bytes, slips: list[int], documentation: str | None) -> _Read:
    """What the text says where programs with a misspelt keyword start at `slips`."""
    first = _read(text[: slips[0]], documentation)
    declarations, diagnostics = list(first.declarations), list(first.diagnostics)
    for start, end in pairwise([*slips, len(text)]):
        part = text[start:end]
        above, _ = documentation_above(text, start)
        said = _read_by_lines(part, lines(part, is_program=True), above, is_misspelt=True)
        declarations += [(declaration, start + at) for declaration, at in said.declarations]
        diagnostics += [diagnostic.shifted(start) for diagnostic in said.diagnostics]
    return _Read(tuple(declarations), tuple(diagnostics))


def _read_by_lines(
    text: bytes, layout: list[Line], documentation: str | None, *, is_misspelt: bool = False
) -> _Read:
    """What the text says where some line of it cannot be read; `is_misspelt` is that of its first keyword."""
    declarations: list[tuple[ast.Declaration, int]] = []
    diagnostics: list[Diagnostic] = []
    damaged: set[int] = set()
    steps: list[ast.Step] = []
    header: ast.Declaration | None = None
    index = 0
    if layout and layout[0].start is Start.DECLARATION:
        read_header = _read_misspelt_header if is_misspelt else _read_header
        header, problems = read_header(text, layout[0], documentation)
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
    whole = next((node for node in nodes if node.start_byte == 0), None)
    declaration = read_declaration(reading, whole, documentation) if whole is not None else None
    if declaration is not None and not root.has_error and not reading.is_incomplete:
        return declaration, reading.diagnostics
    problem = _explained(fragment, "declaration", root, line)
    if declaration is None or not _is_named(declaration):
        from quivers.syntax.salvage import salvage_declaration  # a file without errors needs none

        declaration = salvage_declaration(fragment, line.span, documentation)
    return declaration, [problem]


def _read_misspelt_header(
    text: bytes, line: Line, documentation: str | None
) -> tuple[ast.Declaration, list[Diagnostic]]:
    """The program of a header that is right but for its keyword, with the problem of that."""
    word, _ = misspelt_keyword(text, line)
    mended = b"program" + text[word.end : line.span.end]
    reading = Reading(mended, word.end - len(b"program"))
    (node,) = [node for node in contents(tree(mended).root_node) if node.type == "program_declaration"]
    header = read_declaration(reading, node, documentation)
    assert isinstance(header, ast.ProgramDeclaration), "it reads, with the keyword put right"
    header_span = Span(line.span.start, header.header_span.end)
    span = Span(line.span.start, header.span.end)
    problem = not_the_keyword(text, word, "program")
    return replace(header, header_span=header_span, span=span), [problem]


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
    whole = next((node for node in nodes if node.start_byte == len(_BEFORE_STEP)), None)
    step = read_step(reading, whole, documentation) if whole is not None else None
    if step is not None and not root.has_error and not reading.is_incomplete:
        return step, reading.diagnostics
    problem = _explained(fragment, "step", root, line, len(_BEFORE_STEP))
    if step is None or not _is_named(step):
        from quivers.syntax.salvage import salvage_step

        step = salvage_step(fragment, line.span, documentation)
    return step, [problem]


def _is_named(node: ast.Step | ast.Declaration) -> bool:
    return isinstance(node, ast.Hole | ast.Return) or node.name.text != ""


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
