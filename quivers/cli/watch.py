"""`--watch`: a command again each time that a file it reads is saved."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from quivers.cli.files import STANDARD_INPUT, program_files
from quivers.cli.output import INTERRUPTED, MISUSE, PIPE_CLOSED, RefusedError, complain, say
from quivers.configuration import PROJECT_FILE, QVR_FILE, configuration_for

EVERY = 0.2  # seconds between two looks at the files
SETTLED = 0.05  # seconds without a change after which a save is taken to be complete

# What a file is known again by: an editor may write it anew, or put another one in its place.
_State = tuple[int, int, int] | None


def watch(options: argparse.Namespace, act: Callable[[argparse.Namespace], int]) -> int:
    """Run `act`, and again whenever a file changes, comes or goes, until Ctrl-C; the exit status.

    A terminal is cleared before each time. What `act` finds wrong doesn't end it.
    """
    given: list[str] = options.files if "files" in options else [options.file]
    if STANDARD_INPUT in given:
        complain("Standard input can't be watched: name a file.")
        return MISUSE
    data: list[str] | None = getattr(options, "data", None)
    try:
        while True:
            before = _states(given, data)
            if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
                sys.stdout.write("\x1b[H\x1b[2J")
            status = act(options)
            options.again = True
            if status in (INTERRUPTED, PIPE_CLOSED):
                return status
            if not options.quiet:
                say(sys.stderr, f"Watching {_counted(given)}; Ctrl-C ends.")
            while (now := _states(given, data)) == before:
                time.sleep(EVERY)
            while True:  # an editor may take the file away before it puts the new one there
                gone = any(state is None and before.get(name) is not None for name, state in now.items())
                time.sleep(EVERY if gone else SETTLED)
                later = _states(given, data)
                if later == now:
                    break
                now = later
    except KeyboardInterrupt:
        return INTERRUPTED


def _counted(given: list[str]) -> str:
    files = _models(given)
    return files[0] if len(files) == 1 else f"{len(files)} files"


def _models(given: list[str]) -> list[str]:
    try:
        return program_files(given)
    except RefusedError:  # a folder without models may have one later
        return given


def _states(given: list[str], data: list[str] | None) -> dict[str, _State]:
    """What each file that may bear on the outcome is known by; None for one that isn't there."""
    return {name: _state(name) for name in _watched(given, data)}


def _watched(given: list[str], data: list[str] | None) -> list[str]:
    """The models, their data and the configurations that hold for them."""
    files: dict[str, None] = dict.fromkeys(given)
    for model in _models(given):
        path = Path(model)
        files[model] = None
        for folder in Path(os.path.abspath(model)).parents:
            files[str(folder / QVR_FILE)] = files[str(folder / PROJECT_FILE)] = None
        if data is None:
            beside = [
                path.parent / name for name in _entries(path.parent) if name.startswith(f"{path.stem}.data")
            ]
            for place in [*beside, *configuration_for(model).data]:
                files.update(dict.fromkeys(_file_or_folder(place)))
    for name in data or []:
        files.update(dict.fromkeys(_file_or_folder(Path(name))))
    return list(files)


def _file_or_folder(place: Path) -> list[str]:
    return [str(place), *(str(place / name) for name in _entries(place))]


def _entries(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:  # no folder, or none that can be read
        return []


def _state(name: str) -> _State:
    try:
        known = os.stat(name)
    except (OSError, ValueError):
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino
