"""One record for everything a phase finds wrong, from a missing bracket to a negative scale.

A diagnostic holds facts only. The command line, the JSON output and the language server each
render it in one place; definitions of single problems stand with the phase that finds them.
"""

from __future__ import annotations

from enum import Enum

from quivers.records import record, replace
from quivers.syntax.ast import Span


class Severity(Enum):
    """How much a diagnostic matters, in the language server protocol's four grades."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"
    HINT = "hint"


@record
class Edit:
    """Put `text` in the place of the bytes of `span`."""

    span: Span
    text: str


@record
class Fix:
    """A change that, applied, removes the diagnostic it hangs on and adds none."""

    title: str
    edits: tuple[Edit, ...]


@record
class Label:
    """A second place that explains the first, such as where a name was declared.

    While a declaration's result is relative to its own start, `owner` names the other
    declaration that the span is relative to; None means the diagnostic's own declaration.
    """

    span: Span
    message: str
    owner: str | None = None


@record
class Diagnostic:
    """`code` is `QVR` and three digits: 1xx syntax, 2xx names, 3xx types and axes, 4xx supports,
    5xx effects, 6xx data, 7xx modelling advice. `message` is one sentence in the user's terms."""

    code: str
    severity: Severity
    span: Span
    message: str
    labels: tuple[Label, ...] = ()
    fixes: tuple[Fix, ...] = ()
    hint: str | None = None

    def shifted(self, by: int) -> Diagnostic:
        """The same diagnostic `by` bytes further on; labels that name an owner stay as they are."""
        return replace(
            self,
            span=self.span.shifted(by),
            labels=tuple(
                label if label.owner is not None else replace(label, span=label.span.shifted(by))
                for label in self.labels
            ),
            fixes=tuple(
                Fix(fix.title, tuple(Edit(edit.span.shifted(by), edit.text) for edit in fix.edits))
                for fix in self.fixes
            ),
        )
