"""Kernels of the tests go to a cache of the test session's own."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_session(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("QVR_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield
