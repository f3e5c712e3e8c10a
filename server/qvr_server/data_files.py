"""The data files of models: found, read when they change, and held against the model. All of it off the loop.

Nothing is imported from `quivers.data` before a file is looked at, since NumPy comes with it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quivers.check.program import Checked, CheckedProgram
from quivers.check.types import Axis, Type
from quivers.errors import DataError, DataProblem
from quivers.ide.data_facts import DataFacts, ValueFacts
from quivers.syntax.reading import KEYWORDS, identifier

if TYPE_CHECKING:
    from quivers.data.describe import Description
    from quivers.data.locate import Located

# A larger file is left to the run, so that typing doesn't pay for reading it.
LARGEST_CHECKED = 32 * 2**20
# A file that can't be read and was written so shortly ago may still be on its way to the disk.
SECONDS_OF_WRITING = 2.0
SECONDS_BEFORE_SECOND_TRY = 0.2
FILES_KEPT = 8

Written = tuple[int, int]


@dataclass(frozen=True, slots=True)
class DataAnswer:
    """What a model's data file says to it.

    `path` is where the data are or would be, and `written` when the file was, with its size; None where there
    is none. `problems` are what is wrong, and `facts` is None where nothing could be read. `more` are
    the files that the project's configuration has beside `path`.
    """

    path: Path
    written: Written | None = None
    problems: tuple[DataProblem, ...] = ()
    facts: DataFacts | None = None
    more: tuple[Path, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files that were looked at."""
        return (self.path, *self.more)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a file held when it was `written`. `error` or `note` say why there are no values."""

    written: Written
    values: Mapping[str, Any] | None = None
    described: Mapping[str, Description] | None = None
    error: DataError | None = None
    note: str | None = None


class DataFiles:
    """Reads each data file once for every time it was written. Its methods may be called on any thread.

    `largest` is how many bytes a file may have, read into memory, to be looked at while its model is edited.
    """

    def __init__(self, largest: int = LARGEST_CHECKED) -> None:
        self._largest = largest
        self._kept: OrderedDict[Path, _Content] = OrderedDict()
        self._lock = threading.Lock()

    def answer(
        self,
        model: Path,
        checked: Checked,
        program: CheckedProgram | None,
        setting: str | None = None,
        configured: Sequence[Path] = (),
        renames: Mapping[str, str] | None = None,
    ) -> DataAnswer:
        """What the data of `model` are and what is wrong with them for `program`.

        The file is the one of `setting`, which is seen from the model's folder, else those `configured`, else
        that beside the model. Values are held against a program without errors alone; what is in the file is
        told in any case. `renames` has names in the file by the program's, as in the configuration.
        """
        from quivers.data import located

        found = located(model, setting, configured)
        contents: list[_Content] = []
        for path in found.paths:
            content = self._content(path)
            if content is None:
                problems = _missing(path) if found.wanted else ()
                return DataAnswer(found.path, problems=problems, more=found.more)
            contents.append(content)
        content = _together(found.paths, contents)
        if content.error is not None:
            problems = (*content.error.problems, *found.problems)
            return DataAnswer(found.path, content.written, problems, more=found.more)
        return _held(found, _renamed(content, renames or {}), checked, program)

    def seen(
        self, model: Path, setting: str | None = None, configured: Sequence[Path] = ()
    ) -> tuple[tuple[Path, ...], Written | None]:
        """Where the data of `model` are, and when those files were written. Reads nothing."""
        from quivers.data.locate import located

        paths = located(model, setting, configured).paths
        times = [self.written(path) for path in paths]
        return paths, _newest([time for time in times if time is not None]) if all(times) else None

    def written(self, path: Path) -> Written | None:
        """When a file or a directory's was written, with its size; None where there is none."""
        from quivers.data.read import written

        return written(path)

    def _content(self, path: Path) -> _Content | None:
        """What is in a file, None where there is none; two threads don't read one file at once."""
        with self._lock:
            for attempt in (1, 2):
                written = self.written(path)
                if written is None:
                    self._kept.pop(path, None)
                    return None
                content = self._kept.get(path) or self._read(path, written)
                if content.written != written:
                    content = self._read(path, written)
                settled = self.written(path) == written
                if attempt == 1 and (not settled or (content.error is not None and _is_new(written))):
                    time.sleep(SECONDS_BEFORE_SECOND_TRY)
                    self._kept.pop(path, None)
                    continue
                break
            self._kept[path] = content
            self._kept.move_to_end(path)
            while len(self._kept) > FILES_KEPT:
                self._kept.popitem(last=False)
            return content

    def _read(self, path: Path, written: Written) -> _Content:
        from quivers.data.describe import described
        from quivers.data.pieces import settled
        from quivers.data.read import read, weight

        try:
            size = weight(path)
            if size > self._largest:
                note = (
                    f"{path.name} takes {size / 2**20:,.0f} MB, and data of up to "
                    f"{self._largest / 2**20:,.0f} MB are checked while a model is edited; a run reads all."
                )
                return _Content(written, note=note)
            values = {_as_written(name): settled(value) for name, value in read(path).items()}
        except DataError as error:
            return _Content(written, error=error)
        return _Content(written, values, {name: described(value) for name, value in values.items()})


