"""What a line still says when its tree does not: the name it binds and its plate.

A half-typed line keeps binding its name, so that the lines which use it are not blamed.
"""

from __future__ import annotations

import re

from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.layout import SPACE, WORD_BYTE
from quivers.syntax.reading import KEYWORDS, identifier

_WORD = rb"(?:(?![0-9])" + WORD_BYTE + rb"++)"
_DRAW = re.compile(
    rb"(?:(?P<keyword>sample|observe|marginalize)" + SPACE + rb"++)?"
    rb"(?P<name>" + _WORD + rb")" + SPACE + rb"*+"
    rb"(?::(?P<plate>(?:" + SPACE + rb"|" + WORD_BYTE + rb"|\*|\xe2\x8a\x97)*+))?"
)
_BOUND = re.compile(rb"(?P<keyword>let|score)" + SPACE + rb"++(?P<name>" + _WORD + rb")")
_DECLARED = re.compile(
    rb"(?P<keyword>object|data|program|define|export)" + SPACE + rb"++(?P<name>" + _WORD + rb")"
)
_ARROW = re.compile(rb"<-|\xe2\x86\x90|~")
# A word or the sign between two, whose last bytes alone would pass for a word.
_PLATE_PART = re.compile(rb"\xe2\x8a\x97|(?P<word>" + _WORD + rb")")


def salvage_step(text: bytes, span: Span, documentation: str | None) -> ast.Step:
    """What the line `text`, at `span`, binds, with holes for the rest; a hole if it binds nothing."""
    hole = ast.Hole(Span(span.end, span.end))
    bound = _BOUND.match(text)
    if bound is not None and (name := _name(bound, span)) is not None:
        value = ast.Hole(Span(name.span.end, span.end))
        if bound["keyword"] == b"let":
            return ast.Let(name, value, documentation, span)
        return ast.Score(name, value, documentation, span)
    if text.startswith(b"return"):
        returned = ast.Hole(Span(span.start + len(b"return"), span.end))
        return ast.Return((ast.Returned(None, returned, returned.span),), span)
    drawn = _DRAW.match(text)
    if drawn is None or (drawn["keyword"] is None and not _ARROW.search(text)):
        return ast.Hole(span)
    name = _name(drawn, span)
    if name is None:
        return ast.Hole(span)
    plate = _plate(drawn, span)
    if drawn["keyword"] == b"observe":
        return ast.Observe(name, plate, hole, (), documentation, span)
    if drawn["keyword"] == b"marginalize":
        return ast.Marginalize(name, plate, hole, (), (), documentation, span)
    return ast.Sample(name, plate, hole, (), documentation, span)


def salvage_declaration(text: bytes, span: Span, documentation: str | None) -> ast.Declaration:
    """What the declaration's line `text`, at `span`, declares; a hole if it names nothing."""
    declared = _DECLARED.match(text)
    name = _name(declared, span) if declared is not None else None
    if declared is None or name is None:
        return ast.Hole(span)
    hole = ast.Hole(Span(span.end, span.end))
    match declared["keyword"]:
        case b"object":
            return ast.ObjectDeclaration(name, hole, documentation, span)
        case b"data":
            return ast.DataDeclaration(name, hole, documentation, span)
        case b"define":
            return ast.DefineDeclaration(name, hole, documentation, span)
        case b"export":
            return ast.ExportDeclaration(name, span)
    return ast.ProgramDeclaration(name, (), hole, hole, (), (), documentation, span, span)


def _name(match: re.Match[bytes], span: Span) -> ast.Name | None:
    text = identifier(match["name"].decode(errors="replace"))
    if text in KEYWORDS:
        return None
    return ast.Name(text, Span(match.start("name"), match.end("name")).shifted(span.start))


def _plate(match: re.Match[bytes], span: Span) -> tuple[ast.Name, ...]:
    if match["plate"] is None:
        return ()
    offset = span.start + match.start("plate")
    words = [
        (identifier(part["word"].decode(errors="replace")), Span(part.start(), part.end()).shifted(offset))
        for part in _PLATE_PART.finditer(match["plate"])
        if part["word"] is not None
    ]
    return tuple(ast.Name(text, at) for text, at in words if text not in KEYWORDS)
