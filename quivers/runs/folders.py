"""Where saved runs are, what they are called, and who holds one.

All are in `.qvr/runs` of the working folder, or in the folder that `QVR_RUNS_DIR` names. One is called after
its program and a digest of what decides its draws, `eight_schools-3f9c01ab`; where that is taken, a number is
added until it is finished. The file `latest` beside them has the name of the run that began last.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from quivers.errors import QvrError
from quivers.records import record
from quivers.runs.about import ABOUT, LOCK, LOG, PROGRAM, About, read_about, reason, write_whole

LATEST = "latest"
NETCDF = "posterior.nc"
DIGITS = 8  # of the digest that a name has
_LONGEST = 120  # bytes of a program's name: some systems allow no more than 143 to a file's
_OWN = frozenset({ABOUT, PROGRAM, LOG, LOCK})
_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)  # what says that another process has a lock


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


def runs_folder(project: Path | None = None) -> Path:
    """The folder that runs of a project's folder, else of the working folder, are kept in.

    It may not be there yet.
    """
    return Path(os.environ.get("QVR_RUNS_DIR") or (project or Path()) / ".qvr" / "runs")


def folder_stem(program: str) -> str:
    """What the name of each run of a program begins with."""
    return f"{_file_name(program)}-"


def new_folder(program: str, digest: str, stack: ExitStack, folder: Path) -> Path:
    """Makes the folder of a new run in `folder`, which is this process's until `stack` ends.

    Raises:
        QvrError, OSError: it can't be made.
    """
    top = folder.parent if folder.parent.name == ".qvr" else folder
    ours = top.name == ".qvr" or not top.exists()  # a folder that was there may hold more than runs
    folder.mkdir(parents=True, exist_ok=True)
    ignored = top / ".gitignore"
    if ours and not ignored.exists():
        write_whole(ignored, b"*\n")
    name = f"{folder_stem(program)}{digest[:DIGITS]}"
    number = 1
    with _naming(folder):
        while True:
            made = folder / (name if number == 1 else f"{name}-{number}")
            try:
                made.mkdir()
            except FileExistsError:
                if not _abandoned(made):
                    number += 1
                    continue
            stack.enter_context(held(made))
            return made


def settle(folder: Path, digest: str) -> Path:
    """Gives a finished run the name without a number, in place of others of its identity; its folder then.

    Those have the same draws, so they are deleted; what else was put into their folders comes along. One that
    is under way stays, and so do what can't be deleted and a name that can't be had.
    """
    runs, plain = folder.parent, folder.with_name(plain_name(folder.name))
    with contextlib.suppress(QvrError, OSError), _naming(runs):
        for other in runs.glob(f"{plain.name}*"):
            with contextlib.suppress(QvrError, OSError):
                if other.name != folder.name and read_about(other).identity.digest() == digest:
                    _take_over(other, folder)
        if folder != plain and not plain.exists():
            os.rename(folder, plain)
            if _pointed_to(runs) == folder.name:
                point_to(plain)
            return plain
    return folder


def plain_name(name: str) -> str:
    """A run's name without the number that it has until it is finished."""
    return re.sub(rf"(-[0-9a-f]{{{DIGITS}}})-[0-9]+$", r"\1", name)


def point_to(folder: Path) -> None:
    """Makes a run the latest; raises OSError."""
    write_whole(folder.parent / LATEST, f"{folder.name}\n".encode())


