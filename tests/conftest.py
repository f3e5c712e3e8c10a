"""What holds for all tests: saved runs go to a folder of their own, and properties have no deadline."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A shell lets what it starts in the background ignore Ctrl-C, and so would the commands that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# How long one example takes says more about the machine than about the property.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@pytest.fixture(scope="session", autouse=True)
def _runs_of_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("saved") / "runs"
    os.environ["QVR_RUNS_DIR"] = str(folder)
    yield folder
    os.environ.pop("QVR_RUNS_DIR", None)
