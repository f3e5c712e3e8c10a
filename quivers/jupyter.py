"""The cell magic `%%qvr` of a notebook: a program in a cell, checked as it runs, and its posterior.

%load_ext quivers
%%qvr schools --run --data observed
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from quivers.check.analysis import check_source
from quivers.dsl import loads
from quivers.errors import ProgramError, QvrError
from quivers.fitting import fit
from quivers.notebook.problems import problems_html
from quivers.syntax.document import encoded
from quivers.syntax.problems import Diagnostic, Severity
from quivers.terminal.frames import render, title_line

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_WHOLE_NUMBERS = ("seed", "chains", "warmup", "draws", "thin")


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext quivers` calls, with IPython's shell."""

    def magic(line: str, cell: str) -> Any:
        return qvr(shell, line, cell)

    shell.register_magic_function(magic, magic_kind="cell", magic_name="qvr")


class Told:
    """Problems of a cell: lines with underlines in a notebook, frames in a terminal."""

    def __init__(self, problems: Sequence[Diagnostic], source: bytes) -> None:
        self._problems = tuple(problems)
        self._source = source

    def __repr__(self) -> str:
        return render(self._problems, self._source, "<cell>", colour=False)

    def _repr_html_(self) -> str:
        return problems_html(self._problems, self._source)


class Refusal:
    """A sentence that says why there is no posterior."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def __repr__(self) -> str:
        return title_line(Severity.ERROR, None, self._sentence, colour=False)


def qvr(shell: InteractiveShell, line: str, cell: str) -> Any:
    """Check the cell's program and give it a name; with `--run`, its posterior as NAME_posterior.

    NAME is by default the program's own. What is wrong is shown with its line, and then a name that an
    earlier cell gave is taken back, so that no later cell goes on with the old program.
    """
    options = _options(line)
    source = encoded(cell)
    problems = check_source(source).diagnostics
    names = [options.name, f"{options.name}_posterior"] if options.name else []
    try:
        program = loads(cell)
    except ProgramError as error:
        _forget(shell, names)
        _show(Told(problems, source) if problems else Refusal(str(error)))
        return None
    if problems:
        _show(Told(problems, source))
    name = options.name or program.name
    _forget(shell, [name, f"{name}_posterior"])
    shell.user_ns[name] = program
    if not options.run:
        return program
    given = {each: getattr(options, each) for each in _WHOLE_NUMBERS if getattr(options, each) is not None}
    if options.target_accept is not None:
        given["target_accept"] = options.target_accept
    try:
        result = fit(program, _data(shell, options.data), **given)
    except QvrError as error:
        _show(Refusal(str(error)))
        return None
    shell.user_ns[f"{name}_posterior"] = result
    return result


def _show(told: object) -> None:
    from IPython.display import display

    display(told)  # type: ignore[no-untyped-call]


def _data(shell: InteractiveShell, name: str | None) -> Any:
    """The variable's value; what is no variable is a file."""
    return {} if name is None else shell.user_ns.get(name, name)


def _forget(shell: InteractiveShell, names: Sequence[str]) -> None:
    for name in names:
        shell.user_ns.pop(name, None)


class _Parser(argparse.ArgumentParser):
    """Says what is misused as IPython does, and doesn't end the kernel."""

    def error(self, message: str) -> NoReturn:
        from IPython.core.error import UsageError

        raise UsageError(f"%%qvr: {message}. Use: %%qvr [NAME] [--run] [--data VARIABLE] [--seed N] …")


def _options(line: str) -> argparse.Namespace:
    parser = _Parser(prog="%%qvr", add_help=False)
    parser.add_argument("name", nargs="?")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--data")
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
    if not options.run and options.data is not None:
        parser.error("--data goes with --run")
    return options
