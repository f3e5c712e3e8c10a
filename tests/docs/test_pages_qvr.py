"""The QVR of the documentation: whole programs have no problem and are laid out, lines have no error."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quivers.check.analysis import check_source
from quivers.ir.build import build
from quivers.syntax.document import Document
from quivers.syntax.format import format_source
from quivers.syntax.problems import Severity

ROOT = Path(__file__).resolve().parent.parent.parent
LANGUAGE = ROOT / "docs" / "language.md"
LISTING = re.compile(r"^```qvr\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
STEP = re.compile(r"(?:sample|observe|let|score) ")
DECLARATION = re.compile(r"(?:object|data) ")

OBJECTS = {"N": "object N : FinSet", "J": "object J : FinSet", "K": "object K : FinSet 3"}
# What must stand above a line that has the text on the left, where its uses alone don't say its axes.
ABOVE = {
    "a[g]": "sample a : K <- Normal(0.0, 1.0)",
    ", cuts)": "sample cuts : K <- Normal(0.0, 2.0) [ordered]",
}


def listings() -> dict[str, str]:
    """The whole programs of the pages by page and line; on the language's page every listing must be one."""
    found = {}
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        text = page.read_text(encoding="utf-8")
        for listing in LISTING.finditer(text):
            line = text.count("\n", 0, listing.start()) + 1
            if page == LANGUAGE or "\nprogram " in "\n" + listing[1]:
                found[f"{page.stem}-{line}"] = listing[1]
    return found


def lines() -> list[str]:
    """The declarations and steps in the right column of the tables that translate."""
    tables = LANGUAGE.read_text(encoding="utf-8").partition("## From Stan")[2]
    cells = [row.rsplit(" | ", 1)[1] for row in tables.splitlines() if row.startswith("| ")]
    codes = [code for cell in cells for code in CODE.findall(cell)]
    return sorted({code for code in codes if STEP.match(code) or DECLARATION.match(code)})


@pytest.mark.parametrize("listing", listings().values(), ids=listings())
def test_a_whole_program_has_no_problem_can_be_run_and_is_laid_out(listing: str) -> None:
    checked = check_source(listing)
    assert [problem.message for problem in checked.diagnostics] == []
    for program in checked.programs.values():
        if not program.declaration.parameters:
            build(checked, program)
    assert format_source(Document(listing.encode())).decode() == listing


@pytest.mark.parametrize("line", lines())
def test_a_line_that_stands_for_one_of_another_language_is_one_of_qvr(line: str) -> None:
    declarations, steps = list(OBJECTS.values()), [step for part, step in ABOVE.items() if part in line]
    if line.startswith("object "):
        declarations = [line, *(text for name, text in OBJECTS.items() if name != line.split()[1])]
    elif DECLARATION.match(line):
        declarations.append(line)
    else:
        steps.append(line)
    program = "\n    ".join(["program p : N -> Real", *steps, "let nothing = 0.0", "return nothing"])
    checked = check_source("\n".join([*declarations, program]) + "\n")
    assert [p.message for p in checked.diagnostics if p.severity is Severity.ERROR] == []
