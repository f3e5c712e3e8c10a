"""Any expression of a program extracted and inlined again: the program is what it was."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from quivers.check.analysis import Analysis, check_source
from quivers.check.rewrites.lines import applied
from quivers.ide.actions import change
from quivers.ide.actions.expressions import EXPRESSIONS
from quivers.ide.actions.selection import Change, Selection
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.problems import Fix

sys.path.append(str(Path(__file__).parent.parent / "check"))
from markdown_fixtures import fixtures

TESTS = Path(__file__).parent.parent
SOURCES = [
    *(path.read_bytes() for path in sorted((TESTS.parent / "examples").glob("*/[!.]*.qvr"))),
    *(each.program.encode() for each in fixtures(TESTS / "check")[::8]),
]


def shape(node: object) -> object:
    """Syntax without its places."""
    if isinstance(node, Span):
        return None
    if isinstance(node, tuple):
        return tuple(map(shape, node))
    names = getattr(type(node), "__match_args__", ())
    return (
        (type(node), *(shape(getattr(node, name)) for name in names if name != "offset")) if names else node
    )


def chosen(source: bytes, span: Span) -> Selection:
    analysis, document = Analysis(), Document(source)
    return Selection(analysis.check(document), document, span, analysis)


@pytest.mark.parametrize("number", range(len(SOURCES)))
def test_extracting_and_inlining_gives_the_program_again(number: int) -> None:
    source = SOURCES[number]
    whole = chosen(source, Span(0, 0))
    programs = [
        item
        for item in whole.checked.module.declarations
        if isinstance(item.declaration, ast.ProgramDeclaration)
        and not whole.checked.programs[item.declaration.name.text].has_errors
    ]
    nodes = [
        node.span.shifted(item.offset)
        for item in programs
        for step in item.declaration.steps  # type: ignore[union-attr]
        for node in ast.walk(step)
        if isinstance(node, EXPRESSIONS) and not isinstance(node, ast.Variable | ast.Hole)
    ]
    for span in nodes[:: max(len(nodes) // 12, 1)]:
        selection = Selection(whole.checked, whole.document, span, whole.analysis)
        for name in ("extract", "extract-all"):
            made = change(selection, name)
            if not isinstance(made, Change):
                continue
            there = applied(source, Fix("", made.edits))
            let = made.edits[0].span.start + len(made.edits[0].text[: made.places[0]].encode())
            back = change(chosen(there, Span(let, let)), "inline")
            assert isinstance(back, Change), (there.decode(), back)
            again = applied(there, Fix("", back.edits))
            assert shape(check_source(again).module) == shape(whole.checked.module)
