"""The cell magic `%%qvr` of a notebook: a program in a cell, checked as it runs, and its posterior.

%load_ext quivers
%%qvr schools --data y,sigma_j --seed 7
"""

from __future__ import annotations

import argparse
import os
import shlex
import warnings
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from quivers.check.spelling import nearest
from quivers.dsl import Program, diagnose, loads
from quivers.errors import ProgramError, QvrError, SamplingWarning
from quivers.fitting import fit
from quivers.notebook.problems import ERROR, Diagnostics
from quivers.syntax.document import encoded
from quivers.syntax.problems import Severity
from quivers.terminal.frames import title_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_WHOLE_NUMBERS = ("seed", "chains", "warmup", "draws", "thin")
_OPTIONS = " ".join(f"[--{name} N]" for name in _WHOLE_NUMBERS) + " [--target-accept P]"


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext quivers` calls, with IPython's shell."""

    def magic(line: str, cell: str) -> Any:
        return qvr(shell, line, cell)

    shell.register_magic_function(magic, magic_kind="cell", magic_name="qvr")


class Refusal:
    """A sentence that says why there is no posterior."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __repr__(self) -> str:
        return title_line(Severity.ERROR, None, self._sentence, colour=False)

    def _repr_html_(self) -> str:
        return f'<div class="qvr-problems"><b style="color:{ERROR}">error</b>: {escape(self._sentence)}</div>'


def qvr(shell: InteractiveShell, line: str, cell: str) -> Any:
    """Check the cell's program and give it a name; with `--run` or `--data`, its posterior too.

    NAME is by default the program's own, and the posterior is NAME_posterior. What is wrong is shown with its
    line, and then a name that an earlier cell gave is taken back, so that no later cell goes on with the old
    program.
    """
    options = _options(line)
    problems = diagnose(encoded(cell))
    problems = Diagnostics(problems, problems.source, "<cell>")
    names = [options.name, f"{options.name}_posterior"] if options.name else []
    try:
        program = loads(cell)
    except ProgramError as error:
        _forget(shell, names)
        _show(problems or Refusal(str(error)))
        return None
    if problems:
        _show(problems)
    name = options.name or program.name
    _forget(shell, [name, f"{name}_posterior"])
    shell.user_ns[name] = program
    if not options.run:
        return program
    given = {each: getattr(options, each) for each in _WHOLE_NUMBERS if getattr(options, each) is not None}
    if options.target_accept is not None:
        given["target_accept"] = options.target_accept
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)  # the result says it, below its table
            result = fit(program, _data(shell, options.data, program), **given)
    except QvrError as error:
        _show(Refusal(str(error)))
        return None
    shell.user_ns[f"{name}_posterior"] = result
    return result


def _show(told: object) -> None:
    from IPython.display import display

    display(told)  # type: ignore[no-untyped-call]


def _data(shell: InteractiveShell, asked: Sequence[str], program: Program) -> Any:
    """What `--data` names: variables that are inputs, and variables or files with values by name."""
    if len(asked) == 1 and not _is_input(shell, asked[0], program):
        return _table(shell, asked[0])
    values: dict[str, Any] = {}
    for name in asked:
        own = {name: shell.user_ns[name]} if _is_input(shell, name, program) else _by_name(shell, name)
        twice = next((each for each in own if each in values), None)
        if twice is not None:
            raise QvrError(f"`{twice}` is given twice: leave one of the two out of --data.")
        values |= own
    return values


def _is_input(shell: InteractiveShell, name: str, program: Program) -> bool:
    return name in shell.user_ns and any(each.name == name for each in program.program.inputs)


def _table(shell: InteractiveShell, name: str) -> Any:
    """A variable's value; what is no variable is a file."""
    if name in shell.user_ns:
        return shell.user_ns[name]
    if not os.path.exists(os.path.expanduser(name)):
        near = nearest(name, [each for each in shell.user_ns if not each.startswith("_")])
        advice = f": did you mean `{near}`?" if near else "."
        raise QvrError(f"--data {name}: there is no variable and no file of that name{advice}")
    return name


def _by_name(shell: InteractiveShell, name: str) -> Mapping[str, Any]:
    from quivers.data import read, values_of

    found = _table(shell, name)
    return read(Path(found).expanduser()) if isinstance(found, (str, os.PathLike)) else values_of(found)


def _forget(shell: InteractiveShell, names: Sequence[str]) -> None:
    for name in names:
        shell.user_ns.pop(name, None)


class _Parser(argparse.ArgumentParser):
    """Says what is misused as IPython does, and doesn't end the kernel."""

    def error(self, message: str) -> NoReturn:
        from IPython.core.error import UsageError

        raise UsageError(f"%%qvr: {message}. Use: %%qvr [NAME] [--data VARIABLES] [--run] {_OPTIONS}")


def _options(line: str) -> argparse.Namespace:
    parser = _Parser(prog="%%qvr", add_help=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--data", action="append", default=[])
    for each in _WHOLE_NUMBERS:
        parser.add_argument(f"--{each}", type=int)
    parser.add_argument("--target-accept", type=float)
    try:
        words = shlex.split(line)
    except ValueError as error:
        parser.error(str(error).lower())
    options = parser.parse_args(words)
    if options.name is not None and not options.name.isidentifier():
        parser.error(f"{options.name!r} is no name for a variable")
    options.data = [name.strip() for each in options.data for name in each.split(",") if name.strip()]
    sampling = (*_WHOLE_NUMBERS, "target_accept")
    options.run |= bool(options.data) or any(getattr(options, each) is not None for each in sampling)
    return options
