"""The last result of each program of each document, and how it stands to the text and the data of now.

A result stays with its program through comments, renames and formatting, and is stale once the model or its
data say something else. It outlives its document's closing; the server's end outlives what is saved of it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from quivers.check.fingerprint import Fingerprint, Memo, fingerprint
from quivers.check.program import Checked, CheckedProgram
from quivers.errors import QvrError
from quivers.ide.posteriors import Posterior, posterior

MOST_RESULTS = 64
# Rows of all results together; a row is about a kilobyte.
MOST_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class DataUsed:
    """The data of a run: the file or directory they came from, if from one, and a key of what they said.

    `written` is when the file was, with its size. `chosen` says that the command named the data, so that
    they hold whatever else is found. `renames` are the names that the project's configuration gives them.
    """

    file: Path | None
    key: str
    written: tuple[int, int] | None = None
    chosen: bool = False
    renames: Mapping[str, str] = field(default_factory=dict)


def data_used(
    data: str | list[str] | dict[str, Any] | None,
    known: DataUsed | None = None,
    renames: Mapping[str, str] | None = None,
) -> DataUsed:
    """What a run with `data` reads. Call it off the event loop.

    A file that has not been written since it was `known` is not read again. One that can't be read has a key
    of its own, as no run can have used it.
    """
    from quivers.runs.data_key import NO_DATA, data_key, together

    if isinstance(data, dict):
        import hashlib  # only where there was such a run

        text = json.dumps(data, sort_keys=True, default=str)
        return DataUsed(None, hashlib.sha256(text.encode(errors="replace")).hexdigest())
    if data is None:
        return DataUsed(None, NO_DATA)
    if isinstance(data, list):
        keys = [data_used(each, None, renames).key for each in data]
        return DataUsed(None, together(keys), renames=renames or {})
    file, renames = Path(data), renames or {}
    try:
        status = file.stat()
        written = None if file.is_dir() else (status.st_mtime_ns, status.st_size)
        same = known is not None and (known.file, known.written, known.renames) == (file, written, renames)
        if known is not None and same and written is not None:
            return known
        return DataUsed(file, data_key(file, renames), written, renames=renames)
    except (OSError, ValueError, QvrError):
        return DataUsed(file, "unreadable", renames=renames)


@dataclass(slots=True)
class Result:
    """What a run of `program` answered, and what it was a run of.

    `source` is the text that ran, `data_now` the data that another run would use, when last looked at. The
    worker keeps the draws under `key`, while it lives and has room for them, and the folder `saved` has them
    all, where there is one. A result was `restored` where the run was none of this session's, and is `live`
    where it was made because the model was saved.
    """

    uri: str
    program: str
    fingerprint: Fingerprint
    source: bytes
    data: DataUsed
    answer: dict[str, Any]
    finished: float
    data_now: DataUsed | None = None
    memo: Memo = field(default_factory=dict)
    key: str | None = None
    saved: Path | None = None
    restored: bool = False
    live: bool = False

    @property
    def data_changed(self) -> bool:
        """Whether the data were other ones when they were last looked at."""
        return self.data_now is not None and self.data_now.key != self.data.key

    @property
    def rows(self) -> int:
        """How many numbers were summarised."""
        return len(self.answer["summary"])


@dataclass(frozen=True, slots=True)
class Standing:
    """A result beside the program that it belongs to now.

    `names` says what each name of the run is called now; it is empty once the model has changed.
    """

    result: Result
    program: str
    model_changed: bool
    names: Mapping[str, str]

    @property
    def stale(self) -> bool:
        """Whether the model or its data have changed since the run."""
        return self.model_changed or self.result.data_changed

    def named(self, name: str) -> str:
        """A name of the run as it is called now."""
        return self.names.get(name, name)

    def named_then(self, name: str) -> str:
        """What a name of now was called in the run."""
        return next((then for then, now in self.names.items() if now == name), name)

    @property
    def finished(self) -> str:
        """When the run ended, as a date and time in UTC."""
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.result.finished))

    def sites(self) -> dict[str, dict[str, Any]]:
        """The figures of each site, under the names of now."""
        sites: dict[str, dict[str, Any]] = self.result.answer["sites"]
        return {
            self.named(name): {**entry, "axes": [self.named(axis) for axis in entry["axes"]]}
            for name, entry in sites.items()
        }

    def labels(self) -> dict[str, list[str]]:
        """What the elements of objects are called, by the objects' names of now."""
        labels: dict[str, list[str]] = self.result.answer["labels"]
        return {self.named(name): own for name, own in labels.items()}

    def troubles(self) -> list[dict[str, Any]]:
        """What the run had trouble with, under the names of now."""
        return [
            {
                **trouble,
                **{part: self._element(trouble[part]) for part in ("site", "element")},
                "message": self._sentence(trouble),
            }
            for trouble in self.result.answer["troubles"]
        ]

    def answer(self) -> dict[str, Any]:
        """The run's whole answer under the names of now."""
        answer, troubles = self.result.answer, self.troubles()
        said = {old["message"]: new["message"] for old, new in zip(answer["troubles"], troubles, strict=True)}
        return {
            **answer,
            "program": self.program,
            "problems": [said.get(sentence, sentence) for sentence in answer["problems"]],
            "sites": self.sites(),
            "labels": self.labels(),
            "troubles": troubles,
            "summary": {self._element(name): row for name, row in answer["summary"].items()},
        }

    def _sentence(self, trouble: Mapping[str, Any]) -> str:
        """What is said of a trouble; sentences name what they are about as in "The draws of theta[2] are"."""
        sentence: str = trouble["message"]
        name = trouble["element"] or trouble["site"]
        now = self._element(name)
        if now == name:
            return sentence
        return re.sub(rf"\bof {re.escape(name)}(?![\w.\[])", lambda _: f"of {now}", sentence, count=1)

    def _element(self, name: str | None) -> Any:
        if name is None:
            return None
        site, bracket, index = name.partition("[")
        return self.named(site) + bracket + index

    def posteriors(self) -> dict[str, Posterior]:
        """The posterior of each site under its name of now."""
        labels = self.labels()
        return {
            name: posterior(name, entry, labels, stale=self.stale) for name, entry in self.sites().items()
        }


