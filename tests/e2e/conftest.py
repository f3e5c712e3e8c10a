"""Editors keep each model's runs beside it, as they do for their users."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def _runs_beside_their_models() -> Iterator[None]:
    elsewhere = os.environ.pop("QVR_RUNS_DIR", None)
    yield
    if elsewhere is not None:
        os.environ["QVR_RUNS_DIR"] = elsewhere
