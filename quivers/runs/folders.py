"""Where saved runs are, what they are called, and who holds one.

All are in `.qvr/runs` of the working folder, or in the folder that `QVR_RUNS_DIR` names. One is called after
its program and a digest of what decides its draws, `eight_schools-3f9c01ab`; where that is taken, a number is
added. The file `latest` beside them has the name of the run that began last.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from quivers.errors import QvrError
from quivers.records import record
from quivers.runs.about import ABOUT, LOCK, About, read_about, reason, write_whole

LATEST = "latest"
DIGITS = 8  # of the digest that a name has
_LONGEST = 60  # characters of a program's name


@record
class Listed:
    """A run among others: `about` is None where `damage` says that it can't be read."""

    folder: Path
    about: About | None
    damage: str | None
    running: bool

    @property
    def state(self) -> str:
        """Of "running", "finished", "interrupted" and "damaged"."""
        if self.about is None:
            return "damaged"
        if self.running:
            return "running"
        return "finished" if self.about.state == "finished" else "interrupted"


def runs_folder() -> Path:
    """The folder that runs are kept in; it may not be there yet."""
    return Path(os.environ.get("QVR_RUNS_DIR") or Path(".qvr") / "runs")


def new_folder(program: str, digest: str) -> Path:
    """Makes the folder of a new run; raises OSError."""
    folder = runs_folder()
    folder.mkdir(parents=True, exist_ok=True)
    top = folder.parent if folder.parent.name == ".qvr" else folder
    ignored = top / ".gitignore"
    if not ignored.exists():
        write_whole(ignored, b"*\n")
    name = f"{_file_name(program)}-{digest[:DIGITS]}"
    number = 1
    while True:
        made = folder / (name if number == 1 else f"{name}-{number}")
        try:
            made.mkdir()
        except FileExistsError:
            number += 1
            continue
        return made


def point_to(folder: Path) -> None:
    """Makes a run the latest; raises OSError."""
    write_whole(folder.parent / LATEST, f"{folder.name}\n".encode())


def listed() -> list[Listed]:
    """All runs, those that began last first."""
    try:
        folders = [entry for entry in runs_folder().iterdir() if (entry / ABOUT).exists()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise QvrError(f"{runs_folder()} can't be read: {reason(error)}.") from None
    return sorted(
        map(_listed, folders),
        key=lambda run: ("" if run.about is None else run.about.began, run.folder.name),
        reverse=True,
    )


def found(asked: str) -> Path:
    """The run that is meant by its name, the beginning of one, `latest`, or the path of its folder.

    Raises:
        QvrError: no run is meant, or several may be.
    """
    given = Path(asked)
    if len(given.parts) > 1 or given.is_absolute():
        if (given / ABOUT).exists():
            return given
        raise QvrError(f"{asked} is no saved run: it has no {ABOUT}.")
    names = sorted(run.folder.name for run in listed())
    if asked == LATEST and LATEST not in names:
        asked = _latest(names)
    matching = [asked] if asked in names else [name for name in names if name.startswith(asked)]
    if len(matching) == 1:
        return runs_folder() / matching[0]
    if not names:
        raise QvrError(f"No run is saved in {runs_folder()}: `qvr run` saves one.")
    if not matching:
        raise QvrError(f"No saved run begins with {asked!r}; `qvr runs` lists them.")
    first = ", ".join(matching[:5]) + (", …" if len(matching) > 5 else "")
    raise QvrError(f"{asked!r} may be any of {len(matching)} runs: {first}.")


def remove(folder: Path) -> None:
    """Deletes a run. Raises QvrError where it is under way, or can't be deleted."""
    with held(folder):
        pass
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise QvrError(f"{folder} can't be removed: {reason(error)}.") from None


def remove_twins(folder: Path, digest: str) -> None:
    """Deletes the other runs of an identity: the run in `folder` has all of their draws.

    One under way stays, and so does what can't be deleted.
    """
    stem = folder.name
    number = stem.rpartition("-")
    if number[2].isdigit() and number[0].endswith(digest[:DIGITS]):
        stem = number[0]
    for other in folder.parent.glob(f"{stem}*"):
        if other.name == folder.name:
            continue
        with contextlib.suppress(QvrError):
            about = read_about(other)
            if about.identity.digest() == digest:
                remove(other)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The run is this process's while the block runs; a process that ends lets go of its runs.

    Raises:
        QvrError: another process has it, or the folder can't be written to.
    """
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise QvrError(f"{folder} can't be written to: {reason(error)}.") from None
    try:
        try:
            _lock(file)
        except OSError:
            raise QvrError(f"The run {folder.name} is under way in another process.") from None
        yield
    finally:
        os.close(file)


def running(folder: Path) -> bool:
    """Whether a process has the run."""
    try:
        file = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return False
    try:
        _lock(file)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _listed(folder: Path) -> Listed:
    try:
        return Listed(folder, read_about(folder), None, running(folder))
    except QvrError as error:
        return Listed(folder, None, str(error), False)


def _latest(names: list[str]) -> str:
    try:
        name = (runs_folder() / LATEST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        name = ""
    if name in names:
        return name
    raise QvrError("The latest run isn't there any more; `qvr runs` lists those that are.")


def _file_name(program: str) -> str:
    return re.sub(r"[^\w-]", "_", program)[:_LONGEST]
