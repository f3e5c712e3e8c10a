"""What can be written after `qvr`, with the help that explains it."""

from __future__ import annotations

import argparse
from typing import Any

import quivers


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

    check = _command(commands, "check", "tell what is wrong with programs", "qvr check models/ -")
    check.add_argument(
        "files", nargs="+", metavar="FILE", help="a .qvr file, a directory of them, or - for standard input"
    )
    _add_output_format(check)

    run = _command(
        commands,
        "run",
        "sample a program's posterior",
        "qvr run model.qvr --data model.data.json --seed 1",
    )
    run.add_argument("file", metavar="FILE", help="a .qvr file")
    run.add_argument(
        "--data", metavar="FILE", help="the data, in JSON (default: model.data.json beside model.qvr)"
    )
    run.add_argument(
        "--program", metavar="NAME", help="which program (default: the exported one, else the last)"
    )
    run.add_argument(
        "--seed", type=_whole_number(0, 2**63 - 1), default=0, metavar="N", help="default: %(default)s"
    )
    run.add_argument(
        "--chains", type=_whole_number(1, 1024), default=4, metavar="N", help="default: %(default)s"
    )
    run.add_argument(
        "--warmup",
        type=_whole_number(0, 10**7),
        default=1000,
        metavar="N",
        help="draws to adapt with (default: %(default)s)",
    )
    run.add_argument(
        "--draws",
        type=_whole_number(1, 10**7),
        default=1000,
        metavar="N",
        help="draws kept per chain (default: %(default)s)",
    )
    run.add_argument(
        "--target-accept",
        type=_share,
        default=0.9,
        metavar="P",
        help="between 0 and 1; more is slower and safer (default: %(default)s)",
    )
    run.add_argument("--quiet", action="store_true", help="show no progress")
    _add_output_format(run)

    lsp = _command(commands, "lsp", "serve an editor over standard input and output", "qvr lsp --stdio")
    lsp.add_argument("--stdio", action="store_true", help="the way editors ask for it; it is the only one")
    _command(commands, "version", "print the versions of QVR and Python", "qvr version")
    return parser


def _command(commands: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        epilog=f"example: {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=name)
    return parser


def _add_output_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output-format", choices=("text", "json"), default="text", help="default: %(default)s"
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
