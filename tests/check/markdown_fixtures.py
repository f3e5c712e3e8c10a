"""Fixtures in Markdown: a ```qvr block is a program with what is expected of it as comments under its lines.

`#   ^^^ QVR201 error: …` stands under the token that a diagnostic is on, `#   --- …` under one that a
label points to; `#<- …` takes the place of the carets in column 0. `# reveal theta : School ⊗ Real` gives
the type of a name in the program above it. Setting QVR_REWRITE_FIXTURES writes what is found in the place
of what is expected.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from quivers.check.analysis import check_source
from quivers.check.program import Checked
from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic

_BLOCK = re.compile(r"^```qvr\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_EXPECTED = re.compile(r"^#(\s*(\^+|-+) |<- )")
_REVEAL = re.compile(r"^(\s*# reveal )(\w+)(?: : .*)?$")


@dataclass(frozen=True)
class Fixture:
    file: Path
    heading: str
    start: int
    text: str

    @property
    def program(self) -> str:
        """The block without the expectations."""
        return "".join(line for line in self.text.splitlines(keepends=True) if not _EXPECTED.match(line))


def fixtures(folder: Path) -> list[Fixture]:
    found = []
    for file in sorted(folder.glob("*.md")):
        text = file.read_text(encoding="utf-8")
        headings = [
            (match.start(), match.group(1))
            for match in _HEADING.finditer(_BLOCK.sub(lambda m: " " * len(m[0]), text))
        ]
        for match in _BLOCK.finditer(text):
            heading = [title for at, title in headings if at < match.start()][-1]
            found.append(Fixture(file, heading, match.start(1), match.group(1)))
    return found


def is_advice(problem: Diagnostic) -> bool:
    """Whether this is modelling advice, which fixtures about the language leave aside."""
    return "QVR701" <= problem.code < "QVR790"


def annotated(program: str, *, advice: bool = False) -> str:
    """The program with what the checker finds as comments under its lines, its advice only where wanted."""
    checked = check_source(program)
    lines = program.splitlines(keepends=True)
    below: dict[int, list[str]] = {}
    for problem in checked.diagnostics:
        if is_advice(problem) and not advice:
            continue
        _mark(program, problem.span, "^", _summary(problem), below)
        for label in problem.labels:
            _mark(program, label.span, "-", label.message, below)
    result = []
    owner: str | None = None
    for number, line in enumerate(lines):
        if found := re.match(r"program (\w+)", line):
            owner = found.group(1)
        result.append(_revealed(line, owner, checked))
        result.extend(below.get(number, ()))
    return "".join(result)


def _summary(problem: Diagnostic) -> str:
    return f"{problem.code} {problem.severity.value}: {problem.message}"


def _mark(program: str, span: Span, sign: str, message: str, below: dict[int, list[str]]) -> None:
    before = program.encode()[: span.start].decode()
    length = len(program.encode()[span.start : span.end].decode().split("\n")[0])
    line = before.count("\n")
    column = len(before) - before.rfind("\n") - 1
    signs = "<-" if column == 0 else " " * (column - 1) + sign * max(length, 1)
    entries = below.setdefault(line, [])
    text = f"#{signs} {message}\n"
    if text not in entries:
        entries.append(text)


def _revealed(line: str, owner: str | None, checked: Checked) -> str:
    match = _REVEAL.match(line.rstrip("\n"))
    if match is None:
        return line
    name = match.group(2)
    if name in checked.programs:
        shown = checked.programs[name].signature
    elif owner is not None and name in checked.programs[owner].types:
        shown = str(checked.programs[owner].types[name])
    else:
        shown = "nothing"
    return f"{match.group(1)}{name} : {shown}\n"