def _renamed(content: _Content, renames: Mapping[str, str]) -> _Content:
    if not renames or content.values is None or content.described is None:
        return content
    from quivers.data.rename import renamed

    values = renamed(content.values, renames, strict=False)
    return replace(content, values=values, described=renamed(content.described, renames, strict=False))


def _as_written(name: str) -> str:
    return name if name.isascii() else identifier(name)


def _is_new(written: Written) -> bool:
    return abs(time.time() - written[0] / 1e9) < SECONDS_OF_WRITING


def _newest(times: Sequence[Written]) -> Written:
    """When the last of several files was written, with the size of all."""
    return max(time for time, _ in times), sum(size for _, size in times)


def _together(paths: Sequence[Path], contents: Sequence[_Content]) -> _Content:
    """What several files hold, as one does; the first that has no values says why."""
    if len(contents) == 1:
        return contents[0]
    from quivers.data.together import merged

    newest = _newest([content.written for content in contents])
    values: list[tuple[Path, Mapping[str, Any]]] = []
    described: dict[str, Description] = {}
    for path, content in zip(paths, contents, strict=True):
        if content.values is None or content.described is None:
            return replace(content, written=newest)
        values.append((path, content.values))
        described |= content.described
    try:
        return _Content(newest, merged(values), described)
    except DataError as error:
        return _Content(newest, error=error)


def _missing(path: Path) -> tuple[DataProblem, ...]:
    from quivers.data.read import read

    try:
        read(path)
    except DataError as error:
        return error.problems
    return ()  # written in this moment, and read when it is looked at next


def _held(found: Located, content: _Content, checked: Checked, program: CheckedProgram | None) -> DataAnswer:
    """The values of a file against a program."""
    name = ", ".join(path.name for path in found.paths)
    if content.values is None or content.described is None:
        note = content.note or ""
        inputs = () if program is None else program.inputs
        unread = {entry.name: ValueFacts(entry.name, str(entry.type), fault=note) for entry in inputs}
        facts = DataFacts(name, unread, notes=(note,))
        return DataAnswer(found.path, content.written, found.problems, facts, found.more)
    sizes: Mapping[str, int] = {}
    levels: Mapping[str, tuple[str, ...]] = {}
    notes: tuple[str, ...] = ()
    problems = found.problems
    if program is not None and not program.has_errors:
        from quivers.data import bind

        try:
            bound = bind(checked, program, content.values)
            sizes, levels, notes = bound.sizes, bound.levels, bound.notes
        except DataError as error:
            problems = (*error.in_file(name).problems, *problems)
    sized = {
        each: size
        for each, size in sizes.items()
        if each in checked.objects
        and checked.objects[each].size is None
        and not checked.objects[each].factors
    }
    used = set(checked.objects) if program is None else {*checked.objects, *(e.name for e in program.inputs)}
    unused = tuple(each for each in content.values if each not in used and _is_name(each))
    values = {each: _facts(each, what, sizes) for each, what in content.described.items()}
    facts = DataFacts(name, values, unused, sized, levels, notes)
    return DataAnswer(found.path, content.written, problems, facts, found.more)


def _is_name(text: str) -> bool:
    return text.isidentifier() and text not in KEYWORDS


def _facts(name: str, what: Description, sizes: Mapping[str, int]) -> ValueFacts:
    if what.levels:
        element = f"{len(what.levels)} names"
    elif what.element is None:
        element = "no numbers"
    else:
        element = str(Type((), what.element))
    axes: list[str] = []
    for count in what.shape:
        fitting = [each for each, size in sizes.items() if size == count]
        axes.append(str(Axis(fitting[0])) if len(fitting) == 1 else str(count))
    return ValueFacts(
        name,
        " ⊗ ".join([*axes, element]),
        what.shape,
        what.missing,
        what.least,
        what.greatest,
        what.levels,
        what.fault,
    )
