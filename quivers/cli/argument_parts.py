"""What the subcommands' arguments have in common: the layout of their help, and kinds of values."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from quivers.sampling_defaults import REPARAMETERIZATIONS

_OUTPUT_FORMATS = ("text", "json")


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
    """`--output-format`, in text, JSON or one of `more`; `--json` is short for the second."""
    forms = (*_OUTPUT_FORMATS, *more)
    parser.add_argument(
        "--output-format",
        choices=forms,
        default="text",
        metavar="FORMAT",
        help=f"{', '.join(forms[:-1])} or {forms[-1]} (%(default)s); --json for short",
    )
    _add_json_flag(parser, argparse.SUPPRESS)


def add_json(parser: argparse.ArgumentParser) -> None:
    """`--json`, for a command that prints text else; `--output-format json` says the same."""
    _add_json_flag(parser, "print the result as JSON")
    parser.add_argument(
        "--output-format", choices=_OUTPUT_FORMATS, default="text", metavar="FORMAT", help=argparse.SUPPRESS
    )


def _add_json_flag(parser: argparse.ArgumentParser, about: str) -> None:
    parser.add_argument(
        "--json", dest="output_format", action="store_const", const="json", default="text", help=about
    )


def add_watch(parser: argparse._ActionsContainer) -> None:
    """`--watch`: again on each save."""
    parser.add_argument("--watch", action="store_true", help="again each time a file is saved, until Ctrl-C")


def add_model_and_data(parser: argparse.ArgumentParser, data: str) -> None:
    """A model's file, its data and which of its programs."""
    parser.add_argument("file", type=path, metavar="FILE", help="a .qvr file, or - for standard input")
    add_data(parser, data)
    parser.add_argument("--program", metavar="NAME", help="by default, the exported one, else the last")


def add_data(parser: argparse.ArgumentParser, data: str) -> None:
    """`--data` for files and directories, and `--map` for the names in them."""
    parser.add_argument("--data", action="append", type=path, metavar="FILE", help=data)
    parser.add_argument(
        "--map",
        action="append",
        type=_renaming,
        default=[],
        metavar="NAME=COLUMN",
        help="call a column of the data by its name in the program",
    )


def path(text: str) -> str:
    """A file's name, which an unset variable of a shell leaves empty."""
    if not text:
        raise argparse.ArgumentTypeError("is an empty name: is a variable of the shell not set?")
    return text


def _renaming(text: str) -> tuple[str, str]:
    """The program's name and that of the data."""
    name, equals, column = (part.strip() for part in text.partition("="))
    if not (name and equals and column):
        raise argparse.ArgumentTypeError(f"is NAME=COLUMN, as in y=score, not `{text}`.")
    return name, column


def whole_number(least: int, most: int) -> Any:
    """The kind of a whole number from `least` to `most`."""

    def convert(text: str) -> int:
        wanted = f"is a whole number from {least} to {most}, not `{text}`"
        try:
            value = int(text) if text.isascii() else None
        except ValueError:
            value = None
        if value is None:
            meant = _meant_whole(text)
            more = f": write {meant}." if meant is not None and least <= meant <= most else "."
            raise argparse.ArgumentTypeError(wanted + more)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{wanted}.")
        return value

    return convert


def _meant_whole(text: str) -> int | None:
    """The number that is written as 1e3, 1,000 or 1000.0."""
    try:
        value = float(text.replace(",", ""))
    except ValueError:
        return None
    return int(value) if value.is_integer() else None


def elements(text: str) -> tuple[str, str]:
    """Which elements of an object are new: `School=new` or `Time=further`."""
    name, equals, which = (part.strip() for part in text.partition("="))
    if not (name and equals and which in ("new", "further")):
        raise argparse.ArgumentTypeError(f"is OBJECT=new or OBJECT=further, not `{text}`.")
    return name, which


def days(text: str) -> float:
    """A number of days, not below 0."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"is a number of days from 0 to 1000000, not `{text}`.")
    return value


def share(text: str) -> float:
    """A number between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"lies between 0 and 1, as 0.95 does, not `{text}`.")
    return value


def reparameterization(text: str) -> str:
    """A word of `REPARAMETERIZATIONS`, or a share for each latent that is named, as in `theta=0.3,eta=1`."""
    if text not in REPARAMETERIZATIONS:
        for part in text.split(","):
            name, _, number = (piece.strip() for piece in part.partition("="))
            try:
                found = bool(name) and 0 <= float(number) <= 1
            except ValueError:
                found = False
            if not found:
                words = ", ".join(REPARAMETERIZATIONS)
                raise argparse.ArgumentTypeError(
                    f"is {words}, or from 0 (non-centred) to 1 (centred) for a latent,"
                    f" as theta=0.3, not `{text}`."
                )
    return text
