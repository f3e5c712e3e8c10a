"""When data files are looked at: in the pauses of typing, when a file is written, and on what client.

A file that the client doesn't watch is looked at every few seconds while its model is open; that is one
question for its time, on another thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from qvr_server.data_files import DataAnswer, DataFiles
from qvr_server.session import DataVerdict, OpenDocument

if TYPE_CHECKING:
    from qvr_server.server import QvrServer

SECONDS_BEFORE_CHECK = 0.3
SECONDS_BETWEEN_LOOKS = 2.0
# What a client that can is asked to watch; the other files of data it may have under any name.
WATCHED = ("*.data.json", "*.csv", "*.tsv", "*.parquet", "*.arrow", "*.feather", "*.npz")


class DataChecks:
    """Holds each open document against its data. All methods are called on the event loop."""

    def __init__(self, server: QvrServer, files: DataFiles | None = None) -> None:
        self._server = server
        self._files = files or DataFiles()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._answers: dict[str, DataAnswer] = {}
        self._look: asyncio.TimerHandle | None = None
        self._is_closed = False

    def later(self, opened: OpenDocument, pause: float = SECONDS_BEFORE_CHECK) -> None:
        """Hold a document against its data file when the typing pauses."""
        self._stop(opened.uri)
        if not self._server.options.data.check:
            opened.facts = None
            self._answers.pop(opened.uri, None)
            if opened.verdict is not None and not opened.verdict.of_values:
                self._server.judge(opened, DataVerdict(opened.verdict.program, ()))
            return
        if opened.path is None or (opened.verdict is not None and opened.verdict.of_values):
            return
        loop = asyncio.get_running_loop()
        self._timers[opened.uri] = loop.call_later(pause, lambda: self._server.spawn(self._check(opened.uri)))

    def file(self, uri: str) -> Path | None:
        """The file that a document was last held against; None where there is none."""
        answer = self._answers.get(uri)
        return answer.path if answer is not None and answer.written is not None else None

    def forget(self, uri: str) -> None:
        """A document was closed."""
        self._stop(uri)
        self._answers.pop(uri, None)

    def close(self) -> None:
        """End all waiting."""
        self._is_closed = True
        for uri in list(self._timers):
            self._stop(uri)
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def files_changed(self, paths: Iterable[Path]) -> None:
        """Files on the disk were written, made or deleted."""
        changed = list(paths)
        folders = {path.parent for path in changed}
        for opened in self._server.session.documents.values():
            answer = self._answers.get(opened.uri)
            if opened.path is not None and (
                opened.path.parent in folders
                or (answer is not None and any(path in changed or path in folders for path in answer.paths))
            ):
                self.later(opened, 0.0)

    def _stop(self, uri: str) -> None:
        if (timer := self._timers.pop(uri, None)) is not None:
            timer.cancel()

    def _wanted(self, opened: OpenDocument) -> tuple[str | None, tuple[Path, ...]]:
        """The file that a run or the editor's setting names, and those of the project's configuration."""
        chosen = None if opened.data_path is None else str(opened.data_path)
        return chosen or self._server.options.data.file, opened.configuration.data

    async def _check(self, uri: str) -> None:
        if (opened := self._server.session.documents.get(uri)) is None:
            return
        assert opened.path is not None
        version = opened.version
        await self._server.analyses.ready(opened)
        checked = opened.checked
        program = checked.program_to_run()
        setting, configured = self._wanted(opened)
        renames = opened.configuration.renames
        answer = await asyncio.to_thread(
            self._files.answer, opened.path, checked, program, setting, configured, renames
        )
        if self._server.session.documents.get(uri) is not opened:
            return
        self._answers[uri] = answer
        self._look_later()
        if opened.verdict is not None and opened.verdict.of_values:
            return
        news = opened.facts != answer.facts
        opened.facts = answer.facts
        if news:
            self._server.refresh_inlay_hints()
        if program is not None and not program.has_errors and opened.version == version:
            self._server.judge(opened, DataVerdict(program.name, answer.problems))

    # -------------------------------------------------- files that nobody watches

    def _look_later(self) -> None:
        if self._look is None and not self._is_closed and self._unwatched():
            loop = asyncio.get_running_loop()
            self._look = loop.call_later(
                SECONDS_BETWEEN_LOOKS, lambda: self._server.spawn(self._look_at_files())
            )

    def _unwatched(self) -> list[OpenDocument]:
        watches = self._server.client_supports("workspace.did_change_watched_files.dynamic_registration")
        return [
            opened
            for opened in self._server.session.documents.values()
            if (answer := self._answers.get(opened.uri)) is not None
            and not (watches and all(any(map(path.match, WATCHED)) for path in answer.paths))
        ]

    async def _look_at_files(self) -> None:
        """Check those documents again whose data file is another, or was written, since the last time."""
        try:
            for opened in self._unwatched():
                answer = self._answers.get(opened.uri)
                if answer is None or opened.path is None:  # closed in the meantime
                    continue
                now = await asyncio.to_thread(self._files.seen, opened.path, *self._wanted(opened))
                if now != (answer.paths, answer.written) and self._answers.get(opened.uri) is answer:
                    self.later(opened, 0.0)
        finally:
            self._look = None
            self._look_later()
