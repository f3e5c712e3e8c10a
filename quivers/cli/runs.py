"""`qvr runs`: lists the saved runs, shows, exports and removes them."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers import json_output
from quivers.cli.output import CLEAN, MISUSE, PROBLEMS, colour, columns, complain, say
from quivers.cli.tables import aligned
from quivers.errors import QvrError
from quivers.runs.about import LOG, PROGRAM, reason
from quivers.runs.folders import NETCDF, Listed, disk_use, found, listed, remove, running, runs_folder
from quivers.syntax.problems import Severity
from quivers.terminal.frames import title_line
from quivers.terminal.width import safe

if TYPE_CHECKING:
    from datetime import datetime


def runs(options: argparse.Namespace) -> int:
    """Do what is asked for with the runs that are named."""
    action, several = options.action, options.all or options.older_than is not None
    if action == "list":
        if options.runs or several:
            complain("`qvr runs list` takes no run: `qvr runs show RUN` shows one.")
            return MISUSE
        return _list(as_json=options.output_format == "json")
    if bool(options.runs) == several:
        complain(
            f"`qvr runs {action}` needs a run: its name, the beginning of one, or latest; or else --all or"
            " --older-than DAYS, without a name."
        )
        return MISUSE
    if options.output is not None and action != "export":
        complain("-o names what runs are exported into: it belongs to `qvr runs export`.")
        return MISUSE
    folders = _old(options.older_than) if several else [found(each) for each in options.runs]
    folders = list(dict.fromkeys(folders))
    if not folders:
        say(
            sys.stdout,
            f"No run in {runs_folder()} is that old." if options.older_than else "No run is saved.",
        )
    status = CLEAN
    for folder in folders:
        try:
            if action == "show":
                _show(folder, as_json=options.output_format == "json")
            elif action == "export":
                _export(folder, _place(folder, options.output, len(folders)))
            else:
                size = disk_use(folder)
                remove(folder)
                say(sys.stdout, f"removed {folder}, {_size(size)}")
        except QvrError as error:
            complain(str(error))
            status = PROBLEMS
    return status


def _old(days: float | None) -> list[Path]:
    """All runs, or those that began more than so many days ago; one that can't be read tells no time."""
    from datetime import UTC, datetime, timedelta

    runs = listed()
    if days is None:
        return [run.folder for run in runs]
    latest = datetime.now(UTC) - timedelta(days=days)
    return [
        run.folder
        for run in runs
        if run.about is not None and (began := _time(run.about.began)) is not None and began < latest
    ]


def _list(*, as_json: bool) -> int:
    found = listed()
    if as_json:
        say(sys.stdout, json_output.dumps([_entry(run) for run in found]))
        return CLEAN
    if not found:
        say(sys.stdout, f"No run is saved in {runs_folder()}: `qvr run` saves one.")
        return CLEAN
    lines: list[tuple[str, ...]] = [
        ("run", "state", "began", "data", "draws", "seed", "seconds", "r_hat", "diverged", "disk")
    ]
    damaged = []
    for run in found:
        entry = _entry(run)
        if run.about is None:
            damaged.append(run.damage or "")
            lines.append((run.folder.name, run.state, *[""] * 7, _size(disk_use(run.folder))))
            continue
        draws = f"{entry['chains']} × {entry['kept']}"
        lines.append(
            (
                run.folder.name,
                run.state,
                _when(entry["began"]),
                safe(Path(entry["data"]).name) if entry["data"] else "",
                draws if entry["kept"] == entry["draws"] else f"{draws} of {entry['draws']}",
                str(entry["seed"]),
                _number(entry["seconds"], 1),
                _number(entry["r_hat"], 3),
                _number(entry["divergences"], 0),
                _size(entry["bytes"]),
            )
        )
    say(sys.stdout, aligned(lines, left=(0, 1, 2, 3)))
    for sentence in damaged:
        say(sys.stderr, title_line(Severity.WARNING, None, sentence, colour(sys.stderr)))
    return CLEAN


def _entry(run: Listed) -> dict[str, Any]:
    """A run in JSON; of one that is not finished, what only its end tells is null."""
    about = run.about
    if about is None:
        return {
            "run": run.folder.name,
            "folder": str(run.folder),
            "state": run.state,
            "problem": run.damage,
            "bytes": disk_use(run.folder),
        }
    from quivers.runs.saved import kept_of

    outcome, problem = about.outcome, None
    kept = outcome.get("kept")
    if kept is None:
        try:
            kept = kept_of(run.folder)
        except QvrError as error:
            kept, problem = 0, str(error)
    hats = [row["r_hat"] for row in outcome.get("summary", ()) if row["r_hat"] is not None]
    return {
        "run": run.folder.name,
        "folder": str(run.folder),
        "state": run.state,
        "problem": problem,
        "program": about.program,
        "file": about.file,
        "began": about.began,
        "data": about.data_name,
        "seed": about.seed,
        "chains": about.chains,
        "draws": about.wanted,
        "kept": kept,
        "seconds": outcome.get("seconds", {}).get("total"),
        "r_hat": max(hats, default=None),
        "divergences": outcome.get("divergences"),
        "bytes": disk_use(run.folder),
    }


