"""`textDocument/semanticTokens`: what each word is; all of them, those that changed, or those of a range."""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lsprotocol import types

from quivers.ide.semantic_tokens import KINDS, MODIFIERS, SemanticTokens
from qvr_server.feature import Feature

if TYPE_CHECKING:
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument


@dataclass(slots=True)
class _Kept:
    """A document's tokens, and by name the answers that the client may have: the one it told of, which the
    next is compared with, and the newest, which may be on its way or given up."""

    tokens: SemanticTokens
    number: int = 0
    sent: dict[str, array[int]] = field(default_factory=dict)

    def remember(self, data: array[int], told_of: str | None = None) -> str:
        """The name of a new answer."""
        self.number += 1
        identity = str(self.number)
        self.sent = {name: before for name, before in self.sent.items() if name == told_of}
        self.sent[identity] = data
        return identity


def full(
    ls: QvrServer, opened: OpenDocument, params: types.SemanticTokensParams
) -> types.SemanticTokens | None:
    """All tokens of a document."""
    kept = _kept(opened)
    data = kept.tokens.all(opened.checked, opened.document)
    return types.SemanticTokens(data=data.tolist(), result_id=kept.remember(data))


def delta(
    ls: QvrServer, opened: OpenDocument, params: types.SemanticTokensDeltaParams
) -> types.SemanticTokens | types.SemanticTokensDelta:
    """What has changed since the last answer; all tokens where that was not the one the client has."""
    kept = _kept(opened)
    before = kept.sent.get(params.previous_result_id)
    data = kept.tokens.all(opened.checked, opened.document)
    identity = kept.remember(data, params.previous_result_id)
    if before is None:
        return types.SemanticTokens(data=data.tolist(), result_id=identity)
    return types.SemanticTokensDelta(edits=_edits(before, data), result_id=identity)


def within(
    ls: QvrServer, opened: OpenDocument, params: types.SemanticTokensRangeParams
) -> types.SemanticTokens:
    """The tokens of the lines of a range."""
    span = opened.places.span(params.range)
    lines = opened.document.lines
    first, last = lines.line_at(span.start), lines.line_at(span.end)
    data = _kept(opened).tokens.within(opened.checked, opened.document, first, last)
    return types.SemanticTokens(data=data.tolist())


def _kept(opened: OpenDocument) -> _Kept:
    kept = opened.kept.get(__name__)
    if not isinstance(kept, _Kept):
        kept = opened.kept[__name__] = _Kept(SemanticTokens(opened.encoding))
    return kept


def _edits(before: array[int], after: array[int]) -> list[types.SemanticTokensEdit]:
    """The one edit that makes `after` of `before`; none where they are equal."""
    if before == after:
        return []
    start = _same(before, after)
    shorter = min(len(before), len(after)) - start
    end = min(_same(before[::-1], after[::-1]), shorter)
    return [
        types.SemanticTokensEdit(
            start=start,
            delete_count=len(before) - end - start,
            data=after[start : len(after) - end].tolist(),
        )
    ]


def _same(left: array[int], right: array[int]) -> int:
    """How many numbers two arrays have in common from their start."""
    low, high = 0, min(len(left), len(right)) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle
    return low


_LEGEND = types.SemanticTokensLegend(token_types=list(KINDS), token_modifiers=list(MODIFIERS))
FEATURES = (
    Feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, full, _LEGEND, whole=True),
    Feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL_DELTA, delta, _LEGEND, whole=True),
    Feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_RANGE, within, _LEGEND, whole=True),
)
