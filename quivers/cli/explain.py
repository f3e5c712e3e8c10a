"""`qvr explain`: the page of a code or of a word of programs, lists of them, or a program's kernel."""

from __future__ import annotations

import argparse
import io
import sys

from quivers.cli.output import CLEAN, MISUSE, colour, complain, say
from quivers.codes import CODES, FAMILIES, is_known, near_codes
from quivers.explanations import page

WIDEST = 100

_LISTS = "`qvr explain distributions`, `functions` and `language`"


def explain(options: argparse.Namespace) -> int:
    """Print a code's or a word's page, a list, or all codes by hundred; status 2 for a name that is none.

    With `--kernel`, print the source that computes a program.
    """
    if options.kernel:
        if options.code is None:
            complain("`--kernel` needs a .qvr file, as in `qvr explain model.qvr --kernel`.")
            return MISUSE
        from quivers.cli.explain_kernel import explain_kernel

        return explain_kernel(options.code, options.data, options.program, options.map)
    if options.data is not None or options.program is not None or options.map:
        complain("`--data`, `--map` and `--program` go with `--kernel`.")
        return MISUSE
    if options.code is None:
        say(sys.stdout, "\n\n".join([*map(_listing, FAMILIES), f"{_LISTS} list the words of programs."]))
        return CLEAN
    name = _meant(options.code)
    if name in FAMILIES:
        say(sys.stdout, _listing(name))
        return CLEAN
    if name in CODES:
        text = page(name)
        say(sys.stdout, _drawn(text) if colour(sys.stdout) else text.rstrip("\n"))
        return CLEAN
    if name.endswith(".qvr"):
        complain(f"`{name}` is a file: `qvr explain {name} --kernel` shows how it is computed.")
        return MISUSE
    return _explain_word(options.code)


def _explain_word(name: str) -> int:
    """Print what a word of programs means, or a list of such; status 2 for anything else."""
    from quivers.cli.explain_word import LISTS, near_word, word_list, word_page

    if name in LISTS:
        say(sys.stdout, word_list(name))
        return CLEAN
    text = word_page(name)
    if text is not None:
        say(sys.stdout, _drawn(text) if colour(sys.stdout) else text)
        return CLEAN
    near = near_codes(name) if any(letter.isdigit() for letter in name) else ()
    word = near_word(name)
    guesses = near or (() if word is None else (word,))
    if guesses:
        ending = f"; did you mean {' or '.join(f'`{each}`' for each in guesses)}?"
    else:
        ending = f": {_LISTS} list the words of programs."
    complain(f"No code and no word is called `{name}`{ending}")
    return MISUSE


def _meant(name: str) -> str:
    """The code as the table has it: `qvr401` and `401` are `QVR401`."""
    written = name.upper().replace("X", "x")
    guess = written if written.startswith("QVR") else f"QVR{written}"
    return guess if is_known(guess) else name


def _listing(family: str) -> str:
    entries = [entry for entry in CODES.values() if entry.family == family]
    width = max((len(entry.title) for entry in entries), default=0)
    lines = [f"{entry.code}  {entry.title:<{width}}  {entry.summary}" for entry in entries]
    return "\n".join([f"{family}: {FAMILIES[family]}", *lines])


def _drawn(text: str) -> str:
    """Markdown as a terminal shows it. Loading the library takes longer than the rest, so it comes late."""
    from rich.console import Console
    from rich.markdown import Markdown

    console = Console(file=io.StringIO(), force_terminal=True)
    console.width = min(Console().width, WIDEST)
    with console.capture() as captured:
        console.print(Markdown(text))
    return captured.get().rstrip("\n")
