"""What the checker says only because of a slip in the text: it is left out, as the slip itself is reported.

A line that could not be read as it stands may read as something else, such as `Normal(0, 1 [ordered]` as an
index. So nothing is said of such a line, nor of the block under it where the line is the block's header.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from quivers.syntax.problems import Diagnostic, Severity

_BLOCK_HEADERS = (b"marginalize",)


def without_echoes(
    problems: Iterable[Diagnostic], syntax: Sequence[Diagnostic], source: bytes
) -> list[Diagnostic]:
    """The checker's problems but for those on a line with a syntax error, or in the block that it heads."""
    stretches = [
        _stretch(problem.span.start, source) for problem in syntax if problem.severity is Severity.ERROR
    ]
    if not stretches:
        return list(problems)
    return [
        problem
        for problem in problems
        if not any(start <= problem.span.start <= end for start, end in stretches)
    ]


def _stretch(offset: int, source: bytes) -> tuple[int, int]:
    """The line around an offset, with those indented further where it heads a block or has parameters."""
    start = _line_start(offset, source)
    end = _line_end(offset, source)
    line = source[start:end]
    if not _heads_a_block(line):
        return start, end
    indentation = len(line) - len(line.lstrip())
    while end < len(source):
        after = _line_end(end + 1, source)
        text = source[end + 1 : after]
        if text.strip() and len(text) - len(text.lstrip()) <= indentation:
            break
        end = after
    return start, end


def _heads_a_block(line: bytes) -> bool:
    words = line.split(maxsplit=1)
    if not words:
        return False
    if words[0] in _BLOCK_HEADERS:
        return True
    # A program's parameters are names in its steps, and some may have been lost.
    return words[0] == b"program" and b"(" in line.partition(b":")[0]


def _line_start(offset: int, source: bytes) -> int:
    return max(source.rfind(b"\n", 0, offset), source.rfind(b"\r", 0, offset)) + 1


def _line_end(offset: int, source: bytes) -> int:
    ends = [end for end in (source.find(b"\n", offset), source.find(b"\r", offset)) if end >= 0]
    return min(ends, default=len(source))
