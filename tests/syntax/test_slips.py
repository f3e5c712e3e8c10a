"""What is said about slips, drawn under the text in slips.txt, and that each fix offered mends its slip.

Run with QVR_REWRITE=1 to draw the answers anew.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from quivers.syntax.ast import Hole, ProgramDeclaration, walk
from quivers.syntax.document import Document
from quivers.syntax.lines import Encoding
from quivers.syntax.lower import lower
from quivers.syntax.problems import Diagnostic, Fix

FIXTURES = Path(__file__).parent / "slips.txt"
DRAWN = re.compile(r"^ *\^+ QVR\d{3} .*\n", re.MULTILINE)
CASE = re.compile(r"^=== (.*)\n", re.MULTILINE)


def cases() -> list[tuple[str, str]]:
    _, *parts = CASE.split(FIXTURES.read_text("utf-8"))
    return list(zip(parts[::2], parts[1::2], strict=True))


def drawn(source: str) -> str:
    """The source with each diagnostic under the last line it touches, as `^^^ CODE message`."""
    document = Document(source.encode())
    under: dict[int, list[str]] = {}
    for diagnostic in lower(document).diagnostics:
        start = document.lines.position(diagnostic.span.start, Encoding.UTF32)
        end = document.lines.position(diagnostic.span.end, Encoding.UTF32)
        width = max(end.character - start.character, 1) if end.line == start.line else 1
        mark = f"{' ' * start.character}{'^' * width} {diagnostic.code} {diagnostic.message}\n"
        under.setdefault(start.line, []).append(mark)
    lines = source.splitlines(keepends=True)
    return "".join(line + "".join(under.get(number, [])) for number, line in enumerate(lines))


def applied(source: bytes, fix: Fix) -> bytes:
    for edit in sorted(fix.edits, key=lambda edit: -edit.span.start):
        source = source[: edit.span.start] + edit.text.encode() + source[edit.span.end :]
    return source


def what(diagnostics: tuple[Diagnostic, ...]) -> list[tuple[str, str]]:
    return [(diagnostic.code, diagnostic.message) for diagnostic in diagnostics]


def test_each_slip_is_named_on_its_token() -> None:
    answered = [(title, drawn(DRAWN.sub("", text))) for title, text in cases()]
    if os.environ.get("QVR_REWRITE"):
        FIXTURES.write_text("".join(f"=== {title}\n{text}" for title, text in answered), "utf-8")
    assert answered == cases()


@pytest.mark.parametrize(("title", "text"), cases(), ids=[title for title, _ in cases()])
def test_a_fix_mends_its_slip_and_makes_no_other(title: str, text: str) -> None:
    source = DRAWN.sub("", text).encode()
    found = lower(Document(source)).diagnostics
    assert found, title
    for index, diagnostic in enumerate(found):
        others = what(found[:index] + found[index + 1 :])
        for fix in diagnostic.fixes:
            assert what(lower(Document(applied(source, fix))).diagnostics) == others, fix.title


@pytest.mark.parametrize(("title", "text"), cases(), ids=[title for title, _ in cases()])
def test_a_slip_spoils_its_own_line_only(title: str, text: str) -> None:
    """A step above and one below, and a declaration above and below, are read whatever stands between."""
    slip = DRAWN.sub("", text)
    before, after = "object Above : FinSet 8\n", "object Below : FinSet 8\n"
    module = lower(Document((before + slip + after).encode())).module
    first, last = module.declarations[0].declaration, module.declarations[-1].declaration
    for declaration, name in ((first, "Above"), (last, "Below")):
        assert not isinstance(declaration, Hole)
        assert declaration.name.text == name
        assert not any(isinstance(node, Hole) for node in walk(declaration))
    if slip.startswith("program") and "    let first = 1\n" in slip:
        program = module.declarations[1].declaration
        assert isinstance(program, ProgramDeclaration)
        names = [step.name.text for step in program.steps if hasattr(step, "name")]
        assert names[0] == "first"
        assert names[-1] == "last"
