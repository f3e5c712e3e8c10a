"""Ctrl-C while a command computes: the first asks it to end by itself, the second ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from quivers.cli.output import INTERRUPTED


@contextmanager
def cancelling() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets, so that the run stops by itself; the second ends the process.

    No exception is raised in between: one inside torch's or LLVM's loading would abort the process.
    """
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return

    def stop(*_: object) -> None:
        if cancel.is_set():
            os.write(sys.stderr.fileno(), b"error: Interrupted.\n")
            os._exit(INTERRUPTED)
        cancel.set()

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # a shell's `&` and nohup start it so
        yield cancel
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
