"""When documents are checked: one pending check for each, in slices, and always of the newest text."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from quivers.syntax.steps import Steps, Value

if TYPE_CHECKING:
    from qvr_server.session import OpenDocument

# The loop is given back this often while a check goes on.
SLICE_SECONDS = 0.002
# A single declaration this long takes more than a slice, so it is checked on another thread.
LARGE_BYTES = 3000


class GivenUpError(Exception):
    """The text changed while it was checked."""


class Analyses:
    """Checks documents when asked to and tells what came of it. All methods are called on the event loop.

    `checked` is called once for every newest text that was wanted, `failed` where the check itself is at
    fault; until the next edit the document then has no answers.
    """

    def __init__(
        self,
        checked: Callable[[OpenDocument], None],
        failed: Callable[[OpenDocument, Exception], None],
    ) -> None:
        self._checked = checked
        self._failed = failed
        self._pending: dict[str, asyncio.Task[None]] = {}

    def want(self, opened: OpenDocument) -> None:
        """Check a document once all messages that have arrived are acted on; it then has its newest text."""
        if opened.uri not in self._pending:
            task = asyncio.get_running_loop().create_task(self._check(opened))
            self._pending[opened.uri] = task

    async def ready(self, opened: OpenDocument) -> None:
        """Wait until a document's newest text is checked, or can't be, or the document is closed."""
        while not (opened.is_checked or opened.failure or opened.is_closed):
            self.want(opened)
            await asyncio.wait([self._pending[opened.uri]])
        if opened.failure is not None:
            raise opened.failure

    def forget(self, opened: OpenDocument) -> None:
        """Give up the check of a document that is closed."""
        if (task := self._pending.pop(opened.uri, None)) is not None:
            task.cancel()

    async def close(self) -> None:
        """Give up all checks."""
        ending = list(self._pending.values())
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _check(self, opened: OpenDocument) -> None:
        try:
            while not (opened.is_checked or opened.failure):
                version = opened.version
                try:
                    result = await _sliced(opened.checking(), opened, version)
                except GivenUpError:
                    continue
                except Exception as error:
                    opened.failure = error
                else:
                    opened.settle(result)
        finally:
            if self._pending.get(opened.uri) is asyncio.current_task():
                del self._pending[opened.uri]
        if opened.failure is not None:
            self._failed(opened, opened.failure)
        else:
            self._checked(opened)


async def _sliced(steps: Steps[Value], opened: OpenDocument, version: int) -> Value:
    """Take all steps, with the loop's other work in between; GivenUpError once the text is another."""
    end = time.perf_counter() + SLICE_SECONDS
    size, value = _advance(steps)
    while size is not None:
        if opened.version != version or opened.is_checked:
            steps.close()
            raise GivenUpError
        if size > LARGE_BYTES:
            opened.is_busy = True
            try:
                size, value = await asyncio.to_thread(_advance, steps)
            finally:
                opened.is_busy = False
            end = time.perf_counter() + SLICE_SECONDS
        elif time.perf_counter() > end:
            await asyncio.sleep(0)
            end = time.perf_counter() + SLICE_SECONDS
        else:
            size, value = _advance(steps)
    assert value is not None, "the last step gives the result"
    return value


def _advance(steps: Steps[Value]) -> tuple[int, None] | tuple[None, Value]:
    """One step: the size of the next, or the result."""
    try:
        return next(steps), None
    except StopIteration as finished:
        return None, finished.value
