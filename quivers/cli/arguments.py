"""What can be written after `qvr`, with the help that explains it."""

from __future__ import annotations

import argparse
from typing import Any

import quivers
from quivers.sampling_defaults import CHAINS, DRAWS, ENGINE, ENGINES, TARGET_ACCEPT, WARMUP


def parser() -> argparse.ArgumentParser:
    """The parser of `qvr`; `command` in its result is the subcommand's name."""
    parser = argparse.ArgumentParser(
        prog="qvr",
        description="Typed hierarchical Bayesian models: check them, run them, edit them.",
        epilog="example: qvr run examples/eight_schools/noncentred.qvr",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"qvr {quivers.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    check = _command(
        commands, "check", "FILE… [options]", "tell what is wrong with programs", "qvr check models/"
    )
    check.add_argument(
        "files", nargs="+", metavar="FILE", help="a .qvr file, a folder of them, or - for standard input"
    )
    _add_output_format(check)

    run = _command(
        commands, "run", "FILE [options]", "sample a program's posterior", "qvr run model.qvr --seed 1"
    )
    run.add_argument("file", metavar="FILE", help="a .qvr file, or - for standard input")
    run.add_argument("--data", metavar="FILE", help="JSON; by default, model.data.json beside model.qvr")
    run.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")
    counts = {
        "seed": (0, 2**63 - 1, 0, "the same seed gives the same draws"),
        "chains": (1, 1024, CHAINS, "chains side by side"),
        "warmup": (0, 10**7, WARMUP, "draws of each chain to adapt with"),
        "draws": (1, 10**7, DRAWS, "draws of each chain to keep"),
    }
    for name, (least, most, default, meaning) in counts.items():
        number = _whole_number(least, most)
        text = f"{meaning} (%(default)s)"
        run.add_argument(f"--{name}", type=number, default=default, metavar="N", help=text)
    run.add_argument(
        "--target-accept",
        type=_share,
        default=TARGET_ACCEPT,
        metavar="P",
        help="higher is slower, safer (%(default)s)",
    )
    run.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINE,
        help="what computes the log density: a compiled kernel, torch, or the kernel where it can be built",
    )
    run.add_argument("--quiet", action="store_true", help="show no progress")
    _add_output_format(run)

    fmt = _command(
        commands, "fmt", "FILE… [options]", "write programs in the canonical layout", "qvr fmt models/"
    )
    fmt.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="a .qvr file, a folder of them, or - to read standard input and write standard output",
    )
    fmt.add_argument("--check", action="store_true", help="write nothing; tell which files would change")
    fmt.add_argument("--diff", action="store_true", help="write nothing; show what would change")

    explain = _command(
        commands, "explain", "[CODE]", "tell what the code of a message means", "qvr explain QVR401"
    )
    explain.add_argument(
        "code", nargs="?", metavar="CODE", help="such as QVR401 or QVR4xx; without it, all codes are listed"
    )

    lsp = _command(
        commands, "lsp", "[options]", "serve an editor over standard input and output", "qvr lsp --stdio"
    )
    lsp.add_argument("--stdio", action="store_true", help="the way editors ask for it; it is the only one")
    _command(commands, "version", "", "print the versions of QVR and Python", "qvr version")
    return parser


def _command(commands: Any, name: str, usage: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=f"qvr {name} {usage}".rstrip(),
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=_layout,
    )
    parser.set_defaults(command=name)
    return parser


def _layout(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=26)


def _add_output_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output-format",
        choices=("text", "json"),
        default="text",
        metavar="FORMAT",
        help="text or json (%(default)s)",
    )


def _whole_number(least: int, most: int) -> Any:
    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return convert


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value
