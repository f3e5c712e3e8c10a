"""Diagnostics as a terminal shows them: a title, the source line, a label under the exact token.

    error[QVR201]: There is no object `Scool`
     --> schools.qvr:4:20
      |
    4 |     sample theta : Scool <- Normal(mu, tau)
      |                    ^^^^^
      |
      = hint: did you mean `School`?

Columns count characters from 1, as editors show them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quivers.records import record, replace
from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity
from quivers.terminal.width import Shown, safe, shown

WIDEST = 120  # cells of a source line; a longer one is cut around its label

_COLOURS = {
    Severity.ERROR: "31",
    Severity.WARNING: "33",
    Severity.INFORMATION: "36",
    Severity.HINT: "36",
}


def render(diagnostics: Iterable[Diagnostic], source: bytes, file: str, colour: bool) -> str:
    """Every diagnostic with the lines it is about, a blank line between two; ends without a line break."""
    lines = LineIndex(source)
    ink = _Ink(colour)
    return "\n\n".join(_one(diagnostic, source, lines, file, ink) for diagnostic in diagnostics)


def title_line(severity: Severity, code: str | None, message: str, colour: bool) -> str:
    """`error[QVR600]: …`: a problem that has no place in a program's text."""
    ink = _Ink(colour)
    tag = f"{severity.value}[{code}]" if code else severity.value
    return ink.paint(tag, "1;" + _COLOURS[severity]) + ink.paint(": " + safe(message), "1")


def summary_line(severities: Sequence[Severity], files: int) -> str:
    """`2 errors, 1 warning in 1 file`."""
    nouns = {
        Severity.ERROR: ("error", "errors"),
        Severity.WARNING: ("warning", "warnings"),
        Severity.INFORMATION: ("note", "notes"),
        Severity.HINT: ("hint", "hints"),
    }
    counts = [(severities.count(severity), *words) for severity, words in nouns.items()]
    found = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count)
    return f"{found or 'No problems'} in {files} {'file' if files == 1 else 'files'}"


def _one(diagnostic: Diagnostic, source: bytes, lines: LineIndex, file: str, ink: _Ink) -> str:
    here = lines.position(diagnostic.span.start, Encoding.UTF32)
    marks = [_mark(source, lines, diagnostic.span, "", None)]
    marks += [_mark(source, lines, label.span, label.message, "-") for label in diagnostic.labels]
    margin = len(str(max(mark.line for mark in marks) + 1))
    accent = _COLOURS[diagnostic.severity]
    rail = " " * (margin + 1) + ink.paint("|", "34")
    out = [
        title_line(diagnostic.severity, diagnostic.code, diagnostic.message, ink.on),
        " " * margin + ink.paint("-->", "34") + f" {file}:{here.line + 1}:{here.character + 1}",
        rail,
    ]
    last: int | None = None
    for number in sorted({mark.line for mark in marks}):
        if last is not None and number > last + 1:
            out.append(ink.paint("...", "34"))
        last = number
        on_line = [mark for mark in marks if mark.line == number]
        text, on_line = _cut(shown(_line(source, lines, number)), on_line)
        out.append(f"{ink.paint(f'{number + 1:>{margin}} |', '34')} {text}".rstrip())
        for mark in on_line:
            sign = (mark.sign or "^") * mark.width + (f" {mark.message}" if mark.message else "")
            out.append(f"{rail} {' ' * mark.start}{ink.paint(sign, '34' if mark.sign else '1;' + accent)}")
    notes = []
    if diagnostic.hint:
        notes.append(f"{' ' * (margin + 1)}{ink.paint('= hint:', '1')} {diagnostic.hint}")
    for fix in diagnostic.fixes:
        notes.append(f"{' ' * (margin + 1)}{ink.paint('= fix:', '1')} {fix.title}")
        notes += _mended(fix, source, lines, rail, ink)
    return "\n".join([*out, *([rail, *notes] if notes else [])])


@record
class _Mark:
    """A label on a line: from cell `start`, `width` cells. `sign` is None for the diagnostic's own span."""

    line: int
    start: int
    width: int
    message: str
    sign: str | None


def _mark(source: bytes, lines: LineIndex, span: Span, message: str, sign: str | None) -> _Mark:
    first = lines.position(span.start, Encoding.UTF32)
    last = lines.position(max(span.start, span.end), Encoding.UTF32)
    cells = shown(_line(source, lines, first.line)).cells
    start = cells[min(first.character, len(cells) - 1)]
    end = cells[min(last.character, len(cells) - 1)] if last.line == first.line else cells[-1]
    if last.line > first.line and last.character > 0:
        message = f"{message} (to line {last.line + 1})".strip()
    return _Mark(first.line, start, max(1, end - start), message, sign)


def _line(source: bytes, lines: LineIndex, number: int) -> str:
    span = lines.line_span(number)
    return source[span.start : span.end].decode("utf-8", errors="replace")


def _cut(line: Shown, marks: list[_Mark]) -> tuple[str, list[_Mark]]:
    """A line with its marks, cut down to a window around the first mark where the line is very long."""
    if line.cells[-1] <= WIDEST:
        return line.text, marks
    left = max(0, marks[0].start - WIDEST // 3)
    pieces = [
        (cell, character)
        for cell, character in zip(_cells_of(line), line.text, strict=True)
        if left <= cell < left + WIDEST
    ]
    lead = "…" if left else ""
    tail = "…" if left + WIDEST < line.cells[-1] else ""
    offset = (pieces[0][0] if pieces else left) - len(lead)
    text = lead + "".join(character for _, character in pieces) + tail
    cut = []
    for mark in marks:
        start = min(max(mark.start - offset, 0), WIDEST)
        end = min(max(mark.start + mark.width - offset, start + 1), WIDEST + 1)
        cut.append(replace(mark, start=start, width=end - start))
    return text, cut


def _cells_of(line: Shown) -> list[int]:
    """The cell of each character of the shown text; a tab's spaces count one by one."""
    again = shown(line.text)
    return list(again.cells[:-1])


def _mended(fix: Fix, source: bytes, lines: LineIndex, rail: str, ink: _Ink) -> list[str]:
    """The line as the fix leaves it, its new text underlined; nothing where a fix spans lines."""
    edits: list[Edit] = sorted(fix.edits, key=lambda edit: edit.span.start)
    if not edits or any("\n" in edit.text or "\r" in edit.text for edit in edits):
        return []
    touched = {
        lines.position(offset, Encoding.UTF8).line
        for edit in edits
        for offset in (edit.span.start, edit.span.end)
    }
    if len(touched) != 1:
        return []
    number = touched.pop()
    span = lines.line_span(number)
    text = ""
    at = span.start
    news: list[tuple[int, int]] = []
    for edit in edits:
        text += source[at : edit.span.start].decode("utf-8", errors="replace")
        news.append((len(text), len(text) + len(edit.text)))
        text += edit.text
        at = edit.span.end
    text += source[at : span.end].decode("utf-8", errors="replace")
    line = shown(text)
    if line.cells[-1] > WIDEST:
        return []
    under = [" "] * line.cells[-1]
    for start, end in news:
        under[line.cells[start] : line.cells[end]] = "+" * (line.cells[end] - line.cells[start])
    marks = "".join(under).rstrip()
    return [f"{rail} {line.text}".rstrip(), *([f"{rail} {ink.paint(marks, '32')}"] if marks else [])]


@record
class _Ink:
    on: bool

    def paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.on else text
