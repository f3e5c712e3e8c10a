"""A text that is a Stan program: one sentence in the place of a complaint about each of its lines."""

from __future__ import annotations

import re

from quivers.syntax.ast import Span
from quivers.syntax.problems import Diagnostic, Severity

# What may stand above the first block: white space, a byte order mark, comments of Stan's and of QVR's.
_ABOVE = rb"(?:\xef\xbb\xbf)?(?:\s++|//[^\n]*+|#[^\n]*+|/\*.*?\*/)*+"
_BLOCK = rb"(?:functions|(?:transformed\s+)?(?:data|parameters)|model|generated\s+quantities)\s*\{"
_FIRST_BLOCK = re.compile(_ABOVE + rb"(?P<block>" + _BLOCK + rb")", re.DOTALL)


def stan_program(source: bytes) -> Diagnostic | None:
    """That `source` is Stan, if its first words open one of Stan's blocks. No QVR begins so."""
    found = _FIRST_BLOCK.match(source)
    if found is None:
        return None
    block = " ".join(found["block"].removesuffix(b"{").decode().split())
    return Diagnostic(
        "QVR100",
        Severity.ERROR,
        Span(*found.span("block")),
        f"This is a Stan program: `{block} {{` opens one of Stan's blocks, and QVR has none.",
        hint="docs/language.md says what Stan's lines are in QVR; `qvr explain normal` takes Stan's names.",
    )
