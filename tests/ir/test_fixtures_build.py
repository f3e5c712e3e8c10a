"""What the checker's fixtures show to be sound can be run, and its values have the checked axes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from quivers.check.analysis import check_source
from quivers.check.types import Type
from quivers.errors import ProgramError
from quivers.ir.build import build
from quivers.syntax.problems import Diagnostic

FOLDER = Path(__file__).parent.parent / "check"
FILES = sorted(FOLDER.glob("*.md"))
LISTING = re.compile(r"^```qvr\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_sound_program_is_built_unless_it_waits_for_arguments(file: Path) -> None:
    for listing in LISTING.finditer(file.read_text(encoding="utf-8")):
        checked = check_source(listing[1])
        for program in checked.programs.values():
            if program.has_errors:
                continue
            if program.declaration.parameters:
                with pytest.raises(
                    ProgramError, match="takes parameters, and can't be run by itself"
                ) as refusal:
                    build(checked, program)
                (problem,) = refusal.value.diagnostics
                assert isinstance(problem, Diagnostic)
                assert problem.code == "QVR390"
                continue
            density = build(checked, program)
            for name, number in density.deterministic.items():
                known = program.types.get(name)
                if isinstance(known, Type):
                    found = density.nodes[number].axes
                    assert found == tuple(map(str, known.axes)), f"{name} in\n{listing[1]}"
