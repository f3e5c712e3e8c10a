"""Comments that silence diagnostics: `# qvr: ignore[QVR402]` at a line's end, or on a line above it.

A bare `# qvr: ignore` silences all but syntax errors. A comment that silences nothing is reported in turn,
so that it does not outlive its reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from quivers.check.severity import ALWAYS_SHOWN
from quivers.codes import is_known, near_codes
from quivers.records import record
from quivers.syntax.ast import Span
from quivers.syntax.lines import LineIndex
from quivers.syntax.problems import Diagnostic, Edit, Fix, Severity

# QVR has no strings, so a `#` always starts a comment.
_COMMENT = re.compile(rb"qvr:[ \t]*(?P<said>[^#\r\n]*)")
_SAID = re.compile(rb"ignore[ \t]*(?:\[(?P<codes>[^\]]*)\].*)?")
_CODE = re.compile(rb"[^\s,]+")

# These are found when a program meets its data or is run, so a check alone can't tell that they are not.
_FOUND_LATER = ("QVR6", "QVR8", "QVR390")


@record
class _Ignore:
    """One comment. `line` is the line that it is about, `codes` is None when it names none.

    `removed` is what goes when the whole comment goes, `listed` what stands between its brackets.
    """

    line: int
    span: Span
    removed: Span
    codes: tuple[tuple[str, Span], ...] | None
    listed: Span


def unsilenced(
    diagnostics: Iterable[Diagnostic], source: bytes, lines: LineIndex | None = None
) -> tuple[Diagnostic, ...]:
    """What no comment of `source` silences, with a hint for each comment that is of no use, by position.

    `lines` is the index of `source` where the caller has it already.
    """
    found = tuple(diagnostics)
    if b"qvr:" not in source:
        return found
    lines = lines or LineIndex(source)
    ignores, problems = _ignores(source, lines)
    if not ignores:
        return _sorted([*found, *problems]) if problems else found
    on_line: dict[int, list[_Ignore]] = {}
    for ignore in ignores:
        on_line.setdefault(ignore.line, []).append(ignore)
    kept: list[Diagnostic] = []
    used: set[tuple[Span, str | None]] = set()
    for diagnostic in found:
        matches = [
            (ignore.span, code)
            for ignore in on_line.get(lines.line_at(diagnostic.span.start), ())
            for code in _matching(ignore, diagnostic.code)
        ]
        used.update(matches)
        if not matches:
            kept.append(diagnostic)
    # Beside what can't be read, diagnostics are held back, so that an ignore may only seem useless.
    readable = not any(diagnostic.code.startswith(ALWAYS_SHOWN) for diagnostic in found)
    if readable:
        problems += [problem for ignore in ignores for problem in _useless(ignore, used)]
    return _sorted([*kept, *problems])


def listed_codes(source: bytes, line: Span) -> Span | None:
    """Where the codes stand that an ignore comment on a line lists; None where no comment there lists any."""
    for match in _COMMENT.finditer(source, line.start, line.end):
        said = _SAID.fullmatch(match["said"].rstrip())
        if (
            said is not None
            and said["codes"] is not None
            and _comment_start(source, match.start()) is not None
        ):
            return Span(*said.span("codes")).shifted(match.start("said"))
    return None


def _sorted(diagnostics: list[Diagnostic]) -> tuple[Diagnostic, ...]:
    return tuple(sorted(diagnostics, key=lambda each: (each.span.start, each.span.end, each.code)))


def _matching(ignore: _Ignore, code: str) -> list[str | None]:
    """The entries of a comment that silence `code`."""
    if code.startswith(ALWAYS_SHOWN):
        return []
    if ignore.codes is None:
        return [None]
    return [name for name, _ in ignore.codes if name in (code, f"{code[:4]}xx")]


def _ignores(source: bytes, lines: LineIndex) -> tuple[list[_Ignore], list[Diagnostic]]:
    """The comments that can be obeyed, and what is wrong with the others."""
    ignores: list[_Ignore] = []
    problems: list[Diagnostic] = []
    for match in _COMMENT.finditer(source):
        start = _comment_start(source, match.start())
        if start is None:
            continue
        text = match["said"].rstrip()
        span = Span(start, match.start("said") + len(text))
        removed = _removal(source, span, lines)
        said = _SAID.fullmatch(text)
        if said is None:
            fix = Fix("Remove the comment", (Edit(removed, ""),))
            message = "`# qvr:` is followed by `ignore`, or by `ignore[…]` with codes such as `QVR402`."
            problems.append(Diagnostic("QVR791", Severity.HINT, span, message, fixes=(fix,)))
            continue
        codes: tuple[tuple[str, Span], ...] | None = None
        listed = span
        if said["codes"] is not None:
            listed = Span(*said.span("codes")).shifted(match.start("said"))
            codes = tuple(
                (code[0].decode(errors="replace"), Span(*code.span()).shifted(listed.start))
                for code in _CODE.finditer(said["codes"])
            )
        ignore = _Ignore(_line_concerned(source, span, lines), span, removed, codes, listed)
        ignores.append(ignore)
        problems += [_unknown(ignore, name, at) for name, at in codes or () if _is_unusable(name)]
    return ignores, problems


def _comment_start(source: bytes, word: int) -> int | None:
    """Where the `#` stands that has only white space between it and the word at `word`, if there is one."""
    while word > 0 and source[word - 1] in b" \t":
        word -= 1
    return word - 1 if word > 0 and source[word - 1] == ord("#") else None


def _removal(source: bytes, comment: Span, lines: LineIndex) -> Span:
    """The comment with the white space before it; its line as a whole where nothing else stands there."""
    number = lines.line_at(comment.start)
    line = lines.line_span(number)
    before = source[line.start : comment.start]
    if not before.strip() and not source[comment.end : line.end].strip():
        last = number + 1 == lines.line_count
        return Span(line.start, line.end if last else lines.line_span(number + 1).start)
    return Span(line.start + len(before.rstrip()), comment.end)


def _line_concerned(source: bytes, comment: Span, lines: LineIndex) -> int:
    """The comment's own line, or where only comments stand on it, the next one with code."""
    number = lines.line_at(comment.start)
    while number + 1 < lines.line_count:
        line = lines.line_span(number)
        if source[line.start : line.end].lstrip()[:1] not in (b"", b"#"):
            break
        number += 1
    return number


