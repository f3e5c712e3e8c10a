"""Does what a command line asks for, and says in a sentence what stopped it."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence

import quivers
import quivers.cli
from quivers.cli.arguments import COMMANDS, parser
from quivers.cli.interrupts import say_ended, status_of
from quivers.cli.output import (
    CLEAN,
    FAULT,
    MISUSE,
    PIPE_CLOSED,
    PROBLEMS,
    MisuseError,
    OutputError,
    RefusedError,
    complain,
    drop_output,
    say,
    tell,
)  # fmt: skip
from quivers.errors import Cancelled, QvrError

_CHECK_COLLECTS_AFTER = 200_000  # objects made and not dropped


def obey(given: Sequence[str]) -> int:
    """Run `qvr` with the arguments; the exit status."""
    return status_of(_guarded(lambda: _parsed(given)))


def _parsed(given: Sequence[str]) -> int:
    if given and given[0] == "help":  # `qvr help run`, as git and cargo have it
        given = [*(name for name in given[1:2] if not name.startswith("-")), "--help"]
        if given[0] not in (*COMMANDS, "--help"):
            given = given[:1]  # which is refused
    try:
        options = parser(given).parse_args(given)
    except SystemExit as leaving:  # the help is printed, or what is misused
        return MISUSE if leaving.code else CLEAN
    if getattr(options, "watch", False):
        from quivers.cli.watch import watch

        return watch(options, _done)
    return _done(options)


def _done(options: argparse.Namespace) -> int:
    return _guarded(lambda: _told(options))


def _told(options: argparse.Namespace) -> int:
    try:
        return _obey(options)
    except MisuseError as misuse:
        complain(str(misuse))
        return MISUSE
    except RefusedError as refusal:
        return tell(refusal, as_json=getattr(options, "output_format", "text") == "json")


def _guarded(act: Callable[[], int]) -> int:
    """Do it, and say in a sentence what stopped it; the exit status."""
    try:
        return act()
    except (KeyboardInterrupt, Cancelled):
        return say_ended()
    except BrokenPipeError:
        drop_output()
        return PIPE_CLOSED
    except OutputError as error:
        drop_output()
        complain(f"The output cannot be written: {error}.")
        return PROBLEMS
    except MemoryError:
        complain("There is not enough memory for this: ask for fewer draws or chains.")
        return PROBLEMS
    except QvrError as error:
        complain(str(error))
        return PROBLEMS
    except Exception as error:
        if (
            quivers.cli.was_interrupted()
        ):  # in the middle of an import, Ctrl-C comes out as what that makes of it
            return say_ended()
        if os.environ.get("QVR_TRACEBACK"):
            raise
        if isinstance(error, OSError) and error.strerror is not None:
            complain(_of_the_system(error))
            return PROBLEMS
        complain(
            f"This is a fault in QVR, not in your files ({type(error).__name__}: {error}). "
            "Please report it with what the same command prints under QVR_TRACEBACK=1."
        )
        return FAULT


def _of_the_system(error: OSError) -> str:
    """What the system refused, where no other message says it better."""
    try:
        os.getcwd()
    except OSError:
        return "The folder that this runs in is gone, or can't be read: change to another."
    name = f"{os.fsdecode(error.filename)} " if isinstance(error.filename, str | bytes) else ""
    return f"{name or 'A file '}cannot be used: {str(error.strerror).lower()}."


def _obey(options: argparse.Namespace) -> int:
    """Load the command asked for, and only that one, and run it."""
    match options.command:
        case "check":
            from quivers.cli.check import check

            # What a check makes, it keeps; looking through it again and again for what it has dropped would
            # take a twentieth of the time for a small file, and more for a large one.
            gc.set_threshold(_CHECK_COLLECTS_AFTER)
            return check(options)
        case "run":
            from quivers.cli.run import run

            return run(options)
        case "report":
            from quivers.cli.report import report

            return report(options)
        case "runs":
            from quivers.cli.runs import runs

            return runs(options)
        case "compare":
            from quivers.cli.compare import compare

            return compare(options)
        case "sbc":
            from quivers.cli.sbc import sbc

            return sbc(options)
        case "prior":
            from quivers.cli.prior import prior

            return prior(options)
        case "fmt":
            from quivers.cli.fmt import fmt

            return fmt(options)
        case "explain":
            from quivers.cli.explain import explain

            return explain(options)
        case "plate":
            from quivers.cli.plate import plate

            return plate(options)
        case "predict":
            from quivers.cli.predict import predict

            return predict(options)
        case "new":
            from quivers.cli.new import new

            return new(options)
        case "completion":
            from quivers.cli.completion import completion

            return completion(options)
        case "lsp":
            from qvr_server.__main__ import main as serve

            serve(["--stdio"] if options.stdio else [])
            return CLEAN
    python = ".".join(str(part) for part in sys.version_info[:3])
    say(sys.stdout, f"qvr {quivers.__version__} (Python {python}, {sys.platform})")
    return CLEAN