def _show(folder: Path, *, as_json: bool) -> None:
    """A run with its posterior, as far as it went."""
    from quivers.runs.about import read_about
    from quivers.runs.saved import read_run
    from quivers.terminal.posterior import posterior_table

    about = read_about(folder)
    run = Listed(folder, about, None, running(folder))
    saved = read_run(folder)
    result = saved.compiled_run() if saved.kept else None
    if as_json:
        rows = () if result is None else result.summary()
        entry = _entry(run) | {
            "settings": about.identity.settings,
            "versions": about.identity.versions,
            "data_fingerprint": about.identity.data,
            "warnings": list(about.warnings),
            "problems": [] if result is None else list(result.check()),
            "summary": json_output.summary(rows),
        }
        say(sys.stdout, json_output.dumps(entry))
        return
    settings, told = about.identity.settings, about.identity.versions
    kept = f"{saved.kept} of {about.wanted}" if saved.kept < about.wanted else str(about.wanted)
    own = "".join(
        f", {name} {value}" for name, value in settings.items() if name not in _TOLD and value is not None
    )
    lines = [
        f"{folder.name}  {run.state}",
        f"program  {about.program}" + ("" if about.file is None else f" of {safe(about.file)}"),
        *([] if about.data_name is None else [f"data     {safe(about.data_name)}"]),
        f"began    {_when(about.began)}",
        f"run      {about.chains} chains of {settings['warmup']} warm-up and {kept} kept draws,"
        f" seed {about.seed}",
        f"settings {own.removeprefix(', ')}",
        "versions " + ", ".join(f"{name} {value}" for name, value in told.items() if name != "sampler"),
        f"files    {folder / PROGRAM}, {folder / LOG}; {_size(disk_use(folder))}",
    ]
    say(sys.stdout, "\n".join(lines))
    if result is None:
        say(sys.stdout, "\nIt ended before every chain had drawn, so there is no posterior to show.")
        return
    say(sys.stdout, f"\n{posterior_table(result.summary(), width=columns(sys.stdout))}\n")
    count = result.total_divergences
    say(
        sys.stdout,
        f"{count} {'divergence' if count == 1 else 'divergences'} in {about.chains * saved.kept} draws",
    )
    for sentence in result.check():
        say(sys.stdout, title_line(Severity.WARNING, None, sentence, colour(sys.stdout)))


_TOLD = frozenset({"chains", "warmup", "draws", "seed"})


def _place(folder: Path, output: str | None, runs: int) -> Path:
    """Where a run is exported to: its own folder, or the file or folder that is named."""
    if output is None:
        return folder / NETCDF
    place = Path(output)
    if runs == 1 and not place.is_dir():
        return place
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise QvrError(f"{place} can't be a folder for {runs} runs: {reason(error)}.") from None
    return place / f"{folder.name}.nc"


def _export(folder: Path, place: Path) -> None:
    """Writes a run as netCDF, which ArviZ reads."""
    from quivers.runs.export import write_netcdf
    from quivers.runs.saved import read_run

    try:
        missing = write_netcdf(read_run(folder), place)
    except OSError as error:
        raise QvrError(f"{place} can't be written: {reason(error)}.") from None
    for sentence in missing:
        say(sys.stderr, title_line(Severity.WARNING, None, sentence, colour(sys.stderr)))
    say(sys.stdout, f"wrote {place}")


def _time(began: str) -> datetime | None:
    """A run's time; None where it tells none."""
    from datetime import UTC, datetime

    try:
        time = datetime.fromisoformat(began)
    except (ValueError, TypeError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=UTC)


def _when(began: str) -> str:
    """A time in UTC as this machine's clock shows it."""
    time = _time(began)
    return began if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _size(bytes_: int) -> str:
    """Room on the disk: 12 kB, 3.4 MB."""
    for factor, unit in ((1e9, "GB"), (1e6, "MB")):
        if bytes_ >= factor:
            return f"{bytes_ / factor:.1f} {unit}"
    return f"{math.ceil(bytes_ / 1e3)} kB"


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"
