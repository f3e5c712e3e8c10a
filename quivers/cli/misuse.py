"""What is wrong with a command line, in one sentence and with what was probably meant.

`argparse` finds the mistakes; its own words for them are replaced here.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NoReturn

from quivers.cli.output import MISUSE, OutputError, complain, say

_DATA_ENDINGS = (".json", ".csv", ".tsv", ".parquet", ".arrow", ".feather", ".npz", ".npy")


class Parser(argparse.ArgumentParser):
    """A parser that takes options by their whole names, and says what is wrong in QVR's words."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("allow_abbrev", False)  # an abbreviation is another option's tomorrow
        super().__init__(**settings)

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """What the arguments say, or status 2 under a sentence; the first is a command, or asks for help."""
        given = list(sys.argv[1:] if args is None else args)
        commands = _subcommands(self)
        if commands and not given:
            self.print_help(sys.stderr)
            raise SystemExit(MISUSE)
        if commands and given[0].startswith("-") and given[0] not in self._option_string_actions:
            self.error(_no_option(given[0], self, commands))
        options, extra = self.parse_known_args(given, namespace)
        if extra:
            own = commands.get(getattr(options, "command", ""), self)
            own.error(_too_much(extra, own, options))
        return options

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        if isinstance(action, argparse._SubParsersAction):
            near = _nearest(str(value), action.choices)
            self.error(
                f"There is no command `{value}`{f'. {near}' if near else ': `qvr --help` lists them.'}"
            )
        choices = [str(choice) for choice in action.choices]
        near = _nearest(str(value), choices)
        self.error(f"{_called(action)} is {_either(choices)}, not `{value}`.{near and f' {near}'}")

    def error(self, message: str) -> NoReturn:
        """End with a sentence, and the usage of what was asked for."""
        complain(_sentence(message, self.prog))
        usage = re.sub(r"\s+", " ", self.format_usage()).strip()
        with contextlib.suppress(BrokenPipeError, OutputError):  # nobody may be left to tell
            say(sys.stderr, f"{usage}   (`{self.prog} --help` tells more)")
        raise SystemExit(MISUSE)

    def _print_message(self, message: str, file: Any = None) -> None:
        if message:
            say(file or sys.stdout, message.removesuffix("\n"))


def _subcommands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return action.choices
    return {}


def _sentence(message: str, prog: str) -> str:
    """One of argparse's messages in a sentence; what is a sentence already stays."""
    required = re.fullmatch(r"the following arguments are required: (.+)", message)
    if required:
        names = required[1].split(", ")
        return f"`{prog}` needs {_listed(names)}."
    of_one = re.fullmatch(r"argument (\S+): (.+)", message, re.DOTALL)
    if not of_one:
        return message
    name, text = of_one[1].split("/")[-1], of_one[2]
    if text.startswith("expected"):
        return f"`{name}` needs a value."
    other = re.fullmatch(r"not allowed with argument (\S+)", text)
    if other:
        return f"`{name}` and `{other[1]}` exclude each other."
    explicit = re.fullmatch(r"ignored explicit argument (.+)", text)
    if explicit:
        return f"`{name}` takes no value: leave {explicit[1]} out."
    return f"`{name}` {text}"


def _no_option(given: str, parser: argparse.ArgumentParser, commands: Mapping[str, Any] | None = None) -> str:
    name = given.partition("=")[0]
    sentence = f"`{parser.prog}` has no option `{name}`."
    near = _nearest(name, parser._option_string_actions)
    if near:
        return f"{sentence} {near}"
    own = [each for each, command in (commands or {}).items() if name in command._option_string_actions]
    if own:
        return f"{sentence} `{own[0]}` has it: options come after the command."
    return sentence


def _too_much(extra: Sequence[str], parser: argparse.ArgumentParser, options: argparse.Namespace) -> str:
    """What is wrong with arguments that no place is left for."""
    first = extra[0]
    if first.startswith("-") and first != "-":
        return _no_option(first, parser)
    if "--data" in parser._option_string_actions and first.lower().endswith(_DATA_ENDINGS):
        return f"`{parser.prog}` takes data by an option: `--data {first}`."
    if first.endswith(".qvr") and hasattr(options, "file"):
        return f"`{parser.prog}` takes one FILE, and `{first}` is a second."
    return f"`{parser.prog}` has no use for {_listed(f'`{each}`' for each in extra)}."


def _called(action: argparse.Action) -> str:
    if action.option_strings:
        return f"`{action.option_strings[-1]}`"
    return str(action.metavar or f"The {action.dest}")


def _nearest(given: str, known: Iterable[str]) -> str:
    """The question whether one of `known` was meant; nothing where none is near."""
    from difflib import get_close_matches

    names = list(known)
    near = get_close_matches(given, names, 1) or get_close_matches(given.lower(), names, 1)
    begun = [name for name in names if len(given.lstrip("-")) > 1 and name.startswith(given)]
    found = begun[:1] if len(begun) == 1 else near
    return f"Did you mean `{found[0]}`?" if found else ""


def _either(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return f"{', '.join(every[:-1])} and {every[-1]}" if len(every) > 1 else every[0]