def listed() -> list[Listed]:
    """All runs, those that began last first."""
    try:
        folders = [entry for entry in runs_folder().iterdir() if _is_run(entry)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise QvrError(f"{runs_folder()} can't be read: {reason(error)}.") from None
    return sorted(
        (run for run in map(_listed, folders) if not _beginning(run.folder)),
        key=lambda run: ("" if run.about is None else run.about.began, run.folder.name),
        reverse=True,
    )


def found(asked: str) -> Path:
    """The run that is meant by its name, the beginning of one, `latest`, or the path of its folder.

    Raises:
        QvrError: no run is meant, or several may be.
    """
    given = Path(asked)
    if given.is_absolute() or any(mark in asked for mark in {os.sep, os.altsep or os.sep}):
        given = given.resolve() if given.is_symlink() else given
        if _is_run(given):
            return given
        raise QvrError(f"{asked} is no saved run: it has no {ABOUT}.")
    runs = listed()
    names = sorted(run.folder.name for run in runs)
    if not names:
        raise QvrError(f"No run is saved in {runs_folder()}: `qvr run` saves one.")
    if asked == LATEST and LATEST not in names:
        pointed = _pointed_to(runs_folder())
        return runs_folder() / (pointed if pointed in names else runs[0].folder.name)
    matching = [asked] if asked in names else [name for name in names if asked and name.startswith(asked)]
    if not matching and plain_name(asked) in names:
        matching = [plain_name(asked)]  # it was called so until it, or another with its draws, was finished
    if len(matching) == 1:
        return runs_folder() / matching[0]
    if not matching:
        raise QvrError(f"No saved run begins with {asked!r}; `qvr runs` lists them.")
    first = ", ".join(matching[:5]) + (", …" if len(matching) > 5 else "")
    raise QvrError(f"{asked!r} may be any of {len(matching)} runs: {first}.")


def remove(folder: Path) -> None:
    """Deletes a run. Raises QvrError where it is under way, or can't be deleted."""
    try:
        with _naming(folder.parent):
            if running(folder):
                raise QvrError(f"The run {folder.name} is under way in another process.")
            _delete(folder)
    except OSError as error:
        raise QvrError(f"{folder} can't be removed: {reason(error)}.") from None


def disk_use(folder: Path) -> int:
    """Bytes of the files in a run's folder."""
    total = 0
    with contextlib.suppress(OSError):
        for entry in os.scandir(folder):
            with contextlib.suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_size
    return total


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
        if not _locked(file):
            raise QvrError(f"The run {folder.name} is under way in another process.")
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
        return not _locked(file)
    finally:
        os.close(file)


@contextmanager
def _naming(folder: Path) -> Iterator[None]:
    """Names in a folder of runs are given and taken by this process alone while the block runs.

    Raises OSError where the folder can't be written to.
    """
    file = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _locked(file, wait=True)
        yield
    finally:
        os.close(file)


def _locked(file: int, *, wait: bool = False) -> bool:
    """Locks a file; false where another process has it. Where the system has no locks, nobody else has it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        return error.errno not in _TAKEN
    return True


def _is_run(folder: Path) -> bool:
    """Whether a folder holds a run, or what is left of one; hidden ones are about to be deleted."""
    if folder.name.startswith("."):
        return False
    try:
        return any((folder / name).exists() for name in (ABOUT, LOG))
    except OSError:  # it can't be looked into, which is said where it is read
        return True


def _abandoned(folder: Path) -> bool:
    """Empties the folder of a run that was killed before it could tell anything; false if it is no such."""
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith(f".{ABOUT}.")]
        if any(entry.name not in _OWN - {ABOUT} for entry in entries) or running(folder):
            return False
        shutil.rmtree(folder)
        folder.mkdir()
    except OSError:
        return False
    return True


def _take_over(other: Path, folder: Path) -> None:
    """Deletes a run that `folder` replaces, but for what else is in its folder, which is moved."""
    if running(other):
        return
    for entry in list(other.iterdir()):
        if entry.name not in _OWN and not entry.name.startswith(".") and not (folder / entry.name).exists():
            os.rename(entry, folder / entry.name)
    _delete(other)


def _delete(folder: Path) -> None:
    """Deletes a folder so that nobody meets half of it; raises OSError."""
    if folder.is_symlink():
        folder.unlink()
        return
    gone = Path(tempfile.mkdtemp(prefix=".removed-", dir=folder.parent))
    try:
        os.rename(folder, gone / "run")
    except OSError:
        gone.rmdir()
        shutil.rmtree(folder)  # where a folder that is looked at can't be renamed
        return
    for left in folder.parent.glob(".removed-*"):  # also what a process left that was killed here
        shutil.rmtree(left, ignore_errors=True)


def _listed(folder: Path) -> Listed:
    try:
        return Listed(folder, read_about(folder), None, running(folder))
    except QvrError as error:
        return Listed(folder, None, str(error), False)


def _beginning(folder: Path) -> bool:
    """Whether a process has a run's folder and has not yet told in it what it runs."""
    try:
        return not (folder / ABOUT).exists() and running(folder)
    except OSError:
        return False


def _pointed_to(folder: Path) -> str:
    """The name in `latest`; empty where there is none."""
    try:
        return (folder / LATEST).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _file_name(program: str) -> str:
    name = re.sub(r"[^\w-]", "_", program)
    return name.encode()[:_LONGEST].decode(errors="ignore")
