"""Reads several data files as one: those in a directory, or those that a command names one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from quivers.data.codes import GIVEN_TWICE
from quivers.data.column import Column
from quivers.data.read import COMPRESSED, READERS, read, readable, unreadable
from quivers.errors import DataError, DataProblem


def together(paths: Sequence[Path]) -> dict[str, Any]:
    """The values of all files by name; a directory counts as the files in it.

    Raises:
        DataError: a file can't be read, or two give the same name.
    """
    if len(paths) == 1:
        return read(paths[0])
    return merged([(path, read(path)) for path in paths])


def of_directory(folder: Path) -> dict[str, Any]:
    """The values of the data files right in a directory.

    A file whose name begins with a point or has another ending is left alone, as are directories in it. A
    JSON file with a list or a number at its top gives one value, under the file's name.

    Raises:
        DataError: there is no such file, one can't be read, or two give the same name.
    """
    files = data_files(folder)
    if not files:
        raise unreadable(
            f"{folder} is a directory without data files: their names end in {endings_text()}, "
            "and those of directories in it are not read."
        )
    return merged([(path, _values(path)) for path in files])


def data_files(folder: Path) -> list[Path]:
    """The files of a directory that are read as data, by name; compressed ones are among them."""
    with readable(folder):
        return sorted(
            path
            for path in folder.iterdir()
            if not path.name.startswith(".") and _is_data(path) and not path.is_dir()
        )


def endings_text() -> str:
    """`.json, .csv or .npz`, for all endings."""
    *first, last = READERS
    return f"{', '.join(first)} or {last}"


def _is_data(path: Path) -> bool:
    ending = path.suffix.lower()
    return ending in READERS or (ending in COMPRESSED and Path(path.stem).suffix.lower() in READERS)


def _values(path: Path) -> Mapping[str, Any]:
    if path.suffix.lower() != ".json":
        return read(path)
    from quivers.data.read_json import content

    with readable(path):
        return content(path, name=path.stem)


def merged(files: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[str, Any]:
    """The values that several files were found to hold, as those of one.

    Raises:
        DataError: two give the same name.
    """
    values: dict[str, Any] = {}
    givers: dict[str, Path] = {}
    problems: list[DataProblem] = []
    for path, own in files:
        for name, value in own.items():
            if name in givers:
                problems.append(_given_twice(name, givers[name], path))
                continue
            givers[name] = path
            values[name] = replace(value, table=str(path)) if isinstance(value, Column) else value
    if problems:
        raise DataError(problems)
    return values


def _given_twice(name: str, first: Path, second: Path) -> DataProblem:
    names = (first.name, second.name)
    one, other = names if names[0] != names[1] else (str(first), str(second))
    message = (
        f"`{name}` is given by {one} and by {other}: leave one of the two out, or rename one of the columns."
    )
    return DataProblem(GIVEN_TWICE, message, name)
