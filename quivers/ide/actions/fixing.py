"""Fixes beyond the one at hand: all in a file that can be mended safely, and silence by a comment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from quivers.check.ignores import listed_codes
from quivers.check.program import Checked
from quivers.check.rewrites.lines import applied
from quivers.check.severity import ALWAYS_SHOWN
from quivers.codes import CODES
from quivers.ide.actions.proof import new_problems
from quivers.ide.actions.selection import Change, Selection
from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.lines import LineIndex
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity

# Fixes that leave a model what it is, or say in QVR what a slip can only have meant. The rest changes what
# a model says, or guesses, and so is for its author to choose: a name that looks misspelt, a link function,
# another parameterization, a latent less.
_SAFE_FAMILIES = (ALWAYS_SHOWN, "QVR5")
_SAFE = frozenset(
    {
        "QVR202",
        "QVR203",
        "QVR209",
        "QVR305",
        "QVR307",
        "QVR708",
        "QVR709",
        "QVR710",
        "QVR790",
        "QVR791",
    }
)
_PERHAPS_AN_INPUT = "QVR208"  # a name that looks misspelt
_MOST_ROUNDS = 8
_MOST_TRIALS = 50

Shown = Callable[[Checked, bytes], Sequence[Diagnostic]]


# --------------------------------------------------------------------- one of them


def preferred(problem: Diagnostic) -> Fix | None:
    """The fix that is the obvious one, where a problem has just one and nothing else may be meant."""
    return problem.fixes[0] if len(problem.fixes) == 1 and problem.code != _PERHAPS_AN_INPUT else None


def safe_fix(problem: Diagnostic) -> Fix | None:
    """The fix that may be applied unseen."""
    if not problem.code.startswith(_SAFE_FAMILIES) and problem.code not in _SAFE:
        return None
    return preferred(problem)


# -------------------------------------------------------------------- all of them


def fix_all(selection: Selection, shown: Shown) -> Change | None:
    """Apply every safe fix, again and again until none is left; None where that mends nothing.

    `shown` says which problems of a checked text are shown. Each round leaves fewer, of the gravest kind that
    it changes, and none of that kind or a graver one that is new: what can't be read hides lesser problems.
    """
    text = _Patched(selection.document.source)
    analysis = selection.analysis.copy()
    problems = shown(selection.checked, text.now)
    trials = 0
    for _ in range(_MOST_ROUNDS):
        fixes = [fix for problem in problems if (fix := safe_fix(problem)) is not None]
        batches = [_together(fixes), *((fix,) for fix in fixes)] if len(fixes) > 1 else [tuple(fixes)]
        for batch in batches:
            if not batch or trials == _MOST_TRIALS:
                return text.change()
            trials += 1
            edits = _edits(batch)
            source = applied(text.now, Fix("", edits))
            found = shown(analysis.check(Document(source)), source)
            if _better(problems, found):
                text.apply(edits)
                problems = found
                break
        else:
            break
    return text.change()


def _better(before: Sequence[Diagnostic], after: Sequence[Diagnostic]) -> bool:
    """Whether there are fewer problems, of syntax, else errors, else all, and no new ones up to there."""
    for graver in (_is_syntax, _is_error, _is_any):
        old, now = [list(filter(graver, problems)) for problems in (before, after)]
        if new_problems(old, now):
            return False
        if len(now) < len(old):
            return True
    return False


def _is_syntax(problem: Diagnostic) -> bool:
    return problem.code.startswith(ALWAYS_SHOWN)


def _is_error(problem: Diagnostic) -> bool:
    return problem.severity is Severity.ERROR


def _is_any(problem: Diagnostic) -> bool:
    return True


def _together(fixes: Sequence[Fix]) -> tuple[Fix, ...]:
    """The fixes, but for those that edit what one before them does; the same edit twice is one."""
    kept: list[Fix] = []
    edits: set[Edit] = set()
    for fix in fixes:
        if all(edit in edits or not any(_clash(edit, other) for other in edits) for edit in fix.edits):
            kept.append(fix)
            edits.update(fix.edits)
    return tuple(kept)


def _clash(left: Edit, right: Edit) -> bool:
    one, other = left.span, right.span
    return one.start == other.start or (one.start < other.end and other.start < one.end)


def _edits(fixes: Sequence[Fix]) -> tuple[Edit, ...]:
    return tuple(sorted({edit for fix in fixes for edit in fix.edits}, key=lambda edit: edit.span.start))


@record
class _Piece:
    """A part of a text: the bytes of `span` of the first text, or where that is None, new ones."""

    text: bytes
    span: Span | None


class _Patched:
    """A text edited in rounds, which remembers what is left of the first one to say it all in one change."""

    def __init__(self, source: bytes) -> None:
        self.now = self._source = source
        self._pieces = [_Piece(source, Span(0, len(source)))]

    def apply(self, edits: Sequence[Edit]) -> None:
        """Apply edits of the text as it is now, in order."""
        old, self._pieces = self._pieces, []
        at = 0
        for edit in edits:
            self._pieces += _cut(old, Span(at, edit.span.start))
            self._pieces.append(_Piece(edit.text.encode(), None))
            at = edit.span.end
        self._pieces += _cut(old, Span(at, len(self.now)))
        self.now = b"".join(piece.text for piece in self._pieces)

    def change(self) -> Change | None:
        """The edits of the first text that give the present one; None where the two are equal."""
        edits: list[Edit] = []
        at, new = 0, b""
        for piece in [*self._pieces, _Piece(b"", Span(len(self._source), len(self._source)))]:
            if piece.span is None:
                new += piece.text
                continue
            if new or piece.span.start > at:
                edits.append(Edit(Span(at, piece.span.start), new.decode()))
            at, new = piece.span.end, b""
        return Change(tuple(edits)) if self.now != self._source else None


def _cut(pieces: Sequence[_Piece], span: Span) -> list[_Piece]:
    """The part of a text between two places of it."""
    found: list[_Piece] = []
    at = 0
    for piece in pieces:
        start, end = max(span.start - at, 0), min(span.end - at, len(piece.text))
        if start < end:
            first = piece.span
            place = None if first is None else Span(first.start + start, first.start + end)
            found.append(_Piece(piece.text[start:end], place))
        at += len(piece.text)
    return found


# ------------------------------------------------------------------------ silence


def ignoring(problem: Diagnostic, source: bytes, lines: LineIndex) -> Fix | None:
    """Silence a problem with a comment at the end of its line; None for what must be mended.

    That is an error, which keeps the program from running, and a comment that is of no use.
    """
    known = CODES.get(problem.code)
    if known is None or known.severity is Severity.ERROR or problem.code.startswith("QVR79"):
        return None
    title = f"Ignore {problem.code} on this line"
    line = lines.line_span(lines.line_at(problem.span.start))
    listed = listed_codes(source, line)
    if listed is not None:
        codes = source[listed.start : listed.end].decode().strip()
        return Fix(title, (Edit(listed, f"{codes}, {problem.code}" if codes else problem.code),))
    end = len(source[: line.end].rstrip(b" \t"))
    return Fix(title, (Edit(Span(end, line.end), f"  # qvr: ignore[{problem.code}]"),))
