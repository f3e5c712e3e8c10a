"""What holds for all tests: runs that they save go to a folder of their own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _runs_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("saved") / "runs"
    os.environ["QVR_RUNS_DIR"] = str(folder)
    yield folder
    os.environ.pop("QVR_RUNS_DIR", None)