class Results:
    """The results of a session, the newest last; the oldest go when there are too many."""

    def __init__(self, most: int = MOST_RESULTS, most_rows: int = MOST_ROWS) -> None:
        self._most = most
        self._most_rows = most_rows
        self._kept: dict[tuple[str, str], Result] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, result: Result) -> None:
        """Put a result in the place of the program's last one."""
        self._kept.pop((result.uri, result.program), None)
        self._kept[result.uri, result.program] = result
        rows = sum(each.rows for each in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > self._most or rows > self._most_rows):
            oldest = next(iter(self._kept))
            rows -= self._kept.pop(oldest).rows

    def get(self, uri: str, program: str) -> Result | None:
        """The last result of a program, by the name that it had."""
        return self._kept.get((uri, program))

    def of(self, uri: str) -> Iterator[Result]:
        """The results of one document's programs."""
        return (result for result in list(self._kept.values()) if result.uri == uri)

    def standings(self, uri: str, checked: Checked) -> dict[str, Standing]:
        """How the results of a document stand, by the name that their program has now.

        A result whose program is gone belongs to one that says the same under another name, if there is one.
        """
        found: dict[str, Standing] = {}
        orphans: list[Result] = []
        for result in self.of(uri):
            program = checked.programs.get(result.program)
            if program is None:
                orphans.append(result)
            else:
                found[result.program] = standing(result, checked, program)
        for result in orphans:
            for name, program in checked.programs.items():
                if name in found:
                    continue
                beside = standing(result, checked, program)
                if not beside.model_changed:
                    found[name] = beside
                    break
        return found


def standing(result: Result, checked: Checked, program: CheckedProgram) -> Standing:
    """How a result stands to a program of now."""
    now = fingerprint(checked, program, result.memo)
    changed = now.key != result.fingerprint.key
    return Standing(result, program.name, changed, {} if changed else result.fingerprint.renamed(now))
