"""A project's configuration, from the nearest `qvr.toml` or `[tool.qvr]` of a `pyproject.toml` above a model.

    data = "study.csv"
    save_runs = false

    [map]
    y = "score"

    [severity]
    QVR402 = "error"
    QVR7xx = "off"

`data` names the file or directory with the models' data, or several in a list, seen from the configuration's
folder, and `[map]` has the names in it by those of the models. With `save_runs = false` neither the command
nor an editor keeps a run on the disk. In a folder with both files, `qvr.toml` counts. What can't be used is a
warning with its place in that file, and the default stands in its place.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from quivers.check.severity import ALWAYS_SHOWN, Settings, configured
from quivers.records import field, record
from quivers.syntax.ast import Span
from quivers.syntax.lines import Encoding, LineIndex, Position
from quivers.syntax.problems import Diagnostic, Severity

QVR_FILE, PROJECT_FILE = "qvr.toml", "pyproject.toml"
WRONG_ENTRY = "QVR190"
ENTRIES = {"data": "`data`", "save_runs": "`save_runs`", "map": "`[map]`", "severity": "`[severity]`"}
LEVELS = {"off": None, **{severity.value: severity for severity in Severity}}

# Compiled where they are first used: most commands use neither.
_MENTIONS_QVR = rb"""(?m)tool["' \t]*\.[ \t]*["']?qvr|^[ \t]*\[[ \t]*tool[ \t]*\]"""
_PLACE = r" ?\((?:at line (\d+), column (\d+)|at end of document)\)$"


@record
class Configuration:
    """The settings of one file. `problems` has what could not be used, with spans in `source`, its text.

    `data` are the whole paths of the data files that it names, and `renames` has the names of the data by
    those of the program. `save_runs` says whether runs are kept on the disk.
    """

    settings: Settings = field(default_factory=Settings)
    problems: tuple[Diagnostic, ...] = ()
    file: str | None = None
    source: bytes = b""
    data: tuple[Path, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    save_runs: bool = True

    @property
    def warnings(self) -> tuple[str, ...]:
        """Each problem as a sentence that names file and line."""
        lines = LineIndex(self.source)
        return tuple(
            f"{self.file}:{lines.line_at(problem.span.start) + 1}: {problem.message}"
            for problem in self.problems
        )


DEFAULT = Configuration()

# By file: when it was written and its size, and what it says; None for a project file that has no section.
_read: dict[str, tuple[tuple[int, int], Configuration | None]] = {}


def configuration_for(model: Path | str | None) -> Configuration:
    """What holds for a model: the nearest file's configuration, looked for in its folder and those above.

    None stands for a text that is no file, which has the configuration of the working folder. Files are
    read once for each time that they are written.
    """
    folder = os.path.abspath(os.curdir if model is None else os.path.dirname(os.path.abspath(model)))
    while True:
        for name in (QVR_FILE, PROJECT_FILE):
            found = _of_file(os.path.join(folder, name))
            if found is not None:
                return found
        above = os.path.dirname(folder)
        if above == folder:
            return DEFAULT
        folder = above


def shown(
    diagnostics: Iterable[Diagnostic],
    source: bytes,
    configuration: Configuration,
    lines: LineIndex | None = None,
) -> tuple[Diagnostic, ...]:
    """What is left of a model's diagnostics without the ignored ones, with the severities asked for."""
    if b"qvr:" in source:
        from quivers.check.ignores import unsilenced  # few files have such a comment

        diagnostics = unsilenced(diagnostics, source, lines)
    return configured(diagnostics, configuration.settings)


def _of_file(path: str) -> Configuration | None:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    written = (status.st_mtime_ns, status.st_size)
    cached = _read.get(path)
    if cached is None or cached[0] != written:
        cached = _read[path] = (written, _configuration(path))
    return cached[1]


def _configuration(path: str) -> Configuration | None:
    try:
        source = Path(path).read_bytes()
    except OSError as error:
        message = f"`{path}` can't be read: {(error.strerror or str(error)).lower()}."
        return Configuration(Settings(), (_problem(Span(0, 0), message),), path)
    if path.endswith(PROJECT_FILE) and re.search(_MENTIONS_QVR, source) is None:
        return None
    return configuration_of(source, path)


def configuration_of(source: bytes, path: str) -> Configuration | None:
    """What the text of a configuration file says; None for a project file without a `[tool.qvr]`."""
    import tomllib  # only where there is a file to read

    try:
        content = tomllib.loads(source.decode())
    except UnicodeDecodeError as error:
        problem = _problem(Span(error.start, error.start), "A TOML file must be UTF-8 text.")
        return Configuration(Settings(), (problem,), path, source)
    except tomllib.TOMLDecodeError as error:
        return Configuration(Settings(), (_not_toml(str(error), source),), path, source)
    start = 0
    if path.endswith(PROJECT_FILE):
        tools = content.get("tool")
        if not isinstance(tools, dict) or "qvr" not in tools:
            return None
        content = tools["qvr"]
        section = re.search(_MENTIONS_QVR, source)
        start = section.start() if section is not None else 0
    return _settings(content, source, path, start)


def _settings(content: Any, source: bytes, path: str, start: int) -> Configuration:
    """The settings in a file's own table, whose text begins about `start`."""
    problems: list[Diagnostic] = []
    severities: dict[str, Severity | None] = {}
    if not isinstance(content, dict):
        problems.append(_problem(_key(source, "qvr", start), "`tool.qvr` must be a table."))
        content = {}
    for name in content:
        if name not in ENTRIES:
            *first, last = ENTRIES.values()
            known = f"{', '.join(first)} and {last}"
            message = f"QVR's configuration has no `{name}`; it has {known}."
            problems.append(_problem(_key(source, name, start), message))
    entries = content.get("severity", {})
    place = _key(source, "severity", start)
    if not isinstance(entries, dict):
        problems.append(_problem(place, "`severity` must be a table of codes with severities."))
        entries = {}
    for code, level in entries.items():
        complaint = _complaint(code, level)
        if complaint is None:
            severities[code] = LEVELS[level]
        else:
            problems.append(_problem(_key(source, code, place.start), complaint))
    data = content.get("data", [])
    data = [data] if isinstance(data, str) else data
    if not isinstance(data, list) or not all(map(_is_path, data)):
        message = "`data` must be the path of a data file, in quotes, or a list of such paths."
        problems.append(_problem(_key(source, "data", start), message))
        data = []
    folder = os.path.dirname(os.path.abspath(path))
    files = tuple(Path(folder, os.path.expanduser(each)) for each in dict.fromkeys(data))
    renames = content.get("map", {})
    if not isinstance(renames, dict) or not all(isinstance(old, str) and old for old in renames.values()):
        message = '`map` must be a table of names with those of the data in quotes, such as y = "score".'
        problems.append(_problem(_key(source, "map", start), message))
        renames = {}
    save_runs = content.get("save_runs", True)
    if not isinstance(save_runs, bool):
        message = "`save_runs` must be true or false, without quotes."
        problems.append(_problem(_key(source, "save_runs", start), message))
        save_runs = True
    return Configuration(Settings(severities), tuple(problems), path, source, files, renames, save_runs)


def _complaint(code: str, level: Any) -> str | None:
    """What is wrong with one entry, if anything is."""
    from quivers.codes import is_known, near_codes

    if code in ENTRIES:
        return f"`{code}` is no code: it belongs above `[severity]`."
    if not is_known(code):
        near = near_codes(code)
        meant = f"; did you mean `{near[0]}`?" if near else "."
        return f"No code is called `{code}`{meant}"
    if not isinstance(level, str) or level not in LEVELS:
        levels = ", ".join(f"`{name}`" for name in LEVELS)
        return f"The severity of `{code}` must be one of {levels}, and is `{level}`."
    if code.startswith(ALWAYS_SHOWN):
        return f"`{code}` keeps its severity: syntax errors can't be turned off."
    return None


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value


def _problem(span: Span, message: str) -> Diagnostic:
    return Diagnostic(WRONG_ENTRY, Severity.WARNING, span, message)


def _not_toml(message: str, source: bytes) -> Diagnostic:
    at, place = len(source), re.search(_PLACE, message)
    if place is not None and place[1] is not None:
        position = Position(int(place[1]) - 1, int(place[2]) - 1)
        at = LineIndex(source).offset(position, Encoding.UTF32)
    reason = re.sub(_PLACE, "", message)
    return _problem(Span(at, at), f"This is no TOML: {reason[:1].lower()}{reason[1:]}.")


def _key(source: bytes, name: str, start: int) -> Span:
    """Where a key first stands in the text from `start` on. The TOML reader does not tell."""
    word = rb"(?<![\w-])" + re.escape(name.encode()) + rb"(?![\w-])"
    found = re.compile(word).search(source, start) or re.compile(word).search(source)
    return Span(*found.span()) if found is not None else Span(start, start)
