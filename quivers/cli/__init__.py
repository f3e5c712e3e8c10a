"""The `qvr` command: the only place that prints or exits.

Exit status: 0 clean, 1 problems found, 2 misuse, 130 interrupted, 141 when the reader of a pipe left,
70 for a fault of QVR itself.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

import quivers
from quivers.cli.arguments import parser
from quivers.cli.output import (
    CLEAN,
    FAULT,
    INTERRUPTED,
    MISUSE,
    PIPE_CLOSED,
    PROBLEMS,
    OutputError,
    RefusedError,
    complain,
    drop_output,
    say,
    tell,
)  # fmt: skip
from quivers.errors import Cancelled, QvrError

__all__ = ["main"]

_CHECK_COLLECTS_AFTER = 200_000  # objects made and not dropped


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `qvr` with `arguments` (the process's own when None); the exit status."""
    if sys.stdout is None or sys.stderr is None:  # started with one of them closed
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that can't show ⊗ shows ? and nothing fails
    try:
        given = sys.argv[1:] if arguments is None else arguments
        options = parser(given).parse_args(given)
    except SystemExit as leaving:  # argparse has printed the help, or what is misused
        return MISUSE if leaving.code else CLEAN
    if getattr(options, "watch", False):
        from quivers.cli.watch import watch

        return watch(options, _done)
    return _done(options)


def _done(options: argparse.Namespace) -> int:
    """Run the command, and say in a sentence what stopped it; the exit status."""
    try:
        return _obey(options)
    except RefusedError as refusal:
        return tell(refusal, as_json=getattr(options, "output_format", "text") == "json")
    except (KeyboardInterrupt, Cancelled):
        complain("Interrupted.")
        return INTERRUPTED
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
        if os.environ.get("QVR_TRACEBACK"):
            raise
        complain(
            f"This is a fault in QVR, not in your files ({type(error).__name__}: {error}). "
            "Please report it with what the same command prints under QVR_TRACEBACK=1."
        )
        return FAULT


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
