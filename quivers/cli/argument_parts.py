"""What the subcommands' arguments have in common: the layout of their help, and kinds of values."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any


def command(
    commands: Any, name: str, usage: str, summary: str, example: str, more: str = ""
) -> argparse.ArgumentParser:
    """A subcommand with its help; `example` is what one would type, `more` stands under the description."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        usage=f"qvr {name} {usage}".rstrip(),
        help=summary,
        description=summary[0].upper() + summary[1:] + "." + (f"\n{more}" if more else ""),
        epilog=f"example: {example}",
        formatter_class=_layout,
        add_help=False,
    )
    # It goes without saying to whom reads this help, and the line is wanted.
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    parser.set_defaults(command=name)
    return parser


class _Layout(argparse.RawDescriptionHelpFormatter):
    """Arguments without headings over them, so that more of them fit a screen."""

    def start_section(self, heading: str | None) -> None:
        super().start_section(None)


def _layout(prog: str) -> argparse.HelpFormatter:
    return _Layout(prog, max_help_position=26, width=_width())


def top_layout(prog: str) -> argparse.HelpFormatter:
    """The layout of the help of `qvr` itself."""
    return _Layout(prog, max_help_position=16, width=_width())


def _width() -> int:
    """The columns for help, two fewer than there are; argparse would load all of shutil to ask."""
    try:
        columns = int(os.environ.get("COLUMNS", "0"))
    except ValueError:
        columns = 0
    if columns <= 0:
        try:
            columns = os.get_terminal_size(sys.__stdout__.fileno()).columns if sys.__stdout__ else 0
        except (AttributeError, ValueError, OSError):  # no terminal
            columns = 0
    return (columns or 80) - 2


def add_output_format(parser: argparse.ArgumentParser, *more: str) -> None:
    """`--output-format`, in text, JSON or one of `more`."""
    forms = ("text", "json", *more)
    parser.add_argument(
        "--output-format",
        choices=forms,
        default="text",
        metavar="FORMAT",
        help=f"{', '.join(forms[:-1])} or {forms[-1]} (%(default)s)",
    )


def add_watch(parser: argparse._ActionsContainer) -> None:
    """`--watch`: again on each save."""
    parser.add_argument("--watch", action="store_true", help="again each time a file is saved, until Ctrl-C")


def add_model_and_data(parser: argparse.ArgumentParser, data: str) -> None:
    """A model's file, its data and which of its programs."""
    parser.add_argument("file", metavar="FILE", help="a .qvr file, or - for standard input")
    add_data(parser, data)
    parser.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")


def add_data(parser: argparse.ArgumentParser, data: str) -> None:
    """`--data` for files and directories, and `--map` for the names in them."""
    parser.add_argument("--data", action="append", metavar="FILE", help=data)
    parser.add_argument(
        "--map",
        action="append",
        type=_renaming,
        default=[],
        metavar="NAME=COLUMN",
        help="call a column of the data by its name in the program",
    )


def _renaming(text: str) -> tuple[str, str]:
    """The program's name and that of the data."""
    name, equals, column = (part.strip() for part in text.partition("="))
    if not (name and equals and column):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=COLUMN, as in y=score")
    return name, column


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for a command that prints text else."""
    parser.add_argument(
        "--json",
        dest="output_format",
        action="store_const",
        const="json",
        default="text",
        help="print the result as JSON",
    )


def whole_number(least: int, most: int) -> Any:
    """The kind of a whole number from `least` to `most`."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least} and {most}")
        return value

    return convert


def elements(text: str) -> tuple[str, str]:
    """Which elements of an object are new: `School=new` or `Time=further`."""
    name, equals, which = (part.strip() for part in text.partition("="))
    if not (name and equals and which in ("new", "further")):
        raise argparse.ArgumentTypeError(f"{text!r} is not OBJECT=new or OBJECT=further")
    return name, which


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} does not lie between 0 and 1")
    return value