def _is_unusable(name: str) -> bool:
    return not is_known(name) or name.startswith(ALWAYS_SHOWN)


def _unknown(ignore: _Ignore, name: str, span: Span) -> Diagnostic:
    near = near_codes(name)
    if is_known(name):
        message, hint = f"`{name}` can't be ignored: a syntax error is always shown.", None
    else:
        message, hint = f"No code is called `{name}`.", f"Did you mean `{near[0]}`?" if near else None
    return Diagnostic("QVR791", Severity.HINT, span, message, fixes=(_without(ignore, name),), hint=hint)


def _useless(ignore: _Ignore, used: set[tuple[Span, str | None]]) -> list[Diagnostic]:
    if ignore.codes is None or not ignore.codes:
        if (ignore.span, None) in used:
            return []
        fix = Fix("Remove the comment", (Edit(ignore.removed, ""),))
        message = "This comment silences nothing."
        return [Diagnostic("QVR790", Severity.HINT, ignore.span, message, fixes=(fix,))]
    return [
        Diagnostic(
            "QVR790",
            Severity.HINT,
            span,
            f"There is no `{name}` here to ignore.",
            fixes=(_without(ignore, name),),
        )
        for name, span in ignore.codes
        if not _is_unusable(name) and not name.startswith(_FOUND_LATER) and (ignore.span, name) not in used
    ]


def _without(ignore: _Ignore, name: str) -> Fix:
    """The fix that takes one code out of a comment, and the comment away with its last."""
    rest = [code for code, _ in ignore.codes or () if code != name]
    if not rest:
        return Fix("Remove the comment", (Edit(ignore.removed, ""),))
    return Fix(f"Remove `{name}`", (Edit(ignore.listed, ", ".join(rest)),))
