"""Linked editing: the places that change together while a name is typed.

Only the names that `factor` and `scan` bind are linked, as all of their places stand in one expression under
the eye. A program's other names reach further than a screen, and an input's as far as the data: those are
for rename, which checks that the file means the same.
"""

from __future__ import annotations

from quivers.check.program import Checked, Role
from quivers.ide.definition import symbol_at
from quivers.ide.references import places
from quivers.syntax.ast import Span

# What the grammar takes for a name, as far as a regular expression without classes of Unicode can say it:
# from ASCII the letters, digits and `_`, and above it all but spaces, punctuation, arrows and operators.
_ABOVE_ASCII = (
    r"\u00aa\u00b5\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u1fff\u2080-\u2089\u2100-\u218f\u2c00-\uffff"
)
WORD_PATTERN = rf"[A-Za-z_{_ABOVE_ASCII}][A-Za-z0-9_{_ABOVE_ASCII}]*"


def linked_places(checked: Checked, source: bytes, offset: int) -> tuple[Span, ...]:
    """The places that are edited together with the name at a byte offset; none where it stands alone."""
    symbol = symbol_at(checked, offset)
    if symbol is None or symbol.role not in (Role.INDEX, Role.STATE):
        return ()
    spans = tuple(reference.span for reference in places(checked, symbol))
    spelt = {source[span.start : span.end] for span in spans}
    return spans if len(spelt) == 1 else ()
