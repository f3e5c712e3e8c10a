"""The script that mypy reads as a user's does run."""

from __future__ import annotations

from pathlib import Path

from typed_script import run

import quivers


def test_a_typed_script_runs_and_the_package_says_that_it_has_types() -> None:
    assert list(run()) == ["mu", "tau", "eta", "theta"]
    assert (Path(quivers.__file__).parent / "py.typed").exists()
