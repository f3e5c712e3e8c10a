"""The pages of the codes, read back: what raises a code, what is printed of it, and what is mended.

An example is its ```qvr block with the ```json or ```csv data and the ```toml configuration beside it. It is
written to a folder as model.qvr, model.data.json, model.data.csv and qvr.toml and goes the way that `qvr run`
takes, up to sampling. What sampling finds stands in a ```troubles block, as a run reports it; a
```sbc block has the inputs with which `qvr sbc` is to calibrate the program.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quivers.backends.given import settled_sizes
from quivers.calibration import Study, UnsuitableError
from quivers.calibration.study import Prepared
from quivers.cli.fitted import chosen_program
from quivers.cli.output import RefusedError, diagnostics_text
from quivers.cli.programs import checked_file
from quivers.cli.sbc import unsuitable
from quivers.data import bind, diagnostics, located, read
from quivers.errors import DataError, ProgramError
from quivers.explanations import page
from quivers.ide import troubles
from quivers.ir.build import build
from quivers.syntax.problems import Diagnostic, Severity

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
WHY, MEND = "## Why it matters\n", "## How to mend it\n"
TROUBLES = "troubles"
SBC = "sbc"
NAMES = {"qvr": "model.qvr", "json": "model.data.json", "csv": "model.data.csv", "toml": "qvr.toml"}


@dataclass(frozen=True)
class Page:
    heading: str
    example: Mapping[str, str]
    printed: str
    mended: Mapping[str, str]


@dataclass(frozen=True)
class Found:
    """One diagnostic, with the file that it is about; `source` is None where it has no place in a text."""

    diagnostic: Diagnostic
    source: bytes | None
    file: str

    def __str__(self) -> str:
        import sys

        return diagnostics_text([self.diagnostic], self.source, self.file, sys.stdout)


def read_page(code: str) -> Page:
    text = page(code)
    assert text.count(WHY) == 1, f"The page of {code} needs one section {WHY.strip()!r}."
    assert text.count(MEND) == 1, f"The page of {code} needs one section {MEND.strip()!r}."
    example, _, rest = text.partition(WHY)
    blocks = dict(_BLOCK.findall(example))
    printed = blocks.pop("text", "")
    of_text = {language: block for language, block in blocks.items() if language != TROUBLES}
    mended = of_text | dict(_BLOCK.findall(rest.partition(MEND)[2]))
    return Page(text.split("\n", 1)[0], blocks, printed, mended)


def with_printed(text: str, printed: str) -> str:
    """The page with what is printed of its example put anew."""
    example, why, rest = text.partition(WHY)
    before, _, after = example.partition("```text\n")
    return before + "```text\n" + printed + after[after.index("```") :] + why + rest


def outcome(example: Mapping[str, str], folder: Path) -> list[Found]:
    """All that is found in an example whose files are written to `folder`, the working folder."""
    for language, name in NAMES.items():
        (folder / name).unlink(missing_ok=True)
        if language in example:
            (folder / name).write_text(example[language], "utf-8")
    reported = json.loads(example.get(TROUBLES, "[]"))
    found = list(_found(reported, with_data="json" in example or "csv" in example))
    if SBC in example and not any(each.diagnostic.severity is Severity.ERROR for each in found):
        found += _calibrated(json.loads(example[SBC]))
    return found


def _calibrated(data: dict[str, Any]) -> Iterator[Found]:
    """What stands in the way of a calibration."""
    model = checked_file(NAMES["qvr"])
    program = chosen_program(model, None)
    try:
        Prepared(Study(model.source, data))
    except UnsuitableError as error:
        [problem] = unsuitable(model, program, error).problems
        yield Found(problem, model.source, NAMES["qvr"])


def _found(reported: list[dict[str, Any]], *, with_data: bool) -> Iterator[Found]:
    file = NAMES["qvr"]
    try:
        model = checked_file(file)
    except RefusedError as refusal:
        yield from (Found(problem, None, file) for problem in refusal.problems)
        return
    configuration = model.configuration
    for problem in configuration.problems:
        yield Found(problem, configuration.source, Path(configuration.file or "").name)
    yield from (Found(problem, model.source, file) for problem in model.diagnostics)
    if any(problem.severity is Severity.ERROR for problem in model.checked.diagnostics):
        return
    if not with_data and not reported:
        return
    program = model.checked.programs[model.checked.exported or list(model.checked.programs)[-1]]
    for trouble in troubles.diagnostics(model.checked, program, reported):
        yield Found(trouble, model.source, file)
    if not with_data:
        return
    data = located(Path(file), None, configuration.data)
    yield from (Found(found, model.source, file) for found in diagnostics(data.problems, program))
    try:
        values = read(data.path)
    except DataError as error:
        severity, span = Severity.ERROR, program.declaration.name.span
        for item in error.problems:
            yield Found(Diagnostic(item.code, severity, span, item.message), None, file)
        return
    try:
        bound = bind(model.checked, program, values)
        settled_sizes(build(model.checked, program), bound.values, bound.sizes)
    except DataError as error:
        for found in diagnostics(error.problems, program):
            yield Found(found, model.source, file)
    except ProgramError as error:
        for item in error.diagnostics:
            assert isinstance(item, Diagnostic)
            yield Found(item, model.source, file)
