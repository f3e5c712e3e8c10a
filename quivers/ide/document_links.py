"""What in a file leads elsewhere: addresses and DOIs in its comments, and the file of its data."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quivers.check.program import Checked
from quivers.records import record
from quivers.syntax import ast
from quivers.syntax.ast import Span
from quivers.syntax.document import Document

_COMMENT = re.compile(rb"#[^\r\n]*+")
_LINK = re.compile(
    r"(?<![\w/])(?:(?P<url>https?://[^\s<>\"`⟨⟩“”]+)|(?P<doi>doi:\s?(?P<name>10\.[^\s<>\"`]+)))", re.I
)
_AT_END = ".,;:!?'*_’”"
_CLOSING = {")": "(", "]": "[", "}": "{"}


@record
class Link:
    """A place that leads to an address; to the data's file where `target` is None."""

    span: Span
    target: str | None
    tooltip: str


def document_links(checked: Checked, document: Document, data_name: str | None = None) -> list[Link]:
    """All links of a file, in its order. `data_name` is the name of the file of its data, if there is one.

    That one is linked from the word `data` of each declaration; in a file that declares no input from the
    word `observe` of its first observation.
    """
    found = list(_in_comments(document.source))
    if data_name is not None:
        found += [Link(span, None, f"Open {data_name}") for span in _of_data(checked)]
    length = len(document.source)
    return sorted((link for link in found if link.span.end <= length), key=lambda link: link.span.start)


def _in_comments(source: bytes) -> Iterator[Link]:
    lowered = source.lower()
    if b"://" not in source and b"doi:" not in lowered:
        return
    for comment in _COMMENT.finditer(source):
        text = comment[0].decode(errors="replace")
        for match in _LINK.finditer(text):
            written = _trimmed(match[0])
            start = comment.start() + len(text[: match.start()].encode())
            span = Span(start, start + len(written.encode()))
            if match["doi"]:
                name = _trimmed(match["name"])
                yield Link(span, f"https://doi.org/{name}", f"Open the article, DOI {name}")
            elif len(written) > written.index("://") + 3:
                yield Link(span, written, f"Open {written}")


def _trimmed(text: str) -> str:
    """An address without the marks that end the sentence or the brackets around it."""
    while text:
        last = text[-1]
        opening = _CLOSING.get(last)
        if last not in _AT_END and (opening is None or text.count(opening) >= text.count(last)):
            break
        text = text[:-1]
    return text


def _of_data(checked: Checked) -> Iterator[Span]:
    observe: Span | None = None
    is_declared = False
    for placed in checked.module.declarations:
        declaration, offset = placed.declaration, placed.offset
        if isinstance(declaration, ast.DataDeclaration):
            is_declared = True
            yield Span(offset + declaration.span.start, offset + declaration.span.start + len("data"))
        elif isinstance(declaration, ast.ProgramDeclaration) and observe is None:
            observe = _first_observe(declaration.steps, offset)
    if not is_declared and observe is not None:
        yield observe


def _first_observe(steps: tuple[ast.Step, ...], offset: int) -> Span | None:
    for step in steps:
        if isinstance(step, ast.Observe):
            return Span(offset + step.span.start, offset + step.span.start + len("observe"))
        if isinstance(step, ast.Marginalize) and (found := _first_observe(step.body, offset)) is not None:
            return found
    return None
