"""What tests of saved runs share: the eight schools, and a folder of runs of their own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def schools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The non-centred eight schools, the centred ones beside them; runs are kept in `.qvr/runs` there."""
    for name in ("noncentred", "centred"):
        for ending in (".qvr", ".data.json"):
            shutil.copy(ROOT / "examples" / "eight_schools" / (name + ending), tmp_path)
    monkeypatch.setenv("QVR_RUNS_DIR", str(tmp_path / ".qvr" / "runs"))
    monkeypatch.setenv("NO_COLOR", "1")
    return tmp_path / "noncentred.qvr"
