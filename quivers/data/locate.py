"""Finds the file that a model's data are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quivers.data.codes import SEVERAL_FILES
from quivers.data.read import READERS
from quivers.errors import DataProblem


@dataclass(frozen=True, slots=True)
class Located:
    """Where a model's data are. `others` are the files beside the model that could have been meant as well.

    `wanted` says that somebody named the file, so that it must be there. `more` are those read with it.
    """

    path: Path
    wanted: bool = False
    others: tuple[Path, ...] = ()
    more: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that are read."""
        return (self.path, *self.more)

    @property
    def problems(self) -> tuple[DataProblem, ...]:
        """What is doubtful about the choice."""
        if not self.others:
            return ()
        names = " and ".join(f"`{other.name}`" for other in self.others)
        verb = "are" if len(self.others) > 1 else "is"
        message = f"The data are those of `{self.path.name}`; {names} beside it {verb} not read."
        return (DataProblem(SEVERAL_FILES, message),)


def located(model: Path, setting: str | None = None, configured: Sequence[Path] = ()) -> Located:
    """The data file of a model.

    It is the editor's or the command's `setting`, relative to the model's folder; else those `configured` for
    the project; else the first of `model.data.json`, `.csv`, `.tsv`, `.parquet`, `.arrow`, `.feather` and
    `.npz` beside `model.qvr`; else the directory `model.data` there.
    """
    if setting:
        return Located(model.parent / Path(setting).expanduser(), wanted=True)
    if configured:
        return Located(configured[0], wanted=True, more=tuple(configured[1:]))
    beside = [model.with_suffix(f".data{ending}") for ending in READERS if ending != ".npy"]
    there = [path for path in (*beside, model.with_suffix(".data")) if path.exists()]
    return Located(there[0], others=tuple(there[1:])) if there else Located(beside[0])


def default_path(model: Path) -> Path:
    """Where a model's data are when nobody says: `model.data.json` or its like beside `model.qvr`."""
    return located(model).path
