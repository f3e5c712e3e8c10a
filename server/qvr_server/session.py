"""The documents that an editor has open: their text, kept in step edit by edit, and what checking them says.

Positions come in the encoding that was negotiated with the client.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from quivers.check.analysis import Analysis
from quivers.check.program import Checked
from quivers.configuration import Configuration, configuration_for, shown
from quivers.errors import DataProblem
from quivers.ide.data_facts import DataFacts
from quivers.syntax.ast import Span
from quivers.syntax.document import Document
from quivers.syntax.lines import Encoding, Position
from quivers.syntax.problems import Diagnostic
from quivers.syntax.steps import Steps
from qvr_server.places import Places

# A text of more bytes, some 250 lines, counts as large.
LARGE_BYTES = 8_000
SECONDS_BETWEEN_LOOKS = 0.5


@dataclass(frozen=True, slots=True)
class Change:
    """New text for the range between two positions, or for the whole document."""

    text: str
    range: tuple[Position, Position] | None = None


@dataclass(frozen=True, slots=True)
class DataVerdict:
    """What is wrong with the data for `program`. `of_values`: they came with a run, not in a file."""

    program: str
    problems: tuple[DataProblem, ...]
    of_values: bool = False


@dataclass(slots=True)
class OpenDocument:
    """One document, from its opening to its closing.

    `data_path` is the file that a run took its data from, if one was named, and `facts` what there is to say
    of the data, None where nothing is known. `kept` is what features keep of it between requests, each under
    its module's name. `from_runs` finds what the last runs had trouble with, once there are any.
    """

    uri: str
    version: int
    document: Document
    path: Path | None
    encoding: Encoding = Encoding.UTF16
    data_path: Path | None = None
    verdict: DataVerdict | None = None
    facts: DataFacts | None = None
    analysis: Analysis = field(default_factory=Analysis)
    kept: dict[str, Any] = field(default_factory=dict)
    from_runs: Callable[[OpenDocument], tuple[Diagnostic, ...]] | None = None
    is_busy: bool = False
    is_closed: bool = False
    failure: Exception | None = None
    _checked: Checked | None = None
    _configured: tuple[float, Configuration] | None = None

    @property
    def checked(self) -> Checked:
        """What checking the newest text says, computed when asked for and once.

        What may wait lets `Analyses` check the document first, which holds nothing else up.
        """
        if self._checked is None:
            # Another thread may be at work with the memory of the last check.
            self._checked = (Analysis() if self.is_busy else self.analysis).check(self.document)
        return self._checked

    @property
    def is_checked(self) -> bool:
        """Whether the newest text is checked."""
        return self._checked is not None

    @property
    def is_large(self) -> bool:
        """Whether an answer about the whole text may take long."""
        return len(self.document.source) > LARGE_BYTES

    def checking(self) -> Steps[Checked]:
        """The check of the newest text in steps, whose result is for `settle`."""
        return self.analysis.checking(self.document.source)

    def settle(self, checked: Checked) -> None:
        """Take the result of checking the newest text."""
        self._checked = checked

    def snapshot(self) -> OpenDocument:
        """The document as it is now, for another thread to read."""
        return replace(self, document=self.document.copy())

    @property
    def places(self) -> Places:
        """The newest text's places as the client counts them."""
        return Places(self.uri, self.document.lines, self.encoding)

    @property
    def name(self) -> str:
        """The file's name for messages."""
        return str(self.path) if self.path is not None else self.uri

    def apply(self, version: int, changes: Iterable[Change]) -> None:
        """Apply one notification's changes, each to the text that the one before it left."""
        document = self.document.copy()
        for change in changes:
            if change.range is None:
                document.replace(change.text)
                continue
            lines = document.lines
            start, end = (lines.offset(position, self.encoding) for position in change.range)
            document.edit(Span(min(start, end), max(start, end)), change.text)
        self.document = document  # a new one, since another thread may be reading the old
        self.version = version
        self._checked = self.failure = None
        if self.verdict is not None and self.verdict.of_values:
            self.verdict = None

    @property
    def configuration(self) -> Configuration:
        """The project's configuration as it is on the disk, looked at twice a second at most."""
        now = time.monotonic()
        if self._configured is None or now > self._configured[0]:
            self._configured = (now + SECONDS_BETWEEN_LOOKS, configuration_for(self.path))
        return self._configured[1]

    def look_again(self) -> None:
        """Forget what the disk held."""
        self._configured = None

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """All that is wrong with text and data, as the configuration and the comments want it shown."""
        return shown(self._found(), self.document.source, self.configuration, self.document.lines)

    def _found(self) -> tuple[Diagnostic, ...]:
        """All that is wrong with the text, the last runs, and the data where their program still stands."""
        checked = self.checked
        found = checked.diagnostics
        if self.from_runs is not None:
            found = (*found, *self.from_runs(self))
        program = checked.programs.get(self.verdict.program) if self.verdict is not None else None
        if self.verdict is None or program is None or not self.verdict.problems:
            return found
        from quivers.data import diagnostics

        return (*found, *diagnostics(self.verdict.problems, program, checked))


@dataclass(slots=True)
class Session:
    """Every open document by its URI, and the encoding of the client's positions.

    `kept` is what features keep between requests, each under its module's name.
    """

    encoding: Encoding = Encoding.UTF16
    documents: dict[str, OpenDocument] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    def open(self, uri: str, version: int, text: str, path: Path | None) -> OpenDocument:
        self.close(uri)  # some clients open twice
        opened = OpenDocument(uri, version, Document(text.encode()), path, self.encoding)
        self.documents[uri] = opened
        return opened

    def close(self, uri: str) -> OpenDocument | None:
        if (opened := self.documents.pop(uri, None)) is not None:
            opened.is_closed = True
        return opened
