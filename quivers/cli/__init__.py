"""The `qvr` command: the only place that prints or exits.

Exit status: 0 clean, 1 problems found, 2 misuse, 130 interrupted, 143 ended by SIGTERM, 141 when the
reader of a pipe left, 70 for a fault of QVR itself. What it takes is loaded by `main`, so that
Ctrl-C ends that in a line too.
"""

import contextlib
import os
import sys
from collections.abc import Sequence

__all__ = ["main", "was_interrupted"]

_INTERRUPTED = 130
_heard: list[int] = []  # the signals that came


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `qvr` with `arguments` (the process's own when None); the exit status."""
    if arguments is None:
        return _process()
    _prepare_streams()
    from quivers.cli.obeying import obey

    return obey(list(arguments))


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed in this process, which was started as `qvr`."""
    return bool(_heard)


def _process() -> int:
    """The process's own command line. The first Ctrl-C lets what is under way clean up, the second not."""
    try:
        import signal

        heard = (
            signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )  # it may be ignored, as by nohup
        if heard:
            signal.signal(signal.SIGINT, _on_interrupt)
            sys.unraisablehook = _unraisable
        _prepare_streams()
        from quivers.cli.obeying import obey

        status = obey(sys.argv[1:])
        if heard:  # nothing is left that could be interrupted but the end of the interpreter
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        return status
    except (KeyboardInterrupt, Exception):  # what is loaded may turn the one into the other
        if not _heard:
            raise
        return _say_interrupted()


def _prepare_streams() -> None:
    if sys.stdout is None or sys.stderr is None:  # started with one of them closed
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show ⊗ shows ? and nothing fails


def _on_interrupt(signal: int, _: object) -> None:
    _heard.append(signal)
    if len(_heard) > 1:
        os._exit(_say_interrupted())
    raise KeyboardInterrupt


def _say_interrupted() -> int:
    with contextlib.suppress(OSError):  # nobody may be left to tell
        os.write(2, b"error: Interrupted.\n")
    return _INTERRUPTED


def _unraisable(what: object) -> None:
    """A Ctrl-C that came where nothing can be raised is no news."""
    if not _heard:
        sys.__unraisablehook__(what)  # type: ignore[arg-type]
