"""Finds the saved run that a program's posterior is shown from, by what folders tell without draws."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quivers.errors import QvrError
from quivers.records import record
from quivers.runs.about import ABOUT, About, read_about
from quivers.runs.data_key import data_key
from quivers.runs.folders import folder_stem

MOST_READ = 20  # runs of one program, those that ended last first
LARGEST = 8 * 2**20  # bytes; what tells more is a run of some ten thousand numbers


@record
class Wanted:
    """What a run is looked for by: a program's name and the key of its fingerprint, its file, and its data.

    `data` is what `data_key` says of the data that a run would use now, None where there are none to be had;
    `renames` has the data's names by those of the program.
    """

    program: str
    key: str
    file: Path
    data: str | None
    renames: Mapping[str, str]


@record
class Found:
    """A saved run. `fits` says that program and data are still those of the run, `named` that the data were
    named for it, and are not those that the program has by itself."""

    folder: Path
    about: About
    fits: bool
    named: bool


def newest(wanted: Wanted, folders: Iterable[Path]) -> Found | None:
    """The finished run that ended last of those that fit, else of those of the same file; None without one.

    `folders` are where runs are kept. Where the program has no data by itself, a run whose data were named
    fits while that file says the same. What can't be read is passed over.
    """
    other: Found | None = None
    for folder in _folders(wanted.program, folders):
        try:
            about = read_about(folder)
            same_program = about.identity.program[0] == wanted.key
        except (QvrError, IndexError):
            continue
        if about.state != "finished" or about.program != wanted.program or about.data_key is None:
            continue
        if same_program:
            if about.data_key == wanted.data:
                return Found(folder, about, True, False)
            if wanted.data is None and _named_key(about, wanted.renames) == about.data_key:
                return Found(folder, about, True, True)
        if other is None and about.file is not None and _same(about.file, wanted.file):
            other = Found(folder, about, False, False)
    return other


def kept(program: str, folders: Iterable[Path]) -> bool:
    """Whether any run of a program is saved."""
    return any(True for _ in _folders(program, folders))


def _folders(program: str, folders: Iterable[Path]) -> Iterator[Path]:
    """Those of a program's runs, which began last or ended last first."""
    found: list[tuple[int, Path]] = []
    stem = folder_stem(program)
    for runs in folders:
        try:
            names = [entry.name for entry in os.scandir(runs) if entry.name.startswith(stem)]
        except OSError:
            continue
        for name in names:
            try:
                status = (runs / name / ABOUT).stat()
            except OSError:
                continue
            if status.st_size <= LARGEST:
                found.append((status.st_mtime_ns, runs / name))
    found.sort(reverse=True)
    return (folder for _, folder in found[:MOST_READ])


def _named_key(about: About, renames: Mapping[str, str]) -> str | None:
    if about.data_files is None or len(about.data_files) != 1:
        return None
    names = dict(renames)
    for new, old in about.renames:
        names[new] = old
    try:
        return data_key(Path(about.data_files[0]), names)
    except (OSError, QvrError, ValueError):
        return None


def _same(saved: str, file: Path) -> bool:
    try:
        return os.path.realpath(saved) == os.path.realpath(file)
    except (OSError, ValueError):
        return False
