"""Runs on the disk: where a model's runs are saved, and which of them is shown when the model is opened.

Nothing of it holds the loop up, and the draws are not read: what a run's folder tells of itself is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.analysis import check_source
from quivers.check.fingerprint import Fingerprint, fingerprint
from quivers.check.program import Checked
from quivers.configuration import configuration_for
from quivers.errors import QvrError
from qvr_server import from_lsp
from qvr_server.results import DataUsed, Result, data_used
from qvr_server.run_subjects import Data, Model, data_file, renames_of
from qvr_server.worker_process import RunError

if TYPE_CHECKING:
    from quivers.runs.about import About
    from quivers.runs.finding import Found
    from qvr_server.server import QvrServer
    from qvr_server.session import OpenDocument

# The data of a model are looked at as long after it was opened.
SECONDS_BEFORE_LOOK = 0.3
# Under this name an open document keeps the task of looking.
LOOK = __name__


def project_folder(ls: QvrServer, path: Path) -> Path:
    """The folder whose runs a model's are: the innermost of the workspace's around it, else its own."""
    roots = [from_lsp.path(uri) for uri in ls.workspace.folders]
    roots += [Path(ls.workspace.root_path)] if ls.workspace.root_path else []
    around = [root for root in roots if root is not None and path.is_relative_to(root)]
    return max(around, key=lambda root: len(root.parts), default=path.parent)


async def place_of(
    ls: QvrServer, model: Model, data: Data, used: DataUsed, *, live: bool, instead: Path | None
) -> dict[str, Any] | None:
    """Where the worker saves a run of a model; None where it is not to: what is no file has no project.

    A run that was made because the model was saved takes the place of the last such run, `instead`, and is
    not kept where it is cancelled for the next one.
    """
    if not (ls.options.save_runs and ls.options.trusted) or model.path is None:
        return None
    project = project_folder(ls, model.path)
    return await asyncio.to_thread(_place, project, model.path, data, used, live, instead)


def _place(
    project: Path, path: Path, data: Data, used: DataUsed, live: bool, instead: Path | None
) -> dict[str, Any] | None:
    from quivers.runs.folders import runs_folder

    if not configuration_for(path).save_runs or not path.exists():
        return None
    given = isinstance(data, dict)
    named = isinstance(data, str) and data != data_file(path, None)
    if isinstance(data, list):  # as the configuration has them, so that nobody named one
        data = ", ".join(data)
    return {
        "runs": str(runs_folder(project).absolute()),
        "file": None if given else str(path.absolute()),
        "data_name": "values given with the run" if given else data,
        "data_files": [data] if named else None,
        "data_key": None if given else used.key,
        "keep_interrupted": not live,
        "instead": None if instead is None else str(instead),
    }


async def look(ls: QvrServer, opened: OpenDocument) -> None:
    """Show the saved posteriors of a model that was opened, of those of its programs that have none."""
    if opened.path is None or not ls.options.trusted:
        return
    await asyncio.sleep(SECONDS_BEFORE_LOOK)
    if opened.is_closed:
        return
    await ls.analyses.ready(opened)
    folders = _folders(opened.path, project_folder(ls, opened.path))
    setting = None if opened.data_path is None else str(opened.data_path)
    setting = setting or ls.options.data.file
    found = await asyncio.to_thread(_results, opened.uri, opened.path, opened.checked, setting, folders)
    if found and not opened.is_closed:
        ls.runs.restore(opened, found)


async def looked(opened: OpenDocument | None) -> None:
    """Wait until a document's saved runs are looked for, where that is under way."""
    task = None if opened is None else opened.kept.get(LOOK)
    if task is not None:
        await asyncio.wait([task])


def _folders(path: Path, project: Path) -> list[Path]:
    """Where runs of a model may be: the command saves them where it is called, so in any folder above it."""
    from quivers.runs.folders import runs_folder

    above = [path.parent, *path.parent.parents]
    between = [folder for folder in above if folder.is_relative_to(project)]
    return list(dict.fromkeys(runs_folder(folder).absolute() for folder in between))


def _results(
    uri: str, path: Path, checked: Checked, setting: str | None, folders: list[Path]
) -> list[Result]:
    from quivers.runs.data_key import NO_DATA
    from quivers.runs.finding import Wanted, kept, newest

    results: list[Result] = []
    now: tuple[DataUsed, str | None] | None = None
    renames = renames_of(path)
    for name, program in checked.programs.items():
        if program.parameters or not kept(name, folders):
            continue
        if now is None:
            file = data_file(path, setting)
            used = data_used(file, None, renames)
            now = used, None if file is None else used.key
        own = fingerprint(checked, program)
        key = NO_DATA if now[1] is None and not program.inputs else now[1]
        found = newest(Wanted(name, own.key, path, key, renames), folders)
        if found is not None and (result := _result(uri, found, own, now[0], renames)) is not None:
            results.append(result)
    return results


def _result(
    uri: str, found: Found, own: Fingerprint, now: DataUsed, renames: Mapping[str, str]
) -> Result | None:
    """A saved run as a result of this session; None where its folder is damaged or gone by now."""
    from quivers.runs.about import PROGRAM
    from quivers.runs.answers import answer

    about = found.about
    try:
        source = (found.folder / PROGRAM).read_bytes()
        made = _fingerprint(about, source, own)
        told = answer(about, found.folder)
        ended = datetime.fromisoformat(about.began).timestamp() + float(told["seconds"]["total"])
    except (OSError, QvrError, KeyError, TypeError, ValueError, AttributeError):
        return None
    assert about.data_key is not None
    if about.data_files is not None and (found.named or now.file is None):
        data = DataUsed(Path(about.data_files[0]), about.data_key, chosen=True, renames=renames)
        data_now = data_used(about.data_files[0], None, renames)
    else:
        data, data_now = replace(now, key=about.data_key), now
    return Result(
        uri, about.program, made, source, data, told, ended, data_now,
        key=f"saved {found.folder}", saved=found.folder, restored=True,
    )  # fmt: skip


def _fingerprint(about: About, source: bytes, own: Fingerprint) -> Fingerprint:
    """What the program of a run said, under the names that it had."""
    key, *names = about.identity.program
    if key == own.key:
        return Fingerprint(key, tuple(names[: len(own.names)]), tuple(names[len(own.names) :]))
    checked = check_source(source)
    return fingerprint(checked, checked.programs[about.program])


def with_what_is_saved(failure: RunError, folder: Path) -> RunError:
    """The failure of a run, with how its saved draws are gone on from; a run without draws leaves nothing."""
    from quivers.runs.folders import remove
    from quivers.runs.log import Kind, entries

    if failure.kind == "cancelled":
        return failure
    try:
        drawn = any(entry.kind == Kind.DRAWS for entry, _ in entries(folder / "draws.log"))
        if not drawn:
            remove(folder)
    except (OSError, QvrError):
        return failure
    if not drawn:
        return failure
    goes_on = f" What it drew is saved: `qvr run --resume {folder.name}` in a terminal goes on with it."
    return RunError(failure.kind, f"{failure}{goes_on}", failure.problems)
