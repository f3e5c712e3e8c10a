"""What is to be known of a saved run without its draws: `run.json`, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from quivers import __version__
from quivers.errors import QvrError
from quivers.records import field, record, replace

ABOUT, PROGRAM, LOG, LOCK = "run.json", "program.qvr", "draws.log", "lock"
FORMAT = 1


@record
class Identity:
    """What decides a run's draws. Runs of one identity have the same draws.

    `program` is the key of the program and the names in it, `data` a digest of the values bound to it,
    `settings` are the sampler's, the seed among them, and `versions` those of what computes.
    """

    program: Sequence[Any]
    data: str
    settings: Mapping[str, Any]
    versions: Mapping[str, str]

    def digest(self) -> str:
        """Sixteen hexadecimal digits that stand for all of it."""
        import hashlib

        values = [self.program, self.data, self.settings, self.versions]
        return hashlib.blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()


@record
class About:
    """A run as its folder tells it. `state` is "running" until the run has ended by itself.

    `began` is in UTC, as ISO 8601 has it. `file` is a whole path, None for standard input, and `data_name`
    what the data were shown as; `data_files` are whole paths where they were named, and `renames` says what
    their columns were called, a program's name before the data's. `warnings` are the checker's. `outcome` is
    empty until the run has ended, and then has kept (draws of each chain), seconds, engine, engine_reason,
    divergences, problems, troubles, in summary a row for each number, and what `quivers.runs.answers.shown`
    adds. `data_key` stands for the data's file as it was (`quivers.runs.data_key`); None where it can't be
    looked at again.
    """

    program: str
    file: str | None
    data_name: str | None
    data_files: Sequence[str] | None
    renames: Sequence[Sequence[str]]
    began: str
    identity: Identity
    state: str = "running"
    warnings: Sequence[str] = ()
    outcome: Mapping[str, Any] = field(default_factory=dict)
    data_key: str | None = None

    @property
    def seed(self) -> int:
        return int(self.identity.settings["seed"])

    @property
    def chains(self) -> int:
        return int(self.identity.settings["chains"])

    @property
    def wanted(self) -> int:
        """Draws that each chain was to keep."""
        return int(self.identity.settings["draws"])

    def ended(self, state: str, outcome: Mapping[str, Any]) -> About:
        """The same run with its end."""
        return replace(self, state=state, outcome=outcome)


def write_about(folder: Path, about: About) -> None:
    """Puts `run.json` into a run's folder; raises OSError."""
    identity = about.identity
    values = {
        "format": FORMAT,
        "program": about.program,
        "file": about.file,
        "data_name": about.data_name,
        "data_files": about.data_files,
        "data_key": about.data_key,
        "renames": about.renames,
        "began": about.began,
        "state": about.state,
        "identity": {
            "program": identity.program,
            "data": identity.data,
            "settings": identity.settings,
            "versions": identity.versions,
        },
        "warnings": list(about.warnings),
        "outcome": about.outcome,
    }
    values["checksum"] = _checksum(values)
    write_whole(folder / ABOUT, (json.dumps(values, indent=1) + "\n").encode())


def read_about(folder: Path) -> About:
    """What `run.json` says. Raises QvrError where it is not there, or damaged, or of another format."""
    place = folder / ABOUT
    try:
        values = json.loads(place.read_bytes())
        if values["format"] != FORMAT:
            raise QvrError(_other_format(folder, values))
        told = values.pop("checksum")
        if told != _checksum(values):
            raise ValueError
        identity = Identity(**values["identity"])
        about = About(
            values["program"], values["file"], values["data_name"], values["data_files"], values["renames"],
            values["began"], identity, values["state"], values["warnings"], values["outcome"],
            values.get("data_key"),
        )  # fmt: skip
        _require_sound(about)
        return about
    except FileNotFoundError:
        if (folder / LOG).exists():
            raise QvrError(
                f"{folder} can't be read: its {ABOUT} is gone. The same `qvr run` makes the run again, and"
                f" `qvr runs remove {folder.name}` deletes what is left."
            ) from None
        raise QvrError(f"{folder} is no saved run: it has no {ABOUT}.") from None
    except OSError as error:
        raise QvrError(f"{place} can't be read: {reason(error)}.") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise QvrError(
            f"{place} is damaged, so the run can't be read; what it drew may be whole in {LOG}."
        ) from None


def now() -> str:
    """This moment, as `About.began` has it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write_whole(place: Path, content: bytes) -> None:
    """Writes a file so that it has the old or the new content, whatever happens; raises OSError."""
    new = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with new.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, place)
    except OSError:
        with contextlib.suppress(OSError):
            new.unlink()
        raise


def reason(error: OSError) -> str:
    """Why the system refused, in its words."""
    return (error.strerror or str(error)).lower().rstrip(".")


def _require_sound(about: About) -> None:
    """Raises ValueError or the like where what is told can't be of a run, whatever its checksum."""
    settings, outcome = about.identity.settings, about.outcome
    for name, least, most in (
        ("chains", 1, 1024),
        ("draws", 1, 10**7),
        ("warmup", 0, 10**7),
        ("thin", 1, 10**6),
    ):
        if type(settings[name]) is not int or not least <= settings[name] <= most:
            raise ValueError
    texts = (about.program, about.began, about.state, about.identity.data)
    perhaps = (about.file, about.data_name, about.data_key)
    sound = (
        type(settings["seed"]) is int
        and all(isinstance(text, str) for text in texts)
        and all(text is None or isinstance(text, str) for text in perhaps)
        and all(isinstance(text, str) for text in [*(about.data_files or ()), *about.warnings])
        and all(isinstance(text, str) for pair in about.renames for text in pair)
        and all(isinstance(text, str) for text in about.identity.versions.values())
        and all(_number(row["r_hat"]) for row in outcome.get("summary", ()))
        and all(_number(outcome.get(name)) for name in ("kept", "divergences"))
        and all(_number(value) for value in outcome.get("seconds", {}).values())
    )
    if not sound:
        raise ValueError


def _number(value: Any) -> bool:
    return value is None or isinstance(value, int | float)


def _other_format(folder: Path, values: Mapping[str, Any]) -> str:
    """Why a run that another version of QVR saved can't be read."""
    written = values.get("identity", {}).get("versions", {}).get("qvr")
    by = f"QVR {written}" if isinstance(written, str) else "another version of QVR"
    newer = isinstance(values["format"], int) and values["format"] > FORMAT
    way = "Update QVR to read it" if newer else "Read it with that version"
    return f"{folder} was saved by {by} in a form that QVR {__version__} can't read. {way}, or run it anew."


def _checksum(values: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(values, sort_keys=True).encode()):08x}"
