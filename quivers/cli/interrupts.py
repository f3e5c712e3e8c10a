"""Ctrl-C or SIGTERM while a command computes: the first asks it to end, the second ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from quivers.cli.output import INTERRUPTED, TERMINATED, complain

_terminated: list[int] = []  # the signals that came from a job scheduler, a container or kill


@contextmanager
def cancelling() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C or SIGTERM sets, so that the run stops; the second ends the process.

    No exception is raised in between: one inside torch's or LLVM's loading would abort the process.
    """
    cancel = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield cancel
        return

    def stop(number: int, _: object) -> None:
        if number == signal.SIGTERM:
            _terminated.append(number)
        if cancel.is_set():
            os.write(sys.stderr.fileno(), f"error: {_word()}.\n".encode())
            os._exit(_status())
        cancel.set()

    heard = (signal.SIGINT, signal.SIGTERM)
    # A shell's `&` and nohup start a process deaf to one of them; it stays so.
    before = {
        number: signal.signal(number, stop)
        for number in heard
        if signal.getsignal(number) not in (signal.SIG_IGN, None)
    }
    try:
        yield cancel
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def say_ended() -> int:
    """Says in a word what ended the command from outside; the status of an interruption."""
    complain(f"{_word()}.")
    return INTERRUPTED


def status_of(status: int) -> int:
    """An exit status as it is, but for an interruption that SIGTERM made."""
    return _status() if status == INTERRUPTED else status


def _word() -> str:
    return "Terminated" if _terminated else "Interrupted"


def _status() -> int:
    return TERMINATED if _terminated else INTERRUPTED
